package reconcile

import (
	"context"
	"strings"

	"millrace/schemas"
)

// States of a charge at Stripe.
const (
	chargePending = "pending"
	chargeFailed  = "failed"
)

// unsuccessful tells that a charge has no document unless it had one before.
func (i *item) unsuccessful() bool { return i.charge == chargePending || i.charge == chargeFailed }

// outOfBooks tells that what is listed with the cause is, or was, in Stripe's
// balance and not on the clearing account.
func outOfBooks(cause string) bool {
	return cause == Pending || cause == NeverPosted || cause == Shifted || cause == Dated
}

// carry takes in bank debits of earlier months that the books do not have: they
// were in Stripe's balance while the bank was asked.
func (p *period) carry(ctx context.Context) error {
	t := p.truth
	for _, i := range t.items {
		if monthOf(i.date) >= p.months[0] || i.kind != paymentVoid && (i.kind != payment || !i.unsuccessful()) {
			continue
		}
		never, err := t.neverPosted(ctx, i.key)
		if err != nil {
			return err
		}
		if never {
			p.open[i.currency] += i.stripe.total() - t.rest(i)
		}
	}
	return nil
}

// later is what earlier months have at Stripe, and the books only after m: it
// is dated ahead, or its period was closed.
func (p *period) later(m Month, currency string) int64 {
	var sum int64
	for _, i := range p.items {
		if i.currency != currency || monthOf(i.date) >= p.months[0] {
			continue
		}
		switch {
		case i.kind != journal:
			if i.ahead("") && monthOf(i.posted.date) > m {
				sum += i.stripe.total()
			}
		case p.o.NextOpen && len(i.docs) == 1 && monthOf(i.docs[0].booked) > m:
			sum += i.stripe.total()
		}
	}
	return sum
}

// ahead tells that the item was posted into a later month on purpose, or into
// the one named: the payment of an invoice that is dated ahead has its date, and
// a refund of that payment too.
func (i *item) ahead(in string) bool {
	if i.kind == journal || i.posted == nil {
		return false
	}
	month := monthOf(i.posted.date)
	return month > monthOf(i.date) && (in == "" || string(month) == in)
}

// rest is what stays of a failed charge that was never posted, of what came and
// what went back: 0 unless something is wrong. Without its failure among the
// movements it is all of it, and the other way round.
func (t *truth) rest(i *item) int64 {
	other := paymentVoid
	if i.kind == paymentVoid {
		other = payment
	}
	pair := t.items[itemKey{other, i.key}]
	switch {
	case i.kind == payment && i.charge == chargePending:
		return 0
	case pair == nil && t.part: // in movements that were not read
		return 0
	case pair == nil:
		return i.stripe.total()
	case i.kind == payment: // told with the failure
		return 0
	}
	return i.stripe.total() + pair.stripe.total()
}

// unposted tells of a charge that did not succeed and has no posting.
func (t *truth) unposted(d *draft, i *item) {
	e := Entry{Cause: Pending, ID: i.key, Date: i.date, Detail: "the charge did not succeed"}
	category := "charge"
	if i.kind == paymentVoid {
		e.Cause, e.Detail, category = NeverPosted, "the charge failed before it was posted", "charge_failure"
	}
	rest := t.rest(i)
	if rest == 0 {
		d.aside(e, i.stripe)
		return
	}
	if cleared := i.stripe.total() - rest; cleared != 0 {
		d.aside(e, side{category: cleared})
	}
	e.Cause, e.Detail = Missing, "the charge failed and has no document; what came of it and what went back do not cancel"
	e.Stripe, e.Postings, e.Documents = d.show(rest), d.show(0), d.show(0)
	d.finding(e, rest, -rest)
}

// neverPosted tells whether a charge failed before there was a payment.
func (t *truth) neverPosted(ctx context.Context, charge string) (bool, error) {
	if p := t.items[itemKey{payment, charge}]; p != nil && len(p.docs) > 0 {
		return false, nil
	}
	found, err := t.hasPosting(ctx, "create", charge)
	return !found, err
}

// voids tells whether a payment was voided by us: its charge failed, whenever
// that was.
func (t *truth) voids(ctx context.Context, charge string) (bool, error) {
	if t.items[itemKey{paymentVoid, charge}] != nil {
		return true, nil
	}
	return t.hasPosting(ctx, "void", charge)
}

// hasPosting looks for that of a payment.
func (t *truth) hasPosting(ctx context.Context, verb, charge string) (bool, error) {
	_, found, err := t.o.Postings.Get(ctx, t.o.Connection, schemas.IntentID(t.o.Connection, schemas.Acumatica, payment, verb, charge, ""))
	return found, err
}

// byPerson is a document of the item that somebody else than we voided; nil
// when there is none.
func (t *truth) byPerson(ctx context.Context, i *item) (*document, error) {
	for _, doc := range i.docs {
		if !strings.EqualFold(doc.status, voided) || i.kind == paymentVoid {
			continue
		}
		if i.kind == payment {
			if ours, err := t.voids(ctx, i.key); ours || err != nil {
				return nil, err
			}
		}
		return doc, nil
	}
	return nil, nil //nolint:nilnil // nothing was voided
}
