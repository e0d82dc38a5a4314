package stripetwin_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

// everyType is the list of types of balance transactions at 2023-10-16.
var everyType = []string{
	"adjustment", "advance", "advance_funding", "anticipation_repayment", "application_fee", "application_fee_refund", "charge",
	"climate_order_purchase", "climate_order_refund", "connect_collection_transfer", "contribution", "issuing_authorization_hold",
	"issuing_authorization_release", "issuing_dispute", "issuing_transaction", "obligation_outbound", "obligation_reversal_inbound",
	"payment", "payment_failure_refund", "payment_network_reserve_hold", "payment_network_reserve_release", "payment_refund",
	"payment_reversal", "payment_unreconciled", "payout", "payout_cancel", "payout_failure", "refund", "refund_failure",
	"reserve_transaction", "reserved_funds", "stripe_fee", "stripe_fx_fee", "tax_fee", "topup", "topup_reversal", "transfer",
	"transfer_cancel", "transfer_failure", "transfer_refund",
}

func TestEveryTypeOfMovementCanBeBookedAndIsPaidOut(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	if len(everyType) != 40 {
		t.Fatalf("%d types", len(everyType))
	}
	var want int64
	for i, typ := range append(slices.Clone(everyType), "financing_paydown") {
		amount := int64(1000 + i)
		id := must(tw.Book(t.Context(), stripetwin.Movement{Type: typ, Amount: amount, Fee: 7, Description: "by itself"}))(t)
		bt := must(sc.BalanceTransactions.Get(id, nil))(t)
		if string(bt.Type) != typ || bt.Amount != amount || bt.Fee != 7 || bt.Net != amount-7 || bt.Source != nil || bt.ReportingCategory == "" {
			t.Errorf("%+v", bt)
		}
		want += bt.Net
	}
	po := must(sc.Payouts.Get(must(tw.PayOut(t.Context(), "usd"))(t), nil))(t)
	if po.Amount != want {
		t.Errorf("paid out %d, want %d", po.Amount, want)
	}
}

func TestMovementsThatCannotBeAreRefused(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{Now: atNoon})
	for _, m := range []stripetwin.Movement{
		{Type: "gift", Amount: 1}, {Type: "stripe_fee", Category: "charge", Amount: -1}, {Type: "stripe_fee", Currency: "xxx"}, {Type: "stripe_fee", Source: "ch_none"},
	} {
		if _, err := tw.Book(t.Context(), m); err == nil {
			t.Errorf("%+v was booked", m)
		}
	}
	r, o := send(t, srv, "POST", "/_twin/balance_transaction", `{"type":"stripe_fee","amount":-1250,"description":"Billing - Usage Fee","category":"network_cost","days":1}`)
	if r.StatusCode != 200 {
		t.Fatalf("%d %v", r.StatusCode, o)
	}
	bt := must(sc.BalanceTransactions.Get(o["balance_transaction"].(string), nil))(t)
	if bt.Status != "pending" || bt.ReportingCategory != "network_cost" || bt.Net != -1250 || len(bt.FeeDetails) != 0 {
		t.Errorf("%+v", bt)
	}
}

func TestAFeeThatTheBalanceCannotPayIsTakenFromTheBank(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon, DailyPayouts: true})
	must(tw.Book(t.Context(), stripetwin.Movement{Type: "stripe_fee", Amount: -100_00, Description: "Radar"}))(t)
	advance(t, tw, 24*time.Hour)
	po := newestPayout(t, sc)
	advance(t, tw, 72*time.Hour)
	p := &stripe.PayoutParams{}
	p.AddExpand("balance_transaction")
	p.AddExpand("destination")
	po = must(sc.Payouts.Get(po.ID, p))(t)
	if po.Amount != -100_00 || !po.Automatic || po.Status != "paid" || po.BalanceTransaction.Amount != 100_00 || po.ReconciliationStatus != "completed" ||
		po.Destination.BankAccount.Currency != "usd" {
		t.Fatalf("%+v", po)
	}
	got := eventsOf(t, sc, po.ID)
	if want := []string{"payout.created", "payout.paid", "payout.updated", "payout.reconciliation_completed"}; !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}
}

