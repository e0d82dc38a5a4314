package stripetwin_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripetwin"
)

// intentParams confirm a payment of 100.00.
func intentParams(method string, manual bool) *stripe.PaymentIntentParams {
	p := &stripe.PaymentIntentParams{Amount: new(int64(100_00)), Currency: new("usd"), PaymentMethod: &method, Confirm: new(true)}
	if manual {
		p.CaptureMethod = new("manual")
	}
	p.AddExpand("latest_charge.balance_transaction")
	p.AddMetadata("erp_ref", "SO7")
	return p
}

func newIntent(t *testing.T, sc *client.API, method string, manual bool) *stripe.PaymentIntent {
	t.Helper()
	return must(sc.PaymentIntents.New(intentParams(method, manual)))(t)
}

func TestPartialCaptureBooksAllAndReversesTheRest(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	pi := newIntent(t, sc, "pm_card_visa", true)
	if ch := pi.LatestCharge; pi.Status != "requires_capture" || pi.AmountCapturable != 100_00 || ch.Captured || ch.AmountCaptured != 0 || ch.BalanceTransaction != nil || balanceSum(t, sc) != 0 {
		t.Fatalf("authorised: %+v, charge %+v", pi, ch)
	}
	var e *stripe.Error
	if _, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID}); err == nil {
		t.Error("refunded before the capture")
	}
	pi = must(sc.PaymentIntents.Capture(pi.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: new(int64(70_00))}))(t)
	if pi.Status != "succeeded" || pi.AmountReceived != 70_00 || pi.AmountCapturable != 0 || pi.Metadata["erp_ref"] != "SO7" {
		t.Fatalf("captured: %+v", pi)
	}
	if _, err := sc.PaymentIntents.Capture(pi.ID, &stripe.PaymentIntentCaptureParams{}); !errors.As(err, &e) || e.Code != stripe.ErrorCodePaymentIntentUnexpectedState {
		t.Errorf("captured twice: %v", err)
	}
	p := &stripe.ChargeParams{}
	p.AddExpand("balance_transaction")
	p.AddExpand("refunds.data.balance_transaction")
	ch := must(sc.Charges.Get(pi.LatestCharge.ID, p))(t)
	rest := ch.Refunds.Data[0].BalanceTransaction
	if !ch.Captured || ch.AmountCaptured != 70_00 || ch.AmountRefunded != 30_00 || ch.BalanceTransaction.Amount != 100_00 ||
		rest.Amount != -30_00 || rest.Type != "refund" || rest.ReportingCategory != "partial_capture_reversal" {
		t.Fatalf("charge %+v, rest %+v", ch, rest)
	}
	advance(t, tw, 48*time.Hour)
	if b := must(sc.Balance.Get(nil))(t); b.Available[0].Amount != 70_00-2_33 || b.Pending[0].Amount != 0 {
		t.Errorf("balance %+v", b.Available[0])
	}
	if got, want := eventsOf(t, sc, ch.ID), []string{"charge.succeeded", "charge.captured"}; !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

func TestCanceledAuthorisationMovesNoMoney(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	pi := newIntent(t, sc, "pm_card_visa", true)
	pi = must(sc.PaymentIntents.Cancel(pi.ID, &stripe.PaymentIntentCancelParams{CancellationReason: new("abandoned")}))(t)
	ch := must(sc.Charges.Get(pi.LatestCharge.ID, nil))(t)
	if pi.Status != "canceled" || pi.CanceledAt == 0 || !ch.Refunded || ch.Captured || balanceSum(t, sc) != 0 {
		t.Fatalf("canceled: %+v, charge %+v", pi, ch)
	}
}

