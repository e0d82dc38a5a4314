package sweep

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// Every movement of money has a balance transaction, whatever webhook or event
// was missed. One whose document in the ledger is not linked is told to the
// pipeline again, as the event that should have told it.

// Movements lists balance transactions, newest first in a page of at most 100.
type Movements func(ctx context.Context, from, until time.Time, after string) (page []stripeapi.Movement, more bool, err error)

// Posted finds the ledger document of a kind by what it is about in Stripe: a
// charge or a refund.
type Posted func(ctx context.Context, connection, kind, stripeID string) (link.Link, bool, error)

const (
	// settled is how old a movement is before it should be in the ledger.
	settled = 10 * time.Minute
	// reread is how much of the time before the position is looked at again.
	reread = time.Hour
	// stretch bounds what is read in one go after a long absence.
	stretch = 24 * time.Hour
)

// A reach is up to when movements have been checked, by Stripe's created.
type reach struct {
	Begin time.Time `json:"begin"` // nothing before it is this installation's business
	Until time.Time `json:"until"`

	revision uint64 // 0: not stored yet
}

// Check compares the movements since the last time with the ledger, a day at a
// time. now is the time in Stripe. One that cannot be checked is told and does
// not keep the others from it (Invariants 3 and 5).
func (s *Sweeper) Check(ctx context.Context, now time.Time) error {
	r, err := s.loadReach(ctx, now)
	if err != nil {
		return err
	}
	for end := now.Add(-settled); r.Until.Before(end) && ctx.Err() == nil; {
		until := r.Until.Add(stretch)
		if until.After(end) {
			until = end
		}
		from := r.Until.Add(-reread)
		if from.Before(r.Begin) {
			from = r.Begin
		}
		if err := s.checkBetween(ctx, from, until); err != nil {
			return err
		}
		if err := s.saveReach(ctx, &r, until); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Sweeper) checkBetween(ctx context.Context, from, until time.Time) error {
	after, told, odd := "", 0, 0
	for more := true; more && ctx.Err() == nil; {
		page, further, err := s.o.Movements(ctx, from, until, after)
		if err != nil {
			return err
		}
		was := after
		for _, m := range page {
			missing, err := s.check(ctx, m)
			if err != nil && fault.Of(err).Code == oddMovement {
				odd++
				err = s.tellOdd(ctx, m, err)
			}
			if err != nil {
				return err
			}
			if missing {
				told++
			}
			after = cmp.Or(m.ID, after)
		}
		if more = further && len(page) > 0; more && after == was {
			return fault.Newf("stripe.response_malformed", "list of balance transactions: no row after %q has an id", after)
		}
	}
	if told > 0 {
		s.o.Log.Warn("movements without a ledger document are told again", "connection", s.o.Connection, "count", told, "from", from, "until", until)
	}
	if odd > 0 {
		s.o.Log.Warn("movements cannot be checked", "connection", s.o.Connection, "code", oddMovement, "count", odd, "from", from, "until", until)
	}
	return ctx.Err()
}

func (s *Sweeper) reachKey() string {
	return bus.Key(s.o.Connection, schemas.Stripe, "balance_transaction")
}

// loadReach reads how far the movements were checked. The first time it is the
// start of the books, or else now: what was before is not the installation's
// business. Books that start before what was checked are checked from there:
// what is in the ledger is not told again.
func (s *Sweeper) loadReach(ctx context.Context, now time.Time) (reach, error) {
	data, rev, err := s.o.Cursors.Get(ctx, s.reachKey())
	if errors.Is(err, bus.ErrNotFound) {
		r := reach{Begin: s.begins(now)}
		err := s.saveReach(ctx, &r, r.Begin)
		return r, err
	}
	if err != nil {
		return reach{}, fmt.Errorf("read position: %w", err)
	}
	r := reach{revision: rev}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fault.Newf("source.cursor_malformed", "position %s: %w", s.reachKey(), err)
	}
	if begin := s.begins(r.Begin); begin.Before(r.Begin) {
		r.Begin = begin
		return r, s.saveReach(ctx, &r, begin)
	}
	return r, nil
}

// begins is the start of the books where that is before now, and not before
// everything.
func (s *Sweeper) begins(now time.Time) time.Time {
	if set := s.o.Settle; set != nil && !set.Start.IsZero() && set.Start.Before(now) {
		return set.Start.UTC()
	}
	return now.UTC()
}

func (s *Sweeper) saveReach(ctx context.Context, r *reach, until time.Time) error {
	next := reach{Begin: r.Begin, Until: until.UTC(), revision: r.revision}
	rev, err := s.write(ctx, s.reachKey(), next, r.revision)
	if err != nil {
		return err
	}
	next.revision = rev
	*r = next
	return nil
}
