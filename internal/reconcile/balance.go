package reconcile

// since is the first day of the books: that of the start, or of the first
// movement.
func (p *period) since() string {
	first := string(p.months[0])
	for _, months := range p.truth.nets {
		for m := range months {
			first = min(first, string(m))
		}
	}
	if !p.o.Rules.Start.IsZero() {
		return p.o.day(p.o.Rules.Start)
	}
	return first + "-01"
}

// opening is the item of what Stripe's balance was at the start.
func (p *period) opening() error {
	start := p.o.Rules.Start
	if start.IsZero() || p.o.Rules.NoOpening || p.quick {
		return nil
	}
	day := p.o.day(start)
	for currency := range p.balance {
		n := p.atStart(currency)
		if n == 0 {
			continue
		}
		key := itemKey{journal, "opening/" + currency}
		i := p.truth.items[key]
		if i == nil {
			i = &item{itemKey: key, currency: currency, lanes: []string{"opening", "opening/" + currency}}
			p.truth.items[key] = i
		}
		i.date, i.stripe = day, side{"opening": n}
	}
	return nil
}

// atStart is Stripe's balance when the books started.
func (p *period) atStart(currency string) int64 {
	n := p.balance[currency]
	for _, net := range p.truth.nets[currency] {
		n -= net
	}
	return n
}

// against compares the clearing account with Stripe's balance at the end.
func (p *period) against(d *draft, m Month) {
	currency := d.s.Currency
	at := p.balance[currency]
	for month, n := range p.truth.nets[currency] {
		if month > m {
			at -= n
		}
	}
	var transit, books int64
	for _, b := range p.banks {
		if b.currency == currency && b.moved <= m && (b.transit || monthOf(b.date) > m) {
			transit += b.stripe.total()
		}
	}
	for month, n := range p.clearing[currency] {
		if month <= m {
			books += n
		}
	}
	if p.openedElsewhere() {
		books += p.atStart(currency)
		p.assumed(d)
	}
	for _, e := range d.s.Reconciling {
		if outOfBooks(e.Cause) && !e.earlier {
			p.open[currency] += e.minorUnits
		}
	}
	unsettled := p.unsettled(m, currency) + p.open[currency] + p.later(m, currency)
	expected := at - transit - unsettled
	d.s.Clearing = &Balance{
		At: m.Last(), Stripe: d.show(at), InTransit: d.show(transit), NotSettled: d.show(unsettled),
		Expected: d.show(expected), Clearing: d.show(books), Difference: d.show(books - expected),
	}
	d.balance = books - expected
}
