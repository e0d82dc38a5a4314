package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
)

// onePayout is the proof of a payout in the making.
type onePayout struct {
	*truth

	payout stripeapi.Payout
	bank   *item // its own movement; nil: from before the start
}

// ByPayout proves payouts: what Stripe lists for each and its own movement. One
// statement a currency: where money was exchanged, that of the documents too.
// The intents, which are those of the whole connection, are read once for all.
func ByPayout(ctx context.Context, o Options, ids ...string) ([]*Statement, error) {
	var payouts []*onePayout
	var truths []*truth
	for _, id := range ids {
		p, err := o.onePayout(ctx, id)
		if err != nil {
			return nil, err
		}
		payouts, truths = append(payouts, p), append(truths, p.truth)
	}
	if err := o.read(ctx, truths, nil); err != nil {
		return nil, err
	}
	var all []*Statement
	for n, p := range payouts {
		maps.DeleteFunc(p.items, func(_ itemKey, i *item) bool { return i.stripe == nil && i.posted == nil })
		if err := p.documents(ctx); err != nil {
			return nil, err
		}
		s, err := p.statements(ctx, p.payout, p.bank)
		if err != nil {
			return nil, err
		}
		all = append(all, s...)
		payouts[n] = nil // its documents are not needed any more
	}
	return all, nil
}

// onePayout reads what Stripe says of a payout.
func (o *Options) onePayout(ctx context.Context, id string) (*onePayout, error) {
	p, err := o.Stripe.GetPayout(ctx, id)
	if err != nil {
		return nil, err
	}
	t := newTruth(o, nil)
	t.part = true
	if !p.Created.Before(o.Rules.Start) {
		if err := t.add(&p.Movement, ""); err != nil {
			return nil, err
		}
	}
	if completed(p) {
		if err := t.ofPayout(ctx, p); err != nil {
			return nil, err
		}
	}
	one := &onePayout{truth: t, payout: p}
	if own := t.own[p.ID]; own != nil {
		one.bank = t.bank(p, own)
		if !one.bank.transit {
			t.items[one.bank.itemKey] = one.bank
		}
	}
	for _, c := range t.currencies() { // what was written off of it
		key := itemKey{journal, writeOffOf(p.ID, c)}
		t.items[key] = &item{itemKey: key, currency: c, date: o.day(p.Created)}
	}
	return one, nil
}

// ofPayout takes in the movements of a payout.
func (t *truth) ofPayout(ctx context.Context, p stripeapi.Payout) error {
	err := t.o.Stripe.EachMovement(ctx, stripeapi.MovementQuery{Payout: p.ID}, func(m *ledger.Movement) error {
		if m.IsPayout() {
			return nil
		}
		return t.add(m, p.ID)
	})
	if err != nil {
		return fmt.Errorf("movements of %s: %w", p.ID, err)
	}
	for _, u := range t.units {
		t.close(u)
	}
	return nil
}

// documents reads back what is dated like the items.
func (t *truth) documents(ctx context.Context) error {
	refs := t.refs()
	type span struct{ first, last string }
	spans, journals := map[string]span{}, span{}
	widen := func(s span, day string) span {
		if s.first == "" {
			return span{day, day}
		}
		return span{min(s.first, day), max(s.last, day)}
	}
	for _, i := range t.items {
		days := []string{i.date}
		if i.posted != nil && i.posted.date != "" {
			days = append(days, i.posted.date)
		}
		for _, day := range days {
			if i.kind == journal {
				journals = widen(journals, day)
			} else {
				spans[i.currency] = widen(spans[i.currency], day)
			}
		}
	}
	for currency, s := range spans {
		err := t.o.payments(ctx, currency, s.first, s.last, func(d *document) error { t.take(d, refs); return nil })
		if err != nil {
			return err
		}
	}
	if journals.first == "" {
		return nil
	}
	return t.o.batches(ctx, journals.first, journals.last, true, func(_ string, d *document) error { t.take(d, refs); return nil })
}

