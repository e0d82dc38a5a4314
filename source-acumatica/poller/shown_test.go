package poller

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
)

// TestWhatWasSettledWhileHiddenIsTold: it was told as gone, paid meanwhile, and
// its change time is one that no window reads any more.
func TestWhatWasSettledWhileHiddenIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMirror(t)
		m.round(t.Context())
		m.change("AR1", [2]string{"Open", "100"})
		m.settle(t)
		m.hide("AR1")
		for range 2 {
			time.Sleep(25 * time.Hour)
			readInFull(t, m.b, func() *Poller { return m.p })
		}
		m.change("AR1", [2]string{"Closed", "0"})
		time.Sleep(25 * time.Hour)
		readInFull(t, m.b, func() *Poller { return m.p })
		if len(goners(m.b)) != 1 || m.s.reads != 1 {
			t.Errorf("told %q as gone after %d reads, want it once", goners(m.b), m.s.reads)
		}
		m.show("AR1")
		time.Sleep(25 * time.Hour)
		readInFull(t, m.b, func() *Poller { return m.p })
		m.settle(t)
		if wrong := m.wrong(); len(wrong) > 0 {
			t.Errorf("%q", wrong)
		}
	})
}

// TestWhatChangedBackIsToldSoon: Stripe shows the state between two that are
// equal, also when it does so only after the second was seen.
func TestWhatChangedBackIsToldSoon(t *testing.T) {
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := newMirror(t)
			next := func(status, balance string) {
				m.change("AR1", [2]string{status, balance})
				time.Sleep(5 * time.Second)
			}
			m.round(t.Context())
			next("Open", "100")
			m.settle(t)
			next("Open", "60")
			m.round(t.Context())
			next("Open", "100")
			m.transform()
			if !late {
				m.sink()
			}
			next("Open", "60")
			m.round(t.Context())
			m.drain()
			time.Sleep(15 * time.Second)
			m.round(t.Context())
			m.drain()
			if wrong := m.wrong(); len(wrong) > 0 {
				t.Errorf("late %v: %q", late, wrong)
			}
		})
	}
}

// TestSightThatIsLostDoesNotHoldUpPolling: no round reads many records by
// themselves, and none is read when enough are known to be gone. Rounds that
// fail tell of no more.
func TestSightThatIsLostDoesNotHoldUpPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		listed := 0
		change := func(o *Options) {
			allLinked(o)
			o.Poll.PageSize = 1000
			list := o.List
			o.List = func(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
				if q.Top == askedAtOnce {
					if listed++; listed%2 == 0 {
						return nil, time.Time{}, fault.Newf("bus.unavailable", "no answer")
					}
				}
				return list(ctx, entity, q)
			}
		}
		round(t, newPoller(t, s, b, change))
		for i := range 300 {
			owed(s, s.now(), fmt.Sprintf("AR%03d", i), "Open", "100")
		}
		time.Sleep(time.Minute)
		round(t, newPoller(t, s, b, change))
		clear(s.rows)
		time.Sleep(25 * time.Hour)
		last := 0
		readInFull(t, b, func() *Poller {
			if n := s.reads - last; n > askedAtOnce {
				t.Errorf("a round reads %d records by themselves", n)
			}
			last = s.reads
			return newPoller(t, s, b, change)
		})
		if got := len(goners(b)); got != goneAtOnce || s.reads != goneAtOnce {
			t.Errorf("%d are told as gone after %d reads, want %d", got, s.reads, goneAtOnce)
		}
	})
}
