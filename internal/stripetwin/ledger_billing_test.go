package stripetwin_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"
)

// billing are the operations of a shop that sells by invoice, subscription and
// checkout.
func (s *shop) billing(t *testing.T) map[string]func(*rapid.T) {
	t.Helper()
	methods := []string{"pm_card_visa", "pm_card_chargeCustomerFail", "pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds", "pm_sepaDebit_failed"}
	buyer := func(rt *rapid.T) *stripe.Customer {
		return payingCustomer(t, s.sc, rapid.SampledFrom(methods).Draw(rt, "method"))
	}
	return map[string]func(*rapid.T){
		"subscribe": func(rt *rapid.T) {
			p := subParams(buyer(rt).ID, monthly(t, s.sc, rapid.Int64Range(0, 40_00).Draw(rt, "price")).ID)
			if rapid.Bool().Draw(rt, "trial") {
				p.TrialPeriodDays = new(rapid.Int64Range(1, 5).Draw(rt, "days"))
			}
			if sub, err := s.sc.Subscriptions.New(p); err == nil {
				s.subs = append(s.subs, sub.ID)
			}
		},
		"change subscription": func(rt *rapid.T) {
			sub, err := s.sc.Subscriptions.Get(pick(rt, s.subs), nil)
			if err != nil {
				return
			}
			change := &stripe.SubscriptionItemsParams{ID: &sub.Items.Data[0].ID, Quantity: new(rapid.Int64Range(0, 9).Draw(rt, "quantity"))}
			_, _ = s.sc.Subscriptions.Update(sub.ID, &stripe.SubscriptionParams{Items: []*stripe.SubscriptionItemsParams{change}})
		},
		"cancel subscription": func(rt *rapid.T) { _, _ = s.sc.Subscriptions.Cancel(pick(rt, s.subs), nil) },
		"invoice with tax": func(rt *rapid.T) {
			cu := buyer(rt)
			rate := must(s.sc.TaxRates.New(&stripe.TaxRateParams{
				DisplayName: new("VAT"), Percentage: new(float64(rapid.IntRange(0, 25).Draw(rt, "percent"))), Inclusive: new(rapid.Bool().Draw(rt, "inside")),
			}))(t)
			in := must(s.sc.Invoices.New(&stripe.InvoiceParams{Customer: &cu.ID, AutoAdvance: new(rapid.Bool().Draw(rt, "advance")), DefaultTaxRates: []*string{&rate.ID}}))(t)
			for range rapid.IntRange(0, 3).Draw(rt, "items") {
				must(s.sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cu.ID, Invoice: &in.ID, Amount: new(rapid.Int64Range(-5_00, 90_00).Draw(rt, "amount"))}))(t)
			}
			if rapid.Bool().Draw(rt, "pay") {
				_, _ = s.sc.Invoices.Pay(in.ID, nil)
			}
		},
		"check out": func(rt *rapid.T) {
			price := must(s.sc.Prices.New(&stripe.PriceParams{
				Currency: new("usd"), UnitAmount: new(rapid.Int64Range(1_00, 90_00).Draw(rt, "price")), ProductData: &stripe.PriceProductDataParams{Name: new("Bolt")},
			}))(t)
			cs := must(s.sc.CheckoutSessions.New(&stripe.CheckoutSessionParams{
				Mode: new("payment"), SuccessURL: new("https://shop.example/"), LineItems: []*stripe.CheckoutSessionLineItemParams{{Price: &price.ID, Quantity: new(int64(2))}},
			}))(t)
			_ = s.tw.CompleteCheckout(t.Context(), cs.ID, rapid.SampledFrom(methods).Draw(rt, "method"))
		},
	}
}

// checkInvoices: total = subtotal + taxes on top, what is paid is what the
// charge took, and of a paid invoice nothing is left.
func (s *shop) checkInvoices(rt *rapid.T) {
	p := &stripe.InvoiceListParams{}
	p.AddExpand("data.charge")
	for it := s.sc.Invoices.List(p); it.Next(); {
		in := it.Invoice()
		var onTop int64
		for _, x := range in.TotalTaxAmounts {
			if !x.Inclusive {
				onTop += x.Amount
			}
		}
		if in.Total != in.Subtotal+onTop || in.Total-in.Tax != in.TotalExcludingTax || in.AmountDue != in.AmountPaid+in.AmountRemaining {
			rt.Fatalf("invoice %s: subtotal %d, tax %d, on top %d, total %d, due %d", in.ID, in.Subtotal, in.Tax, onTop, in.Total, in.AmountDue)
		}
		if in.Paid && (in.AmountRemaining != 0 || in.Charge != nil && in.Charge.Status == "succeeded" && in.Charge.Amount != in.AmountPaid) {
			rt.Fatalf("paid invoice %s: %+v", in.ID, in)
		}
	}
}