func (t *truth) statements(ctx context.Context, p stripeapi.Payout, bank *item) ([]*Statement, error) {
	currencies := t.currencies()
	if len(currencies) == 0 {
		currencies = []string{p.Currency}
	}
	var all []*Statement
	for _, currency := range currencies {
		d := newDraft(t.o.Connection, currency)
		d.s.Payout, d.s.dropped = p.ID, t.dropped[writeOffOf(p.ID, currency)]
		if bank != nil && bank.transit && bank.currency == currency {
			d.stripe.add(bank.stripe)
			d.aside(Entry{Cause: InTransit, ID: bank.key, Date: bank.date, Detail: "payout is " + p.Status + ", arrives " + bank.date}, bank.stripe)
		}
		if !completed(p) && currency == p.Currency {
			d.s.Notes = append(d.s.Notes, Entry{Cause: NotSettled, ID: p.ID, Amount: d.show(p.Amount), Detail: notListed(p), minorUnits: p.Amount})
		}
		for _, i := range slices.SortedFunc(maps.Values(t.items), compareItems) {
			if i.currency != currency {
				continue
			}
			d.stripe.add(i.stripe)
			if err := t.judge(ctx, d, i, t.month(i)); err != nil {
				return nil, fmt.Errorf("%s: %w", i.key, err)
			}
		}
		t.byDay(d)
		if err := t.withMonths(ctx, d); err != nil {
			return nil, err
		}
		t.notes(d, func(Month) bool { return true })
		all = append(all, d.done())
	}
	return all, nil
}

func notListed(p stripeapi.Payout) string {
	if p.Automatic {
		return "Stripe has not completed the reconciliation of this payout: " + p.Reconciliation
	}
	return "paid out by hand: Stripe does not say what it is made of"
}

// month is the scope of an item: wherever its document is, it must be in the
// month of the item.
func (t *truth) month(i *item) scope {
	m := monthOf(i.date)
	return scope{func(day string) bool { return monthOf(day) == m }, string(m)}
}

// byDay lists the parts whose journal is that of a day.
func (t *truth) byDay(d *draft) {
	sums := side{}
	for k, l := range t.loose {
		if k.currency == d.s.Currency {
			sums[k.category] += l.amount
		}
	}
	for _, category := range slices.SortedFunc(maps.Keys(sums), ledger.ByCategory) {
		if sums[category] == 0 {
			continue
		}
		e := side{category: sums[category]}
		d.stripe.add(e)
		d.aside(Entry{Cause: NotSettled, ID: category, Detail: title(category) + ": in the journals of the days, see the month"}, e)
	}
}

// notes lists what is posted and odd all the same.
func (t *truth) notes(d *draft, wants func(Month) bool) {
	for _, k := range slices.SortedFunc(maps.Keys(t.flags), compareFlags) {
		if f := t.flags[k]; k.currency == d.s.Currency && wants(k.month) {
			detail := k.reason
			if f.Count > 1 {
				detail = fmt.Sprintf("%s (%d movements)", detail, f.Count)
			}
			d.s.Notes = append(d.s.Notes, Entry{Cause: UnknownType, ID: f.First, Amount: d.show(f.amount), Detail: detail, minorUnits: f.amount})
		}
	}
}

// Payouts lists the payouts that were created in the months, oldest first.
func Payouts(ctx context.Context, o Options, first, last Month) ([]string, error) {
	from, _, err := first.span(o.zone())
	if err != nil {
		return nil, err
	}
	_, until, err := last.span(o.zone())
	if err != nil {
		return nil, err
	}
	if from.Before(o.Rules.Start) {
		from = o.Rules.Start
	}
	var ids []string
	err = o.payouts(ctx, stripeapi.PayoutQuery{CreatedFrom: from, CreatedUntil: until}, func(p stripeapi.Payout) error {
		ids = append(ids, p.ID)
		return nil
	})
	slices.Reverse(ids)
	return ids, err
}
