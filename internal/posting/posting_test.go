package posting

import (
	"context"
	"errors"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/fault"
)

func TestOnlyOneWorkerHoldsAPosting(t *testing.T) {
	b := bustest.New(t)
	one, two := New(b, "one"), New(b, "two")
	if _, err := one.Claim(t.Context(), "default", "i"); err != nil {
		t.Fatal(err)
	}
	_, err := two.Claim(t.Context(), "default", "i")
	if f := fault.Of(err); f.Code != "posting.held" || f.RetryAfter <= 0 {
		t.Errorf("err = %v, want posting.held with a time to wait", err)
	}
}

// A holder that renews as often as it should keeps its posting, even if one of
// its renewals comes to nothing.
func TestNobodyTakesAPostingWhoseHolderRenewsIt(t *testing.T) {
	if 2*RenewEvery >= HoldFor {
		t.Fatalf("a hold of %s does not outlast a missed renewal every %s", HoldFor, RenewEvery)
	}
	b := bustest.New(t)
	now := time.Now()
	one, two := New(b, "one"), New(b, "two")
	one.now = func() time.Time { return now }
	two.now = func() time.Time { return now }
	p, err := one.Claim(t.Context(), "default", "i")
	if err != nil {
		t.Fatal(err)
	}
	for renewal := range 6 {
		now = now.Add(RenewEvery)
		if renewal%2 == 0 { // this renewal is missed
			now = now.Add(RenewEvery)
		}
		if _, err := two.Claim(t.Context(), "default", "i"); err == nil || fault.Of(err).Code != "posting.held" {
			t.Fatalf("renewal %d: err = %v, want posting.held", renewal, err)
		}
		if err := p.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(HoldFor)
	if _, err := two.Claim(t.Context(), "default", "i"); err != nil {
		t.Errorf("nobody renews any more: %v", err)
	}
}

func TestASaveThatFailedDoesNotFenceItself(t *testing.T) {
	b := bustest.New(t)
	p, err := New(b, "one").Claim(t.Context(), "default", "i")
	if err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := p.Save(stopped); err == nil {
		t.Fatal("saved although stopped")
	}
	if err := p.Save(t.Context()); err != nil {
		t.Errorf("nobody has taken it: %v", err)
	}
}

func TestGetReadsWithoutTaking(t *testing.T) {
	b := bustest.New(t)
	one, two := New(b, "one"), New(b, "two")
	if _, found, err := two.Get(t.Context(), "default", "i"); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	p, err := one.Claim(t.Context(), "default", "i")
	if err != nil {
		t.Fatal(err)
	}
	p.State, p.Keys = Created, map[string]string{"ReferenceNbr": "000001"}
	if err := p.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, found, err := two.Get(t.Context(), "default", "i")
	if err != nil || !found || got.State != Created || got.Keys["ReferenceNbr"] != "000001" {
		t.Errorf("got %+v, %v, %v", got, found, err)
	}
	if err := p.Save(t.Context()); err != nil {
		t.Errorf("the holder was disturbed: %v", err)
	}
}

func TestAStaleHolderIsFencedOff(t *testing.T) {
	b := bustest.New(t)
	now := time.Now()
	one, two := New(b, "one"), New(b, "two")
	two.now = func() time.Time { return now.Add(2 * HoldFor) }
	stale, err := one.Claim(t.Context(), "default", "i")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Claim(t.Context(), "default", "i"); err != nil {
		t.Fatal(err)
	}
	stale.State = Sent
	if err := stale.Save(t.Context()); fault.Of(err).Code != "posting.fenced" {
		t.Errorf("err = %v, want posting.fenced", err)
	}
}

func TestOnlyTheHolderParksALane(t *testing.T) {
	b := bustest.New(t)
	now := time.Now()
	p, err := New(b, "one").Claim(t.Context(), "default", "i")
	if err != nil {
		t.Fatal(err)
	}
	kept := func() error { return nil }
	refused, passing := fault.Newf("stripe.invalid", "refused"), fault.Newf("stripe.server_error", "sorry")
	if got := Blame(t.Context(), kept, p.Save, refused); !errors.Is(got, refused) {
		t.Errorf("the holder blames %v", got)
	}
	if _, err := New(b, "two").WithClock(func() time.Time { return now.Add(2 * HoldFor) }).Claim(t.Context(), "default", "i"); err != nil {
		t.Fatal(err)
	}
	if got := Blame(t.Context(), kept, p.Save, refused); fault.Of(got).Code != "posting.fenced" || fault.KindOf(got) != fault.Transient {
		t.Errorf("an overtaken worker blames %v", got)
	}
	if got := Blame(t.Context(), kept, p.Save, passing); !errors.Is(got, passing) {
		t.Errorf("an overtaken worker blames %v for what passes", got)
	}
	lost := func() error { return fault.Newf("posting.fenced", "by another") }
	if got := Blame(t.Context(), lost, p.Save, passing); !Fenced(got) {
		t.Errorf("a worker that knows that it was overtaken blames %v", got)
	}
}

func TestARestartedWorkerTakesUpWhereItWas(t *testing.T) {
	b := bustest.New(t)
	p, err := New(b, "one").Claim(t.Context(), "default", "default/acumatica/payment/create/ch_1")
	if err != nil {
		t.Fatal(err)
	}
	p.State, p.Keys, p.Sends = Created, map[string]string{"ReferenceNbr": "000001"}, 1
	if err := p.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := New(b, "two")
	later.now = func() time.Time { return time.Now().Add(2 * HoldFor) }
	got, err := later.Claim(t.Context(), "default", p.IntentID)
	if err != nil || got.State != Created || got.Keys["ReferenceNbr"] != "000001" || got.Sends != 1 {
		t.Errorf("claim = %+v, %v", got, err)
	}
}

func TestADonePostingNeedsNoHold(t *testing.T) {
	b := bustest.New(t)
	p, err := New(b, "one").Claim(t.Context(), "default", "i")
	if err != nil {
		t.Fatal(err)
	}
	p.State = Done
	if err := p.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, holder := range []string{"one", "two"} {
		got, err := New(b, holder).Claim(t.Context(), "default", "i")
		if err != nil || got.State != Done {
			t.Errorf("%s: %+v, %v", holder, got, err)
		}
	}
}

func TestBrokerDownIsNotAnAnswer(t *testing.T) {
	b := bustest.New(t)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := New(b, "one").Claim(t.Context(), "default", "i")
	if err == nil || errors.Is(err, bus.ErrNotFound) || fault.KindOf(err) != fault.Down {
		t.Errorf("err = %v, want bus.unavailable", err)
	}
}
