package stripesink

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// product makes, updates or archives the Stripe product of an Acumatica item.
// The key of the intent is the id of the item's record, so that one whose
// number is changed keeps its product.
func (w *work) product(ctx context.Context) (schemas.Outcome, error) {
	f, err := decodeProduct(w.in.Fields)
	if err != nil {
		return schemas.Outcome{}, err
	}
	ctx, err = w.begin(ctx)
	if err != nil {
		return schemas.Outcome{}, err
	}
	if w.p.State == posting.Done {
		return w.productDone(schemas.Duplicate, "the Stripe product "+w.p.Keys[keyID]+" was written before"), nil
	}
	if w.p.State == posting.Skipped {
		return w.skipped(), nil
	}
	p, err := w.ensureProduct(ctx, &f)
	if err != nil {
		return schemas.Outcome{}, err
	}
	if p == nil {
		if err := w.save(ctx, posting.Done); err != nil {
			return schemas.Outcome{}, err
		}
		return w.productDone("", ""), nil
	}
	// Prices of what is not sold are left alone: nobody can buy at them.
	if w.p.Keys[keyNewer] == "" && f.Active {
		if err := w.reprice(ctx, *p, f.Price); err != nil {
			return schemas.Outcome{}, err
		}
	}
	return w.finishProduct(ctx)
}

// productDone is the outcome of a posting that is done: how and why, unless
// nothing was to be done.
func (w *work) productDone(how, reason string) schemas.Outcome {
	id, version := w.p.Keys[keyID], w.p.Keys[keyNewer]
	if id == "" {
		return w.outcome(schemas.Skipped, "the item is not sold, and Stripe has no product of it")
	}
	if version != "" {
		return w.outcome(cmp.Or(how, schemas.Skipped), "the Stripe product "+id+" shows the newer version "+version, productRef(id))
	}
	return w.outcome(cmp.Or(how, schemas.Applied), reason, productRef(id))
}

// decodeProduct reads the fields and refuses a product that nobody could tell
// from others, and half a price.
func decodeProduct(fields []byte) (schemas.StripeProduct, error) {
	var f schemas.StripeProduct
	if err := decode(fields, &f); err != nil {
		return f, err
	}
	if f.Name == "" || f.Metadata[metaInventory] == "" {
		return f, fault.Newf("stripe.fields_invalid", "name %q, %s %q: empty", f.Name, metaInventory, f.Metadata[metaInventory])
	}
	if f.Price == nil {
		return f, nil
	}
	d, err := decimal.NewFromString(f.Price.UnitAmountDecimal)
	if err != nil || len(f.Price.Currency) != 3 || !d.IsPositive() || !d.Equal(d.Truncate(12)) { // Stripe: twelve decimals
		return f, fault.Newf("stripe.fields_invalid", "price %q minor units of %q", f.Price.UnitAmountDecimal, f.Price.Currency)
	}
	return f, nil
}

// ensureProduct returns the product as the item has it, its price aside; nil
// when an item that is not sold has none.
func (w *work) ensureProduct(ctx context.Context, f *schemas.StripeProduct) (*stripeapi.Product, error) {
	metadata, err := w.mark(f.Metadata, w.productMarks())
	if err != nil {
		return nil, err
	}
	f.Metadata = metadata
	l, linked, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Product, w.in.Key)
	if err != nil {
		return nil, err
	}
	id := cmp.Or(w.p.Keys[keyID], l.StripeID)
	if id == "" || id == w.p.Keys[keyInstead] {
		return w.makeProduct(ctx, *f)
	}
	old, err := w.api.GetProduct(ctx, id)
	if stripeapi.IsNotFound(err) {
		if linked {
			w.p.Keys[keyInstead] = l.StripeID
		}
		if err := w.restart(ctx); err != nil {
			return nil, err
		}
		return w.makeProduct(ctx, *f)
	}
	if err != nil {
		return nil, err
	}
	w.at("product read")
	if w.p.State == posting.Created && old.Metadata[metaIntent] == w.tag() {
		return &old, w.guardProduct(old)
	}
	return w.updateProduct(ctx, old, *f, cmp.Or(w.p.Keys[keyDid], "updated"))
}

// productMarks are the marks of a product beside those of every object.
func (w *work) productMarks() map[string]string {
	marks := map[string]string{metaItem: w.in.Key, metaSeq: strconv.FormatUint(w.in.Cause.EventSeq, 10)}
	if w.in.Version != "" {
		marks[metaVersion] = w.in.Version
	}
	return marks
}

// guardProduct refuses a product that stands for something else, and notes a
// version that is newer than ours: a replay, or a worker that was overtaken,
// comes with an old one (Invariant 4). One that a later event told is none,
// although its time is earlier: the server's clock was set back.
func (w *work) guardProduct(p stripeapi.Product) error {
	if item := p.Metadata[metaItem]; item != "" && item != w.in.Key {
		return fault.Newf("stripe.ambiguous", "product %s: %s is %q, not %q", p.ID, metaItem, item, w.in.Key)
	}
	if version := p.Metadata[metaVersion]; version != "" && w.behind(p.Metadata) {
		w.p.Keys[keyNewer] = version
	}
	return nil
}

// updateProduct writes the fields onto a product that exists, unless it shows a
// newer version already. Between the read and the write nobody else writes but
// an attempt at the same intent, under the same idempotency key.
func (w *work) updateProduct(ctx context.Context, old stripeapi.Product, f schemas.StripeProduct, did string) (*stripeapi.Product, error) {
	if err := w.guardProduct(old); err != nil {
		return nil, err
	}
	w.p.Keys[keyDid] = did
	if w.p.Keys[keyNewer] != "" {
		return &old, w.found(ctx, old.ID)
	}
	got, err := w.api.UpdateProduct(ctx, w.key("update:"+old.ID), old.ID, f)
	if err != nil {
		return nil, w.failed(ctx, err)
	}
	w.at("product updated")
	if err := w.checkProduct(got, f); err != nil {
		return nil, err
	}
	return &got, w.found(ctx, old.ID)
}

