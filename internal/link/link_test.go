package link

import (
	"encoding/json"
	"testing"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/fault"
)

func TestALinkIsFoundFromBothSides(t *testing.T) {
	s := New(bustest.New(t))
	want := Link{Kind: Invoice, AcumaticaID: "Invoice AR000001", StripeID: "in_1"}
	for range 2 { // putting the same pair again is success
		if err := s.Put(t.Context(), "default", want); err != nil {
			t.Fatal(err)
		}
	}
	for name, find := range map[string]func() (Link, bool, error){
		"acumatica": func() (Link, bool, error) { return s.ByAcumatica(t.Context(), "default", Invoice, "Invoice AR000001") },
		"stripe":    func() (Link, bool, error) { return s.ByStripe(t.Context(), "default", Invoice, "in_1") },
	} {
		got, found, err := find()
		if err != nil || !found || got.AcumaticaID != want.AcumaticaID || got.StripeID != want.StripeID {
			t.Errorf("by %s: %+v, %v, %v", name, got, found, err)
		}
	}
	n := 0
	if err := s.All(t.Context(), "default", func(Link) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("all: %d links, %v", n, err)
	}
	if _, found, err := s.ByStripe(t.Context(), "other", Invoice, "in_1"); found || err != nil {
		t.Errorf("another connection sees the link: %v, %v", found, err)
	}
}

func TestAnIDIsNeverLinkedTwice(t *testing.T) {
	s := New(bustest.New(t))
	if err := s.Put(t.Context(), "default", Link{Kind: Customer, AcumaticaID: "C1", StripeID: "cus_1"}); err != nil {
		t.Fatal(err)
	}
	for _, l := range []Link{
		{Kind: Customer, AcumaticaID: "C1", StripeID: "cus_2"},
		{Kind: Customer, AcumaticaID: "C2", StripeID: "cus_1"},
	} {
		if err := s.Put(t.Context(), "default", l); fault.Of(err).Code != "link.conflict" {
			t.Errorf("%+v: err = %v, want link.conflict", l, err)
		}
	}
	if l, found, err := s.ByAcumatica(t.Context(), "default", Customer, "C2"); found || err != nil {
		t.Errorf("half of a refused pair was stored: %+v, %v", l, err)
	}
}

func TestASwappedLinkIsFoundByBothStripeIDs(t *testing.T) {
	s := New(bustest.New(t))
	one := Link{Kind: Invoice, AcumaticaID: "Invoice AR000001", StripeID: "in_1", Attributes: map[string]string{"version": "1"}}
	if err := s.Put(t.Context(), "default", one); err != nil {
		t.Fatal(err)
	}
	two := Link{Kind: Invoice, AcumaticaID: "Invoice AR000001", StripeID: "in_2", Attributes: map[string]string{"version": "2"}}
	for range 2 { // a crash between the two writes is healed by doing it again
		if err := s.Swap(t.Context(), "default", one, two); err != nil {
			t.Fatal(err)
		}
	}
	if l, _, err := s.ByAcumatica(t.Context(), "default", Invoice, "Invoice AR000001"); err != nil || l.StripeID != "in_2" || l.Attributes["version"] != "2" {
		t.Errorf("stands for %+v, %v", l, err)
	}
	for _, id := range []string{"in_1", "in_2"} {
		if l, _, err := s.ByStripe(t.Context(), "default", Invoice, id); err != nil || l.AcumaticaID != "Invoice AR000001" {
			t.Errorf("%s points to %+v, %v", id, l, err)
		}
	}
	three := two
	three.StripeID = "in_3"
	if err := s.Swap(t.Context(), "default", one, three); fault.Of(err).Code != "link.changed" {
		t.Errorf("a worker that was overtaken: %v, want link.changed", err)
	}
	if _, found, err := s.ByStripe(t.Context(), "default", Invoice, "in_3"); found || err != nil {
		t.Errorf("half of it was stored: %v, %v", found, err)
	}
}

