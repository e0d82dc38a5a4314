package stripetwin_test

import (
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
	tw                         *stripetwin.Twin
	sc                         *client.API
	charges, refunds, disputes []string
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
			if id, err := s.tw.ChargeCustomer(ctx, "", rapid.Int64Range(1, 500_00).Draw(rt, "amount"), "usd", ""); err == nil {
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
		"payout": func(rt *rapid.T) {
			method := rapid.SampledFrom([]string{"standard", "instant"}).Draw(rt, "method")
			p := &stripe.PayoutParams{Amount: new(rapid.Int64Range(1, 300_00).Draw(rt, "amount")), Currency: new("usd"), Method: &method}
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
// balance = Σ net, automatic payout = Σ net of its parts.
func TestLedgerIdentitiesHoldAlways(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tw, sc, _ := start(t, stripetwin.Options{Now: atNoon, DailyPayouts: rapid.Bool().Draw(rt, "daily"), RefundFees: rapid.Bool().Draw(rt, "fees")})
		s := &shop{tw: tw, sc: sc}
		ops := s.operations(t)
		ops[""] = func(rt *rapid.T) { s.check(t, rt) }
		rt.Repeat(ops)
	})
}

func (s *shop) check(t *testing.T, rt *rapid.T) {
	t.Helper()
	var sum, available int64
	p := &stripe.BalanceTransactionListParams{}
	p.Limit = new(int64(100))
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
		sum += bt.Net
		if bt.Status == "available" {
			available += bt.Net
		}
	}
	b, err := s.sc.Balance.Get(nil)
	if err != nil || it.Err() != nil {
		rt.Fatal(err, it.Err())
	}
	if b.Available[0].Amount != available || b.Pending[0].Amount != sum-available {
		rt.Fatalf("balance %d + %d, transactions %d of %d", b.Available[0].Amount, b.Pending[0].Amount, available, sum)
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
		}
		if parts != po.Amount {
			rt.Fatalf("payout %s of %d has parts of %d", po.ID, po.Amount, parts)
		}
	}
}
