package stripesink

import (
	"context"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

// annotate writes ids of the books into the metadata of a Stripe invoice. It
// merges, so doing it again changes nothing (Invariant 2).
func (w *work) annotate(ctx context.Context) (schemas.Outcome, error) {
	f, err := decodeMetadata(w.in.Fields)
	if err != nil {
		return schemas.Outcome{}, err
	}
	ctx, err = w.begin(ctx)
	if err != nil {
		return schemas.Outcome{}, err
	}
	ref := schemas.Ref{System: schemas.Stripe, Kind: link.Invoice, ID: f.ID}
	if w.p.State == posting.Done {
		return w.outcome(schemas.Duplicate, "the metadata of "+f.ID+" were written before", ref), nil
	}
	if w.p.State == posting.Skipped {
		return w.skipped(), nil
	}
	got, err := w.api.AnnotateInvoice(ctx, w.key("annotate"), f.ID, f.Metadata)
	if err != nil {
		return schemas.Outcome{}, w.failed(ctx, err)
	}
	w.at("annotated")
	for k, v := range f.Metadata {
		if got.Metadata[k] != v {
			return schemas.Outcome{}, fault.Newf("stripe.response_malformed", "invoice %s: metadata %s is %q, not %q", f.ID, k, got.Metadata[k], v)
		}
	}
	w.p.Keys[keyID] = f.ID
	if err := w.save(ctx, posting.Done); err != nil {
		return schemas.Outcome{}, err
	}
	ref.URL = got.HostedURL
	return w.outcome(schemas.Applied, "wrote metadata on the Stripe invoice "+f.ID, ref), nil
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
