package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"millrace/ingest/webhook"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// Stripe has no event for a fee, for the end of a day, or for a payout that was
// reconciled while nobody listened for a month. They are made here, in the form
// and on the path of Stripe's own, each under an id that follows from what it is
// about: told twice it is stored once (Invariant 2).

// Settle is what the books want to be told of beside Stripe's events.
type Settle struct {
	Payouts  Payouts
	Disputes Disputes
	Zone     *time.Location // of the books: where a day ends
	Start    time.Time      // nothing before it is settled; zero: from when the sweep first ran
	Livemode bool
	Sales    func(currency string) bool // a charge of nobody is a line of a journal; nil: never
	Summary  *time.Time                 // from here on charges have no documents; nil: never
	Refunds  bool                       // the refund of a customer's charge has a document of its own
	Opening  bool                       // the balance at the start
	Days     bool                       // a day that is over: payouts are made by hand
	Each     bool                       // every movement: fees are settled one by one
}

// Payouts lists payouts, newest first in a page of at most 100.
type Payouts func(ctx context.Context, q stripeapi.PayoutQuery) (page []stripeapi.Payout, more bool, err error)

// document tells whether the charge behind a movement has a document of its own
// in the ledger, rather than a line in a journal or in the opening balance.
func (x *Settle) document(m stripeapi.Movement, somebodys bool) bool {
	switch {
	case x == nil:
		return true
	case m.Created.Before(x.Start), x.Summary != nil && !m.Created.Before(*x.Summary):
		return false
	}
	return somebodys || x.Sales == nil || !x.Sales(m.Currency)
}

// settleUntil tells what is due by the time at in Stripe, as often as movements
// are checked.
func (s *Sweeper) settleUntil(ctx context.Context, at time.Time) error {
	if s.o.Settle == nil || s.rounds%checkEvery != 0 {
		return nil
	}
	if at.IsZero() {
		return fault.Newf("stripe.response_malformed", "the list of events does not tell the time: the answer has no Date header")
	}
	if err := s.tellOpening(ctx, at); err != nil {
		return err
	}
	if s.o.Settle.Days {
		if err := s.closeDays(ctx, at); err != nil {
			return err
		}
	}
	if s.o.Settle.Each {
		if err := s.tellEach(ctx, at); err != nil {
			return err
		}
	}
	if err := s.tellDisputes(ctx, at); err != nil {
		return err
	}
	return s.tellPayouts(ctx, at)
}

// tellOpening tells once that the books have started: the balance of then is to
// be taken over.
func (s *Sweeper) tellOpening(ctx context.Context, at time.Time) error {
	start := s.o.Settle.Start
	if !s.o.Settle.Opening || at.Before(start.Add(dayMargin)) {
		return nil
	}
	_, _, err := s.o.Cursors.Get(ctx, bus.Key(s.o.Connection, schemas.Stripe, "opening"))
	if err == nil {
		return nil
	}
	if !errors.Is(err, bus.ErrNotFound) {
		return fmt.Errorf("read position: %w", err)
	}
	if err := s.tell(ctx, "opening", "balance.opened", start, map[string]any{"id": "opening", "object": "balance"}); err != nil {
		return err
	}
	return s.saveDue(ctx, "opening", &due{}, start)
}

// tell stores an event of our own making.
func (s *Sweeper) tell(ctx context.Context, id, typ string, created time.Time, object map[string]any) error {
	body, err := json.Marshal(map[string]any{
		"id": "sweep-" + id, "object": "event", "type": typ, "created": created.Unix(), "livemode": s.o.Settle.Livemode,
		"data": map[string]any{"object": object},
	})
	if err != nil {
		return fmt.Errorf("event %s: %w", id, err)
	}
	env := webhook.Seal(s.o.Connection, body, webhook.ParseEvent)
	if _, err := s.o.Publish(ctx, s.o.Connection, env.Lane, schemas.Stripe, env.Object, env.Verb, env.Event); err != nil {
		return fmt.Errorf("publish %s: %w", env.Event.ID, err)
	}
	return nil
}

// eachBetween hands over the movements that were created from one instant up
// to, and not including, another, newest first, a page at a time.
func (s *Sweeper) eachBetween(ctx context.Context, from, until time.Time, each func(stripeapi.Movement) error) error {
	for after, more := "", true; more; {
		page, further, err := s.o.Movements(ctx, from, until, after)
		if err != nil {
			return err
		}
		was := after
		for _, m := range page {
			if err := each(m); err != nil {
				return err
			}
			if m.ID != "" {
				after = m.ID
			}
		}
		if more = further && len(page) > 0; more && after == was {
			return fault.Newf("stripe.response_malformed", "list of balance transactions: no row after %q has an id", after)
		}
	}
	return ctx.Err()
}

// due is up to when something has been told, by Stripe's clock.
type due struct {
	Until time.Time `json:"until"`

	revision uint64 // 0: not stored yet
}

// loadDue reads how far a kind of thing has been told. The first time it is
// the start of the books, or else first.
func (s *Sweeper) loadDue(ctx context.Context, kind string, first time.Time) (due, error) {
	if !s.o.Settle.Start.IsZero() {
		first = s.o.Settle.Start
	}
	return s.loadDueFrom(ctx, kind, first)
}

// loadDueFrom is loadDue, the first time from an instant whatever the start is.
func (s *Sweeper) loadDueFrom(ctx context.Context, kind string, first time.Time) (due, error) {
	key := bus.Key(s.o.Connection, schemas.Stripe, kind)
	data, rev, err := s.o.Cursors.Get(ctx, key)
	if errors.Is(err, bus.ErrNotFound) {
		d := due{}
		return d, s.saveDue(ctx, kind, &d, first)
	}
	if err != nil {
		return due{}, fmt.Errorf("read position: %w", err)
	}
	d := due{revision: rev}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fault.Newf("source.cursor_malformed", "position %s: %w", key, err)
	}
	return d, nil
}

func (s *Sweeper) saveDue(ctx context.Context, kind string, d *due, until time.Time) error {
	next := due{Until: until.UTC(), revision: d.revision}
	rev, err := s.write(ctx, bus.Key(s.o.Connection, schemas.Stripe, kind), next, d.revision)
	if err != nil {
		return err
	}
	next.revision = rev
	*d = next
	return nil
}
