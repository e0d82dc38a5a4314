package stripesink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// maxSteps bounds how often an invoice is decided about. The longest way is a
// credit note, a void and a new invoice; the buyer may be faster a few times.
const maxSteps = 8

// mirror lets the buyer pay in Stripe what is open of a document, by the steps
// that are missing.
func (w *work) mirror(ctx context.Context) (schemas.Outcome, error) {
	f, err := decodeInvoice(w.in.Fields)
	if err != nil {
		return schemas.Outcome{}, err
	}
	ctx, err = w.begin(ctx)
	if err != nil {
		return schemas.Outcome{}, err
	}
	switch w.p.State { //nolint:exhaustive // every other state is on the way
	case posting.Done:
		return w.mirrored(schemas.Duplicate, f, cmp.Or(w.p.Keys[keyDid], "looked at")+" before"), nil
	case posting.Skipped:
		return w.skipped(), nil
	}
	return w.converge(ctx, f)
}

// converge takes one step after the other until nothing is missing.
func (w *work) converge(ctx context.Context, f schemas.StripeInvoice) (schemas.Outcome, error) {
	edited := false
	for range maxSteps {
		l, inv, err := w.standing(ctx, f)
		if err != nil {
			return schemas.Outcome{}, err
		}
		if overtaken(l, f, w.in.Cause.EventSeq) {
			return w.overtaken(ctx, f, inv)
		}
		s := step{do: doNothing}
		switch {
		case w.making() || inv.ID == "" && f.Total > 0:
			s.do = doMake
		case inv.ID != "":
			p, err := w.paid(ctx, f, inv)
			if err != nil {
				return schemas.Outcome{}, err
			}
			s = decide(f, inv, past{p, showing(l, inv)})
			if _, needed := edits(f, inv); needed && s.do == doNothing && !edited {
				s.do, edited = doEdit, true // once: what Stripe writes in its own way would differ for ever
			}
		}
		if s.anew && len(f.Lines) == 0 {
			return schemas.Outcome{}, fault.Newf("stripe.lines_missing", "%s are open, and invoice %s is over less", minor(f.Total, f.Currency), inv.ID)
		}
		switch s.do {
		case doWait:
			var waits bool
			if l, waits, err = w.wait(ctx, f, l, inv); err == nil && waits {
				return w.settle(ctx, f, l, inv, s.why)
			}
		case doNothing, doLeave:
			return w.settle(ctx, f, l, inv, s.why)
		case doMake:
			// Finalising reads the new one back: most end here.
			if l, inv, err = w.replace(ctx, f, l, inv); err == nil && decide(f, inv, past{}).do == doNothing {
				return w.settle(ctx, f, l, inv, "")
			}
		default:
			err = w.correct(ctx, f, inv, s)
		}
		if end, ended := errors.AsType[*noCustomerError](err); ended {
			return w.leftOut(ctx, f, end)
		}
		if err != nil {
			return schemas.Outcome{}, err
		}
	}
	return schemas.Outcome{}, fault.Newf("stripe.unsettled", "after %d steps", maxSteps)
}

// standing is the invoice that stands for the document in Stripe, and its link;
// empty when there is none. One that is not linked was made by an installation
// whose records are lost, or by a worker that died: it is linked now.
func (w *work) standing(ctx context.Context, f schemas.StripeInvoice) (link.Link, stripeapi.Invoice, error) {
	l, linked, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Invoice, w.in.Key)
	if err != nil {
		return l, stripeapi.Invoice{}, err
	}
	if linked {
		inv, err := w.api.GetInvoice(ctx, l.StripeID)
		return l, inv, errors.Join(err, sameCurrency(f, inv))
	}
	if w.making() {
		return l, stripeapi.Invoice{}, nil
	}
	inv, found, err := w.unlinked(ctx, f)
	if err != nil || !found {
		return link.Link{}, stripeapi.Invoice{}, err
	}
	if err := sameCurrency(f, inv); err != nil {
		return link.Link{}, inv, err
	}
	l = w.linkOf(inv)
	if err := w.links.Put(ctx, w.in.Connection, l); err != nil {
		return l, inv, err
	}
	w.at("linked")
	return l, inv, nil
}

func sameCurrency(f schemas.StripeInvoice, inv stripeapi.Invoice) error {
	if inv.ID != "" && inv.Currency != f.Currency {
		return fault.Newf("stripe.invoice_mismatch", "invoice %s is in %s, the document in %s", inv.ID, inv.Currency, f.Currency)
	}
	return nil
}

