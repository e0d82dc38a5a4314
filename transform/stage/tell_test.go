package stage

import (
	"testing"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/link"
	"millrace/schemas"
)

// TestAChangeThatWaitedIsAskedForAgain: the debit of an invoice has failed. Its
// document is looked at in its own lane, and asked for as by a new change.
func TestAChangeThatWaitedIsAskedForAgain(t *testing.T) {
	b := bustest.New(t)
	w := theWorld()
	h := w.handler(t)
	m := message("stripe", "invoice", "payment_failed", "in_1",
		`{"object":"event","livemode":false,"data":{"object":{"id":"in_1","object":"invoice"}}}`)
	told := func() (all []*bus.Message) {
		t.Helper()
		if err := b.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error { all = append(all, m); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	// Linked, and noted to wait, as the sink does it.
	links := link.New(b)
	h.o.Links = links
	settled := link.Link{Kind: link.Invoice, AcumaticaID: "Invoice AR000001", StripeID: "in_1"}
	waiting := settled
	waiting.Attributes = map[string]string{"waits": "C000001"}
	if err := links.Put(t.Context(), "default", settled); err != nil {
		t.Fatal(err)
	}
	if out, err := h.Handle(t.Context(), m); err != nil || out.Outcome != schemas.Skipped {
		t.Fatalf("nothing waits: %+v, %v", out, err)
	}
	if err := links.Swap(t.Context(), "default", settled, waiting); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Handle(t.Context(), m); err == nil {
		t.Fatal("it ended although the event was not stored") // Invariant 1
	}
	h.o.Publisher = b
	for _, how := range []string{schemas.Applied, schemas.Duplicate} {
		if out, err := h.Handle(t.Context(), m); err != nil || out.Outcome != how {
			t.Fatalf("%+v, %v; want %s", out, err, how)
		}
	}
	all := told()
	if len(all) != 1 || all[0].Subject.Lane != "C000001" || all[0].Subject.A != schemas.Acumatica {
		t.Fatalf("told %+v", all)
	}
	out, err := h.Handle(t.Context(), all[0])
	if err != nil || out.Outcome != schemas.Applied || len(out.Intents) == 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	if got, want := out.Intents[len(out.Intents)-1], schemas.IntentID("default", schemas.Stripe, "invoice", "upsert", "Invoice AR000001", all[0].Event.ID); got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}