func TestDeclinedCardLeavesAFailedChargeAndMayTryAgain(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	in := newOpen(t, sc, newCustomer(t, sc).ID, 100_00)
	_, err := sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_chargeDeclinedInsufficientFunds")})
	var e *stripe.Error
	if !errors.As(err, &e) || e.HTTPStatusCode != http.StatusPaymentRequired || e.Type != stripe.ErrorTypeCard || e.Code != stripe.ErrorCodeCardDeclined ||
		e.DeclineCode != "insufficient_funds" || e.PaymentIntent == nil || e.PaymentIntent.Status != "requires_payment_method" {
		t.Fatalf("declined: %v", err)
	}
	ch := must(sc.Charges.Get(e.ChargeID, nil))(t)
	if ch.Status != "failed" || ch.Paid || ch.Captured || ch.FailureCode != "card_declined" || ch.BalanceTransaction != nil || balanceSum(t, sc) != 0 {
		t.Fatalf("charge: %+v", ch)
	}
	if _, err := sc.Refunds.New(&stripe.RefundParams{Charge: &ch.ID}); err == nil {
		t.Error("refunded a charge that failed")
	}
	paid := must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}))(t)
	if !paid.Paid || paid.Charge.ID == ch.ID || paid.AttemptCount != 2 {
		t.Errorf("second try: %+v", paid)
	}
	if got := eventsOf(t, sc, in.ID); !slices.Contains(got, "invoice.payment_failed") {
		t.Errorf("events %v", got)
	}
	if pi := must(sc.PaymentIntents.Get(in.PaymentIntent.ID, nil))(t); pi.LastPaymentError != nil || pi.LatestCharge.ID != paid.Charge.ID {
		t.Errorf("intent: %+v", pi)
	}
}

func TestIntentIsConfirmedLater(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	p := intentParams("pm_card_visa", false)
	p.Confirm = nil
	pi := must(sc.PaymentIntents.New(p))(t)
	if pi.Status != "requires_confirmation" || pi.LatestCharge != nil {
		t.Fatalf("unconfirmed: %+v", pi)
	}
	pi = must(sc.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{}))(t)
	if pi.Status != "succeeded" || balanceSum(t, sc) != 96_80 {
		t.Fatalf("confirmed: %+v", pi)
	}
}

func TestDelayedPaymentSucceedsOrFailsDaysLater(t *testing.T) {
	tests := []struct {
		method string
		status stripe.InvoiceStatus
		sum    int64
		events []string
	}{
		{"pm_usBankAccount_success", "paid", 96_80, []string{"charge.pending", "charge.succeeded"}},
		{"pm_usBankAccount_accountClosed", "open", 0, []string{"charge.pending", "charge.failed"}},
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
			in := newOpen(t, sc, newCustomer(t, sc).ID, 100_00)
			in = must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: &tt.method}))(t)
			p := &stripe.ChargeParams{}
			p.AddExpand("balance_transaction")
			ch := must(sc.Charges.Get(in.Charge.ID, p))(t)
			if bt := ch.BalanceTransaction; in.Status != "open" || ch.Status != "pending" || ch.Paid || ch.ID[:3] != "py_" || bt.Type != "payment" || bt.Status != "pending" {
				t.Fatalf("pending: %+v, %+v", in, ch)
			}
			if _, err := sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}); err == nil {
				t.Error("paid again while a payment is pending")
			}
			advance(t, tw, 5*24*time.Hour)
			in = must(sc.Invoices.Get(in.ID, nil))(t)
			if in.Status != tt.status || balanceSum(t, sc) != tt.sum {
				t.Errorf("ended: invoice %s, balance %d", in.Status, balanceSum(t, sc))
			}
			if got := eventsOf(t, sc, ch.ID); !slices.Equal(got, tt.events) {
				t.Errorf("events %v, want %v", got, tt.events)
			}
			p = &stripe.ChargeParams{}
			p.AddExpand("failure_balance_transaction")
			ch = must(sc.Charges.Get(ch.ID, p))(t)
			if bt := ch.FailureBalanceTransaction; tt.status == "open" && (bt == nil || bt.Type != "payment_failure_refund" || bt.ReportingCategory != "charge_failure" || ch.FailureCode != "account_closed") {
				t.Errorf("failed charge: %+v", ch)
			}
		})
	}
}