// What is said about a link later is seen from both sides, and nothing of it
// about a Stripe id that was swapped away.
func TestAttributesOfASwapAreSeenFromBothSides(t *testing.T) {
	s := New(bustest.New(t))
	at := func(stripe, waits string) Link {
		return Link{Kind: Invoice, AcumaticaID: "Invoice AR000001", StripeID: stripe, Attributes: map[string]string{"waits": waits}}
	}
	see := func(stripe, waits string) {
		t.Helper()
		if l, found, err := s.ByStripe(t.Context(), "default", Invoice, stripe); err != nil || !found || l.StripeID != stripe || l.Attributes["waits"] != waits {
			t.Errorf("%s is seen as %+v, %t, %v; want waits %q", stripe, l, found, err, waits)
		}
		if err := s.All(t.Context(), "default", func(l Link) error {
			if l.StripeID == stripe && l.Attributes["waits"] != waits {
				t.Errorf("among all it is %+v, want waits %q", l, waits)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put(t.Context(), "default", at("in_1", "")); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ old, next Link }{
		{at("in_1", ""), at("in_1", "C1")}, {at("in_1", "C1"), at("in_1", "")}, {at("in_1", ""), at("in_2", "")}, {at("in_2", ""), at("in_2", "C1")},
	} {
		if err := s.Swap(t.Context(), "default", step.old, step.next); err != nil {
			t.Fatal(err)
		}
		see(step.next.StripeID, step.next.Attributes["waits"])
	}
	see("in_1", "")
}

// A process dies between the two writes; whoever goes on finds the pair by one
// id only, and lets it stand as it is.
func TestAHalfWrittenLinkIsCompletedByASwap(t *testing.T) {
	b := bustest.New(t)
	s := New(b)
	l := Link{Kind: Invoice, AcumaticaID: "Invoice AR000001", StripeID: "in_1"}
	data, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Bucket("links").Create(t.Context(), bus.Key("default", Invoice, "acumatica", l.AcumaticaID), data); err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(t.Context(), "default", l, l); err != nil {
		t.Fatal(err)
	}
	if got, found, err := s.ByStripe(t.Context(), "default", Invoice, "in_1"); !found || err != nil || got.AcumaticaID != l.AcumaticaID {
		t.Errorf("by stripe: %+v, %v, %v", got, found, err)
	}
}

func TestALinkFollowsARecordThatGotAnotherID(t *testing.T) {
	s := New(bustest.New(t))
	at := func(id, stripe string) Link { return Link{Kind: Customer, AcumaticaID: id, StripeID: stripe} }
	for _, l := range []Link{at("C1", "cus_1"), at("C2", "cus_2")} {
		if err := s.Put(t.Context(), "default", l); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Move(t.Context(), "default", Link{}, at("C2", "cus_1")); fault.Of(err).Code != "link.changed" {
		t.Errorf("onto an id that stands for another one: %v, want link.changed", err)
	}
	for range 2 { // doing it again is success
		if err := s.Move(t.Context(), "default", at("C2", "cus_2"), at("C2", "cus_1")); err != nil {
			t.Fatal(err)
		}
	}
	if l, found, err := s.ByAcumatica(t.Context(), "default", Customer, "C2"); !found || err != nil || l.StripeID != "cus_1" {
		t.Errorf("C2 stands for %+v, %v", l, err)
	}
	if l, found, err := s.ByAcumatica(t.Context(), "default", Customer, "C1"); found || err != nil {
		t.Errorf("C1 still stands for %+v, %v", l, err)
	}
	if l, _, err := s.ByStripe(t.Context(), "default", Customer, "cus_1"); err != nil || l.AcumaticaID != "C2" {
		t.Errorf("cus_1 points to %+v, %v", l, err)
	}
	// The old id is given to another record.
	if err := s.Put(t.Context(), "default", at("C1", "cus_3")); err != nil {
		t.Error(err)
	}
}

// A process dies inside a move; the Stripe id leads to the old id until that one
// stands for nothing any more, so that whoever begins anew moves the rest.
func TestAMoveThatDiesIsSeenByWhoeverBeginsAnew(t *testing.T) {
	b := bustest.New(t)
	s := New(b)
	one := Link{Kind: Customer, AcumaticaID: "C1", StripeID: "cus_1"}
	if err := s.Put(t.Context(), "default", one); err != nil {
		t.Fatal(err)
	}
	links, key := b.Bucket("links"), bus.Key("default", Customer, "acumatica", "C1")
	whole, rev, err := links.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	broken, err := links.Update(t.Context(), key, []byte("{"), rev)
	if err != nil {
		t.Fatal(err)
	}
	next := Link{Kind: Customer, AcumaticaID: "C2", StripeID: "cus_1"}
	if err := s.Move(t.Context(), "default", Link{}, next); err == nil {
		t.Fatal("moved, although the old id cannot be released")
	}
	if _, err := links.Update(t.Context(), key, whole, broken); err != nil {
		t.Fatal(err)
	}
	if l, found, err := s.ByStripe(t.Context(), "default", Customer, "cus_1"); err != nil || !found || l.AcumaticaID != "C1" {
		t.Fatalf("half moved, cus_1 leads to %+v, %v: nobody will release C1", l, err)
	}
	if err := s.Move(t.Context(), "default", Link{}, next); err != nil {
		t.Fatal(err)
	}
	if l, found, err := s.ByAcumatica(t.Context(), "default", Customer, "C1"); found || err != nil {
		t.Errorf("C1 still stands for %+v, %v", l, err)
	}
}

func TestAReleasedIDStandsForNothingAndIsFoundFromStripe(t *testing.T) {
	s := New(bustest.New(t))
	at := func(stripe string) Link { return Link{Kind: Customer, AcumaticaID: "C1", StripeID: stripe} }
	if err := s.Put(t.Context(), "default", at("cus_1")); err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context(), "default", at("cus_2")); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.ByAcumatica(t.Context(), "default", Customer, "C1"); !found || err != nil {
		t.Errorf("a worker that was overtaken has released it: %v", err)
	}
	for range 2 { // doing it again is success
		if err := s.Release(t.Context(), "default", at("cus_1")); err != nil {
			t.Fatal(err)
		}
	}
	if l, found, err := s.ByAcumatica(t.Context(), "default", Customer, "C1"); found || err != nil {
		t.Errorf("stands for %+v, %v", l, err)
	}
	if l, found, err := s.ByStripe(t.Context(), "default", Customer, "cus_1"); !found || err != nil || l.AcumaticaID != "C1" {
		t.Errorf("cus_1 leads to %+v, %v", l, err)
	}
	if err := s.Put(t.Context(), "default", at("cus_3")); err != nil {
		t.Error(err)
	}
}