// making says that this intent has begun to make an invoice, which goes first:
// nothing else is known of it.
func (w *work) making() bool { return w.p.Sends > 0 || w.p.Keys[keyID] != "" }

// correct takes one step on an invoice that is there. It is announced first;
// its idempotency key is that of the step on the invoice as it was seen, so a
// worker that wakes up late repeats what was done and nothing else. A step that
// Stripe refuses because the buyer was faster is no error: what is there now
// decides anew.
func (w *work) correct(ctx context.Context, f schemas.StripeInvoice, inv stripeapi.Invoice, s step) error {
	did := w.p.Keys[keyDid]
	w.p.Keys[keyDid] = joined(did, doing(f, inv, s))
	w.p.Keys[keyStep] = s.do
	if w.p.SentAt.IsZero() {
		w.p.SentAt = w.now().UTC()
	}
	if err := w.save(ctx, posting.Sent); err != nil {
		return err
	}
	err := w.take(ctx, f, inv, s)
	if err == nil {
		w.at(s.do)
		return nil
	}
	w.p.Keys[keyDid] = did
	failed := w.failed(ctx, err)
	if fault.Of(err).Code != "stripe.invalid" {
		return failed
	}
	now, readErr := w.api.GetInvoice(ctx, inv.ID)
	switch {
	case readErr != nil:
		return readErr
	case now.Processing && !inv.Processing:
		return nil
	case now.Status != inv.Status || now.Remaining != inv.Remaining || now.Credited != inv.Credited:
		return nil
	}
	return failed
}

func (w *work) take(ctx context.Context, f schemas.StripeInvoice, inv stripeapi.Invoice, s step) error {
	key := w.key(fmt.Sprintf("%s:%s:%d:%d", strings.ReplaceAll(s.do, " ", "_"), inv.ID, inv.Remaining, s.amount))
	var err error
	switch s.do {
	case doCredit:
		_, err = w.api.CreateCreditNote(ctx, key, stripeapi.CreditNote{
			Invoice: inv.ID, Amount: s.amount, Memo: memo(f),
			Metadata: map[string]string{metaIntent: w.tag(), metaConnection: w.in.Connection},
		})
	case doOutside:
		_, err = w.api.PayOutOfBand(ctx, key, inv.ID)
	case doVoid:
		_, err = w.api.VoidInvoice(ctx, key, inv.ID)
	case doWriteOff:
		_, err = w.api.WriteOff(ctx, key, inv.ID)
	case doEdit:
		e, _ := edits(f, inv)
		_, err = w.api.EditInvoice(ctx, w.key(editKey(inv.ID, e)), inv.ID, e)
	}
	return err
}

// memo tells the buyer what a credit note stands for.
func memo(f schemas.StripeInvoice) string {
	var parts []string
	for _, l := range f.Lowered {
		part := l.Type + " " + l.Number
		if !strings.Contains(strings.Join(parts, ", ")+",", part+",") {
			parts = append(parts, part)
		}
	}
	const long = 10 // of many only the last ones, which are the newest
	return strings.Join(parts[max(0, len(parts)-long):], ", ")
}

// doing is the step for people.
func doing(f schemas.StripeInvoice, inv stripeapi.Invoice, s step) string {
	switch s.do {
	case doCredit:
		return "credited " + minor(s.amount, f.Currency) + " of " + inv.Number
	case doOutside:
		return "marked " + inv.Number + " as paid outside Stripe"
	case doVoid:
		return "voided " + inv.Number
	case doWriteOff:
		return "marked " + inv.Number + " as uncollectible"
	case doEdit:
		return "changed what " + inv.Number + " tells"
	}
	return ""
}

// replace makes a new invoice over what is open, and lets it stand for the
// document.
func (w *work) replace(ctx context.Context, f schemas.StripeInvoice, l link.Link, old stripeapi.Invoice) (link.Link, stripeapi.Invoice, error) {
	inv, err := w.makeInvoice(ctx, f, old)
	if err != nil {
		return l, inv, err
	}
	next := w.told(f, l, inv, true, false)
	if l.StripeID == "" {
		err = w.links.Put(ctx, w.in.Connection, next)
	} else {
		err = w.links.Swap(ctx, w.in.Connection, l, next)
	}
	if err != nil {
		return l, inv, err
	}
	w.at("linked")
	if f.Send {
		if err := w.email(ctx, inv); err != nil {
			return next, inv, err
		}
	}
	w.p.Keys[keyDid] = joined(w.p.Keys[keyDid], fmt.Sprintf("made the Stripe invoice %s over %s", inv.Number, minor(inv.Total, f.Currency)))
	for _, key := range []string{keyID, keySeries, keyDue} {
		delete(w.p.Keys, key)
	}
	w.p.Sends, w.p.Writes = 0, nil
	return next, inv, nil
}

