package reconcile

// openedElsewhere tells that somebody else posts the opening balance, and that
// the clearing account is compared.
func (p *period) openedElsewhere() bool {
	return p.o.Rules.NoOpening && !p.o.Rules.Start.IsZero() && !p.quick
}

// opens takes in a batch from before the start, or from the start day when it is
// exactly the opening balance; false for every other one. What the clearing
// account had before is not read further back than a month: that would be the
// history of the ledger.
func (p *period) opens(d *document, module string, sum int64, start string) bool {
	n := p.atStart(d.currency)
	switch {
	case d.booked < start:
		p.before[d.currency] += sum
		return true
	case d.booked == start && module == generalLedger && d.ref == "" && sum != 0 && sum == n && p.before[d.currency] != n && !p.opened[d.currency]:
		p.opened[d.currency] = true
		return true
	}
	return false
}

// assumed tells of the opening balance that nobody is known to have posted.
func (p *period) assumed(d *draft) {
	c := d.s.Currency
	n := p.atStart(c)
	if n == 0 || p.opened[c] || p.before[c] == n {
		return
	}
	d.s.Notes = append(d.s.Notes, Entry{
		Cause: Assumed, ID: c, Date: p.o.day(p.o.Rules.Start), Amount: d.show(n), minorUnits: n,
		Detail: "opening: none; taken to be on the clearing account since before the start, as Stripe's balance was",
	})
}
