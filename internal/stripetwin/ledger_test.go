package stripetwin_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"pgregory.net/rapid"

	"millrace/internal/stripetwin"
)

// A shop does random things to a twin. What is refused changes nothing, so it
// does not look at errors.
type shop struct {
	tw                               *stripetwin.Twin
	sc                               *client.API
	charges, refunds, disputes, subs []string
}

func pick(rt *rapid.T, from []string) string {
	if len(from) == 0 {
		return "none"
	}
	return rapid.SampledFrom(from).Draw(rt, "id")
}

func (s *shop) operations(t *testing.T) map[string]func(*rapid.T) {
	t.Helper()
	ctx := t.Context()
	return map[string]func(*rapid.T){
		"charge": func(rt *rapid.T) {
			cur := rapid.SampledFrom([]string{"usd", "usd", "eur", "jpy", "kwd", "gbp"}).Draw(rt, "currency")
			if id, err := s.tw.ChargeCustomer(ctx, "", 10*rapid.Int64Range(1, 50_00).Draw(rt, "amount"), cur, ""); err == nil {
				s.charges = append(s.charges, id)
			}
		},
		"intent": func(rt *rapid.T) {
			method := rapid.SampledFrom([]string{
				"pm_card_chargeDeclined", "pm_usBankAccount_success", "pm_usBankAccount_accountClosed", "pm_card_createDispute", "pm_card_bypassPending",
			}).Draw(rt, "method")
			p := intentParams(method, rapid.Bool().Draw(rt, "manual"))
			pi, err := s.sc.PaymentIntents.New(p)
			if err != nil {
				return
			}
			s.charges = append(s.charges, pi.LatestCharge.ID)
			if pi.Status == "requires_capture" {
				_, _ = s.sc.PaymentIntents.Capture(pi.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: new(rapid.Int64Range(1, 101_00).Draw(rt, "captured"))})
			}
		},
		"refund": func(rt *rapid.T) {
			p := &stripe.RefundParams{Charge: new(pick(rt, s.charges)), Amount: new(rapid.Int64Range(1, 300_00).Draw(rt, "amount"))}
			if r, err := s.sc.Refunds.New(p); err == nil {
				s.refunds = append(s.refunds, r.ID)
			}
		},
		"refund fails": func(rt *rapid.T) { _ = s.tw.FailRefund(ctx, pick(rt, s.refunds), "unknown") },
		"dispute": func(rt *rapid.T) {
			if id, err := s.tw.Dispute(ctx, pick(rt, s.charges), "", rapid.Bool().Draw(rt, "inquiry")); err == nil {
				s.disputes = append(s.disputes, id)
			}
		},
		"escalate": func(rt *rapid.T) { _ = s.tw.EscalateDispute(ctx, pick(rt, s.disputes)) },
		"close": func(rt *rapid.T) {
			_ = s.tw.CloseDispute(ctx, pick(rt, s.disputes), rapid.Bool().Draw(rt, "won"), rapid.Bool().Draw(rt, "fee back"))
		},
		"by itself": func(rt *rapid.T) {
			typ := rapid.SampledFrom([]string{"stripe_fee", "reserve_transaction", "adjustment", "topup_reversal", "financing_paydown"}).Draw(rt, "type")
			m := stripetwin.Movement{Type: typ, Amount: rapid.Int64Range(-50_00, 50_00).Draw(rt, "amount"), Fee: rapid.Int64Range(-5, 5).Draw(rt, "fee"), Days: rapid.IntRange(0, 3).Draw(rt, "days")}
			must(s.tw.Book(ctx, m))(t)
		},
		"topup": func(rt *rapid.T) {
			tu := must(s.sc.Topups.New(&stripe.TopupParams{Amount: new(rapid.Int64Range(1, 100_00).Draw(rt, "amount")), Currency: new("usd")}))(t)
			if rapid.Bool().Draw(rt, "fails") {
				_ = s.tw.FailTopup(ctx, tu.ID, "")
			}
		},
		"payout": func(rt *rapid.T) {
			cur := rapid.SampledFrom([]string{"usd", "eur", "jpy"}).Draw(rt, "currency")
			method := rapid.SampledFrom([]string{"standard", "instant"}).Draw(rt, "method")
			p := &stripe.PayoutParams{Amount: new(rapid.Int64Range(1, 300_00).Draw(rt, "amount")), Currency: &cur, Method: &method}
			_, _ = s.sc.Payouts.New(p)
		},
		"payout ends": func(rt *rapid.T) {
			var ids []string
			for it := s.sc.Payouts.List(&stripe.PayoutListParams{}); it.Next(); {
				ids = append(ids, it.Payout().ID)
			}
			id := pick(rt, ids)
			if _, err := s.sc.Payouts.Cancel(id, &stripe.PayoutParams{}); err != nil {
				_ = s.tw.FailPayout(ctx, id, "")
			}
		},
		"time passes": func(rt *rapid.T) {
			_ = s.tw.Advance(ctx, time.Duration(rapid.IntRange(1, 80).Draw(rt, "hours"))*time.Hour)
		},
	}
}

