package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/acumaticatwin"
)

// TestTheMoneyOfAVoidInvoiceIsPosted: an invoice becomes void in Stripe while a
// bank debit of it is under way, and the money comes all the same, which no event
// of the invoice tells. It stands once in the ledger, unapplied, somebody is
// told, and a refund finds it.
func TestTheMoneyOfAVoidInvoiceIsPosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.more = []string{
		"MILLRACE_CLEARING=USD=" + acumaticatwin.SeedClearing()["USD"], "MILLRACE_SWEEP_INTERVAL=1s",
		"MILLRACE_ACCOUNTS=bank=" + acumaticatwin.SeedBanks()["USD"] + accounts(),
	}
	w.start()
	w.until("every invoice is in Stripe", func() bool { return w.differences() == "" })
	w.until("nothing is left to do", w.idle)
	open := w.list("invoices?limit=100&status=open")
	in := open[slices.IndexFunc(open, func(in map[string]any) bool { return in["currency"] == "usd" })]
	invoice, document := in["id"].(string), in["metadata"].(map[string]any)["acumatica_ref_nbr"].(string)
	method := w.post("/v1/payment_methods/pm_usBankAccount_success/attach", url.Values{"customer": {in["customer"].(string)}})
	w.post("/v1/invoices/"+invoice+"/pay", url.Values{"payment_method": {method}})
	w.post("/v1/invoices/"+invoice+"/void", nil)
	charge := w.list("charges?limit=1")[0]["id"].(string)
	if err := w.stripe.Advance(t.Context(), 6*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	w.until("the money is posted", func() bool { return w.settled(charge) == 1 })

	again := map[string]any{
		"id": "evt_late", "object": "event", "type": "invoice.paid", "livemode": false, "created": time.Now().Unix(),
		"data": map[string]any{"object": map[string]any{"id": invoice, "object": "invoice", "customer": in["customer"]}},
	}
	body, err := json.Marshal(again)
	if err != nil {
		t.Fatal(err)
	}
	if code := w.deliver(body, webhookSecret); code != http.StatusOK {
		t.Errorf("invoice.paid: %d", code)
	}
	w.until("nothing is left to do", w.idle)
	documents := 0
	for _, p := range w.acumatica.Payments() {
		if p.PaymentRef != charge {
			continue
		}
		if documents++; p.Type != "Prepayment" || p.Status != "Open" || len(p.AppliedTo) != 0 {
			t.Errorf("%s is %s, applied to %v", p.Type, p.Status, p.AppliedTo)
		}
	}
	if documents != 1 {
		t.Errorf("the money stands %d times", documents)
	}
	for _, id := range []string{charge, document} {
		if story, code := w.cli("trace", id); code != 0 || !strings.Contains(story, "charge "+charge+" paid Stripe invoice "+invoice+" (Invoice "+document+"), which was void") {
			t.Errorf("trace %s: exit code %d\n%s", id, code, story)
		}
	}
	refund := w.post("/v1/refunds", url.Values{"charge": {charge}, "amount": {"300"}})
	w.until("its refund is posted", func() bool { return w.settled(refund) == 1 })
	w.until("nothing is left to do", w.idle)
	if statement, code := w.cli("reconcile", "--quick"); code != 0 {
		t.Errorf("reconcile: exit code %d\n%s", code, statement)
	}
}
