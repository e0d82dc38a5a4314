package stripetwin

import (
	"slices"
	"testing"

	"millrace/internal/stripespec"
)

// members of the table that are no ids: lists and objects that are left out or
// passed through on the way to what can be expanded.
var passedThrough = map[string][]string{
	"charge": {"refunds"}, "customer": {"cash_balance", "discount", "invoice_settings", "sources", "subscriptions", "tax", "tax_ids"},
	"invoice": {"lines", "from_invoice"}, "subscription": {"items"}, "checkout.session": {"line_items"},
	"invoiceitem": {"price"}, "line_item": {"price"}, "item": {"price"}, "subscription_item": {"price"},
}

// TestWhatCanBeExpandedIsWhatStripeExpands: no member more, and none missing.
func TestWhatCanBeExpandedIsWhatStripeExpands(t *testing.T) {
	for kind, names := range expandable {
		want := stripespec.Expandable(kind)
		for _, n := range names {
			if want != nil && !slices.Contains(want, n) && !slices.Contains(passedThrough[kind], n) {
				t.Errorf("%s.%s cannot be expanded at Stripe", kind, n)
			}
		}
		for _, n := range want {
			if !slices.Contains(names, n) {
				t.Errorf("%s.%s can be expanded at Stripe", kind, n)
			}
		}
	}
	for _, kind := range kinds {
		if want := stripespec.Expandable(kind); len(want) > 0 && expandable[kind] == nil {
			t.Errorf("nothing of a %s can be expanded; Stripe: %v", kind, want)
		}
	}
}
