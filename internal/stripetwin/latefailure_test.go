package stripetwin_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

// A debit that the bank returns late: the charge has failed, the money and the
// fee are back, and the intent stays what it was.
func TestADebitFailsAfterItHadSucceeded(t *testing.T) {
	twin, sc, srv := start(t, stripetwin.Options{})
	pi := newIntent(t, sc, "pm_usBankAccount_success", false)
	charge := pi.LatestCharge.ID
	if res, _ := send(t, srv, "POST", "/_twin/charge/fail", `{"charge":"`+charge+`"}`); res.StatusCode != http.StatusBadRequest {
		t.Errorf("failed while it was pending: %d", res.StatusCode)
	}
	if err := twin.Advance(t.Context(), 5*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if res, _ := send(t, srv, "POST", "/_twin/charge/fail", `{"charge":"`+charge+`","failure_code":"account_closed"}`); res.StatusCode != http.StatusOK {
		t.Fatalf("status %d", res.StatusCode)
	}
	p := &stripe.ChargeParams{}
	p.AddExpand("failure_balance_transaction")
	ch := must(sc.Charges.Get(charge, p))(t)
	back := ch.FailureBalanceTransaction
	if ch.Status != "failed" || ch.Paid || ch.FailureCode != "account_closed" || back == nil || back.Type != "payment_failure_refund" || back.ReportingCategory != "charge_failure" {
		t.Fatalf("charge %+v, %+v", ch, back)
	}
	if sum := balanceSum(t, sc); sum != 0 {
		t.Errorf("balance %d", sum)
	}
	if got, want := eventsOf(t, sc, charge), []string{"charge.pending", "charge.succeeded", "charge.failed"}; !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if pi := must(sc.PaymentIntents.Get(pi.ID, nil))(t); pi.Status != "succeeded" {
		t.Errorf("intent %s", pi.Status)
	}
	if res, _ := send(t, srv, "POST", "/_twin/charge/fail", `{"charge":"`+charge+`"}`); res.StatusCode != http.StatusBadRequest {
		t.Errorf("failed twice: %d", res.StatusCode)
	}
	card := newIntent(t, sc, "pm_card_visa", false).LatestCharge.ID
	if res, _ := send(t, srv, "POST", "/_twin/charge/fail", `{"charge":"`+card+`"}`); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a card failed: %d", res.StatusCode)
	}
}
