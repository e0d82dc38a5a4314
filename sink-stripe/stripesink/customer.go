package stripesink

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// customer makes or updates the Stripe customer of an Acumatica customer.
func (w *work) customer(ctx context.Context) (schemas.Outcome, error) {
	f, err := decodeCustomer(w.in.Fields)
	if err != nil {
		return schemas.Outcome{}, err
	}
	ctx, err = w.begin(ctx)
	if err != nil {
		return schemas.Outcome{}, err
	}
	if w.p.State == posting.Done {
		id := w.p.Keys[keyID]
		reason := "the Stripe customer " + id + " was written before"
		if version := w.p.Keys[keyNewer]; version != "" {
			reason = newerReason(id, version)
		}
		return w.outcome(schemas.Duplicate, reason, customerRef(id)), nil
	}
	if w.p.State == posting.Skipped {
		return w.skipped(), nil
	}
	l, linked, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Customer, w.in.Key)
	if err != nil {
		return schemas.Outcome{}, err
	}
	did := "created"
	switch {
	case w.p.State == posting.Created: // written, but not yet linked or not yet Done
	case linked:
		did = "updated"
		err = w.updateCustomer(ctx, l.StripeID, f, nil)
	default:
		did, err = w.makeCustomer(ctx, f)
	}
	if err != nil {
		return schemas.Outcome{}, err
	}
	return w.finishCustomer(ctx, did)
}

// decodeCustomer reads the fields and refuses a customer without a name.
func decodeCustomer(fields []byte) (schemas.StripeCustomer, error) {
	var f schemas.StripeCustomer
	if err := decode(fields, &f); err != nil {
		return f, err
	}
	if f.Name == "" {
		return f, fault.Newf("stripe.fields_invalid", "name: empty")
	}
	return f, nil
}

// finishCustomer links the customer and closes the posting.
func (w *work) finishCustomer(ctx context.Context, did string) (schemas.Outcome, error) {
	id := w.p.Keys[keyID]
	err := w.links.Put(ctx, w.in.Connection, link.Link{
		Kind: link.Customer, AcumaticaID: w.in.Key, StripeID: id, IntentID: w.in.ID, At: w.now().UTC(),
	})
	if err != nil {
		return schemas.Outcome{}, err
	}
	w.at("linked")
	if err := w.save(ctx, posting.Done); err != nil {
		return schemas.Outcome{}, err
	}
	if version := w.p.Keys[keyNewer]; version != "" {
		return w.outcome(schemas.Skipped, newerReason(id, version), customerRef(id)), nil
	}
	return w.outcome(schemas.Applied, fmt.Sprintf("%s the Stripe customer %s", did, id), customerRef(id)), nil
}

// makeCustomer creates the customer, or adopts the one that is there already:
// made by an earlier attempt, by an installation whose records are lost, or by
// hand; it says which. Before a first create that costs one search.
func (w *work) makeCustomer(ctx context.Context, f schemas.StripeCustomer) (did string, err error) {
	marked, err := w.mark(f.Metadata, w.customerMarks())
	if err != nil {
		return "", err
	}
	old, found, err := w.searchCustomer(ctx)
	switch {
	case err != nil:
		return "", err
	case found && old.Metadata[metaIntent] == w.tag() && w.p.State == posting.Sent:
		return "created", w.found(ctx, old.ID)
	case found && old.Metadata[metaIntent] == w.tag():
		return "adopted", w.found(ctx, old.ID)
	case found:
		return "adopted", w.updateCustomer(ctx, old.ID, f, map[string]string{metaConnection: w.in.Connection})
	}
	f.Metadata = marked
	if err := w.sending(ctx, map[string]string{metaCustomer: w.in.Key}); err != nil {
		return "", err
	}
	got, err := w.api.CreateCustomer(ctx, w.key("customer"), f)
	if err != nil {
		return "", w.failed(ctx, err)
	}
	w.at("customer created")
	if err := w.checkCustomer(got); err != nil {
		return "", err
	}
	return "created", w.found(ctx, got.ID)
}

// customerMarks are the marks of a customer beside those of every object.
func (w *work) customerMarks() map[string]string {
	marks := map[string]string{metaCustomer: w.in.Key}
	if w.in.Version != "" {
		marks[metaVersion] = w.in.Version
	}
	return marks
}

