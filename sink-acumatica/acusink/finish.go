package acusink

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

// finish links both sides, asks for the write-back and closes the posting, in
// this order: each step may be repeated, and only the last one ends the work.
func (w *work) finish(ctx context.Context, out schemas.Outcome) (schemas.Outcome, error) {
	out.Refs = w.refs()
	err := w.sink.o.Links.Put(ctx, w.in.Connection, link.Link{
		Kind: link.Payment, AcumaticaID: w.name(), StripeID: w.in.Key,
		Attributes: map[string]string{"NoteID": w.p.Data().Keys[keyID], "PaymentRef": w.pay.PaymentRef},
		IntentID:   w.in.ID, At: w.sink.now().UTC(),
	})
	if err != nil {
		return out, fmt.Errorf("%s: %w", w.name(), err)
	}
	w.sink.at("linked")
	if err := w.writeBack(ctx, out.Refs); err != nil {
		return out, fmt.Errorf("%s: %w", w.name(), err)
	}
	w.sink.at("written_back")
	if err := w.doubt(ctx); err != nil {
		return out, err
	}
	w.p.Data().State = posting.Done
	if err := w.p.Save(ctx); err != nil {
		return out, err
	}
	w.sink.at("done_saved")
	out.Outcome, out.Reason = schemas.Applied, w.story()
	return out, nil
}

// writeBack publishes the intent that writes the document's number on the
// Stripe object. Its id is the same however often this runs.
func (w *work) writeBack(ctx context.Context, refs []schemas.Ref) error {
	b := w.in.WriteBack
	if b == nil {
		return nil
	}
	fields, err := json.Marshal(schemas.StripeMetadata{
		ID: b.ID, Metadata: map[string]string{b.MetadataKey: w.p.Data().Keys[keyNumber]},
	})
	if err != nil {
		return fmt.Errorf("write-back: %w", err)
	}
	in := schemas.Intent{
		Connection: w.in.Connection, Lane: w.in.Lane, Target: schemas.Stripe, Document: b.Object, Verb: "annotate",
		Key: b.ID, Version: w.in.Key, Flow: w.in.Flow, Cause: w.in.Cause, Refs: refs, Fields: fields,
	}
	in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, in.Version)
	if _, err := w.sink.o.Publisher.PublishIntent(ctx, in); err != nil {
		return fmt.Errorf("write-back: %w", err)
	}
	return nil
}

// story is one sentence for the audit trail.
func (w *work) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s %s", w.name(), w.pay.PaymentAmount, w.pay.CurrencyID)
	if len(w.pay.DocumentsToApply) == 0 {
		b.WriteString(" released, not applied to a document")
	} else {
		b.WriteString(" released, applied to ")
		for i, d := range w.pay.DocumentsToApply {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %s", d.DocType, d.ReferenceNbr)
		}
	}
	for _, n := range w.notes {
		b.WriteString("; " + n)
	}
	return b.String()
}

// duplicate is the outcome when there is nothing left to do (Invariant 2).
func (w *work) duplicate(out schemas.Outcome, reason string, names ...string) schemas.Outcome {
	out.Outcome, out.Reason, out.Refs = schemas.Duplicate, reason, w.refs()
	for _, name := range names {
		out.Refs = withRef(out.Refs, schemas.Ref{System: schemas.Acumatica, Kind: paymentEntity, ID: name})
	}
	return out
}

// refs is every id that is known to belong to the story.
func (w *work) refs() []schemas.Ref {
	refs := slices.Clone(w.in.Refs)
	if w.p != nil && w.p.Data().Keys[keyNumber] != "" {
		refs = withRef(refs, schemas.Ref{System: schemas.Acumatica, Kind: paymentEntity, ID: w.name()})
	}
	for _, d := range w.pay.DocumentsToApply {
		refs = withRef(refs, schemas.Ref{System: schemas.Acumatica, Kind: "Invoice", ID: d.DocType + " " + d.ReferenceNbr})
	}
	if w.in.Key == "" {
		return refs // it could not be read
	}
	return withRef(refs, schemas.Ref{System: schemas.Stripe, Kind: "charge", ID: w.in.Key})
}

func withRef(refs []schemas.Ref, r schemas.Ref) []schemas.Ref {
	same := func(x schemas.Ref) bool {
		return x.System == r.System && x.ID == r.ID && strings.EqualFold(x.Kind, r.Kind)
	}
	if slices.ContainsFunc(refs, same) {
		return refs
	}
	return append(refs, r)
}
