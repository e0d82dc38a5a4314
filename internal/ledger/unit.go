package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"millrace/internal/fault"
	"millrace/internal/money"
)

// Unit is a payout, a day or a single movement: what is settled together.
// What it keeps grows with the lines of its journals, not with the number of
// movements.
type Unit struct {
	rules    Rules
	id       string // po_…, a day, txn_…
	currency string
	net      int64
	expected *int64
	sums     map[key]*sum
	last     map[string]string // period → last day that has a movement
	flags    map[string]*Flag
}

// key is what lines are summed by. The account is found when the journals are
// made: it follows from the category.
type key struct {
	period   string // "2026-03", or a day in summary mode
	currency string
	category string
	credit   bool // of the clearing account
}

type sum struct {
	amount int64 // without sign
	count  int
}

// Flag is something in a unit that a person should look at.
type Flag struct {
	Reason string
	First  string // the first movement that has it
	Count  int    // of movements
}

// NewUnit returns an empty unit of movements in one currency (upper case).
func NewUnit(rules Rules, id, currency string) *Unit {
	return &Unit{rules: rules, id: id, currency: currency, sums: map[key]*sum{}, last: map[string]string{}, flags: map[string]*Flag{}}
}

// Pays says what the payout is worth that the unit is about, in minor units:
// Journals then refuses any other sum of its movements.
func (u *Unit) Pays(amount int64) { u.expected = &amount }

// Net is what the movements added so far did to the balance, in minor units,
// those in the opening balance included.
func (u *Unit) Net() int64 { return u.net }

// Add takes a movement into the unit. The movement of a payout itself is left
// out: it has a journal of its own, see Bank.
func (u *Unit) Add(m *Movement) error {
	if m.Currency != u.currency {
		return fault.Newf("ledger.currency", "movement %s in %s does not belong to %s in %s", m.ID, m.Currency, u.id, u.currency)
	}
	parts, err := u.rules.split(m)
	if err != nil {
		return err
	}
	if c, _ := classify(m); c.role == payoutRole {
		if m.Source.ID != u.id { // Stripe: an automatic payout is less by those made by hand before it
			u.net, err = u.plus(u.net, m.Net, u.currency)
		}
		return err
	}
	return u.take(m, parts)
}

// take adds the parts of a movement.
func (u *Unit) take(m *Movement, parts []Part) error {
	var err error
	if u.net, err = u.plus(u.net, m.Net, u.currency); err != nil {
		return err
	}
	if u.rules.opening(m.Created) {
		return nil
	}
	period := u.rules.period(m.Created)
	u.last[period] = max(u.last[period], u.rules.day(m.Created))
	for i, p := range parts {
		if p.Flag != "" && !slices.ContainsFunc(parts[:i], func(q Part) bool { return q.Flag == p.Flag }) {
			u.flag(p.Flag, m.ID)
		}
		if p.Cover != ByJournal {
			continue
		}
		k := key{period: period, currency: p.Currency, category: p.Category, credit: p.Effect < 0}
		s := u.sums[k]
		if s == nil {
			s = &sum{}
			u.sums[k] = s
		}
		amount := p.Effect
		if k.credit {
			amount = -amount
		}
		if s.amount, err = u.plus(s.amount, amount, p.Currency); err != nil {
			return err
		}
		s.count++
	}
	return nil
}

func (u *Unit) flag(reason, movement string) {
	f := u.flags[reason]
	if f == nil {
		f = &Flag{Reason: reason, First: movement}
		u.flags[reason] = f
	}
	f.Count++
}

func (u *Unit) plus(a, b int64, currency string) (int64, error) {
	x, err := money.Amount{Minor: a, Currency: currency}.Add(money.Amount{Minor: b, Currency: currency})
	if err != nil {
		return a, fault.Newf("ledger.movement_sum", "%s: %w", u.id, err)
	}
	return x.Minor, nil
}

// Flags lists what a person should look at.
func (u *Unit) Flags() []Flag {
	flags := make([]Flag, 0, len(u.flags))
	for _, f := range u.flags {
		flags = append(flags, *f)
	}
	slices.SortFunc(flags, func(a, b Flag) int { return cmp.Compare(a.Reason, b.Reason) })
	return flags
}

// Journals returns the unit's journals, in the order of their dates and
// currencies; none when every movement is covered otherwise. It is all or
// nothing: a sum that is not the payout's, or an account that is missing, is an
// error (Invariant 8).
func (u *Unit) Journals() ([]Journal, error) {
	if u.expected != nil && *u.expected != u.net {
		show := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: u.currency} }
		return nil, fault.Newf("ledger.payout_sum", "%s is %s, its movements are %s", u.id, show(*u.expected), show(u.net))
	}
	keys := make([]key, 0, len(u.sums))
	for k := range u.sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.period, b.period), cmp.Compare(a.currency, b.currency), byCategory(a.category, b.category), side(a.credit)-side(b.credit))
	})
	lacks := map[missing]bool{}
	var journals []Journal
	for _, k := range keys {
		id := u.id + "/" + k.currency + "/" + k.period
		if len(journals) == 0 || journals[len(journals)-1].Key != id {
			journals = append(journals, Journal{Key: id, Currency: k.currency, Date: u.last[k.period]})
		}
		j := &journals[len(journals)-1]
		j.Lines = append(j.Lines, u.pair(k, lacks)...)
	}
	if err := missingError(u.id, lacks); err != nil {
		return nil, err
	}
	return journals, nil
}

// pair makes the two lines of a sum.
func (u *Unit) pair(k key, lacks map[missing]bool) []Line {
	s := u.sums[k]
	p := Part{Category: k.category, Cover: ByJournal, Effect: s.amount, Currency: k.currency}
	if k.credit {
		p.Effect = -s.amount
	}
	u.rules.resolve(&p, lacks)
	lines := p.Lines()
	if s.count > 1 {
		for i := range lines {
			lines[i].Description += fmt.Sprintf(" (%d)", s.count)
		}
	}
	return lines
}

func side(credit bool) int {
	if credit {
		return 1
	}
	return 0
}

// byCategory orders categories as the tables list them: amounts, then fees.
func byCategory(a, b string) int {
	return cmp.Or(rank(a)-rank(b), cmp.Compare(a, b))
}

func rank(name string) int {
	for i, k := range feeKinds {
		if name == k[0] || name == k[0]+returned {
			return len(categories) + i
		}
	}
	for i, c := range categories {
		if c.name == name {
			return i
		}
	}
	return len(categories) + len(feeKinds) // exchange
}
