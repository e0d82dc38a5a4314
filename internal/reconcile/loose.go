package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
)

const (
	// grace is how long money may be available before a payout takes it.
	grace = 14 * 24 * time.Hour
	// turn is the same where automatic payouts come once a month.
	turn = 31*24*time.Hour + grace
)

type looseKey struct {
	month     Month
	currency  string
	category  string
	available string // the day; empty: of a day that is not over
}

// loose is what no journal has yet.
type loose struct {
	amount int64
	gross  int64 // amounts without their signs
}

// looseOf is the key of a part whose payout is not known.
func (t *truth) looseOf(m *ledger.Movement, p *ledger.Part) looseKey {
	available := m.AvailableOn
	if available.IsZero() {
		available = m.Created
	}
	return looseKey{monthOf(t.o.day(m.Created)), p.Currency, t.names.of(p.Category), t.o.day(available)}
}

// spare adds what is loose, or takes it out with sign -1.
func (t *truth) spare(key looseKey, amount, sign int64) {
	l := t.loose[key]
	if l == nil {
		l = &loose{}
		t.loose[key] = l
	}
	l.amount += sign * amount
	l.gross += sign * abs(amount)
}

// loosen gives back the parts of a day that is not over.
func (t *truth) loosen(u *unit) {
	for _, i := range u.journals {
		for category, n := range i.stripe {
			t.spare(looseKey{month: monthOf(u.id), currency: i.currency, category: category}, n, 1)
		}
	}
	u.journals = nil
}

// schedule is how payouts come, as far as the run has seen them.
type schedule struct {
	now       time.Time
	automatic bool
	byHand    bool
	last      time.Time // the newest automatic payout that Stripe says the parts of
}

func (s *schedule) see(p stripeapi.Payout) {
	s.automatic, s.byHand = s.automatic || p.Automatic, s.byHand || !p.Automatic
	if completed(p) && s.last.Before(p.Created) {
		s.last = p.Created
	}
}

// overdue tells that no payout will take what was available on a day: it was
// for too long, and payouts came since.
func (s *schedule) overdue(day string) bool {
	available, err := time.Parse(time.DateOnly, day)
	if err != nil { // of a day that is not over
		return false
	}
	limit := grace
	if !s.last.IsZero() && !s.last.After(available.AddDate(0, 0, 2)) { // its turn may be to come
		limit = turn
	}
	return s.now.Sub(available) > limit
}

// onlyByHand tells that the books wait for payouts that never come: those that
// there are Stripe cannot tell the parts of.
func (p *period) onlyByHand() bool {
	return p.byPayout() && p.schedule.byHand && !p.schedule.automatic
}

func (p *period) byPayout() bool {
	return !p.o.ByDay && p.o.Rules.Fees != ledger.FeesPerTransaction
}

// late tells whether something loose is a difference.
func (p *period) late(k looseKey) bool {
	return k.available != "" && (p.onlyByHand() || p.schedule.overdue(k.available))
}

// looseRow is what is loose of a category in a month.
type looseRow struct {
	looseKey
	loose

	late bool
}

// rows adds up the days of what is loose in a month.
func (p *period) rows(m Month, currency string) []*looseRow {
	type key struct {
		category string
		late     bool
	}
	rows := map[key]*looseRow{}
	for k, l := range p.truth.loose {
		if k.month != m || k.currency != currency || l.gross == 0 {
			continue
		}
		id := key{k.category, p.late(k)}
		r := rows[id]
		if r == nil {
			r = &looseRow{looseKey: k, late: id.late}
			rows[id] = r
		}
		r.available = min(r.available, k.available)
		r.amount += l.amount
		r.gross += l.gross
	}
	return slices.SortedFunc(maps.Values(rows), func(a, b *looseRow) int {
		if a.late != b.late {
			if a.late {
				return -1
			}
			return 1
		}
		return cmp.Or(ledger.ByCategory(a.category, b.category), cmp.Compare(a.category, b.category))
	})
}

// settling lists what no journal has yet, and what none will ever have.
func (p *period) settling(d *draft, m Month) {
	for _, r := range p.rows(m, d.s.Currency) {
		e := side{r.category: r.amount}
		entry := Entry{Cause: NotSettled, ID: r.category, Detail: title(r.category) + ": the payout or day is not complete"}
		switch {
		case !r.late && r.amount == 0:
			continue
		case !r.late:
			d.stripe.add(e)
			d.aside(entry, e)
			continue
		case p.onlyByHand():
			entry.Cause = ByHand
			entry.Detail = title(r.category) + ": waits for automatic payouts, and all are made by hand: books.payouts should be manual, docs/operations.md says when it may change"
		default:
			entry.Cause = Overdue
			entry.Detail = title(r.category) + ": available since " + r.available + ", and no payout has it"
		}
		d.stripe.add(e)
		entry.Stripe, entry.Postings, entry.Documents = d.show(r.amount), d.show(0), d.show(0)
		d.finding(entry, r.gross, -r.amount)
	}
}

// unsettled is what the books cannot have yet, through the end of a month.
func (p *period) unsettled(m Month, currency string) int64 {
	var sum int64
	for k, l := range p.truth.loose {
		if k.currency == currency && k.month <= m && !p.late(k) {
			sum += l.amount
		}
	}
	return sum
}
