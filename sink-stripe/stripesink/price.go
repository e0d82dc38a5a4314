package stripesink

import (
	"cmp"
	"context"

	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// keyPrice is the posting's record of the default price that was set.
const (
	keyPrice     = "price"
	pricePending = "pending" // something is being done about it
	priceNone    = "none"    // it was taken away
)

// reprice makes the default price of a product what the item costs. Stripe: the
// amount of a price never changes. So another amount is another price: the one
// of ours that had it before, or a new one. What else there is of ours is
// archived then; prices of others are left alone, also where one of them was the
// default. Every step looks the same to whoever does it again: what is there
// already is found by its amount.
func (w *work) reprice(ctx context.Context, p stripeapi.Product, f *schemas.StripePrice) error {
	want, err := priceOf(p.ID, f)
	if err != nil {
		return err
	}
	resumed := w.p.Keys[keyPrice] != ""
	switch {
	case resumed: // what is left to be archived is not known
	case want == nil && (p.Default == nil || !w.ourPrice(*p.Default)):
		return nil
	case want != nil && p.Default != nil && costs(*p.Default, *want):
		return nil
	}
	prices, err := w.api.ListPrices(ctx, p.ID)
	if err != nil {
		return err
	}
	w.at("prices read")
	// Before the first write, so that a worker that was overtaken while it read
	// stops here, and one that comes after a crash looks at all prices again.
	w.p.Keys[keyPrice] = pricePending
	if err := w.save(ctx, posting.Created); err != nil {
		return err
	}
	id := ""
	if want != nil {
		if id, err = w.ensurePrice(ctx, p, *want, prices); err != nil {
			return err
		}
	}
	if err := w.setDefault(ctx, p, id); err != nil {
		return err
	}
	if err := w.archive(ctx, prices, id); err != nil {
		return err
	}
	w.p.Keys[keyPrice] = cmp.Or(id, priceNone)
	return nil
}

// archive archives all prices of ours but one.
func (w *work) archive(ctx context.Context, prices []stripeapi.Price, but string) error {
	for _, x := range prices {
		if x.ID == but || !x.Active || !w.ourPrice(x) {
			continue
		}
		if _, err := w.api.SetPriceActive(ctx, w.key("archive:"+x.ID), x.ID, false); err != nil {
			return w.failed(ctx, err)
		}
		w.at("price archived")
	}
	return nil
}

// priceOf is the price that is wanted; nil for none.
func priceOf(product string, f *schemas.StripePrice) (*stripeapi.Price, error) {
	if f == nil {
		return nil, nil //nolint:nilnil // as documented
	}
	amount, err := decimal.NewFromString(f.UnitAmountDecimal)
	if err != nil {
		return nil, fault.Newf("stripe.fields_invalid", "price %q: %w", f.UnitAmountDecimal, err)
	}
	return &stripeapi.Price{Product: product, Currency: f.Currency, UnitAmount: amount, Plain: true, Active: true}, nil
}

// costs reports a price that can be used and says what is wanted.
func costs(x, want stripeapi.Price) bool { return x.Active && sameAmount(x, want) }

func sameAmount(x, want stripeapi.Price) bool {
	return x.Plain && x.Currency == want.Currency && x.UnitAmount.Equal(want.UnitAmount)
}

// ourPrice reports a price that we have made.
func (w *work) ourPrice(x stripeapi.Price) bool { return x.Metadata[metaConnection] == w.in.Connection }

// ensurePrice returns a price of that amount: the default one, one of ours, or
// a new one. A list shows at once what was written.
func (w *work) ensurePrice(ctx context.Context, p stripeapi.Product, want stripeapi.Price, prices []stripeapi.Price) (string, error) {
	if p.Default != nil && costs(*p.Default, want) {
		return p.Default.ID, nil
	}
	for _, x := range prices {
		if !w.ourPrice(x) || !sameAmount(x, want) {
			continue
		}
		if x.Active {
			return x.ID, nil
		}
		_, err := w.api.SetPriceActive(ctx, w.key("activate:"+x.ID), x.ID, true)
		if err != nil {
			return "", w.failed(ctx, err)
		}
		w.at("price activated")
		return x.ID, nil
	}
	var err error
	if want.Metadata, err = w.mark(nil, map[string]string{metaItem: w.in.Key}); err != nil {
		return "", err
	}
	got, err := w.api.CreatePrice(ctx, w.key("price"), want)
	if err != nil {
		return "", w.failed(ctx, err)
	}
	w.at("price created")
	if got.Product != p.ID || !costs(got, want) { // Invariant 10
		return "", fault.Newf("stripe.response_malformed", "price %s: %s of %s, product %s; want %s of %s, product %s",
			got.ID, got.UnitAmount, got.Currency, got.Product, want.UnitAmount, want.Currency, p.ID)
	}
	return got.ID, nil
}

// setDefault makes the price the default one, or takes ours away.
func (w *work) setDefault(ctx context.Context, p stripeapi.Product, id string) error {
	now := ""
	if p.Default != nil {
		now = p.Default.ID
	}
	if now == id || id == "" && !w.ourPrice(*p.Default) {
		return nil
	}
	got, err := w.api.SetDefaultPrice(ctx, w.key("default:"+id), p.ID, id)
	if err != nil {
		return w.failed(ctx, err)
	}
	w.at("default price set")
	if set := got.Default; id == "" && set != nil || id != "" && (set == nil || set.ID != id) { // Invariant 10
		return fault.Newf("stripe.response_malformed", "product %s: another default price than %q", p.ID, id)
	}
	return nil
}

// priceTold says for people what became of the price.
func (w *work) priceTold() string {
	switch id := w.p.Keys[keyPrice]; id {
	case "", pricePending:
		return ""
	case priceNone:
		return ", without a price"
	default:
		return ", at the price " + id
	}
}
