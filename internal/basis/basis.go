// Package basis keeps what the postings of a connection are computed from: the
// choices of its books that stay as they are once something was settled by
// them. Another choice would post money again that is posted already, or leave
// some out (Invariant 2), so nothing is settled by other ones (Invariant 8).
//
// A change by date may come as long as the date does: summary_from may be set,
// moved or taken away while both the day it had and the one it has are still to
// come, and everything may change before the books start.
package basis

import (
	"cmp"
	"fmt"
	"time"

	"millrace/internal/config"
	"millrace/internal/ledger"
)

// margin is how far ahead a day must be for a change to be accepted: by then
// every service has seen it.
const margin = time.Hour

// never is later than every movement.
const never = 1 << 40 // seconds

// Basis is what the books of a connection chose, with defaults filled in.
type Basis struct {
	TimeZone    string    `json:"time_zone"`
	Start       time.Time `json:"start,omitzero"`
	Opening     string    `json:"opening"`
	Mode        string    `json:"mode"`
	SummaryFrom time.Time `json:"summary_from,omitzero"` // zero in summary mode
	Payouts     string    `json:"payouts"`
	Fees        string    `json:"fees"`
	Refunds     string    `json:"refunds"`
}

// Of is the basis of books; nil where they settle nothing.
func Of(b *config.Books) (*Basis, error) {
	if !b.Settles() {
		return nil, nil //nolint:nilnil // nothing is settled: there is no basis
	}
	rules, err := b.Rules()
	if err != nil {
		return nil, err
	}
	x := &Basis{
		TimeZone: cmp.Or(b.TimeZone, time.UTC.String()), Start: rules.Start.UTC(), Opening: cmp.Or(b.Opening, config.OpeningPost),
		Mode: cmp.Or(b.Mode, string(ledger.Detailed)), SummaryFrom: rules.SummaryFrom.UTC(), Payouts: cmp.Or(b.Payouts, config.PayoutsAutomatic),
		Fees: cmp.Or(b.Fees, string(ledger.FeesPerPayout)), Refunds: cmp.Or(b.Refunds, string(ledger.RefundDocument)),
	}
	if x.Mode == string(ledger.Summary) {
		x.SummaryFrom = time.Time{}
	}
	return x, nil
}

// summary is from when on no documents are made.
func (b *Basis) summary() time.Time {
	switch {
	case b.Mode == string(ledger.Summary):
		return time.Time{}
	case b.SummaryFrom.IsZero():
		return time.Unix(never, 0)
	}
	return b.SummaryFrom
}

// follows tells whether the basis may take the place of another one at an
// instant, because everything that both would treat differently is still to
// come.
func (b *Basis) follows(was *Basis, now time.Time) bool {
	ahead := now.Add(margin)
	if was.Start.After(ahead) && b.Start.After(ahead) {
		return true
	}
	like := *b
	like.Mode, like.SummaryFrom = was.Mode, was.SummaryFrom
	return len(like.changes(was)) == 0 && was.summary().After(ahead) && b.summary().After(ahead)
}

// changes says what differs from what was.
func (b *Basis) changes(was *Basis) []string {
	var list []string
	for _, x := range []struct{ name, was, is string }{
		{"time_zone", was.TimeZone, b.TimeZone},
		{"start", was.date(was.Start), b.date(b.Start)},
		{"opening", was.Opening, b.Opening},
		{"mode", was.Mode, b.Mode},
		{"summary_from", was.date(was.SummaryFrom), b.date(b.SummaryFrom)},
		{"payouts", was.Payouts, b.Payouts},
		{"fees", was.Fees, b.Fees},
		{"refunds", was.Refunds, b.Refunds},
	} {
		if x.was != x.is {
			list = append(list, fmt.Sprintf("books.%s was %s and is %s", x.name, x.was, x.is))
		}
	}
	return list
}

func (b *Basis) date(t time.Time) string {
	if t.IsZero() {
		return "not set"
	}
	zone, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format(time.DateOnly)
}
