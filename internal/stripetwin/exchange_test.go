package stripetwin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripetwin"
)

// parts writes fee_details as text.
func parts(bt *stripe.BalanceTransaction) string {
	var out []string
	for _, f := range bt.FeeDetails {
		out = append(out, fmt.Sprintf("%s %s %d %s", f.Type, f.Description, f.Amount, f.Currency))
	}
	return strings.Join(out, ", ")
}

// moveOf returns the balance transaction of a charge.
func moveOf(t *testing.T, sc *client.API, chargeID string) *stripe.BalanceTransaction {
	t.Helper()
	p := &stripe.ChargeParams{}
	p.AddExpand("balance_transaction")
	return must(sc.Charges.Get(chargeID, p))(t).BalanceTransaction
}

func TestChargesInAnotherCurrencyAreExchanged(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{
		Now: atNoon, Settle: []string{"USD", "eur"}, FeeTax: 230, Rates: map[string]string{"gbp": "1.25", "jpy": "0.0067", "kwd": "3.2547", "krw": "0.00075681"},
	})
	for _, tt := range []struct {
		amount   int64
		currency string
		want     int64
		in       string
		rate     float64
		fees     string
	}{
		{100_00, "usd", 100_00, "usd", 0, "stripe_fee Stripe processing fees 320 usd, tax VAT 74 usd"},
		{100_00, "eur", 100_00, "eur", 0, "stripe_fee Stripe processing fees 320 eur, tax VAT 74 eur"},
		{100_02, "gbp", 125_03, "usd", 1.25, "stripe_fee Stripe processing fees 393 usd, stripe_fee Stripe currency conversion fee 125 usd, tax VAT 119 usd"}, // 12502.5
		{15_00, "jpy", 10_05, "usd", 0.67, "stripe_fee Stripe processing fees 59 usd, stripe_fee Stripe currency conversion fee 10 usd, tax VAT 16 usd"},
		{10_000, "kwd", 32_55, "usd", 0.32547, "stripe_fee Stripe processing fees 124 usd, stripe_fee Stripe currency conversion fee 33 usd, tax VAT 36 usd"},
	} {
		bt := moveOf(t, sc, must(tw.ChargeCustomer(t.Context(), "", tt.amount, tt.currency, ""))(t))
		if bt.Amount != tt.want || string(bt.Currency) != tt.in || bt.ExchangeRate != tt.rate || parts(bt) != tt.fees || bt.Net != bt.Amount-bt.Fee {
			t.Errorf("%d %s became %d %s at %v for %s", tt.amount, tt.currency, bt.Amount, bt.Currency, bt.ExchangeRate, parts(bt))
		}
	}
	bal := must(sc.Balance.Get(nil))(t)
	if len(bal.Pending) != 2 || bal.Pending[0].Currency != "eur" || bal.Pending[0].Amount != 100_00-394 {
		t.Errorf("pending %+v", bal.Pending)
	}
}

func TestWhatIsKeptCanChange(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{Rates: map[string]string{"eur": "1.1"}})
	for settle, want := range map[string]stripe.Currency{`[]`: "eur", `["USD"]`: "usd"} {
		if r, o := send(t, srv, "POST", "/_twin/rates", `{"settle":`+settle+`}`); r.StatusCode != 200 {
			t.Fatalf("%d %v", r.StatusCode, o)
		}
		if bt := moveOf(t, sc, must(tw.ChargeCustomer(t.Context(), "", 100_00, "eur", ""))(t)); bt.Currency != want {
			t.Errorf("%s: settled in %s", settle, bt.Currency)
		}
	}
	if r, _ := send(t, srv, "POST", "/_twin/rates", `{"settle":["xyz"]}`); r.StatusCode != 400 {
		t.Errorf("an unknown currency: %d", r.StatusCode)
	}
}

