package stage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/schemas"
	"millrace/transform/flow"
)

// noting is the world of a connection that wants the note of its invoices
// written.
func noting(t *testing.T) (*world, *Handler) {
	t.Helper()
	w := theWorld()
	w.links["acumatica invoice Invoice AR000001"] = w.links["stripe invoice in_1"]
	h := w.handler(t)
	conn := h.o.Connections["default"]
	conn.Books.InvoiceBack = &flow.WriteBack{Note: true}
	h.o.Connections["default"] = conn
	return w, h
}

func TestANoteGoesBesideThePayment(t *testing.T) {
	w, h := noting(t)
	out, err := h.Handle(t.Context(), stripeEvent("invoice", "paid", paidHint))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"default/acumatica/payment/create/ch_1", "default/acumatica/invoice/annotate/in_1@evt_1"}
	if diff := cmp.Diff(want, out.Intents); diff != "" || out.Outcome != schemas.Applied {
		t.Errorf("%s %q: %s", out.Outcome, out.Reason, diff)
	}
	reads := 0
	for _, line := range w.log {
		if strings.HasPrefix(line, "stripe ") {
			reads++
		}
	}
	if reads != 2 || w.log[len(w.log)-1] != "publish "+want[1] {
		t.Errorf("%d reads: %v", reads, w.log)
	}
	again, err := h.Handle(t.Context(), stripeEvent("invoice", "paid", paidHint))
	if err != nil || again.Outcome != schemas.Duplicate {
		t.Errorf("once more: %s %q, %v", again.Outcome, again.Reason, err)
	}
}

func TestANoteOfAnEventWithoutMoney(t *testing.T) {
	w, h := noting(t)
	w.stripe["invoice in_1"] = strings.Replace(stripeInvoice, `"paid_out_of_band":false`, `"paid_out_of_band":true`, 1)
	for _, c := range []struct{ verb, outcome, reason string }{
		{"paid", schemas.Applied, "marked as paid outside Stripe: no money moved here; beside: published 1 intent"},
		{"finalized", schemas.Duplicate, "another event"},
		{"created", schemas.Skipped, "no flow handles invoice.created"},
	} {
		out, err := h.Handle(t.Context(), stripeEvent("invoice", c.verb, paidHint))
		if err != nil || out.Outcome != c.outcome || !strings.Contains(out.Reason, c.reason) {
			t.Errorf("%s: %s %q, %v", c.verb, out.Outcome, out.Reason, err)
		}
	}
	off := theWorld()
	out, err := off.handler(t).Handle(t.Context(), stripeEvent("invoice", "finalized", paidHint))
	if err != nil || out.Outcome != schemas.Skipped || out.Reason != "nothing about invoices is written back to Acumatica" || len(off.log) > 0 {
		t.Errorf("off: %s %q, %v, cost %v", out.Outcome, out.Reason, err, off.log)
	}
}

// TestMoneyDoesNotWaitForANote: the payment is published before anything of the
// note can fail, and a note that cannot be written ends the event all the same.
func TestMoneyDoesNotWaitForANote(t *testing.T) {
	young, old := time.Now(), time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name   string
		spoil  func(w *world)
		stored time.Time
		code   string // of the error; empty: it ends
		review string
	}{
		{"the link is being written", func(w *world) { delete(w.links, "acumatica invoice Invoice AR000001") }, young, "flow.link_pending", ""},
		{"the link was not written for long", func(w *world) { delete(w.links, "acumatica invoice Invoice AR000001") }, old, "", "not written back"},
		{"Stripe fails on it", func(w *world) {
			w.fail["stripe invoice in_1 [payment_intent]"] = fault.Newf("stripe.not_found", "gone")
		}, young, "", "not written back"},
		{"the key may not read what is expanded", func(w *world) {
			w.fail["stripe invoice in_1 [payment_intent]"] = fault.Newf("stripe.permission", "the key may not read payment intents")
		}, young, "", "not written back"},
		{"Stripe is down", func(w *world) {
			w.fail["stripe invoice in_1 [payment_intent]"] = fault.Newf("stripe.unreachable", "down")
		}, old, "stripe.unreachable", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, h := noting(t)
			w.stripe["invoice in_1"] = strings.Replace(stripeInvoice, `"status":"paid"`, `"status":"open"`, 1)
			c.spoil(w)
			m := stripeEvent("invoice", "payment_failed", paidHint)
			m.Stored = c.stored
			out, err := h.Handle(t.Context(), m)
			if c.code != "" {
				if fault.Of(err).Code != c.code {
					t.Errorf("got %v, want %s", err, c.code)
				}
				return
			}
			if err != nil || !strings.Contains(out.Review, c.review) || out.Code == "" {
				t.Errorf("%s %q, to review %q with %q, %v", out.Outcome, out.Reason, out.Review, out.Code, err)
			}
		})
	}
	w, h := noting(t)
	w.fail["stripe invoice in_1 [payment_intent]"] = fault.Newf("stripe.not_found", "gone")
	out, err := h.Handle(t.Context(), stripeEvent("invoice", "paid", paidHint))
	if err != nil || out.Outcome != schemas.Applied || len(out.Intents) != 1 || out.Review == "" {
		t.Errorf("the payment: %s %q, to review %q, %v", out.Outcome, out.Reason, out.Review, err)
	}
}

// TestWhatWasReplacedSaysNothingMore: whatever comes late of the old invoice,
// the new one's note stands.
func TestWhatWasReplacedSaysNothingMore(t *testing.T) {
	w, h := noting(t)
	w.links["acumatica invoice Invoice AR000001"] = link.Link{Kind: "invoice", AcumaticaID: "Invoice AR000001", StripeID: "in_2"}
	for i, status := range []string{"void", "uncollectible", "paid"} {
		w.stripe["invoice in_1"] = strings.Replace(stripeInvoice, `"status":"paid"`, `"status":"`+status+`"`, 1)
		m := stripeEvent("invoice", "voided", paidHint)
		m.Event.ID = fmt.Sprint("evt_", i)
		out, err := h.Handle(t.Context(), m)
		if err != nil || out.Outcome != schemas.Skipped || out.Reason != "invoice in_1 was replaced by in_2" {
			t.Errorf("%s: %s %q, %v", status, out.Outcome, out.Reason, err)
		}
	}
	if len(w.published) > 0 {
		t.Errorf("published %v", w.published)
	}
}
