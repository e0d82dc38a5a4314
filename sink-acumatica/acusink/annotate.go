package acusink

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

// annotateVerb asks for what of Stripe is to be seen on a record. It is no
// document of its own: nothing of it is in the ledger, and what is there
// already is not written again, so that it may be done any number of times.
const annotateVerb = "annotate"

// keyRefused is, among the keys of a posting, why Acumatica did not take it.
const keyRefused = "refused"

// annotation is what is to be seen on one record.
type annotation struct {
	schemas.AcumaticaAnnotation
	entity string
	fields []string // its key fields
	keys   []string
}

// annotated has, by the document of the intent, the entity and its key fields.
func annotated() map[string][]string {
	return map[string][]string{
		"invoice":  {invoiceEntity, "Type", "ReferenceNbr"},
		"customer": {"Customer", "CustomerID"},
	}
}

func decodeAnnotation(in schemas.Intent) (annotation, error) {
	var a annotation
	form, known := annotated()[in.Document]
	if !known {
		return a, fault.Newf("acumatica.intent_malformed", "intent %s: no document %q with verb %q", in.ID, in.Document, in.Verb)
	}
	if err := decodeStrict(in.Fields, &a.AcumaticaAnnotation); err != nil {
		return a, fault.Newf("acumatica.intent_malformed", "intent %s: fields: %w", in.ID, err)
	}
	a.entity, a.fields, a.keys = form[0], form[1:], []string{a.ID}
	if cut := strings.LastIndexByte(a.ID, ' '); len(a.fields) > 1 {
		a.keys = []string{a.ID[:max(cut, 0)], a.ID[cut+1:]}
	}
	if slices.Contains(a.keys, "") || a.Note == "" && len(a.Fields) == 0 || a.Note != "" && markOf(a.Note) == "" {
		return a, fault.Newf("acumatica.intent_malformed", "intent %s: names no record, or nothing that can be written on one", in.ID)
	}
	for _, f := range a.Fields {
		if view, name, ok := strings.Cut(f.Field, "."); !ok || view == "" || name == "" {
			return a, fault.Newf("acumatica.intent_malformed", "intent %s: %q is not <View>.<Field>", in.ID, f.Field)
		}
	}
	return a, nil
}

// missing is what of the annotation the record does not say yet: the body that
// writes it, and the names of what it writes.
func (a annotation) missing(r acumatica.Record) (body map[string]any, names []string) {
	body = map[string]any{"id": r.ID()}
	for i, f := range a.fields {
		body[f] = acumatica.Value(a.keys[i])
	}
	if note := r.String("note"); a.Note != "" && !a.unread(r) && !noted(note, a.Note) {
		body["note"] = acumatica.Value(withNote(note, a.Note))
		names = append(names, "the note")
	}
	custom := map[string]map[string]any{}
	for _, f := range a.Fields {
		view, name, _ := strings.Cut(f.Field, ".")
		if strings.TrimSpace(r.Custom(view, name)) == strings.TrimSpace(f.Value) {
			continue
		}
		if custom[view] == nil {
			custom[view] = map[string]any{}
		}
		custom[view][name] = map[string]any{"type": "CustomStringField", "value": f.Value}
		names = append(names, f.Field)
	}
	if len(custom) > 0 {
		body["custom"] = custom
	}
	return body, names
}

// unread reports that the answer does not say what is in the note, which a write
// would replace as a whole. Acumatica: the note of a record that has none is
// {"value": ""}; null is seen on what is not saved yet.
func (a annotation) unread(r acumatica.Record) bool {
	_, told := r["note"].(map[string]any)
	return a.Note != "" && !told
}

// query asks for no more than what is compared. Acumatica: that a note comes
// along with $select is known of empty ones only.
func (a annotation) query() acumatica.Query {
	q := acumatica.Query{Select: a.fields}
	if a.Note != "" {
		q.Select = nil
	}
	for _, f := range a.Fields {
		q.Custom = append(q.Custom, f.Field)
	}
	return q
}

