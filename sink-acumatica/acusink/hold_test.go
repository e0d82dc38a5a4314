package acusink

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"millrace/internal/fault"
	"millrace/internal/posting"
)

// renewed is a posting that notes when it was saved; fail, if set, is the
// error of the nth save.
type renewed struct {
	rec   posting.Record
	saves []time.Time
	fail  func(n int) error
}

func (p *renewed) Data() *posting.Record { return &p.rec }

func (p *renewed) Renew(context.Context) error { return nil }

func (p *renewed) Save(context.Context) error {
	p.saves = append(p.saves, time.Now())
	if p.fail == nil {
		return nil
	}
	return p.fail(len(p.saves))
}

func (p *renewed) work() *work {
	return &work{p: p, sink: New(Options{})}
}

var errRefused = errors.New("refused")

func TestHoldOutlastsALongCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, p := time.Now(), &renewed{}
		if err := p.work().writing(t.Context(), func(context.Context) error { time.Sleep(time.Minute); return nil }); err != nil {
			t.Fatal(err)
		}
		last := begun
		for _, at := range append(p.saves, time.Now()) {
			if gap := at.Sub(last); gap > posting.HoldFor/2 {
				t.Errorf("%s without a renewal, a hold lasts %s", gap, posting.HoldFor)
			}
			last = at
		}
		// A crash at the end of the minute: the delay counts from a sign of life, not from the begin.
		if age := time.Since(p.rec.SentAt); age > posting.RenewEvery {
			t.Errorf("the last sign of life is %s old", age)
		}
	})
}

func TestRenewalThatFailedIsMadeGoodByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &renewed{fail: func(n int) error {
			if n == 1 {
				return fault.Newf("bus.unavailable", "no leader")
			}
			return nil
		}}
		err := p.work().writing(t.Context(), func(context.Context) error { time.Sleep(3 * posting.RenewEvery); return errRefused })
		if !errors.Is(err, errRefused) || open(err) || len(p.saves) < 2 {
			t.Errorf("%d saves, %v", len(p.saves), err)
		}
	})
}

func TestLostHoldLeavesAFailedCallOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &renewed{fail: func(int) error { return fault.Newf("posting.fenced", "overtaken") }}
		err := p.work().writing(t.Context(), func(context.Context) error { time.Sleep(time.Minute); return errRefused })
		if !open(err) || fault.Of(err).Code != "posting.fenced" {
			t.Errorf("got %v", err)
		}
	})
}