// TestLedgerIdentitiesHoldAlways: net = amount − fee, fee = Σ details,
// balance = Σ net in each currency, automatic payout = Σ net of its parts, all
// of which are in its currency, and a charge is booked at its rate.
func TestLedgerIdentitiesHoldAlways(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tw, sc, _ := start(t, stripetwin.Options{
			Now: atNoon, DailyPayouts: rapid.Bool().Draw(rt, "daily"), RefundFees: rapid.Bool().Draw(rt, "fees"),
			Settle: rapid.SampledFrom([][]string{nil, {"usd"}, {"eur", "usd"}, {"jpy"}}).Draw(rt, "settle"),
			FeeTax: rapid.SampledFrom([]int64{0, 230}).Draw(rt, "tax"), RateSeed: rapid.Uint64Range(0, 3).Draw(rt, "rates"),
		})
		s := &shop{tw: tw, sc: sc}
		ops := s.operations(t)
		steps := 0
		maps.Copy(ops, s.billing(t))
		ops[""] = func(rt *rapid.T) { // what is wrong stays wrong: not every step needs a look
			if steps++; steps%8 == 0 {
				s.check(t, rt)
			}
		}
		rt.Repeat(ops)
		s.check(t, rt)
	})
}

func (s *shop) check(t *testing.T, rt *rapid.T) {
	t.Helper()
	s.checkInvoices(rt)
	pending, available := map[stripe.Currency]int64{}, map[stripe.Currency]int64{}
	p := &stripe.BalanceTransactionListParams{}
	p.Limit = new(int64(100))
	p.AddExpand("data.source")
	it := s.sc.BalanceTransactions.List(p)
	for it.Next() {
		bt := it.BalanceTransaction()
		var fees int64
		for _, d := range bt.FeeDetails {
			fees += d.Amount
		}
		if bt.Net != bt.Amount-bt.Fee || fees != bt.Fee {
			rt.Fatalf("%s: amount %d, fee %d of %d, net %d", bt.ID, bt.Amount, bt.Fee, fees, bt.Net)
		}
		if bt.Status == "available" {
			available[bt.Currency] += bt.Net
		} else {
			pending[bt.Currency] += bt.Net
		}
		atItsRate(rt, bt)
	}
	b, err := s.sc.Balance.Get(nil)
	if err != nil || it.Err() != nil {
		rt.Fatal(err, it.Err())
	}
	for _, a := range b.Available {
		if a.Amount != available[a.Currency] {
			rt.Fatalf("available %d %s, transactions %d", a.Amount, a.Currency, available[a.Currency])
		}
		delete(available, a.Currency)
	}
	for _, a := range b.Pending {
		if a.Amount != pending[a.Currency] {
			rt.Fatalf("pending %d %s, transactions %d", a.Amount, a.Currency, pending[a.Currency])
		}
		delete(pending, a.Currency)
	}
	if len(available)+len(pending) > 0 {
		rt.Fatalf("not in the balance: %v %v", available, pending)
	}
	for pos := s.sc.Payouts.List(&stripe.PayoutListParams{}); pos.Next(); {
		po := pos.Payout()
		if po.ReconciliationStatus != "completed" {
			continue
		}
		var parts int64
		for _, bt := range partsOf(t, s.sc, po.ID) {
			if bt.Source == nil || bt.Source.ID != po.ID || bt.Type != "payout" {
				parts += bt.Net
			}
			if bt.Currency != po.Currency {
				rt.Fatalf("payout %s in %s has a part in %s", po.ID, po.Currency, bt.Currency)
			}
		}
		if parts != po.Amount {
			rt.Fatalf("payout %s of %d has parts of %d", po.ID, po.Amount, parts)
		}
	}
}

// atItsRate compares the balance transaction of a charge with the charge; the
// shown rate has six digits, which is good to a few minor units.
func atItsRate(rt *rapid.T, bt *stripe.BalanceTransaction) {
	if bt.ReportingCategory != "charge" || bt.Source == nil || bt.Source.Charge == nil {
		return
	}
	ch := bt.Source.Charge
	if (ch.Currency == bt.Currency) != (bt.ExchangeRate == 0) {
		rt.Fatalf("%s is of %s, its charge of %s, the rate %v", bt.ID, bt.Currency, ch.Currency, bt.ExchangeRate)
	}
	want := float64(ch.Amount)
	if bt.ExchangeRate != 0 {
		want *= bt.ExchangeRate
	}
	if diff := want - float64(bt.Amount); diff > 1+want*1e-5 || diff < -1-want*1e-5 {
		rt.Fatalf("%s: %d %s became %d %s at %v", bt.ID, ch.Amount, ch.Currency, bt.Amount, bt.Currency, bt.ExchangeRate)
	}
}