// wait leaves an invoice that is being debited from a bank, of which Stripe lets
// nothing be changed for days; the lane goes on. When the debit fails the change
// is asked for again, by the event of that, if the link says that it waits: so
// the invoice is looked at once more after the link has been written.
func (w *work) wait(ctx context.Context, f schemas.StripeInvoice, l link.Link, inv stripeapi.Invoice) (link.Link, bool, error) {
	next := w.told(f, l, inv, false, true)
	if err := w.links.Swap(ctx, w.in.Connection, l, next); err != nil {
		return l, false, err
	}
	w.at("linked waiting")
	now, err := w.api.GetInvoice(ctx, inv.ID)
	return next, now.Processing, err
}

// email has Stripe send the invoice. That it cannot, because the customer has
// no address, is for a person to know: the buyer can pay all the same.
func (w *work) email(ctx context.Context, inv stripeapi.Invoice) error {
	_, err := w.api.SendInvoice(ctx, w.key("send:"+inv.ID), inv.ID)
	switch {
	case err == nil:
	case fault.KindOf(err) == fault.Rejected:
		w.p.Keys[keyReview] = "it was not e-mailed: " + err.Error()
		w.nextGeneration()
	default:
		return w.failed(ctx, err)
	}
	w.at("sent")
	return nil
}

// settle ends the intent: the link tells the state that Stripe shows.
func (w *work) settle(ctx context.Context, f schemas.StripeInvoice, l link.Link, inv stripeapi.Invoice, review string) (schemas.Outcome, error) {
	waits := l.Attributes[attrWaits] != "" && inv.Processing && review != ""
	if next := w.told(f, l, inv, review == "", waits); l.StripeID != "" && !maps.Equal(l.Attributes, next.Attributes) {
		if err := w.links.Swap(ctx, w.in.Connection, l, next); err != nil {
			return schemas.Outcome{}, err
		}
		w.at("linked version")
	}
	did := w.p.Keys[keyDid]
	maps.Copy(w.p.Keys, map[string]string{keyShown: inv.ID, keyNumber: inv.Number, keyURL: inv.HostedURL, keyCustomer: inv.Customer})
	if review != "" {
		w.p.Keys[keyReview] = review
	}
	if err := w.save(ctx, posting.Done); err != nil {
		return schemas.Outcome{}, err
	}
	switch {
	case did != "":
		return w.mirrored(schemas.Applied, f, did), nil
	case w.made(inv):
		return w.mirrored(schemas.Duplicate, f, "the Stripe invoice "+inv.Number+" was there already"), nil
	case inv.ID == "":
		return w.mirrored(schemas.Skipped, f, "nothing is open, and Stripe has nothing of it"), nil
	case review != "":
		return w.mirrored(schemas.Skipped, f, "the Stripe invoice "+inv.Number+" was left as it is: "+review), nil
	}
	return w.mirrored(schemas.Skipped, f, "the Stripe invoice "+inv.Number+" shows what is open"), nil
}

// overtaken ends an intent whose document was mirrored in a later state.
func (w *work) overtaken(ctx context.Context, f schemas.StripeInvoice, inv stripeapi.Invoice) (schemas.Outcome, error) {
	maps.Copy(w.p.Keys, map[string]string{keyShown: inv.ID, keyNumber: inv.Number, keyURL: inv.HostedURL, keyCustomer: inv.Customer})
	w.p.Keys[keyDid] = joined(w.p.Keys[keyDid], "Stripe shows what a later event told")
	if err := w.save(ctx, posting.Done); err != nil {
		return schemas.Outcome{}, err
	}
	return w.mirrored(schemas.Skipped, f, w.p.Keys[keyDid]), nil
}

// mirrored is an outcome with what the posting knows of the invoice.
func (w *work) mirrored(how string, f schemas.StripeInvoice, did string) schemas.Outcome {
	var refs []schemas.Ref
	if id := w.p.Keys[keyShown]; id != "" {
		refs = append(refs, schemas.Ref{System: schemas.Stripe, Kind: link.Invoice, ID: id, URL: w.p.Keys[keyURL]})
	}
	if id := w.p.Keys[keyCustomer]; id != "" {
		refs = append(refs, customerRef(id))
	}
	out := w.outcome(how, fmt.Sprintf("%s, with %s open: %s", w.in.Key, minor(f.Total, f.Currency), did), refs...)
	out.Review = w.p.Keys[keyReview]
	return out
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}
