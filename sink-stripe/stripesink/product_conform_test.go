package stripesink

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/bustest"
	"millrace/internal/link"
	"millrace/internal/sinktest"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// TestProductConforms: an item is new, and changed after that in a way that
// takes each of the steps.
func TestProductConforms(t *testing.T) {
	b := bustest.New(t)
	for _, tt := range []struct {
		name        string
		before      []schemas.Intent
		in, next    schemas.Intent
		facts, then string
	}{
		{
			"new, and at another price", nil, productIntent(1, "Glass", "1250"), productIntent(2, "Glass 45", "33.3333"),
			"GLASS Glass EACH active true, costs price of 1250 usd, for sale 1250", "GLASS Glass 45 EACH active true, costs price of 33.3333 usd, for sale 33.3333",
		},
		{
			"the old price again, and not sold",
			[]schemas.Intent{productIntent(0, "Glass", "1250"), productIntent(1, "Glass", "1300")},
			productIntent(2, "Glass", "1250"), asUnsold(productIntent(3, "Glass", "")),
			"GLASS Glass EACH active true, costs price of 1250 usd, for sale 1250", "GLASS Glass EACH active false",
		},
		{
			"no price, and sold again at one",
			[]schemas.Intent{productIntent(0, "Glass", "1250")},
			productIntent(1, "Glass", ""), productIntent(2, "Glass 45", "1250"),
			"GLASS Glass EACH active true, costs nothing, for sale ", "GLASS Glass 45 EACH active true, costs price of 1250 usd, for sale 1250",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sinktest.Run(t, b, newProcess, sinktest.Kind{Target: schemas.Stripe, Prepare: func(tb testing.TB, w *sinktest.World) sinktest.Document {
				tb.Helper()
				api := newClient(tb, w)
				made(tb, w, tt.before...)
				was, err := productEntries(tb.Context(), api)
				if err != nil {
					tb.Fatal(err)
				}
				return sinktest.Document{
					Intent: sinktest.Wanted{Intent: in(w, tt.in), Facts: tt.facts}, Next: sinktest.Wanted{Intent: in(w, tt.next), Facts: tt.then},
					Link: link.Product, Stays: true,
					Entries: func(ctx context.Context, _ string) ([]sinktest.Entry, error) {
						now, err := productEntries(ctx, api)
						if slices.Equal(now, was) {
							return nil, err // as it was made
						}
						return now, err
					},
				}
			}})
		})
	}
}

// productEntries are all products of the account: there must be no other. Of
// the prices it tells those that somebody could buy at.
func productEntries(ctx context.Context, api *stripeapi.Client) ([]sinktest.Entry, error) {
	all, err := api.ListProducts(ctx, time.Time{})
	var entries []sinktest.Entry
	for _, p := range all {
		prices, err := api.ListPrices(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		var active []string
		for _, x := range prices {
			if x.Active {
				active = append(active, x.UnitAmount.String())
			}
		}
		costs := ""
		switch {
		case p.Active && p.Default == nil:
			costs = ", costs nothing, for sale " + strings.Join(active, " ")
		case p.Active:
			costs = fmt.Sprintf(", costs price of %s %s, for sale %s", p.Default.UnitAmount, p.Default.Currency, strings.Join(active, " "))
		}
		entries = append(entries, sinktest.Entry{
			AcumaticaID: p.Metadata[metaItem], StripeID: p.ID, Effective: true,
			Facts: fmt.Sprintf("%s %s %s active %t", p.Metadata[metaInventory], p.Name, p.UnitLabel, p.Active) + costs,
		})
	}
	return entries, err
}
