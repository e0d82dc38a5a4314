package stripesink

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/fence"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// Skip ends an intent that a person decided to skip; it is a bus.Handler.
//
// Its claim ends whatever another worker is at: none can save the posting, and
// so begin a further step. A draft invoice is deleted, so that it cannot be
// finalised by a request that is under way or by a worker that wakes up; one
// that such a worker makes after that is deleted by it. Only then the posting
// becomes Skipped, for good.
//
// What was finalised, or begun on an invoice that was there, cannot be taken
// back: the skip came too late, the rest is done, and the intent ends as
// applied; when that is refused, so is the skip, with stripe.in_effect. Customers and metadata have no effect
// on money: what was written of them, or is still under way, stays.
func (s *Sink) Skip(ctx context.Context, m *bus.Message) (schemas.Outcome, error) {
	w := &work{Sink: s, stored: m.Stored, letGo: func() error { return nil }}
	var err error
	if w.in, err = decodeIntent(m); err != nil {
		// Refused as it is; it may have been sent once it was edited.
		w.in = schemas.Intent{ID: m.Event.ID, Connection: m.Subject.Connection, Lane: m.Subject.Lane, Document: m.Subject.B, Verb: m.Subject.C}
	}
	api, found := s.apis[w.in.Connection]
	if !found {
		return schemas.Outcome{}, fault.Newf("stripe.config", "connection %q is not configured", w.in.Connection)
	}
	w.api = api
	defer func() { _ = w.letGo() }() // also when a step panics
	held, err := w.begin(ctx)
	if err != nil {
		return schemas.Outcome{}, err
	}
	out, err := w.skip(held)
	if err != nil {
		err = posting.Blame(ctx, w.letGo, w.p.Save, err)
		return schemas.Outcome{}, fmt.Errorf("%s %s %s: %w", w.in.Verb, w.in.Document, w.in.Key, err)
	}
	return out, nil
}

func (w *work) skip(ctx context.Context) (schemas.Outcome, error) {
	if w.p.State == posting.Done {
		return w.outcome(schemas.Duplicate, "too late to be skipped: "+cmp.Or(w.p.Keys[keyID], w.p.Keys[keyShown])+" was written before"), nil
	}
	if w.p.State == posting.Skipped {
		return w.skipped(), nil
	}
	reason := ""
	switch {
	case w.in.Document == link.Invoice && w.in.Verb == "upsert":
		if w.p.Keys[keyStep] != "" { // it may have been taken, or be under way
			return w.tooLate(ctx)
		}
		final, deleted, err := w.withdraw(ctx)
		if err != nil {
			return schemas.Outcome{}, err
		}
		if final != "" {
			if err := w.found(ctx, final); err != nil {
				return schemas.Outcome{}, err
			}
			return w.tooLate(ctx)
		}
		reason = deleted
	case w.p.Keys[keyID] != "":
		reason = "what was written on " + w.p.Keys[keyID] + " stays"
	case w.p.Sends > 0:
		reason = "the " + w.in.Document + " that it may have made stays"
	}
	if err := w.save(ctx, posting.Skipped); err != nil {
		return schemas.Outcome{}, err
	}
	return w.outcome(schemas.Skipped, cmp.Or(reason, "Stripe has nothing of it")), nil
}

// skipped is how the intent ends ever after.
func (w *work) skipped() schemas.Outcome {
	return w.outcome(schemas.Skipped, "a person skipped it before")
}

// withdraw deletes every draft of the intent and says so. final is the
// invoice that is finalised, if there is one.
func (w *work) withdraw(ctx context.Context) (final, reason string, err error) {
	all, err := w.ofIntent(ctx)
	if err != nil {
		return "", "", err
	}
	for _, inv := range all {
		if inv.Status != statusDraft && inv.Status != statusVoid {
			return inv.ID, "", nil
		}
	}
	for _, inv := range all {
		if inv.Status != statusDraft {
			continue
		}
		if err := w.api.DeleteDraft(ctx, inv.ID); err != nil {
			return "", "", err
		}
		w.at("draft deleted")
		reason = "deleted the draft " + inv.ID
	}
	return "", reason, nil
}

// ofIntent finds every invoice that was made for the intent.
func (w *work) ofIntent(ctx context.Context) ([]stripeapi.Invoice, error) {
	id := cmp.Or(w.p.Keys[keyID], w.p.Keys[keyShown])
	if id == "" {
		l, linked, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Invoice, w.in.Key)
		if err != nil {
			return nil, err
		}
		if linked && l.IntentID == w.in.ID {
			id = l.StripeID
		}
	}
	var all []stripeapi.Invoice
	if id != "" {
		inv, err := w.api.GetInvoice(ctx, id)
		if err != nil && !stripeapi.IsNotFound(err) {
			return nil, err
		}
		if err == nil {
			all = append(all, inv)
		}
	}
	if w.p.Sends == 0 {
		return all, nil
	}
	for _, sent := range w.p.Writes {
		some, err := w.api.ListInvoices(ctx, sent.Find[findCustomer], w.since())
		if err != nil {
			return nil, err
		}
		for _, inv := range some {
			if w.made(inv) && inv.ID != id {
				all = append(all, inv)
			}
		}
	}
	return all, nil
}

// tooLate ends an intent of which something was done that cannot be undone.
func (w *work) tooLate(ctx context.Context) (schemas.Outcome, error) {
	f, err := decodeInvoice(w.in.Fields)
	if err != nil {
		return schemas.Outcome{}, err
	}
	out, err := w.converge(ctx, f)
	if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) {
		return out, fault.Newf("stripe.in_effect", "%w", err)
	}
	out.Reason = "too late to be skipped: " + out.Reason
	return out, err
}

// abandon deletes a draft that was made while a person skipped the intent: the
// posting does not know of it.
func (w *work) abandon(ctx context.Context, id string, cause error) error {
	if !posting.Fenced(cause) {
		return cause
	}
	ctx = fence.Outside(context.WithoutCancel(ctx))
	now, err := w.claim(ctx, w.in.Connection, w.in.ID)
	if err != nil || now.State != posting.Skipped {
		return cause // the other worker looks for what we made before it makes its own
	}
	if err := w.api.DeleteDraft(ctx, id); err != nil {
		return errors.Join(cause, fmt.Errorf("the draft %s of a skipped intent may be left: %w", id, err))
	}
	return cause
}
