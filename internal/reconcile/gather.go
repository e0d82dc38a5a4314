package reconcile

import (
	"context"
	"time"

	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
)

// readStripe puts the movements of the span through the rules, and those of
// payouts into their units.
func (p *period) readStripe(ctx context.Context, now time.Time) error {
	q := stripeapi.MovementQuery{From: p.from, Until: p.until}
	if !p.quick {
		q = stripeapi.MovementQuery{From: p.o.Rules.Start}
	}
	if err := p.movements(ctx, q); err != nil {
		return err
	}
	t := p.truth
	if t.newest.After(now) { // Stripe's clock decides
		now = t.newest
	}
	p.schedule.now = now
	today := p.o.day(now)
	for _, u := range t.units {
		if p.o.ByDay && p.o.Rules.Fees != ledger.FeesPerTransaction && u.id[:len(time.DateOnly)] >= today {
			t.loosen(u)
			continue
		}
		t.close(u)
	}
	return p.readPayouts(ctx, q.From)
}

// readPayouts reads the payouts that can hold a movement of the span: those
// created in it or later, and for those that arrive in it the ones before.
func (p *period) readPayouts(ctx context.Context, from time.Time) error {
	t := p.truth
	err := p.o.payouts(ctx, stripeapi.PayoutQuery{CreatedFrom: from}, func(x stripeapi.Payout) error {
		if err := p.bank(ctx, x); err != nil {
			return err
		}
		p.schedule.see(x)
		if p.byPayout() && completed(x) {
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
		if !p.quick && x.Created.After(p.truth.newest) { // after the balance was read
			return nil
		}
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
	if p.truth.wants(monthOf(i.date)) && !i.transit {
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
	from := since
	if p.openedElsewhere() {
		if since, err = before(from); err != nil {
			return err
		}
	}
	return p.o.batches(ctx, since, last, false, func(module string, d *document) error {
		var sum int64
		for _, n := range d.text {
			sum += n
		}
		month := monthOf(d.booked)
		if p.openedElsewhere() && p.opens(d, module, sum, from) {
			return nil
		}
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
