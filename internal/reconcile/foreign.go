package reconcile

import (
	"context"
	"slices"

	"millrace/schemas"
)

// alien is an entry that nothing of ours made, in minor units.
type alien struct {
	Entry

	n int64
}

// foreign lists what others put onto the clearing account.
func (p *period) foreign(ctx context.Context, d *draft, m Month) error {
	known := p.truth.known()
	var aliens []alien
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
		if e.Cause == Foreign {
			aliens = append(aliens, alien{e, n})
			continue
		}
		d.finding(e, n, n)
	}
	d.foreign(aliens)
	return nil
}

// foreign tells of entries of others. What of them comes to nothing, as an entry
// and the one that takes it back, is noted; so are those that end exactly what
// was carried over. Our own documents are never set off against them.
func (d *draft) foreign(list []alien) {
	var sum int64
	for _, x := range list {
		sum += x.n
	}
	note := func(x alien, why string) {
		x.Amount, x.minorUnits = d.show(x.n), x.n
		x.Detail += "; " + why
		d.s.Notes = append(d.s.Notes, x.Entry)
	}
	why := "the entries of others come to " + d.show(0)
	if d.ended = sum != 0 && sum == -d.carried; d.ended {
		why = "ends what was carried over from " + string(d.before)
	}
	if sum != 0 && !d.ended {
		d.gross += abs(sum)
		var paired []alien
		list, paired = pairs(list)
		for _, x := range list {
			d.tell(x.Entry, x.n, x.n)
		}
		list, why = paired, "another entry takes it back"
	}
	for _, x := range list {
		note(x, why)
	}
}

// pairs takes out the entries that another one takes back exactly.
func pairs(list []alien) (rest, paired []alien) {
	for _, x := range list {
		opposite := slices.IndexFunc(rest, func(y alien) bool { return y.n == -x.n })
		if opposite < 0 {
			rest = append(rest, x)
			continue
		}
		paired = append(paired, rest[opposite], x)
		rest = slices.Delete(rest, opposite, opposite+1)
	}
	return rest, paired
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
	d.finding(e, there.total(), there.total())
	return true
}