// updateCustomer writes the fields onto a customer that exists, with marks on
// top of its own, unless it shows a newer version already: a replay, or a
// worker that was overtaken, comes with an old one (Invariant 4). Between the
// read and the write nobody else writes but an attempt at the same intent,
// under the same idempotency key.
func (w *work) updateCustomer(ctx context.Context, id string, f schemas.StripeCustomer, marks map[string]string) error {
	old, err := w.api.GetCustomer(ctx, id)
	if err != nil {
		return err
	}
	if version := old.Metadata[metaVersion]; !old.Deleted && newer(version, w.in.Version) {
		w.p.Keys[keyNewer] = version
		return w.found(ctx, id)
	}
	w.at("customer read")
	metadata := w.customerMarks()
	maps.Copy(metadata, marks)
	for k, v := range f.Metadata {
		if own, found := metadata[k]; found && own != v {
			return fault.Newf("stripe.fields_invalid", "metadata %s is %q, but must be %q", k, v, own)
		}
		metadata[k] = v
	}
	if err := checkMetadata(metadata); err != nil {
		return err
	}
	f.Metadata = metadata
	got, err := w.api.UpdateCustomer(ctx, w.key("update:"+id), id, f)
	if err != nil {
		return w.failed(ctx, err)
	}
	w.at("customer updated")
	if err := w.checkCustomer(got); err != nil {
		return err
	}
	return w.found(ctx, id)
}

// checkCustomer compares what came back with what was meant (Invariant 10).
func (w *work) checkCustomer(got stripeapi.Customer) error {
	if got.Deleted {
		return fault.Newf("stripe.not_found", "customer %s is deleted", got.ID)
	}
	if tag := got.Metadata[metaCustomer]; tag != w.in.Key {
		return fault.Newf("stripe.response_malformed", "customer %s: %s is %q", got.ID, metaCustomer, tag)
	}
	return nil
}

// searchCustomer looks for a customer that carries the Acumatica id: in the
// list from the first attempt on, which shows writes at once, and in the
// search, which lags but goes back for ever.
func (w *work) searchCustomer(ctx context.Context) (stripeapi.Customer, bool, error) {
	var hits []stripeapi.Customer
	if since := w.since(); !since.IsZero() {
		recent, err := w.api.ListCustomers(ctx, since)
		if err != nil {
			return stripeapi.Customer{}, false, err
		}
		hits = w.ours(hits, recent)
	}
	if len(hits) == 0 {
		older, err := w.api.SearchCustomers(ctx, metaCustomer, w.in.Key)
		if noSearch(err) {
			older, err = w.api.ListCustomers(ctx, time.Time{})
		}
		if err != nil {
			return stripeapi.Customer{}, false, err
		}
		hits = w.ours(hits, older)
	}
	// One that carries our mark stands for the customer, whatever else was
	// labelled by hand.
	if marked := slices.DeleteFunc(slices.Clone(hits), unmarked); len(marked) > 0 {
		hits = marked
	}
	switch len(hits) {
	case 0:
		return stripeapi.Customer{}, false, nil
	case 1:
		return hits[0], true, nil
	}
	return stripeapi.Customer{}, false, fault.Newf("stripe.ambiguous",
		"%d customers carry %s %q, among them %s and %s", len(hits), metaCustomer, w.in.Key, hits[0].ID, hits[1].ID)
}

// noSearch says that the account has no search. Stripe: it is not available to
// merchants in India.
func noSearch(err error) bool { return err != nil && fault.KindOf(err) == fault.Rejected }

// ours adds those that are of this Acumatica customer and not of another
// connection that shares the Stripe account.
func (w *work) ours(hits, all []stripeapi.Customer) []stripeapi.Customer {
	for _, c := range all {
		mine := unmarked(c) || c.Metadata[metaConnection] == w.in.Connection
		if !c.Deleted && c.Metadata[metaCustomer] == w.in.Key && mine {
			hits = append(hits, c)
		}
	}
	return hits
}

// unmarked says that no connection has made or adopted the customer.
func unmarked(c stripeapi.Customer) bool {
	_, marked := c.Metadata[metaConnection]
	return !marked
}

func newerReason(id, version string) string {
	return "the Stripe customer " + id + " shows the newer version " + version
}

func customerRef(id string) schemas.Ref {
	return schemas.Ref{System: schemas.Stripe, Kind: link.Customer, ID: id}
}
