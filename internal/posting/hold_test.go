package posting

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"millrace/internal/bustest"
	"millrace/internal/fault"
	"millrace/internal/fence"
)

// Renewing beside the work stores nothing of what the worker has not saved.
func TestARenewalOnlyProlongsTheHold(t *testing.T) {
	b := bustest.New(t)
	now := time.Now()
	one := New(b, "one").WithClock(func() time.Time { return now })
	p, err := one.Claim(t.Context(), "default", "i")
	if err != nil {
		t.Fatal(err)
	}
	p.State, p.Sends = Sent, 1
	now = now.Add(RenewEvery)
	if err := p.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _, err := one.Get(t.Context(), "default", "i")
	if err != nil || got.State != Planned || got.Sends != 0 || !got.Until.Equal(now.Add(HoldFor)) {
		t.Errorf("renewed %+v, %v", got, err)
	}
	if err := p.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * HoldFor)
	if _, err := New(b, "two").WithClock(func() time.Time { return now }).Claim(t.Context(), "default", "i"); err != nil {
		t.Fatal(err)
	}
	if err := p.Renew(t.Context()); !Fenced(err) {
		t.Errorf("overtaken: %v, want posting.fenced", err)
	}
}

func TestNothingIsSentWhenTheHoldIsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		renew error
		cut   bool
	}{
		"renewed":        {nil, false},
		"overtaken":      {fault.Newf("posting.fenced", "by another"), true},
		"broker is away": {fault.Newf("bus.unavailable", "no leader"), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				held, release := Hold(t.Context(), HoldFor, func(context.Context) error { return tt.renew })
				defer func() { _ = release() }()
				if err := fence.Err(held); err != nil {
					t.Errorf("at once: %v", err)
				}
				time.Sleep(HoldFor + time.Second)
				if err := fence.Err(held); (err != nil) != tt.cut {
					t.Errorf("later: %v", err)
				}
			})
		})
	}
}