func TestTheShownRateIsRounded(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Settle: []string{"krw"}, Rates: map[string]string{"krw": "0.00075681"}})
	bt := moveOf(t, sc, must(tw.ChargeCustomer(t.Context(), "", 2_00, "usd", ""))(t))
	if bt.ExchangeRate != 13.2134 || bt.Amount != 2643 {
		t.Fatalf("%d at %v", bt.Amount, bt.ExchangeRate)
	}
	far := moveOf(t, sc, must(tw.ChargeCustomer(t.Context(), "", 99_999_999, "usd", ""))(t))
	if far.Amount == int64(99_999_999*far.ExchangeRate+.5) {
		t.Fatalf("the amount %d follows from the shown rate %v", far.Amount, far.ExchangeRate)
	}
}

func TestRefundsAndDisputesHaveTheRateOfTheirDay(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{Now: atNoon, Settle: []string{"usd"}, Rates: map[string]string{"eur": "1.1"}, RefundFees: true})
	id := must(tw.ChargeCustomer(t.Context(), "", 100_00, "eur", ""))(t)
	other := must(tw.ChargeCustomer(t.Context(), "", 100_00, "eur", ""))(t)
	if r, o := send(t, srv, "POST", "/_twin/rates", `{"rates":{"eur":"1.2"}}`); r.StatusCode != 200 || o["rates"].(map[string]any)["eur"] != "1.2" {
		t.Fatalf("%d %v", r.StatusCode, o)
	}
	if r, _ := send(t, srv, "POST", "/_twin/rates", `{"rates":{"eur":"-1"}}`); r.StatusCode != 400 {
		t.Fatalf("a negative rate: %d", r.StatusCode)
	}
	re := refundPart(t, sc, id, 50_00)
	bt := re.BalanceTransaction
	if re.Amount != 50_00 || re.Currency != "eur" || bt.Amount != -60_00 || bt.Currency != "usd" || bt.ExchangeRate != 1.2 ||
		parts(bt) != "stripe_fee Stripe processing fee refund -174 usd, stripe_fee Stripe currency conversion fee refund -55 usd" {
		t.Fatalf("refund of %d %s: %+v %s", re.Amount, re.Currency, bt, parts(bt))
	}
	if err := tw.FailRefund(t.Context(), re.ID, "unknown"); err != nil {
		t.Fatal(err)
	}
	p := &stripe.RefundParams{}
	p.AddExpand("failure_balance_transaction")
	if f := must(sc.Refunds.Get(re.ID, p))(t).FailureBalanceTransaction; f.Net != -bt.Net || f.Currency != "usd" {
		t.Fatalf("failure %+v", f)
	}
	d := must(sc.Disputes.Get(must(tw.Dispute(t.Context(), other, "", false))(t), nil))(t)
	if got := d.BalanceTransactions[0]; d.Amount != 100_00 || d.Currency != "eur" || got.Amount != -120_00 || got.Currency != "usd" || got.ExchangeRate != 0 {
		t.Fatalf("dispute %+v", got)
	}
}

func TestRatesMoveWithTheDaysTheSameWayForASeed(t *testing.T) {
	rates := func(seed uint64) (out []float64) {
		tw, sc, _ := start(t, stripetwin.Options{Now: atNoon, Settle: []string{"usd"}, RateSeed: seed})
		for range 20 {
			out = append(out, moveOf(t, sc, must(tw.ChargeCustomer(t.Context(), "", 100_00, "eur", ""))(t)).ExchangeRate)
			advance(t, tw, 24*time.Hour)
		}
		return out
	}
	a, b, c := rates(1), rates(1), rates(2)
	if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) == fmt.Sprint(c) {
		t.Fatalf("%v\n%v\n%v", a, b, c)
	}
	for i, r := range a[1:] {
		if r/a[i] > 1.01 || r/a[i] < .99 {
			t.Errorf("day %d: from %v to %v", i, a[i], r)
		}
	}
}

func TestBadRatesAreRefused(t *testing.T) {
	for _, o := range []stripetwin.Options{{Settle: []string{"xyz"}}, {Rates: map[string]string{"eur": "much"}}, {Rates: map[string]string{"zzz": "1"}}} {
		o.APIKey = testKey
		if _, err := stripetwin.New(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
