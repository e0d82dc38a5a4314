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

// position is the clearing account at the end of a month, in minor units.
type position struct {
	stripe, transit, unsettled int64 // Stripe's balance, and what of it the books cannot have
	books                      int64
}

func (x position) expected() int64 { return x.stripe - x.transit - x.unsettled }

func (x position) off() int64 { return x.books - x.expected() }

// position is known once what is listed beside is, through the month.
func (p *period) position(currency string, m Month) position {
	x := position{stripe: p.balance[currency]}
	for month, n := range p.truth.nets[currency] {
		if month > m {
			x.stripe -= n
		}
	}
	for _, b := range p.banks {
		if b.currency == currency && b.moved <= m && (b.transit || monthOf(b.date) > m) {
			x.transit += b.stripe.total()
		}
	}
	for month, n := range p.clearing[currency] {
		if month <= m {
			x.books += n
		}
	}
	if p.openedElsewhere() {
		x.books += p.atStart(currency)
	}
	x.unsettled = p.unsettled(m, currency) + p.open[currency] + p.later(m, currency)
	return x
}

// against compares the clearing account with Stripe's balance at the end.
func (p *period) against(d *draft, m Month) {
	currency := d.s.Currency
	if p.openedElsewhere() {
		p.assumed(d)
	}
	for _, e := range d.s.Reconciling {
		if outOfBooks(e.Cause) && !e.earlier {
			p.open[currency] += e.minorUnits
		}
	}
	x := p.position(currency, m)
	d.s.Clearing = &Balance{
		At: m.Last(), Opening: d.show(d.opening), Movements: d.show(x.books - d.opening),
		Stripe: d.show(x.stripe), InTransit: d.show(x.transit), NotSettled: d.show(x.unsettled),
		Expected: d.show(x.expected()), Clearing: d.show(x.books), Difference: d.show(x.off()),
	}
	d.balance = x.off()
}

// begins finds out what the clearing account had before the month, and what it
// was off by then.
func (p *period) begins(d *draft, m Month) error {
	currency, start := d.s.Currency, p.o.Rules.Start
	day, err := before(string(m) + "-01")
	if err != nil {
		return err
	}
	d.before = monthOf(day)
	if !start.IsZero() && d.before < monthOf(p.o.day(start)) {
		if p.openedElsewhere() {
			d.opening = p.atStart(currency)
		}
		return nil
	}
	x := p.position(currency, d.before)
	d.opening, d.carried = x.books, x.off()
	return nil
}

// foot adds what the items of the month do not explain of its difference: what
// was carried over, and what nothing explains.
func (d *draft) foot() {
	s := d.s
	if s.Clearing == nil {
		return
	}
	s.Difference = d.show(d.balance)
	agrees := s.off == 0 && d.balance == 0
	s.off = max(s.off, abs(d.balance))
	if d.carried != 0 {
		e := Entry{Cause: Carried, ID: string(d.before), Date: d.before.Last(), Detail: "the clearing account was off by it before: see the statement of " + string(d.before)}
		if agrees || d.ended {
			e.Amount, e.minorUnits, e.Detail = d.show(d.carried), d.carried, e.Detail+"; ended in this month"
			s.Notes = append(s.Notes, e)
		} else {
			d.tell(e, d.carried, d.carried)
		}
	}
	if rest := d.balance - d.carried - s.net; rest != 0 && !agrees {
		d.tell(Entry{
			Cause: Off, ID: s.Currency, Date: s.Clearing.At, Stripe: s.Clearing.Expected, Documents: s.Clearing.Clearing,
			Detail: "the clearing account is not what Stripe's balance makes it, and no item of the month says why",
		}, rest, rest)
	}
}