// makeProduct creates the product, or adopts the one that is there already:
// made by an earlier attempt, by an installation whose records are lost, or by
// hand, with the item's number in its metadata. What is not sold is not made.
func (w *work) makeProduct(ctx context.Context, f schemas.StripeProduct) (*stripeapi.Product, error) {
	old, found, err := w.searchProduct(ctx, f.Metadata[metaInventory])
	switch {
	case err != nil:
		return nil, err
	case found && old.Metadata[metaIntent] == w.tag():
		w.p.Keys[keyDid] = "created"
		if err := w.guardProduct(old); err != nil {
			return nil, err
		}
		return &old, w.found(ctx, old.ID)
	case found:
		return w.updateProduct(ctx, old, f, "adopted")
	case !f.Active:
		return nil, nil //nolint:nilnil // as documented
	}
	if err := w.sending(ctx, map[string]string{metaItem: w.in.Key}); err != nil {
		return nil, err
	}
	got, err := w.api.CreateProduct(ctx, w.key("product"), f)
	if err != nil {
		return nil, w.failed(ctx, err)
	}
	w.at("product created")
	if err := w.checkProduct(got, f); err != nil {
		return nil, err
	}
	w.p.Keys[keyDid] = "created"
	return &got, w.found(ctx, got.ID)
}

// checkProduct compares what came back with what was meant (Invariant 10).
func (w *work) checkProduct(got stripeapi.Product, f schemas.StripeProduct) error {
	if item := got.Metadata[metaItem]; item != w.in.Key || got.Name != f.Name || got.Active != f.Active {
		return fault.Newf("stripe.response_malformed", "product %s: %q of item %q, active %t; want %q of %q, active %t",
			got.ID, got.Name, item, got.Active, f.Name, w.in.Key, f.Active)
	}
	return nil
}

// searchProduct looks for a product that carries the id of the item's record,
// or its number and no record's id: in the list from the first attempt on,
// which shows writes at once, and in the search, which lags but goes back for
// ever.
func (w *work) searchProduct(ctx context.Context, inventory string) (stripeapi.Product, bool, error) {
	var hits []stripeapi.Product
	if since := w.since(); !since.IsZero() {
		recent, err := w.api.ListProducts(ctx, since)
		if err != nil {
			return stripeapi.Product{}, false, err
		}
		hits = w.ourProducts(recent, inventory)
	}
	if len(hits) == 0 {
		older, err := w.api.SearchProducts(ctx, stripeapi.Tag{Key: metaItem, Value: w.in.Key}, stripeapi.Tag{Key: metaInventory, Value: inventory})
		if noSearch(err) {
			older, err = w.api.ListProducts(ctx, time.Time{})
		}
		if err != nil {
			return stripeapi.Product{}, false, err
		}
		hits = w.ourProducts(older, inventory)
	}
	switch len(hits) {
	case 0:
		return stripeapi.Product{}, false, nil
	case 1:
		return hits[0], true, nil
	}
	key, value := metaInventory, inventory
	if hits[0].Metadata[metaItem] != "" {
		key, value = metaItem, w.in.Key
	}
	return stripeapi.Product{}, false, fault.Newf("stripe.ambiguous",
		"%d products stand for item %q, among them %s and %s: leave the metadata %s = %s on the right one, and take it off the others",
		len(hits), inventory, hits[0].ID, hits[1].ID, key, value)
}

// ourProducts are those of the item's record; without any, those that somebody
// has labelled with its number by hand. One that another connection which
// shares the Stripe account has made, or that is of another record, is neither.
func (w *work) ourProducts(all []stripeapi.Product, inventory string) []stripeapi.Product {
	var marked, labelled []stripeapi.Product
	for _, p := range all {
		connection, made := p.Metadata[metaConnection]
		switch item := p.Metadata[metaItem]; {
		case made && connection != w.in.Connection:
		case item == w.in.Key:
			marked = append(marked, p)
		case item == "" && !made && p.Metadata[metaInventory] == inventory:
			labelled = append(labelled, p)
		}
	}
	if len(marked) > 0 {
		return marked
	}
	return slices.Clip(labelled)
}

// finishProduct links the product and closes the posting. Where the one that
// was linked is gone, the new one takes its place.
func (w *work) finishProduct(ctx context.Context) (schemas.Outcome, error) {
	id := w.p.Keys[keyID]
	next := link.Link{Kind: link.Product, AcumaticaID: w.in.Key, StripeID: id, IntentID: w.in.ID, At: w.now().UTC()}
	gone := w.p.Keys[keyInstead]
	var err error
	if gone == "" {
		err = w.links.Put(ctx, w.in.Connection, next)
	} else {
		err = w.links.Swap(ctx, w.in.Connection, link.Link{Kind: link.Product, AcumaticaID: w.in.Key, StripeID: gone}, next)
	}
	if err != nil {
		return schemas.Outcome{}, err
	}
	w.at("linked")
	if err := w.save(ctx, posting.Done); err != nil {
		return schemas.Outcome{}, err
	}
	return w.productDone("", w.p.Keys[keyDid]+" the Stripe product "+id+w.priceTold()), nil
}

func productRef(id string) schemas.Ref {
	return schemas.Ref{System: schemas.Stripe, Kind: link.Product, ID: id}
}
