package acusink

import (
	"context"
	"errors"
	"fmt"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/posting"
)

// release checks the unreleased document and releases it. Until here nothing
// is in the ledger.
func (w *work) release(ctx context.Context) error {
	if w.seen == nil {
		gone, err := w.look(ctx)
		if err != nil || gone {
			return err
		}
	}
	status := w.seen.String("Status")
	switch {
	case w.kind.released(w.seen):
		return w.asked(ctx) // a person, or an attempt that was overtaken, released it
	case status == voided:
		return fault.Newf("acumatica.voided", "%s was voided", w.name())
	}
	if replace, err := w.check(ctx); replace || err != nil {
		return err
	}
	if v, ok := w.doc.(*void); ok {
		if err := v.complete(ctx, w); err != nil {
			return err
		}
		status = w.seen.String("Status")
	}
	if status != balanced {
		return fault.Newf("acumatica.not_releasable", "%s has the status %q", w.name(), status)
	}
	if w.p.Data().Sends > 1 {
		if other, err := w.only(ctx); err != nil || other {
			return err
		}
	}
	if err := w.asked(ctx); err != nil {
		return err
	}
	return w.invoke(ctx)
}

// look reads the document of the posting. A document that is gone was deleted
// by a person; it was unreleased, so the posting starts anew.
func (w *work) look(ctx context.Context) (gone bool, err error) {
	r, err := w.conn.Client.Get(ctx, w.kind.entity, w.keys(), w.query(false))
	if acumatica.IsNotFound(err) {
		return true, w.unsent(ctx, nil)
	}
	if err != nil {
		return false, err
	}
	w.seen, w.put = r, false
	return false, nil
}

// check compares what was saved with what was sent (Invariant 10). A document
// of this very attempt that differs is deleted again. So is one of an earlier
// attempt when the intent was edited since: it is unreleased, and is made anew.
// One that somebody may have changed in Acumatica is left for them.
func (w *work) check(ctx context.Context) (replace bool, err error) {
	if !w.put && len(w.p.Data().Fits) > 0 && w.doc.differs(w.seen) == "" {
		if changed, err := w.fitNow(ctx); err != nil {
			return false, err
		} else if changed {
			return true, w.unfit(ctx)
		}
	}
	diff := w.doc.differs(w.seen)
	if diff == "" {
		w.sink.at("checked")
		return false, nil
	}
	bad := fault.Newf("acumatica.readback", "%s: %s", w.name(), diff)
	switch {
	case !w.put && (w.edited() || len(w.p.Data().Fits) > 0):
		if err := w.remove(ctx, w.seen, "was made before the intent was edited, or the invoice was lowered"); err != nil {
			return false, err
		}
		w.notes = append(w.notes, "replaced the unreleased "+w.name())
		return true, w.unsent(ctx, nil)
	case !w.put:
		return false, fmt.Errorf("the unreleased document differs, correct or delete it: %w", bad)
	}
	if err := w.conn.Client.Delete(ctx, w.kind.entity, w.keys()...); err != nil && !acumatica.IsNotFound(err) {
		return false, fmt.Errorf("delete after %w: %w", bad, err)
	}
	w.sink.at("mismatch_deleted")
	return false, w.unsent(ctx, bad)
}

// only makes sure, after several sends, that no second copy exists; true when
// another copy became ours.
func (w *work) only(ctx context.Context) (bool, error) {
	found, err := w.search(ctx)
	if err != nil || len(found) == 0 {
		return false, err
	}
	r, err := w.single(ctx, found)
	if err != nil {
		return false, err
	}
	if w.kind.name(r) == w.name() {
		return false, nil
	}
	return true, w.adopt(ctx, []acumatica.Record{r})
}

// asked records that the release is asked for. A crash from here on is
// resolved by the status of the document.
func (w *work) asked(ctx context.Context) error {
	rec := w.p.Data()
	rec.State, rec.SentAt = posting.Released, w.sink.now().UTC()
	if err := w.p.Save(ctx); err != nil {
		return err
	}
	w.sink.at("release_saved")
	return nil
}

func (w *work) invoke(ctx context.Context) error {
	names, keys := w.kind.keys, w.keys()
	err := w.writing(ctx, func(ctx context.Context) error {
		return w.conn.Client.Invoke(ctx, w.kind.entity, w.kind.action, map[string]any{
			names[0]: acumatica.Value(keys[0]), names[1]: acumatica.Value(keys[1]),
		})
	})
	if open(err) {
		return err
	}
	if err == nil {
		w.sink.at("release_done")
		w.released = true
		return nil
	}
	if fault.KindOf(err) == fault.Rejected {
		// The refusal may only mean that it was released meanwhile.
		if r, again := w.read(ctx); again == nil && w.kind.released(r) {
			w.final = r
			return w.proven(ctx, r)
		}
	}
	rec := w.p.Data()
	rec.State = posting.Created
	if fitted, fail := w.fit(ctx, err, "acumatica.application", "acumatica.validation"); fail == nil && fitted {
		return w.unfit(ctx)
	}
	was := w.seen
	w.seen = nil
	if save := w.p.Save(ctx); save != nil {
		return errors.Join(err, save)
	}
	return w.remake(ctx, was, err)
}

// confirm reads the released document back (Invariant 10).
func (w *work) confirm(ctx context.Context) error {
	r, err := w.read(ctx)
	if acumatica.IsNotFound(err) {
		return fault.Newf("acumatica.readback", "%s was released and is gone", w.name())
	}
	if err != nil {
		return err
	}
	w.sink.at("status_read")
	status := r.String("Status")
	switch {
	case w.kind.released(r):
		if err := w.proven(ctx, r); err != nil {
			return err
		}
		w.final = r
		return nil
	case status == voided:
		return fault.Newf("acumatica.voided", "%s was voided", w.name())
	}
	if !w.released {
		// An earlier attempt asked; its request may still be under way.
		if err := w.wait("release asked for"); err != nil {
			return err
		}
	}
	rec := w.p.Data()
	rec.State = posting.Created
	w.seen, w.put = nil, false
	if err := w.p.Save(ctx); err != nil {
		return err
	}
	if w.released {
		return fault.Newf("acumatica.not_releasable", "Acumatica reports %s as released, but its status is %q", w.name(), status)
	}
	return nil
}

func (w *work) read(ctx context.Context) (acumatica.Record, error) {
	return w.conn.Client.Get(ctx, w.kind.entity, w.keys(), w.query(true))
}

// proven compares the released document with what was wanted. It is in the
// ledger, so a difference can only be reported.
func (w *work) proven(ctx context.Context, r acumatica.Record) error {
	diff := w.doc.unproven(r)
	v, isVoid := w.doc.(*void)
	switch {
	case diff == "" && isVoid:
		return v.proof(ctx, w, r)
	case diff == "":
		return nil
	case w.edited():
		return fault.Newf("acumatica.in_ledger", "%s was released before the intent was edited, and %s", w.name(), diff)
	}
	return fault.Newf("acumatica.readback", "%s is released, but %s", w.name(), diff)
}
