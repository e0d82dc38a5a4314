package acusink

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/schemas"
)

// fitting is what is needed of a document that stands also where less is open
// than it is to be applied to.
type fitting struct {
	asked            []schemas.AcumaticaApplication // by the intent
	amount, currency string                         // of the document
	applied          applications
	with             func(applications) document // the same one, applied so
}

// fitting is of payments and credit memos: the money is here, or the buyer was
// told that he owes less. A refund is of what it gives back, or of nothing.
func (w *work) fitting() (fitting, bool) {
	switch d := w.doc.(type) {
	case payment:
		return fitting{d.DocumentsToApply, d.PaymentAmount, d.CurrencyID, d.applied, func(l applications) document { d.applied = l; return d }}, true
	case memo:
		return fitting{d.ApplicationsCreditMemo, d.Amount, d.CurrencyID, d.applied, func(l applications) document { d.applied = l; return d }}, true
	}
	return fitting{}, false
}

// fit answers a refusal of a document that is applied to more than is open: the
// invoice was credited, or paid otherwise, while the buyer paid, or while the
// seller credited in Stripe. What happened there stands, so the document is made
// all the same, applied up to what is open; the rest stays on it, for a person.
// What each application comes to is kept in the posting, because the document is
// compared with it from then on, by whoever goes on (Invariant 10); the caller
// saves it. An application that is not too large, or is to a document in another
// currency, was not what was refused.
func (w *work) fit(ctx context.Context, refused error, codes ...string) (fitted bool, err error) {
	if !slices.Contains(codes, fault.Of(refused).Code) {
		return false, nil
	}
	return w.fitNow(ctx)
}

// fitNow fits the applications to what is open now, which may be more than an
// earlier attempt found, and reports whether that changed them.
func (w *work) fitNow(ctx context.Context) (changed bool, err error) {
	f, ok := w.fitting()
	if !ok {
		return false, nil
	}
	asked, err := decodeApplications(f.asked)
	if err != nil {
		return false, err
	}
	fits := make(map[string]string)
	for _, a := range asked {
		doc, err := w.conn.Client.Get(ctx, invoiceEntity, []string{a.DocType, a.ReferenceNbr}, acumatica.Query{Custom: []string{"Document.CuryID"}})
		if acumatica.IsNotFound(err) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("what is open of %s %s: %w", a.DocType, a.ReferenceNbr, err)
		}
		if !strings.EqualFold(strings.TrimSpace(doc.Custom("Document", "CuryID")), f.currency) {
			return false, nil
		}
		if open := openOf(doc); open.LessThan(a.amount) {
			fits[a.name()] = open.String()
		}
	}
	rec := w.p.Data()
	if maps.Equal(fits, rec.Fits) {
		return false, nil
	}
	rec.Fits = fits
	w.sink.at("fitted")
	return true, w.refit(fits)
}

// openOf is what can be applied to an invoice. Acumatica: only open documents
// are on offer, not those that were put on hold, whose status is Reserved.
func openOf(doc acumatica.Record) decimal.Decimal {
	balance, ok := doc.Decimal("Balance")
	if !ok || doc.String("Status") != "Open" || balance.IsNegative() {
		return decimal.Zero
	}
	return balance
}

// refit brings the document to what its posting says of the applications that
// the intent asks for.
func (w *work) refit(fits map[string]string) error {
	f, ok := w.fitting()
	if !ok {
		return nil
	}
	asked, err := decodeApplications(f.asked)
	if err != nil {
		return err
	}
	var applied applications
	for _, a := range asked {
		if text, lower := fits[a.name()]; lower {
			if a.amount, err = decimal.NewFromString(text); err != nil {
				return fault.Newf("acumatica.intent_malformed", "the posting applies %q to %s", text, a.name())
			}
			a.AmountPaid = text
		}
		if a.amount.IsPositive() {
			applied = append(applied, a)
		}
	}
	w.doc = f.with(applied)
	return nil
}

// again is what an attempt begins with. What an earlier one found open counts
// as long as something of it may be in Acumatica.
func (w *work) again() error {
	rec := w.p.Data()
	if rec.Sends == 0 {
		rec.Fits = nil
	}
	return w.refit(rec.Fits)
}

// unfit replaces an unreleased document that turned out to be applied to other
// amounts than are open. Until the posting is saved without it the document is there, or
// was, and is of no effect either way.
func (w *work) unfit(ctx context.Context) error {
	if err := w.p.Save(ctx); err != nil {
		return err
	}
	if err := w.remove(ctx, w.seen, "is applied to other amounts than are open"); err != nil {
		return err
	}
	return w.unsent(ctx, nil)
}

// review says what a person should look at: what the intent says of itself, and
// what was not applied. Empty if nothing.
func (w *work) review() string {
	p, _ := w.doc.(payment)
	f, ok := w.fitting()
	if !ok || len(w.p.Data().Fits) == 0 {
		return p.Review
	}
	rest := fmt.Sprintf("of %s %s only %s could be applied to what is open; the rest lies unapplied on %s",
		f.amount, f.currency, f.applied.total(), w.name())
	if p.Review != "" {
		return p.Review + "; " + rest
	}
	return rest
}

// name is how people call the document that is applied to.
func (a application) name() string { return a.DocType + " " + a.ReferenceNbr }