// annotate carries out an annotate intent with one read and at most one write.
// A refusal ends it, and so does what fails time and again: money must not wait
// in its lane for what is only shown, so a person is told, and the next state of
// the same thing is tried again.
func (s *Sink) annotate(ctx context.Context, c Connection, in schemas.Intent, out schemas.Outcome) (schemas.Outcome, error) {
	a, err := decodeAnnotation(in)
	if err != nil {
		return out, err
	}
	out.Refs = withRef(slices.Clone(in.Refs), schemas.Ref{System: schemas.Acumatica, Kind: a.entity, ID: a.ID})
	w := &work{sink: s, conn: c, in: in}
	if w.p, err = s.o.Postings.Claim(ctx, in.Connection, in.ID); err != nil {
		return out, err
	}
	s.at("claimed")
	rec := w.p.Data()
	switch {
	case rec.State == posting.Skipped:
		out.Outcome, out.Reason = schemas.Skipped, "a person skipped it before"
		return out, nil
	case rec.State == posting.Done && rec.Keys[keyRefused] != "":
		out.Outcome, out.Reason = schemas.Skipped, "refused before: "+rec.Keys[keyRefused]
		return out, nil
	case rec.State == posting.Done:
		out.Outcome, out.Reason = schemas.Duplicate, a.ID+" was written before"
		return out, nil
	}
	ctx, w.letGo = posting.Hold(ctx, rec.Until.Sub(s.now()), w.p.Renew)
	defer func() { _ = w.letGo() }() // also when a step panics
	written, err := w.show(ctx, a)
	switch {
	case err != nil && !w.gaveUp(ctx, err):
		return out, posting.Blame(ctx, w.letGo, w.p.Save, fmt.Errorf("annotate %s: %w", a.ID, err))
	case err != nil:
		return w.refused(ctx, a, out, err)
	}
	if rec.State = posting.Done; written == "" {
		out.Outcome, out.Reason = schemas.Duplicate, a.ID+" says so already"
	} else {
		out.Outcome, out.Reason = schemas.Applied, "wrote "+written+" of "+a.ID
	}
	return out, w.saved(ctx)
}

// show writes what is missing and says what that was. After a crash nothing may
// be missing any more.
func (w *work) show(ctx context.Context, a annotation) (written string, err error) {
	rec := w.p.Data()
	if rec.State == posting.Sent {
		if err := w.wait("sent"); err != nil {
			return "", err
		}
		written = "what was missing"
	}
	r, err := w.conn.Client.Get(ctx, a.entity, a.keys, a.query())
	if err != nil {
		return "", w.failing(ctx, err)
	}
	w.sink.at("read")
	unread := fault.Newf("acumatica.note_unread", "%s came without its note", a.ID)
	body, names := a.missing(r)
	switch {
	case len(names) > 0:
	case a.unread(r):
		return "", unread
	default:
		return written, nil
	}
	rec.State, rec.Sends, rec.SentAt = posting.Sent, rec.Sends+1, w.sink.now().UTC()
	if err := w.p.Save(ctx); err != nil {
		return "", err
	}
	w.sink.at("sent_saved")
	err = w.writing(ctx, func(ctx context.Context) (err error) {
		r, err = w.conn.Client.Update(ctx, a.entity, body, a.query())
		return err
	})
	if err != nil {
		return "", err
	}
	w.sink.at("put_done")
	if a.unread(r) {
		return "", unread // also where only the answer is without: it cannot be checked
	}
	if _, left := a.missing(r); len(left) > 0 { // Invariant 10
		return "", fault.Newf("acumatica.annotation_ignored", "%s still has its old value in %s", a.ID, strings.Join(left, ", "))
	}
	return strings.Join(names, ", "), nil
}

func (w *work) saved(ctx context.Context) error {
	if err := w.p.Save(ctx); err != nil {
		return err
	}
	w.sink.at("done_saved")
	return nil
}

// skipAnnotation ends an annotate intent that a person skipped. What was
// written of it stays: it has no effect on money.
func (s *Sink) skipAnnotation(ctx context.Context, in schemas.Intent, out schemas.Outcome) (schemas.Outcome, error) {
	p, err := s.o.Postings.Claim(ctx, in.Connection, in.ID)
	if err != nil {
		return out, err
	}
	s.at("claimed")
	rec := p.Data()
	if rec.State == posting.Done && rec.Keys[keyRefused] == "" {
		out.Outcome, out.Reason = schemas.Duplicate, "too late to be skipped: it was written before"
		return out, nil
	}
	out.Outcome, out.Reason = schemas.Skipped, "Acumatica has nothing of it"
	if rec.Sends > 0 {
		out.Reason = "what it may have written stays"
	}
	if rec.State == posting.Skipped || rec.State == posting.Done {
		return out, nil
	}
	rec.State = posting.Skipped
	return out, (&work{sink: s, p: p}).saved(ctx)
}
