// Package sweep finds the events that no webhook brought: it reads Stripe's
// own list of them, from the last one it knows of, and stores each under the
// same id that its webhook would have had. What is stored already is stored
// once (Invariant 2), so that sweeping costs nothing but reads, and an outage
// of days heals by itself.
package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"millrace/ingest/webhook"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// Stripe lists events, oldest first in a page of at most 100.
type Stripe interface {
	EventsAfter(ctx context.Context, id string, types []string) (stripeapi.EventPage, error)
	EventsBefore(ctx context.Context, id string) (stripeapi.EventPage, error)
	LastEvent(ctx context.Context, until time.Time) (last stripeapi.RawEvent, found bool, err error)
}

// Cursors keeps the positions; the writes are compare-and-swap and answer
// bus.ErrConflict when somebody else was first, Get answers bus.ErrNotFound.
type Cursors interface {
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Update(ctx context.Context, key string, value []byte, rev uint64) (revision uint64, err error)
}

// Options are what a Sweeper is made of; all but Settle and Basis are required.
type Options struct {
	Connection string
	Interval   time.Duration // between two sweeps
	Stripe     Stripe
	Cursors    Cursors
	Publish    webhook.Publish
	Movements  Movements
	Posted     Posted
	Pipeline   Pipeline
	Outcome    func(ctx context.Context, o schemas.Outcome) error // tells the audit trail; the same again is stored once
	Log        *slog.Logger
	Settle     *Settle // what no event of Stripe tells; nil: nothing is settled
	// Basis refuses to settle by other choices than the connection was settled
	// by; at is the time in Stripe. nil: there is nobody to ask.
	Basis func(ctx context.Context, at time.Time) error
}

// types are the events that flows live on. Stripe: a list takes at most 20;
// invoice.created is not among them, as it holds up invoices.
var types = []string{
	"charge.succeeded", "charge.captured", "charge.failed", "charge.refunded", "charge.refund.updated",
	"charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "charge.dispute.closed",
	"invoice.paid", "invoice.payment_failed", "invoice.voided", "invoice.marked_uncollectible",
	"credit_note.created", "credit_note.voided",
	"payout.paid", "payout.failed", "payout.canceled", "payout.reconciliation_completed",
}

// A Sweeper sweeps one connection. Several replicas may do so side by side.
type Sweeper struct {
	o       Options
	lastErr string   // code of the last failure, so that it is told once
	rounds  int      // that succeeded
	horizon *horizon // of the check that waits for the pipeline; nil: none does
}

// New returns the sweeper of one connection.
func New(o Options) *Sweeper { return &Sweeper{o: o} }

// Run sweeps until ctx is done. It never gives up: a failure is waited out.
func (s *Sweeper) Run(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		err := s.round(ctx)
		wait := s.o.Interval
		if err != nil && ctx.Err() == nil {
			f := fault.Of(err)
			wait = max(wait, f.RetryAfter)
			if s.lastErr != f.Code {
				s.o.Log.Warn("sweep fails", "connection", s.o.Connection, "code", f.Code, "hint", f.Hint, "err", err)
			}
			s.lastErr = f.Code
		} else if err == nil {
			s.lastErr = ""
		}
		t.Reset(wait)
	}
}

// round sweeps the events, and every tenth time begins to check the movements.
// Another replica that was first is no failure.
func (s *Sweeper) round(ctx context.Context) error {
	at, err := s.Sweep(ctx)
	if err == nil && s.o.Basis != nil {
		err = s.o.Basis(ctx, at)
	}
	if err == nil {
		err = s.settleUntil(ctx, at)
	}
	if err == nil {
		err = s.checkWhenHandled(ctx, at)
	}
	if err == nil {
		s.rounds++
	}
	if errors.Is(err, bus.ErrConflict) {
		return nil
	}
	return err
}

// Sweep stores everything from the position on, page by page, and moves the
// position behind what is stored (Invariant 1). at is the time in Stripe when
// it began: everything that was listed then is stored.
func (s *Sweeper) Sweep(ctx context.Context) (at time.Time, err error) {
	pos, err := s.load(ctx)
	if err != nil {
		return at, err
	}
	if pos.After == "" {
		if at, err = s.fromOldest(ctx, &pos); err != nil || pos.After == "" {
			return at, err
		}
	}
	began, err := s.follow(ctx, &pos)
	if fault.Of(err).Code == "stripe.not_found" {
		if at, err = s.afterGap(ctx, &pos); err != nil || pos.After == "" {
			return at, err
		}
		began, err = s.follow(ctx, &pos)
	}
	if at.IsZero() {
		at = began
	}
	if err != nil {
		return at, err
	}
	return at, s.rest(ctx, &pos, at)
}

// follow stores what is listed after the position.
func (s *Sweeper) follow(ctx context.Context, pos *position) (at time.Time, err error) {
	missed := 0
	defer func() {
		if missed > 0 {
			s.o.Log.Info("swept", "connection", s.o.Connection, "missed", missed)
		}
	}()
	for after, more := pos.After, true; more; {
		page, err := s.o.Stripe.EventsAfter(ctx, after, types)
		if err != nil {
			return at, err
		}
		if at.IsZero() {
			at = page.At
		}
		if len(page.Events) == 0 {
			break
		}
		n, err := s.storeAll(ctx, page.Events)
		missed += n
		if err != nil {
			return at, err
		}
		last := page.Events[len(page.Events)-1]
		after, more = last.ID, page.More
		if err := s.advance(ctx, pos, page.Events, last.Created); err != nil {
			return at, err
		}
	}
	return at, nil
}

// storeAll stores the events in their order, and counts those that were not
// there yet.
func (s *Sweeper) storeAll(ctx context.Context, events []stripeapi.RawEvent) (missed int, err error) {
	for _, e := range events {
		ack, err := s.store(ctx, e)
		if err != nil {
			return missed, err
		}
		if !ack.Duplicate {
			missed++
		}
	}
	return missed, nil
}

func (s *Sweeper) store(ctx context.Context, e stripeapi.RawEvent) (bus.PubAck, error) {
	env := webhook.Seal(s.o.Connection, e.Body, webhook.ParseEvent)
	ack, err := s.o.Publish(ctx, s.o.Connection, env.Lane, schemas.Stripe, env.Object, env.Verb, env.Event)
	if err != nil {
		return ack, fmt.Errorf("publish %s: %w", e.ID, err)
	}
	return ack, nil
}

// write stores a position by compare-and-swap. bus.ErrConflict when another
// replica was first: the next sweep goes on from there.
func (s *Sweeper) write(ctx context.Context, key string, value any, revision uint64) (uint64, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return 0, fmt.Errorf("position %s: %w", key, err)
	}
	if revision == 0 {
		revision, err = s.o.Cursors.Create(ctx, key, data)
	} else {
		revision, err = s.o.Cursors.Update(ctx, key, data, revision)
	}
	if err != nil {
		return 0, fmt.Errorf("save position %s: %w", key, err)
	}
	return revision, nil
}
