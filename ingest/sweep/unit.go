package sweep

import (
	"context"
	"maps"
	"slices"
	"time"

	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
)

const (
	// dayMargin is how long after midnight a day is closed: a movement may
	// become visible a little after it was created.
	dayMargin = time.Hour
	// maxDays bounds the days that one sweep closes after a long absence; the
	// next one goes on.
	maxDays = 31
)

// closeDays tells of every day that is over and every currency that moved on
// it, oldest first. A position moves on once all of a day is stored
// (Invariant 1).
func (s *Sweeper) closeDays(ctx context.Context, at time.Time) error {
	today, _ := ledger.DayOf(at, s.zone())
	d, err := s.loadDue(ctx, "day", today)
	if err != nil {
		return err
	}
	for range maxDays {
		from, until := ledger.DayOf(d.Until, s.zone())
		if until.Add(dayMargin).After(at) {
			return nil
		}
		if err := s.closeDay(ctx, from, until); err != nil {
			return err
		}
		if err := s.saveDue(ctx, "day", &d, until); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sweeper) closeDay(ctx context.Context, from, until time.Time) error {
	currencies := map[string]bool{}
	err := s.eachBetween(ctx, from, until, func(m stripeapi.Movement) error {
		if m.Currency != "" {
			currencies[m.Currency] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	day := from.Format(time.DateOnly)
	for _, currency := range slices.Sorted(maps.Keys(currencies)) {
		id := "day-" + currency + "-" + day
		err := s.tell(ctx, id, "balance.day_closed", until, map[string]any{"id": id, "object": "balance", "currency": currency, "day": day})
		if err != nil {
			return err
		}
	}
	return nil
}

// tellEach tells of every movement that is old enough for its charge to be in
// the ledger.
func (s *Sweeper) tellEach(ctx context.Context, at time.Time) error {
	d, err := s.loadDue(ctx, "movement", at)
	if err != nil {
		return err
	}
	for end := at.Add(-settled); d.Until.Before(end); {
		until := d.Until.Add(stretch)
		if until.After(end) {
			until = end
		}
		from := d.Until.Add(-reread)
		if from.Before(s.o.Settle.Start) {
			from = s.o.Settle.Start
		}
		err := s.eachBetween(ctx, from, until, func(m stripeapi.Movement) error {
			if m.ID == "" {
				return nil // the check of movements tells of it
			}
			return s.tell(ctx, "settle-"+m.ID, "balance_transaction.created", m.Created, map[string]any{"id": m.ID, "object": "balance_transaction"})
		})
		if err != nil {
			return err
		}
		if err := s.saveDue(ctx, "movement", &d, until); err != nil {
			return err
		}
	}
	return nil
}

// tellPayouts tells of every payout that has come to something, once for each
// thing that it came to: the events of a payout may all have been missed. The
// position stays behind the oldest one that is still on its way.
func (s *Sweeper) tellPayouts(ctx context.Context, at time.Time) error {
	d, err := s.loadDue(ctx, "payout", at)
	if err != nil {
		return err
	}
	q := stripeapi.PayoutQuery{CreatedFrom: d.Until, CreatedUntil: at.Add(-settled)}
	next := q.CreatedUntil
	for more := true; more; {
		page, further, err := s.o.Settle.Payouts(ctx, q)
		if err != nil {
			return err
		}
		for _, p := range page {
			done, verb := came(p, at)
			if !done && p.Created.Before(next) {
				next = p.Created
			}
			if verb == "" {
				continue
			}
			id := p.ID + "-" + p.Status + "-" + p.Reconciliation
			if err := s.tell(ctx, id, "payout."+verb, p.Created, map[string]any{"id": p.ID, "object": "payout"}); err != nil {
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
	return s.saveDue(ctx, "payout", &d, next)
}

// came tells what event of a payout should have been there by now, and whether
// that was the last one. Stripe's own comes at arrival, and goes first.
func came(p stripeapi.Payout, at time.Time) (done bool, verb string) {
	if at.Before(p.Arrival.Add(settled)) {
		return false, ""
	}
	reconciled := !p.Automatic || p.Reconciliation == "completed"
	switch p.Status {
	case "paid", "failed", "canceled":
		if p.Automatic && reconciled {
			return true, "reconciliation_completed"
		}
		return reconciled, p.Status
	}
	return false, ""
}

func (s *Sweeper) zone() *time.Location {
	if s.o.Settle.Zone == nil {
		return time.UTC
	}
	return s.o.Settle.Zone
}
