package stripetwin_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripetwin"
)

// shopCharge makes a charge without an invoice.
func shopCharge(t *testing.T, tw *stripetwin.Twin, amount int64) string {
	t.Helper()
	return must(tw.ChargeCustomer(t.Context(), "", amount, "usd", "order 7"))(t)
}

// eventsOf returns the types of the events about one object, oldest first.
func eventsOf(t *testing.T, sc *client.API, objectID string) []string {
	t.Helper()
	var out []string
	p := &stripe.EventListParams{}
	p.Limit = new(int64(100))
	for it := sc.Events.List(p); it.Next(); {
		if it.Event().Data.Object["id"] == objectID {
			out = append(out, string(it.Event().Type))
		}
	}
	slices.Reverse(out)
	return out
}

func refundPart(t *testing.T, sc *client.API, charge string, amount int64) *stripe.Refund {
	t.Helper()
	p := &stripe.RefundParams{Charge: &charge, Amount: new(amount), Reason: new("requested_by_customer")}
	p.AddExpand("balance_transaction")
	p.AddMetadata("erp_ref", "CM1")
	return must(sc.Refunds.New(p))(t)
}

func TestRefundsComeOutOfTheBalanceUntilTheChargeIsUsedUp(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{})
	id := shopCharge(t, tw, 50_00)
	r := refundPart(t, sc, id, 20_00)
	bt := r.BalanceTransaction
	if r.Status != "succeeded" || r.Metadata["erp_ref"] != "CM1" || bt.Amount != -20_00 || bt.Fee != 0 || bt.Net != -20_00 ||
		bt.Type != "refund" || bt.ReportingCategory != "refund" || bt.Source.ID != r.ID {
		t.Fatalf("refund %+v, balance transaction %+v", r, bt)
	}
	_, err := sc.Refunds.New(&stripe.RefundParams{Charge: &id, Amount: new(int64(30_01))})
	var e *stripe.Error
	if !errors.As(err, &e) || e.HTTPStatusCode != http.StatusBadRequest || e.Param != "amount" ||
		e.Msg != "Refund amount ($30.01) is greater than unrefunded amount on charge ($30.00)" {
		t.Fatalf("too much: %v", err)
	}
	must(sc.Refunds.New(&stripe.RefundParams{Charge: &id}))(t) // the rest
	_, err = sc.Refunds.New(&stripe.RefundParams{Charge: &id})
	if !errors.As(err, &e) || e.Code != stripe.ErrorCodeChargeAlreadyRefunded || e.Msg != "Charge "+id+" has already been refunded." {
		t.Fatalf("used up: %v", err)
	}
	p := &stripe.ChargeParams{}
	p.AddExpand("refunds.data.balance_transaction")
	ch := must(sc.Charges.Get(id, p))(t)
	if !ch.Refunded || ch.AmountRefunded != 50_00 || len(ch.Refunds.Data) != 2 || ch.Refunds.Data[0].BalanceTransaction.Amount != -30_00 {
		t.Fatalf("charge: %+v", ch)
	}
	if got, want := eventsOf(t, sc, id), []string{"charge.succeeded", "charge.refunded", "charge.refunded"}; !slices.Equal(got, want) {
		t.Errorf("events of the charge: %v, want %v", got, want)
	}
	if got, want := eventsOf(t, sc, r.ID), []string{"refund.created"}; !slices.Equal(got, want) {
		t.Errorf("events of the refund: %v, want %v", got, want)
	}
	it := sc.Refunds.List(&stripe.RefundListParams{Charge: &id})
	n := 0
	for it.Next() {
		n++
	}
	if n != 2 || it.Err() != nil {
		t.Errorf("%d refunds listed, error %v", n, it.Err())
	}
}

func TestRefundOfAnIntentAndItsFeeGivenBack(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{RefundFees: true})
	ch := must(sc.Charges.Get(shopCharge(t, tw, 100_00), nil))(t) // fee 320
	p := &stripe.RefundParams{PaymentIntent: &ch.PaymentIntent.ID, Amount: new(int64(33_33))}
	p.AddExpand("balance_transaction")
	first := must(sc.Refunds.New(p))(t).BalanceTransaction
	p.Amount = nil
	last := must(sc.Refunds.New(p))(t).BalanceTransaction
	if first.Fee != -106 || first.Net != -32_27 || first.FeeDetails[0].Amount != -106 || last.Fee != -214 {
		t.Fatalf("fees given back: %+v, %+v", first, last)
	}
	b := must(sc.Balance.Get(nil))(t)
	if sum := b.Available[0].Amount + b.Pending[0].Amount; sum != 0 {
		t.Errorf("balance %d after all was given back", sum)
	}
}

func TestRefundThatFailsReturnsTheMoney(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	tw, sc, srv := start(t, stripetwin.Options{StateFile: file})
	id := shopCharge(t, tw, 50_00)
	r := refundPart(t, sc, id, 50_00)
	if res, _ := send(t, srv, "POST", "/_twin/refund/fail", `{"refund":"`+r.ID+`","reason":"expired_or_canceled_card"}`); res.StatusCode != http.StatusOK {
		t.Fatalf("control API: %d", res.StatusCode)
	}
	if err := tw.FailRefund(t.Context(), r.ID, ""); err == nil {
		t.Error("failed twice")
	}
	_, sc, _ = start(t, stripetwin.Options{StateFile: file}) // all of it survives
	p := &stripe.RefundParams{}
	p.AddExpand("failure_balance_transaction")
	r = must(sc.Refunds.Get(r.ID, p))(t)
	bt := r.FailureBalanceTransaction
	if r.Status != "failed" || r.FailureReason != "expired_or_canceled_card" || bt.Amount != 50_00 || bt.Type != "refund_failure" || bt.ReportingCategory != "refund_failure" {
		t.Fatalf("refund %+v, balance transaction %+v", r, bt)
	}
	if ch := must(sc.Charges.Get(id, nil))(t); ch.Refunded || ch.AmountRefunded != 0 {
		t.Errorf("charge still refunded: %+v", ch)
	}
	if got, want := eventsOf(t, sc, r.ID), []string{"refund.created", "charge.refund.updated", "refund.updated"}; !slices.Equal(got, want) {
		t.Errorf("events: %v, want %v", got, want)
	}
}
