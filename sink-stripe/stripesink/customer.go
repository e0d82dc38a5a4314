package stripesink

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

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
		return w.customerDone(), nil
	}
	if w.p.State == posting.Skipped {
		return w.skipped(), nil
	}
	h, err := w.holder(ctx, f)
	if err != nil {
		return schemas.Outcome{}, err
	}
	var did string
	switch {
	case w.p.State == posting.Created: // written, but not yet linked or not yet Done
		did = "created"
	case h.stripeID == "" && f.Existing:
		return w.notWanted(ctx, h, "Stripe has no customer of "+w.in.Key+", and needs none")
	case h.stripeID == "":
		did, err = w.makeCustomer(ctx, f, "")
	default:
		did, err = w.keepCustomer(ctx, f, h)
	}
	if err != nil {
		return schemas.Outcome{}, err
	}
	if did == "" {
		return w.notWanted(ctx, h, "the Stripe customer "+h.stripeID+" of "+w.in.Key+" was deleted, and Stripe needs none")
	}
	return w.finishCustomer(ctx, f, h, did)
}

// decodeCustomer reads the fields and refuses what Stripe would refuse.
func decodeCustomer(fields []byte) (schemas.StripeCustomer, error) {
	var f schemas.StripeCustomer
	if err := decode(fields, &f); err != nil {
		return f, err
	}
	switch s, x := f.Shipping, f.TaxID; {
	case f.Name == "":
		return f, fault.Newf("stripe.fields_invalid", "name: empty")
	case s != nil && (s.Name == "" || s.Address == nil):
		return f, fault.Newf("stripe.fields_invalid", "shipping: without a name or an address")
	case x != nil && (x.Type == "" || x.Value == ""):
		return f, fault.Newf("stripe.fields_invalid", "tax_id: without a type or a value")
	}
	for _, field := range f.Match {
		if field != matchEmail && field != matchName {
			return f, fault.Newf("stripe.fields_invalid", "match: %q is neither %s nor %s", field, matchEmail, matchName)
		}
	}
	return f, nil
}

// notWanted ends an intent for which nothing is to be made. What the customer id
// stood for, if anything, is deleted or of another record: an invoice must not
// find it, but have a customer made.
func (w *work) notWanted(ctx context.Context, h holder, reason string) (schemas.Outcome, error) {
	if h.under.StripeID != "" {
		if err := w.links.Release(ctx, w.in.Connection, h.under); err != nil {
			return schemas.Outcome{}, err
		}
		w.at("released")
	}
	w.p.Keys[keyDid] = reason
	if err := w.save(ctx, posting.Done); err != nil {
		return schemas.Outcome{}, err
	}
	return w.outcome(schemas.Skipped, reason), nil
}

// customerDone is how the intent ends ever after.
func (w *work) customerDone() schemas.Outcome {
	id, version := w.p.Keys[keyID], w.p.Keys[keyNewer]
	switch {
	case id == "":
		return w.outcome(schemas.Skipped, w.p.Keys[keyDid])
	case version != "":
		return w.wrote(schemas.Duplicate, newerReason(id, version))
	}
	return w.wrote(schemas.Duplicate, "the Stripe customer "+id+" was written before")
}

// wrote is an outcome with what the posting knows of the customer.
func (w *work) wrote(how, reason string) schemas.Outcome {
	out := w.outcome(how, reason, customerRef(w.p.Keys[keyID]))
	out.Review = w.p.Keys[keyReview]
	return out
}

// finishCustomer links the customer and closes the posting.
func (w *work) finishCustomer(ctx context.Context, f schemas.StripeCustomer, h holder, did string) (schemas.Outcome, error) {
	id, version := w.p.Keys[keyID], w.p.Keys[keyNewer]
	if version == "" {
		if err := w.linkCustomer(ctx, f, h, id); err != nil {
			return schemas.Outcome{}, err
		}
		w.at("linked")
	}
	if err := w.save(ctx, posting.Done); err != nil {
		return schemas.Outcome{}, err
	}
	if version != "" {
		return w.wrote(schemas.Skipped, newerReason(id, version)), nil
	}
	return w.wrote(schemas.Applied, fmt.Sprintf("%s the Stripe customer %s", did, id)), nil
}

// keepCustomer updates the customer that is linked. One that somebody deleted
// is made again, because the books say which customers there are: its invoices
// stay where they are. Empty did: it was deleted, and is not needed.
func (w *work) keepCustomer(ctx context.Context, f schemas.StripeCustomer, h holder) (did string, err error) {
	old, err := w.api.GetCustomer(ctx, h.stripeID)
	if err != nil {
		return "", err
	}
	w.at("customer read")
	if !old.Deleted {
		return "updated", w.updateCustomer(ctx, old, f, nil)
	}
	if f.Existing {
		return "", nil
	}
	w.review(fmt.Sprintf("the Stripe customer %s was deleted in Stripe, so another one was made; invoices of the deleted one stay with it", h.stripeID))
	return w.makeCustomer(ctx, f, h.stripeID)
}

// customerMarks are the marks of a customer beside those of every object.
func (w *work) customerMarks() map[string]string {
	marks := map[string]string{metaCustomer: w.in.Key, metaSeq: strconv.FormatUint(w.in.Cause.EventSeq, 10)}
	if w.in.Version != "" {
		marks[metaVersion] = w.in.Version
	}
	return marks
}

// updateCustomer writes the fields onto a customer as it was just read, with
// marks on top of its own, unless it shows what a later event told. Between the
// read and the write nobody else writes but an attempt at the same intent, which
// writes the same fields.
func (w *work) updateCustomer(ctx context.Context, old stripeapi.Customer, f schemas.StripeCustomer, marks map[string]string) error {
	if version := old.Metadata[metaVersion]; w.behind(old.Metadata) {
		w.p.Keys[keyNewer] = version
		return w.found(ctx, old.ID)
	}
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
	taxes := planTaxIDs(old, f)
	if old.Metadata[metaTaxIDs] != taxes.mark {
		metadata[metaTaxIDs] = taxes.mark
	}
	if !f.KeepEmpty {
		emptied(metadata, old.Metadata)
	}
	f.Metadata = metadata
	got, err := w.sendCustomer(ctx, f, func(f schemas.StripeCustomer) (stripeapi.Customer, error) {
		return w.api.UpdateCustomer(ctx, w.key("update:"+old.ID+":"+digest(metadata)), old.ID, f)
	})
	if err != nil {
		return w.failed(ctx, err)
	}
	w.at("customer updated")
	if err := w.checkCustomer(got); err != nil {
		return err
	}
	if err := w.keepTaxIDs(ctx, old.ID, taxes); err != nil {
		return err
	}
	return w.found(ctx, old.ID)
}

// digest tells metadata apart: they depend on what was read.
func digest(metadata map[string]string) string {
	h := fnv.New64a()
	for _, k := range slices.Sorted(maps.Keys(metadata)) {
		fmt.Fprintf(h, "%q=%q;", k, metadata[k])
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// emptied takes away what we told of the customer before and do not any more.
func emptied(metadata, old map[string]string) {
	for _, k := range []string{"acumatica_currency", "acumatica_status", "acumatica_terms"} {
		if _, told := metadata[k]; !told && old[k] != "" {
			metadata[k] = ""
		}
	}
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

// review adds what a person should look at.
func (w *work) review(what string) { w.p.Keys[keyReview] = what }

func newerReason(id, version string) string {
	return "the Stripe customer " + id + " shows the newer version " + version
}

func customerRef(id string) schemas.Ref {
	return schemas.Ref{System: schemas.Stripe, Kind: link.Customer, ID: id}
}
