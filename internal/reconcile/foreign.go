package reconcile

import (
	"context"

	"millrace/schemas"
)

// foreign lists what others put onto the clearing account.
func (p *period) foreign(ctx context.Context, d *draft, m Month) error {
	known := p.truth.known()
	for _, x := range p.strangers {
		if known[x.name] { // found by its key meanwhile
			continue
		}
		if x.currency != d.s.Currency || monthOf(x.booked) != m {
			continue
		}
		n := x.effect.total()
		for _, l := range x.text {
			n += l
		}
		if n == 0 {
			continue
		}
		e := Entry{Cause: Foreign, ID: x.name, Date: x.date, In: []string{x.name}, Documents: d.show(n), Detail: "nothing of ours made it"}
		if x.kind != "" && x.kind != journal && x.ref != "" {
			id := schemas.IntentID(p.o.Connection, schemas.Acumatica, payment, "create", x.ref, "")
			_, ours, err := p.o.Postings.Get(ctx, p.o.Connection, id)
			if err != nil {
				return err
			}
			switch {
			case ours && x.kind == paymentVoid:
				e.Cause, e.Detail = Voided, "voids the payment of "+x.ref+", and Stripe does not"
			case ours:
				e.Cause, e.Detail = WrongPeriod, "is of "+x.ref+", which Stripe has in another month"
			}
		}
		if x.kind == journal && x.ref != "" {
			e.Cause, e.Detail = Unexpected, "carries a reference of ours, "+x.ref
			if o := p.truth.others[x.ref]; o != nil && p.elsewhereOf(d, o, x, m) {
				continue
			}
		}
		d.docs[other] += n
		d.finding(e, n)
	}
	return nil
}

// elsewhereOf tells of a batch in the month whose journal is of a month that was
// not read; false when it is of this one.
func (p *period) elsewhereOf(d *draft, o *unread, x *document, m Month) bool {
	if monthOf(o.date) == m {
		return false
	}
	there := side{}
	for text, n := range x.text {
		there[p.truth.names.told(o.key, text)] += n
	}
	d.docs.add(there)
	e := Entry{
		Cause: WrongPeriod, ID: o.key, Date: o.date, In: []string{x.name}, Documents: d.show(there.total()), Detail: "belongs to " + o.date, earlier: true,
	}
	if p.o.NextOpen && monthOf(o.date) < m && sameLines(o.lines, x.lines) {
		e.Cause = Shifted
		d.aside(e, minus(there))
		return true
	}
	d.finding(e, there.total())
	return true
}
