package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
	"millrace/schemas"
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
	err = p.truth.read(ctx, func(day string) bool { return p.wanted[monthOf(day)] })
	if err != nil {
		return nil, err
	}
	if err := p.readDocuments(ctx); err != nil {
		return nil, err
	}
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
	banks       []*bankItem
	balance     map[string]int64           // of Stripe now
	clearing    map[string]map[Month]int64 // of the ledger
	strangers   []*document
	open        map[string]int64 // of pending and the like, so far
}

// bankItem is the own movement of a payout: it moves Stripe's balance when it is
// created, and the books when it arrives.
type bankItem struct {
	*item
	moved Month
}

func newPeriod(o *Options, first, last Month, quick bool) (*period, error) {
	p := &period{o: o, quick: quick, wanted: map[Month]bool{}, clearing: map[string]map[Month]int64{}, open: map[string]int64{}}
	if start := o.Rules.Start; !start.IsZero() && first < monthOf(o.day(start)) {
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
	p.truth = newTruth(o, p.wanted)
	return p, nil
}

// readStripe puts the movements of the span through the rules, and those of
// payouts into their units.
func (p *period) readStripe(ctx context.Context, now time.Time) error {
	t, q := p.truth, stripeapi.MovementQuery{From: p.from, Until: p.until}
	if !p.quick {
		q = stripeapi.MovementQuery{From: p.o.Rules.Start}
		var err error
		if p.balance, err = p.o.Balance(ctx); err != nil {
			return err
		}
	}
	if err := p.o.Stripe.EachMovement(ctx, q, func(m *ledger.Movement) error { return t.add(m, "") }); err != nil {
		return err
	}
	if t.newest.After(now) { // Stripe's clock decides
		now = t.newest
	}
	today := p.o.day(now)
	for _, u := range t.units {
		if p.o.ByDay && p.o.Rules.Fees != ledger.FeesPerTransaction && u.id[:len(time.DateOnly)] >= today {
			t.loosen(u)
			continue
		}
		t.close(u, false)
	}
	return p.readPayouts(ctx, q.From)
}

// readPayouts reads the payouts that can hold a movement of the span: those
// created in it or later, and for those that arrive in it the ones before.
func (p *period) readPayouts(ctx context.Context, from time.Time) error {
	t := p.truth
	byPayout := !p.o.ByDay && p.o.Rules.Fees != ledger.FeesPerTransaction
	err := p.o.payouts(ctx, stripeapi.PayoutQuery{CreatedFrom: from}, func(x stripeapi.Payout) error {
		if err := p.bank(ctx, x); err != nil {
			return err
		}
		if byPayout && completed(x) {
			return t.settled(ctx, x)
		}
		return nil
	})
	if err != nil || from.IsZero() {
		return err
	}
	return p.o.payouts(ctx, stripeapi.PayoutQuery{CreatedUntil: from, ArrivalFrom: from.AddDate(0, 0, -1)}, func(x stripeapi.Payout) error { return p.bank(ctx, x) })
}

func (p *period) bank(ctx context.Context, x stripeapi.Payout) error {
	own := p.truth.own[x.ID]
	if own == nil { // created outside of the span
		if x.Created.Before(p.o.Rules.Start) || !x.Created.Before(p.until) {
			return nil
		}
		full, err := p.o.Stripe.GetPayout(ctx, x.ID)
		if err != nil {
			return err
		}
		parts, err := p.o.Rules.Split(&full.Movement)
		if err != nil {
			return err
		}
		p.truth.ownMove(&full.Movement, parts)
		own = p.truth.own[x.ID]
	}
	i := p.truth.bank(x, own)
	p.banks = append(p.banks, &bankItem{i, monthOf(p.o.day(own.created))})
	if p.wanted[monthOf(i.date)] && !i.transit {
		p.truth.items[i.itemKey] = i
	}
	return nil
}

// readDocuments reads what Acumatica has on the clearing accounts.
func (p *period) readDocuments(ctx context.Context) error {
	first, last := string(p.months[0])+"-01", p.months[len(p.months)-1].Last()
	if err := p.opening(); err != nil {
		return err
	}
	refs := p.truth.refs()
	for currency := range p.o.CashAccounts {
		err := p.o.payments(ctx, currency, first, last, func(d *document) error {
			if !p.truth.take(d, refs) && p.wanted[monthOf(d.booked)] {
				p.strangers = append(p.strangers, d)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	since, err := before(first)
	if err != nil {
		return err
	}
	if !p.quick {
		since = p.since()
	}
	return p.o.batches(ctx, since, last, false, func(module string, d *document) error {
		var sum int64
		for _, n := range d.text {
			sum += n
		}
		month := monthOf(d.booked)
		if p.clearing[d.currency] == nil {
			p.clearing[d.currency] = map[Month]int64{}
		}
		p.clearing[d.currency][month] += sum
		mine := module == generalLedger && p.truth.take(d, refs)
		if !mine && module != "AR" && sum != 0 && p.wanted[month] {
			p.strangers = append(p.strangers, d)
		}
		return nil
	})
}

// before is the first day of the month before: what is dated there may be in
// the period after it.
func before(day string) (string, error) {
	t, err := time.Parse(time.DateOnly, day)
	return t.AddDate(0, -1, 0).Format(time.DateOnly), err
}

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
		if n == 0 || !p.wanted[monthOf(day)] {
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
	d.s.Period = m
	in := scope{func(day string) bool { return monthOf(day) == m }, string(m)}
	p.payouts(d, m)
	for _, i := range slices.SortedFunc(maps.Values(p.truth.items), compareItems) {
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
	p.loose(d, m)
	if err := p.foreign(ctx, d, m); err != nil {
		return nil, err
	}
	p.truth.notes(d, func(month Month) bool { return month == m })
	if !p.quick {
		p.against(d, m)
	}
	s := d.done()
	if len(s.Lines) == 0 && len(s.Findings) == 0 && s.OK() && s.Matched == 0 && (s.Clearing == nil || s.Clearing.Stripe == d.show(0)) {
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
	e := Entry{ID: i.key, Date: i.date, In: i.names(), Documents: d.show(there.total()), Detail: "belongs to " + i.date}
	if p.o.NextOpen && i.date < in.name {
		e.Cause = Shifted
		d.aside(e, minus(there))
		return
	}
	e.Cause = WrongPeriod
	d.finding(e, there.total())
}

// loose lists what no journal has yet.
func (p *period) loose(d *draft, m Month) {
	for _, k := range slices.SortedFunc(maps.Keys(p.truth.loose), func(a, b looseKey) int { return ledger.ByCategory(a.category, b.category) }) {
		l := p.truth.loose[k]
		if k.month != m || k.currency != d.s.Currency || l.amount == 0 {
			continue
		}
		e := side{k.category: l.amount}
		d.stripe.add(e)
		d.aside(Entry{Cause: NotSettled, ID: k.category, Detail: title(k.category) + ": the payout or day is not complete"}, e)
	}
}

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
		}
		d.docs[other] += n
		d.finding(e, n)
	}
	return nil
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
	var transit, unsettled, books int64
	for _, b := range p.banks {
		if b.currency == currency && b.moved <= m && (b.transit || monthOf(b.date) > m) {
			transit += b.stripe.total()
		}
	}
	for k, l := range p.truth.loose {
		if k.currency == currency && k.month <= m {
			unsettled += l.amount
		}
	}
	for month, n := range p.clearing[currency] {
		if month <= m {
			books += n
		}
	}
	if p.o.Rules.NoOpening && !p.o.Rules.Start.IsZero() {
		books += p.atStart(currency)
	}
	for _, e := range d.s.Reconciling {
		if e.Cause == Pending || e.Cause == NeverPosted || e.Cause == Shifted {
			p.open[currency] += e.minorUnits
		}
	}
	unsettled += p.open[currency]
	expected := at - transit - unsettled
	d.s.Clearing = &Balance{
		At: m.Last(), Stripe: d.show(at), InTransit: d.show(transit), NotSettled: d.show(unsettled),
		Expected: d.show(expected), Clearing: d.show(books), Difference: d.show(books - expected),
	}
	d.balance = books - expected
}
