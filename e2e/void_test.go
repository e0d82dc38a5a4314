package e2e

import (
	"net/url"
	"testing"
	"time"
)

// TestADebitThatIsReturnedLateIsVoided: the payment of a bank debit is in the
// ledger when the bank takes the money back.
func TestADebitThatIsReturnedLateIsVoided(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.start()
	invoices := len(w.acumatica.Invoices())
	w.until("every invoice is open in Stripe", func() bool { return len(w.list("invoices?limit=100&status=open")) == invoices })
	customer := w.list("invoices?limit=100&status=open")[0]["customer"].(string)
	pi := w.post("/v1/payment_intents", url.Values{
		"amount": {"8000"}, "currency": {"usd"}, "customer": {customer}, "confirm": {"true"},
		"payment_method": {"pm_usBankAccount_success"}, "payment_method_types[]": {"us_bank_account"},
	})
	if err := w.stripe.Advance(t.Context(), 5*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	charge := w.list("charges?payment_intent=" + pi)[0]["id"].(string)
	w.until("the payment is posted", func() bool { return w.settled(charge) == 1 })
	if err := w.stripe.FailCharge(t.Context(), charge, "account_closed"); err != nil {
		t.Fatal(err)
	}
	statuses := func() map[string]string {
		got := map[string]string{}
		for _, p := range w.acumatica.Payments() {
			if p.PaymentRef == charge {
				got[p.Type] += p.Status
			}
		}
		return got
	}
	w.until("its payment is voided", func() bool { return statuses()["Voided Payment"] == "Closed" })
	w.until("nothing is left to do", w.idle)
	if got := statuses(); len(got) != 2 || got["Prepayment"] != "Voided" {
		t.Errorf("documents %v", got)
	}
}
