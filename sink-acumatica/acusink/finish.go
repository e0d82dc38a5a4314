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
		Kind: w.kind.link, AcumaticaID: w.name(), StripeID: w.in.Key,
		Attributes: map[string]string{"NoteID": w.p.Data().Keys[keyID], w.kind.ref: w.doc.find()[w.kind.ref]},
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
	out.Outcome, out.Reason, out.Review = schemas.Applied, w.story(), w.review()
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
		ID: b.ID, Metadata: map[string]string{b.MetadataKey: w.number()},
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
	return strings.Join(append([]string{w.name() + " " + w.doc.effect()}, w.notes...), "; ")
}

// duplicate is the outcome when there is nothing left to do (Invariant 2).
func (w *work) duplicate(out schemas.Outcome, reason string, names ...string) schemas.Outcome {
	out.Outcome, out.Reason, out.Refs = schemas.Duplicate, reason, w.refs()
	for _, name := range names {
		out.Refs = withRef(out.Refs, schemas.Ref{System: schemas.Acumatica, Kind: w.kind.entity, ID: name})
	}
	return out
}

// refs is every id that is known to belong to the story.
func (w *work) refs() []schemas.Ref {
	refs := slices.Clone(w.in.Refs)
	if w.doc == nil {
		return refs
	}
	if w.p != nil && w.number() != "" {
		refs = withRef(refs, schemas.Ref{System: schemas.Acumatica, Kind: w.kind.entity, ID: w.name()})
	}
	for _, r := range w.doc.refs() {
		refs = withRef(refs, r)
	}
	if w.in.Key == "" || w.kind.subject == "" {
		return refs // it could not be read, or names nothing in Stripe
	}
	return withRef(refs, schemas.Ref{System: schemas.Stripe, Kind: w.kind.subject, ID: w.in.Key})
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