func TestTopupsArriveTheNextDayUnlessTheBankObjects(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	topUp := func() string {
		return must(sc.Topups.New(&stripe.TopupParams{Amount: new(int64(500_00)), Currency: new("usd"), Description: new("float")}))(t).ID
	}
	arrives, refused, canceled, reversed := topUp(), topUp(), topUp(), topUp()
	must(sc.Topups.Cancel(canceled, nil))(t)
	if err := tw.FailTopup(t.Context(), refused, ""); err != nil {
		t.Fatal(err)
	}
	if b := balanceSum(t, sc); b != 0 {
		t.Fatalf("balance %d before anything arrived", b)
	}
	advance(t, tw, 24*time.Hour)
	if err := tw.FailTopup(t.Context(), reversed, ""); err != nil {
		t.Fatal(err)
	}
	if err := tw.FailTopup(t.Context(), reversed, ""); err == nil {
		t.Fatal("reversed twice")
	}
	want := map[string]stripe.TopupStatus{arrives: "succeeded", refused: "failed", canceled: "canceled", reversed: "reversed"}
	n := 0
	for it := sc.Topups.List(&stripe.TopupListParams{}); it.Next(); n++ {
		if tu := it.Topup(); tu.Status != want[tu.ID] {
			t.Errorf("%s is %s, want %s", tu.ID, tu.Status, want[tu.ID])
		}
	}
	if n != 4 || balanceSum(t, sc) != 500_00 {
		t.Errorf("%d top-ups, balance %d", n, balanceSum(t, sc))
	}
	if got := eventsOf(t, sc, reversed); !slices.Equal(got, []string{"topup.created", "topup.succeeded", "topup.reversed"}) {
		t.Errorf("events %v", got)
	}
}

func TestAPaymentFromABankThatFailsLateIsALostDispute(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	pi := newIntent(t, sc, "pm_usBankAccount_success", false)
	advance(t, tw, 5*24*time.Hour)
	if _, err := tw.Dispute(t.Context(), pi.LatestCharge.ID, "", true); err == nil {
		t.Fatal("a bank inquired")
	}
	before := balanceSum(t, sc)
	d := must(sc.Disputes.Get(must(tw.Dispute(t.Context(), pi.LatestCharge.ID, "", false))(t), nil))(t)
	if d.Status != "lost" || d.Reason != "debit_not_authorized" || balanceSum(t, sc) != before-d.Amount-15_00 {
		t.Fatalf("%+v", d)
	}
	if got := eventsOf(t, sc, d.ID); !slices.Equal(got, []string{"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"}) {
		t.Errorf("events %v", got)
	}
}

func TestAmountsThatStripeDoesNotTake(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	for _, tt := range []struct {
		name, currency string
		amount         int64
		code           stripe.ErrorCode
	}{
		{"below the minimum", "usd", 49, "amount_too_small"},
		{"below the minimum of a currency without decimals", "jpy", 49, "amount_too_small"},
		{"nine digits", "usd", 100_000_000, "amount_too_large"},
		{"nothing", "usd", 0, "parameter_invalid_integer"},
		{"the third digit of three decimals", "kwd", 5_123, ""},
		{"decimals of a currency that has none", "ugx", 550, ""},
	} {
		_, err := sc.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: &tt.amount, Currency: &tt.currency})
		var e *stripe.Error
		if !errors.As(err, &e) || e.HTTPStatusCode != 400 || e.Code != tt.code || e.Param != "amount" && tt.code != "amount_too_small" {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for cur, amount := range map[string]int64{"usd": 50, "jpy": 50, "kwd": 5_120, "ugx": 500, "eur": 99_999_999} {
		must(sc.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: &amount, Currency: &cur}))(t)
	}
}
