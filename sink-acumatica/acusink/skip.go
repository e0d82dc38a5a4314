package acusink

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

// Skip ends an intent that a person decided to skip; it is a bus.Handler.
//
// Its claim ends whatever another worker is at: none can save the posting, and
// so begin a further step. What such a worker may have sent, or is yet to send
// when it wakes up, gets no effect: an unreleased document is deleted, and with
// it what could be released; one that is made after that is deleted by who made
// it, or as a doubt. Only then the posting becomes Skipped, for good.
//
// What is in the ledger is never touched. When it is what the intent asked for
// the skip came too late, and the intent ends as applied; else the skip is
// refused with acumatica.in_ledger.
func (s *Sink) Skip(ctx context.Context, m *bus.Message) (schemas.Outcome, error) {
	in, err := decodeIntent(m)
	if err != nil { // refused as it is; it may have been sent once it was edited
		in = schemas.Intent{ID: m.Event.ID, Connection: m.Subject.Connection, Lane: m.Subject.Lane, Document: m.Subject.B, Verb: m.Subject.C}
	}
	out := schemas.Outcome{
		Document: in.Document, IntentID: in.ID, EventID: in.Cause.EventID, EventType: in.Cause.EventType, Refs: in.Refs,
	}
	c, ok := s.o.Connections[in.Connection]
	if !ok {
		return out, fault.Newf("acumatica.intent_malformed", "intent %s: connection %q is not served here", in.ID, in.Connection)
	}
	if in.Verb == annotateVerb {
		return s.skipAnnotation(ctx, in, out)
	}
	w, _ := s.work(c, in) // what cannot be read was never sent
	w.seq, w.stored = m.Seq, m.Stored
	return w.skip(ctx, out)
}

func (w *work) skip(ctx context.Context, out schemas.Outcome) (schemas.Outcome, error) {
	var err error
	if w.p, err = w.sink.o.Postings.Claim(ctx, w.in.Connection, w.in.ID); err != nil {
		return out, err
	}
	w.sink.at("claimed")
	if out, ended, err := w.ended(ctx, out); ended || err != nil {
		return out, err
	}
	ctx, w.letGo = posting.Hold(ctx, w.p.Data().Until.Sub(w.sink.now()), w.p.Renew)
	defer func() { _ = w.letGo() }() // also when a step panics
	out.Refs = w.refs()
	if err := w.refit(w.p.Data().Fits); err != nil {
		return out, err
	}
	inLedger, open, err := w.withdraw(ctx)
	if err != nil {
		return out, posting.Blame(ctx, w.letGo, w.p.Save, err)
	}
	if inLedger {
		return w.tooLate(ctx, out)
	}
	if open > 0 {
		if err := w.note(ctx); err != nil {
			return out, err
		}
	}
	w.p.Data().State = posting.Skipped
	if err := w.p.Save(ctx); err != nil {
		return out, err
	}
	w.sink.at("skip_saved")
	out.Outcome, out.Reason = schemas.Skipped, cmp.Or(strings.Join(w.notes, "; "), "Acumatica has nothing of it")
	return out, nil
}

// withdraw deletes every unreleased document that we have sent. It reports
// whether one is in the ledger, which then is the posting's; else, of how many
// sends nothing was found.
func (w *work) withdraw(ctx context.Context) (inLedger bool, open int, err error) {
	rec := w.p.Data()
	if w.doc == nil || rec.Sends == 0 && !w.old() {
		return false, 0, nil
	}
	if rec.State == posting.Sent || rec.State == posting.Released {
		if err := w.wait("sent"); err != nil {
			return false, 0, err
		}
	}
	found, err := w.search(ctx)
	if err != nil {
		return false, 0, err
	}
	open = rec.Sends
	if w.number() != "" && !slices.ContainsFunc(found, func(r acumatica.Record) bool { return w.kind.name(r) == w.name() }) {
		// Gone, or somebody has changed its reference.
		r, err := w.conn.Client.Get(ctx, w.kind.entity, w.keys(), acumatica.Query{})
		switch {
		case err == nil:
			found = append(found, r)
		case !acumatica.IsNotFound(err):
			return false, 0, err
		default:
			open--
		}
	}
	if slices.ContainsFunc(found, w.kind.released) {
		return true, 0, w.adopt(ctx, found)
	}
	if rec.Sends == 0 {
		return false, 0, nil // whoever entered these by hand will release them
	}
	for _, r := range found {
		open--
		if r.String("Status") == voided {
			continue
		}
		if err := w.remove(ctx, r, "belongs to an intent that is skipped"); err != nil {
			return false, 0, err
		}
		w.notes = append(w.notes, "deleted the unreleased "+w.kind.name(r))
	}
	return false, open, nil
}

// tooLate ends an intent whose document is in the ledger.
func (w *work) tooLate(ctx context.Context, out schemas.Outcome) (schemas.Outcome, error) {
	if err := w.advance(ctx); err != nil {
		out.Refs = w.refs()
		err = posting.Blame(ctx, w.letGo, w.p.Save, err)
		if fault.KindOf(err) == fault.Rejected {
			return out, fault.Newf("acumatica.in_ledger", "%s: %w", w.name(), err)
		}
		return out, err
	}
	out, err := w.finish(ctx, out)
	out.Reason = "too late to be skipped: " + out.Reason
	return out, err
}
