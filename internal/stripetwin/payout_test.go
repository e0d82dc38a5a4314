package stripetwin_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripetwin"
)

// noon is a Monday.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// advance moves the twin's clock.
func advance(t *testing.T, tw *stripetwin.Twin, d time.Duration) {
	t.Helper()
	if err := tw.Advance(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// partsOf lists the balance transactions of an automatic payout.
func partsOf(t *testing.T, sc *client.API, id string) []*stripe.BalanceTransaction {
	t.Helper()
	p := &stripe.BalanceTransactionListParams{Payout: &id}
	p.Limit = new(int64(100))
	p.AddExpand("data.source")
	var out []*stripe.BalanceTransaction
	it := sc.BalanceTransactions.List(p)
	for it.Next() {
		out = append(out, it.BalanceTransaction())
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return out
}

func newestPayout(t *testing.T, sc *client.API) *stripe.Payout {
	t.Helper()
	it := sc.Payouts.List(&stripe.PayoutListParams{})
	if !it.Next() {
		t.Fatalf("no payout: %v", it.Err())
	}
	return it.Payout()
}

func TestAutomaticPayoutCollectsWhatIsAvailable(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon, DailyPayouts: true})
	refundPart(t, sc, shopCharge(t, tw, 100_00), 10_00) // net 96.80 and -10.00
	advance(t, tw, 12*time.Hour)                        // pays out the refund alone: the bank is debited
	debit := newestPayout(t, sc)
	if debit.Amount != -10_00 || debit.Status != "in_transit" || !debit.Automatic || debit.ReconciliationStatus != "in_progress" {
		t.Fatalf("negative payout: %+v", debit)
	}
	if rows := partsOf(t, sc, debit.ID); len(rows) != 0 {
		t.Errorf("%d parts are listed before the payout is reconciled", len(rows))
	}
	advance(t, tw, 24*time.Hour) // 00:00 UTC two days after the charge
	po := newestPayout(t, sc)
	if want := time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC).Unix(); po.Amount != 96_80 || po.ArrivalDate != want {
		t.Fatalf("payout: %+v", po)
	}
	if got := balanceSum(t, sc); got != 0 {
		t.Errorf("balance %d after everything was paid out", got)
	}
	advance(t, tw, 48*time.Hour)
	p := &stripe.PayoutParams{}
	p.AddExpand("balance_transaction")
	po = must(sc.Payouts.Get(po.ID, p))(t)
	rows := partsOf(t, sc, po.ID)
	if po.Status != "paid" || po.ReconciliationStatus != "completed" || po.BalanceTransaction.Amount != -96_80 || len(rows) != 2 {
		t.Fatalf("paid payout %+v with %d parts", po, len(rows))
	}
	if rows[0].Type != "payout" || rows[0].Source.Payout.ID != po.ID || rows[1].Net != 96_80 || rows[1].Source.Charge == nil || rows[1].Status != "available" {
		t.Errorf("parts: %+v, %+v", rows[0], rows[1])
	}
	want := []string{"payout.created", "payout.paid", "payout.updated", "payout.reconciliation_completed"}
	if got := eventsOf(t, sc, po.ID); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

func TestFailedPayoutIsInALaterOne(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon, DailyPayouts: true})
	shopCharge(t, tw, 100_00)
	advance(t, tw, 4*24*time.Hour)
	first := newestPayout(t, sc)
	if first.Status != "paid" {
		t.Fatalf("payout: %+v", first)
	}
	if err := tw.FailPayout(t.Context(), first.ID, "account_closed"); err != nil {
		t.Fatal(err)
	}
	if err := tw.FailPayout(t.Context(), first.ID, "account_closed"); err == nil {
		t.Error("failed twice")
	}
	p := &stripe.PayoutParams{}
	p.AddExpand("failure_balance_transaction")
	first = must(sc.Payouts.Get(first.ID, p))(t)
	bt := first.FailureBalanceTransaction
	if first.Status != "failed" || first.FailureCode != "account_closed" || bt.Type != "payout_failure" || bt.ReportingCategory != "payout_reversal" || bt.Amount != 96_80 {
		t.Fatalf("failed: %+v, %+v", first, bt)
	}
	advance(t, tw, 3*24*time.Hour)
	second := newestPayout(t, sc)
	rows := partsOf(t, sc, second.ID)
	if second.ID == first.ID || second.Amount != 96_80 || len(rows) != 2 || rows[1].ID != bt.ID {
		t.Fatalf("second payout %+v", second)
	}
}

func TestManualPayouts(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	shopCharge(t, tw, 1000_00) // net 970.70
	pay := func(amount int64, method string) (*stripe.Payout, error) {
		p := &stripe.PayoutParams{Amount: &amount, Currency: new("usd"), Method: &method}
		p.AddExpand("balance_transaction")
		return sc.Payouts.New(p)
	}
	var e *stripe.Error
	if _, err := pay(1, "standard"); !errors.As(err, &e) || e.Code != stripe.ErrorCodeBalanceInsufficient {
		t.Fatalf("pending money was paid out: %v", err)
	}
	advance(t, tw, 48*time.Hour)
	fast := must(pay(200_00, "instant"))(t)
	if bt := fast.BalanceTransaction; bt.Amount != -200_00 || bt.Fee != 3_00 || bt.Net != -203_00 || fast.ReconciliationStatus != "not_applicable" {
		t.Fatalf("instant: %+v, %+v", fast, bt)
	}
	slow, dropped := must(pay(300_00, "standard"))(t), must(pay(400_00, "standard"))(t)
	if o := must(sc.Payouts.Cancel(dropped.ID, &stripe.PayoutParams{}))(t); o.Status != "canceled" {
		t.Errorf("canceled: %+v", o)
	}
	if _, err := sc.Payouts.Cancel(dropped.ID, &stripe.PayoutParams{}); err == nil {
		t.Error("canceled twice")
	}
	advance(t, tw, time.Hour)
	if o := must(sc.Payouts.Get(fast.ID, nil))(t); o.Status != "paid" {
		t.Errorf("instant payout after an hour: %s", o.Status)
	}
	advance(t, tw, 48*time.Hour)
	if o := must(sc.Payouts.Get(slow.ID, nil))(t); o.Status != "paid" {
		t.Errorf("standard payout after two days: %s", o.Status)
	}
	it := sc.BalanceTransactions.List(&stripe.BalanceTransactionListParams{Payout: &slow.ID})
	if it.Next() || it.Err() == nil {
		t.Error("a manual payout knows its parts")
	}
	id := must(tw.PayOut(t.Context(), "usd"))(t)
	if rest := must(sc.Payouts.Get(id, nil))(t); rest.Amount != 970_70-203_00-300_00 || balanceSum(t, sc) != 0 {
		t.Errorf("the rest: %+v", rest)
	}
}
