package ledger

import (
	"slices"
	"time"
)

// Split tells what happens to each part of a movement without looking for
// accounts: what a proof compares must not depend on whether one is missing.
func (r *Rules) Split(m *Movement) ([]Part, error) { return r.split(m) }

// Period is the last part of the key of a journal that has what was created at
// t: a month, or a day in summary mode.
func (r *Rules) Period(t time.Time) string { return r.period(t) }

// IsPayout tells the own movement of a payout from what belongs to one.
func (m *Movement) IsPayout() bool {
	c, _ := classify(m)
	return c.role == payoutRole
}

// Title is a category for people.
func Title(category string) string { return title(category) }

// ByCategory orders categories as journals show them.
func ByCategory(a, b string) int { return byCategory(a, b) }

// Categories lists every category that a line can have.
func Categories() []string {
	names := Names()
	for _, k := range feeKinds {
		names = append(names, k[0], k[0]+returned)
	}
	for _, c := range categories {
		names = append(names, c.name, "fx."+c.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
