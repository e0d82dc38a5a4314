package sweep

import (
	"context"
	"time"

	"millrace/internal/ledger"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
)

// Disputes lists disputes, newest first in a page of at most 100.
type Disputes func(ctx context.Context, q stripeapi.DisputeQuery) (page []stripeapi.Dispute, more bool, err error)

// disputeLead is how long before the start of the books a dispute may have been
// opened that takes its money after it: an inquiry, which may become one.
const disputeLead = 120 * 24 * time.Hour

// tellDisputes tells of every dispute that was lost and has no journal: nothing
// moves when one is lost, so its event is the only other word of it. The
// position stays behind the oldest one that is still open. Stripe does not say
// when a dispute was closed: its event is dated with the time at.
func (s *Sweeper) tellDisputes(ctx context.Context, at time.Time) error {
	first := at
	if start := s.o.Settle.Start; !start.IsZero() {
		first = start.Add(-disputeLead)
	}
	d, err := s.loadDueFrom(ctx, "dispute", first)
	if err != nil {
		return err
	}
	q := stripeapi.DisputeQuery{CreatedFrom: d.Until, CreatedUntil: at.Add(-settled)}
	next := q.CreatedUntil
	for more := true; more; {
		page, further, err := s.o.Settle.Disputes(ctx, q)
		if err != nil {
			return err
		}
		for _, x := range page {
			if !x.Closed() && x.Created.Before(next) {
				next = x.Created
			}
			if err := s.tellLost(ctx, x, at); err != nil {
				return err
			}
		}
		if more = further && len(page) > 0; more {
			q.After = page[len(page)-1].ID
		}
	}
	if !next.After(d.Until) {
		return nil
	}
	return s.saveDue(ctx, "dispute", &d, next)
}

// tellLost tells of a dispute that took money and was lost, unless its journal
// is posted.
func (s *Sweeper) tellLost(ctx context.Context, x stripeapi.Dispute, at time.Time) error {
	if x.Status != "lost" || x.Currency == "" {
		return nil
	}
	_, posted, err := s.o.Posted(ctx, s.o.Connection, link.Journal, ledger.LostKey(x.ID, x.Currency))
	if err != nil || posted {
		return err
	}
	return s.tell(ctx, "dispute-"+x.ID+"-lost", "charge.dispute.closed", at, map[string]any{"id": x.ID, "object": "dispute", "charge": x.Charge})
}
