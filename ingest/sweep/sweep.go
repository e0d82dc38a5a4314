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
	EventsAfter(ctx context.Context, id string, types []string) (events []stripeapi.RawEvent, more bool, err error)
	EventsBefore(ctx context.Context, id string) (events []stripeapi.RawEvent, more bool, err error)
}

// Cursors keeps the positions; the writes are compare-and-swap and answer
// bus.ErrConflict when somebody else was first, Get answers bus.ErrNotFound.
type Cursors interface {
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Update(ctx context.Context, key string, value []byte, rev uint64) (revision uint64, err error)
}

// Options are what a Sweeper is made of; all are required.
type Options struct {
	Connection string
	Interval   time.Duration // between two sweeps
	Stripe     Stripe
	Cursors    Cursors
	Publish    webhook.Publish
	Movements  Movements
	Posted     Posted
	Log        *slog.Logger
}

// overlap is how far behind the newest event the position stays: an event may
// become visible a little after ones that were made later.
const overlap = 5 * time.Minute

// types are the events that flows live on. Stripe: a list takes at most 20;
// invoice.created is not among them, as it holds up invoices.
var types = []string{
	"charge.succeeded", "charge.captured", "charge.failed", "charge.refunded", "charge.refund.updated",
	"charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "charge.dispute.closed",
	"invoice.paid", "invoice.payment_failed", "invoice.voided", "invoice.marked_uncollectible",
	"credit_note.created", "credit_note.voided",
	"payout.paid", "payout.failed", "payout.canceled", "payout.reconciliation_completed",
}

// A position is an event up to which everything has been swept.
type position struct {
	After   string    `json:"after"`   // its id
	Created time.Time `json:"created"` // by Stripe's clock

	revision uint64 // 0: not stored yet
}

// A Sweeper sweeps one connection. Several replicas may do so side by side.
type Sweeper struct {
	o       Options
	lastErr string // code of the last failure, so that it is told once
	rounds  int    // that succeeded
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

// round sweeps the events, and every tenth time checks the movements. Another
// replica that was first is no failure.
func (s *Sweeper) round(ctx context.Context) error {
	err := s.Sweep(ctx)
	if err == nil && s.rounds%10 == 0 {
		err = s.Check(ctx, time.Now())
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
// position behind what is stored (Invariant 1).
func (s *Sweeper) Sweep(ctx context.Context) error {
	pos, err := s.load(ctx)
	if err != nil {
		return err
	}
	if pos.After == "" {
		return s.fromOldest(ctx, pos)
	}
	missed := 0
	for after, more := pos.After, true; more && ctx.Err() == nil; {
		var page []stripeapi.RawEvent
		page, more, err = s.o.Stripe.EventsAfter(ctx, after, types)
		if fault.Of(err).Code == "stripe.not_found" {
			return s.afterGap(ctx, pos)
		}
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			ack, err := s.store(ctx, e)
			if err != nil {
				return err
			}
			if !ack.Duplicate {
				missed++
			}
		}
		last := page[len(page)-1]
		after = last.ID
		if err := s.advance(ctx, &pos, page, last.Created); err != nil {
			return err
		}
	}
	if missed > 0 {
		s.o.Log.Info("swept", "connection", s.o.Connection, "missed", missed)
	}
	return ctx.Err()
}

func (s *Sweeper) store(ctx context.Context, e stripeapi.RawEvent) (bus.PubAck, error) {
	env := webhook.Seal(s.o.Connection, e.Body, webhook.ParseEvent)
	ack, err := s.o.Publish(ctx, s.o.Connection, env.Lane, schemas.Stripe, env.Object, env.Verb, env.Event)
	if err != nil {
		return ack, fmt.Errorf("publish %s: %w", e.ID, err)
	}
	return ack, nil
}

// advance moves the position to the last event of the page that is old enough
// for nothing to appear before it any more.
func (s *Sweeper) advance(ctx context.Context, pos *position, page []stripeapi.RawEvent, newest time.Time) error {
	next := *pos
	for _, e := range page {
		if !e.Created.After(newest.Add(-overlap)) {
			next.After, next.Created = e.ID, e.Created
		}
	}
	if next == *pos {
		return nil
	}
	return s.save(ctx, pos, next)
}

func (s *Sweeper) key() string { return bus.Key(s.o.Connection, schemas.Stripe, "event") }

// load reads the position. The first one is the newest event: what was before
// this installation is not its business. An account without any event has the
// position before its first.
func (s *Sweeper) load(ctx context.Context) (position, error) {
	data, rev, err := s.o.Cursors.Get(ctx, s.key())
	if errors.Is(err, bus.ErrNotFound) {
		return s.begin(ctx)
	}
	if err != nil {
		return position{}, fmt.Errorf("read position: %w", err)
	}
	p := position{revision: rev}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fault.Newf("source.cursor_malformed", "position %s: %w", s.key(), err)
	}
	return p, nil
}

func (s *Sweeper) begin(ctx context.Context) (position, error) {
	page, _, err := s.o.Stripe.EventsBefore(ctx, "")
	if err != nil {
		return position{}, err
	}
	var pos, first position
	if len(page) > 0 {
		newest := page[len(page)-1]
		first = position{After: newest.ID, Created: newest.Created}
	}
	err = s.save(ctx, &pos, first)
	return pos, err
}

// fromOldest goes on from the oldest event that Stripe lists.
func (s *Sweeper) fromOldest(ctx context.Context, pos position) error {
	oldest, more := stripeapi.RawEvent{}, true
	for more && ctx.Err() == nil {
		page, older, err := s.o.Stripe.EventsBefore(ctx, oldest.ID)
		if err != nil {
			return err
		}
		if more = older && len(page) > 0; len(page) > 0 {
			oldest = page[0]
		}
	}
	if oldest.ID == "" || ctx.Err() != nil {
		return ctx.Err()
	}
	if _, err := s.store(ctx, oldest); err != nil {
		return err
	}
	return s.save(ctx, &pos, position{After: oldest.ID, Created: oldest.Created})
}

// afterGap goes on when Stripe does not list the event of the position any
// more: the installation was away for longer than that.
func (s *Sweeper) afterGap(ctx context.Context, pos position) error {
	gap := fault.Newf("ingest.gap", "the event of %s is not listed any more", pos.Created.Format(time.RFC3339))
	s.o.Log.Error("events are missing", "connection", s.o.Connection, "code", gap.Code, "hint", gap.Hint, "err", gap)
	return s.fromOldest(ctx, pos)
}

// save moves the position.
func (s *Sweeper) save(ctx context.Context, pos *position, next position) error {
	rev, err := s.write(ctx, s.key(), next, pos.revision)
	if err != nil {
		return err
	}
	next.revision = rev
	*pos = next
	return nil
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
