package stripesink

import (
	"context"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// annotate writes what the books know into the metadata of a Stripe invoice or
// customer. It merges, so doing it again changes nothing (Invariant 2).
func (w *work) annotate(ctx context.Context) (schemas.Outcome, error) {
	f, err := decodeMetadata(w.in.Fields)
	if err != nil {
		return schemas.Outcome{}, err
	}
	ctx, err = w.begin(ctx)
	if err != nil {
		return schemas.Outcome{}, err
	}
	ref := schemas.Ref{System: schemas.Stripe, Kind: w.in.Document, ID: f.ID}
	if w.p.State == posting.Done && w.p.Keys[keyID] == "" {
		out := w.outcome(schemas.Skipped, w.p.Keys[keyDid])
		out.Review = f.Review
		return out, nil
	}
	if w.p.State == posting.Done {
		out := w.outcome(schemas.Duplicate, "the metadata of "+f.ID+" were written before", ref)
		out.Review = f.Review
		return out, nil
	}
	if w.p.State == posting.Skipped {
		return w.skipped(), nil
	}
	got, url, err := w.write(ctx, f)
	if w.in.Document == link.Customer && stripeapi.IsNotFound(err) {
		out, err := w.notWanted(ctx, holder{}, "the Stripe customer "+f.ID+" was deleted: there is nothing to write on")
		out.Review = f.Review
		return out, err
	}
	if err != nil {
		return schemas.Outcome{}, w.failed(ctx, err)
	}
	w.at("annotated")
	for k, v := range f.Metadata {
		if got[k] != v {
			return schemas.Outcome{}, fault.Newf("stripe.response_malformed", "%s %s: metadata %s is %q, not %q", w.in.Document, f.ID, k, got[k], v)
		}
	}
	w.p.Keys[keyID] = f.ID
	if err := w.save(ctx, posting.Done); err != nil {
		return schemas.Outcome{}, err
	}
	ref.URL = url
	out := w.outcome(schemas.Applied, "wrote metadata on the Stripe "+w.in.Document+" "+f.ID, ref)
	out.Review = f.Review
	return out, nil
}

// write returns the metadata as they are then, and where a buyer sees the object.
func (w *work) write(ctx context.Context, f schemas.StripeMetadata) (metadata map[string]string, url string, err error) {
	if w.in.Document == link.Customer {
		c, err := w.api.AnnotateCustomer(ctx, w.key("annotate"), f.ID, f.Metadata)
		return c.Metadata, "", err
	}
	inv, err := w.api.AnnotateInvoice(ctx, w.key("annotate"), f.ID, f.Metadata)
	return inv.Metadata, inv.HostedURL, err
}

// decodeMetadata reads the fields and refuses what Stripe would refuse.
func decodeMetadata(fields []byte) (schemas.StripeMetadata, error) {
	var f schemas.StripeMetadata
	if err := decode(fields, &f); err != nil {
		return f, err
	}
	if f.ID == "" || len(f.Metadata) == 0 {
		return f, fault.Newf("stripe.fields_invalid", "id or metadata: empty")
	}
	return f, checkMetadata(f.Metadata)
}
