package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"millrace/internal/fault"
)

// Months proves the months from first through last, and unless quick is asked
// for, the clearing accounts against Stripe's balance at the end of each. That
// reads everything since the start of the books. One statement a month and
// currency, in their order.
func Months(ctx context.Context, o Options, first, last Month, quick bool, now time.Time) ([]*Statement, error) {
	p, err := newPeriod(&o, first, last, quick)
	if err != nil {
		return nil, err
	}
	if err := p.readStripe(ctx, now); err != nil {
		return nil, err
	}
	err = o.read(ctx, []*truth{p.truth}, func(day string) bool { return p.wanted[monthOf(day)] })
	if err != nil {
		return nil, err
	}
	if err := p.readDocuments(ctx); err != nil {
		return nil, err
	}
	if err := p.readMemos(ctx); err != nil {
		return nil, err
	}
	if err := p.carry(ctx); err != nil {
		return nil, err
	}
	p.items = slices.SortedFunc(maps.Values(p.truth.items), compareItems)
	var all []*Statement
	for _, m := range p.months {
		for _, currency := range p.currencies() {
			s, err := p.statement(ctx, m, currency)
			if err != nil {
				return nil, err
			}
			if s != nil {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// period is a run over months.
type period struct {
	o           *Options
	truth       *truth
	months      []Month
	wanted      map[Month]bool
	from, until time.Time
	quick       bool
	schedule    schedule
	items       []*item // in their order
	banks       []*bankItem
	balance     map[string]int64           // of Stripe now
	clearing    map[string]map[Month]int64 // of the ledger
	strangers   []*document
	before      map[string]int64 // by currency, on the clearing account in the month before the start
	opened      map[string]bool  // by currency: the opening balance is on the start day
	open        map[string]int64 // of pending and the like, so far
}

// bankItem is the own movement of a payout: it moves Stripe's balance when it is
// created, and the books when it arrives.
type bankItem struct {
	*item
	moved Month
}

func newPeriod(o *Options, first, last Month, quick bool) (*period, error) {
	p := &period{o: o, quick: quick, wanted: map[Month]bool{}, clearing: map[string]map[Month]int64{}, open: map[string]int64{}, before: map[string]int64{}, opened: map[string]bool{}}
	if start := o.Rules.Start; !start.IsZero() && first < monthOf(o.day(start)) {
		if last < monthOf(o.day(start)) {
			return nil, fault.Newf("cli.usage", "%s is before the books: they start on %s (books.start)", last, o.day(start))
		}
		first = monthOf(o.day(start))
	}
	for m := first; m <= last; {
		from, until, err := m.span(o.zone())
		if err != nil {
			return nil, fault.Newf("cli.usage", "month %q: want YYYY-MM", m)
		}
		if p.from.IsZero() {
			p.from = from
		}
		p.months, p.wanted[m], p.until = append(p.months, m), true, until
		m = monthOf(until.Format(time.DateOnly))
	}
	if len(p.months) == 0 {
		return nil, fault.Newf("cli.usage", "%s to %s: no month of these books", first, last)
	}
	p.truth = p.fresh()
	return p, nil
}

// fresh is a truth that nothing is in yet.
func (p *period) fresh() *truth {
	if !p.quick {
		return newTruth(p.o, nil)
	}
	t := newTruth(p.o, p.wanted)
	t.part = true
	return t
}

func (p *period) currencies() []string {
	set := map[string]bool{}
	for _, c := range p.truth.currencies() {
		set[c] = true
	}
	for _, d := range p.strangers {
		set[d.currency] = true
	}
	for c, n := range p.balance {
		set[c] = set[c] || n != 0
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(set)), func(c string) bool { return !set[c] })
}

// statement of a month and currency; nil when there is nothing at all in it.
func (p *period) statement(ctx context.Context, m Month, currency string) (*Statement, error) {
	d := newDraft(p.o.Connection, currency)
	d.s.Period, d.s.dropped = m, p.truth.dropped[writeOffOf(string(m), currency)]
	in := scope{func(day string) bool { return monthOf(day) == m }, string(m)}
	if !p.quick {
		if err := p.begins(d, m); err != nil {
			return nil, err
		}
	}
	p.payouts(d, m)
	for _, i := range p.items {
		if i.currency != currency {
			continue
		}
		if monthOf(i.date) != m {
			p.elsewhere(d, i, in)
			continue
		}
		if !p.isBank(i) {
			d.stripe.add(i.stripe)
		}
		if err := p.truth.judge(ctx, d, i, in); err != nil {
			return nil, fmt.Errorf("%s: %w", i.key, err)
		}
	}
	p.settling(d, m)
	if err := p.foreign(ctx, d, m); err != nil {
		return nil, err
	}
	p.memoNotes(d, m)
	p.truth.notes(d, func(month Month) bool { return month == m })
	if !p.quick {
		p.against(d, m)
	}
	s := d.done()
	if len(s.Lines) == 0 && len(s.Findings)+len(s.Notes) == 0 && s.OK() && s.Matched == 0 && (s.Clearing == nil || s.Clearing.Stripe == d.show(0)) {
		return nil, nil //nolint:nilnil // nothing to state
	}
	return s, nil
}

func (p *period) isBank(i *item) bool {
	return slices.ContainsFunc(p.banks, func(b *bankItem) bool { return b.item == i })
}

// payouts adds the own movements of payouts: of those created in the month,
// what has not arrived in it, and of those that have what was created before.
func (p *period) payouts(d *draft, m Month) {
	for _, b := range p.banks {
		if b.currency != d.s.Currency {
			continue
		}
		arrives := !b.transit && monthOf(b.date) == m
		e := Entry{ID: b.key, Date: b.date}
		switch {
		case b.moved == m && !arrives:
			d.stripe.add(b.stripe)
			e.Cause, e.Detail = InTransit, "arrives "+b.date
			d.aside(e, b.stripe)
		case b.moved == m:
			d.stripe.add(b.stripe)
		case arrives:
			e.Cause, e.Detail = Arrived, "created in "+string(b.moved)
			d.aside(e, minus(b.stripe))
		}
	}
}

func minus(s side) side {
	out := side{}
	for c, n := range s {
		out[c] = -n
	}
	return out
}

// elsewhere tells of documents in the month whose item is of another one.
func (p *period) elsewhere(d *draft, i *item, in scope) {
	there, _ := i.within(in)
	if len(there) == 0 || there.total() == 0 {
		return
	}
	d.docs.add(there)
	e := Entry{
		ID: i.key, Date: i.date, In: i.names(), Documents: d.show(there.total()), Detail: "belongs to " + i.date, earlier: monthOf(i.date) < p.months[0],
	}
	switch {
	case i.ahead(in.name):
		e.Cause = Dated
		d.aside(e, minus(there))
		return
	case p.o.NextOpen && i.kind == journal && i.date < in.name:
		e.Cause = Shifted
		d.aside(e, minus(there))
		return
	}
	e.Cause = WrongPeriod
	d.finding(e, there.total(), there.total())
}
