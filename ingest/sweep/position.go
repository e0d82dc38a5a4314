package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

const (
	// overlap is how far behind the newest event the position stays: an event
	// may become visible a little after ones that were made later.
	overlap = 5 * time.Minute
	// idle is after how long without anything to store the position moves on
	// to where the account is.
	idle = time.Hour
	// listed is how long an event surely can be listed. Stripe: 30 days; an
	// hour is left for the reading itself.
	listed = 30*24*time.Hour - time.Hour
	// oldestKept is how many events that follow the oldest page are remembered
	// on the way to it: going on behind them leaves time before they are gone.
	oldestKept = 100
)

// A position is an event up to which everything has been swept.
type position struct {
	After   string    `json:"after"`   // its id; empty: the oldest that is listed
	Created time.Time `json:"created"` // by Stripe's clock
	// Read is a time in Stripe: what was made before it is stored, also when
	// the event of the position is not listed any more.
	Read time.Time `json:"read,omitzero"`

	revision uint64 // 0: not stored yet
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

// rest moves the position of an account where nothing happens that is swept to
// the last event of any type, after everything that was listed at an instant is
// stored. Without it the event of the position would leave Stripe's list, which
// looks like an absence of a month.
func (s *Sweeper) rest(ctx context.Context, pos *position, at time.Time) error {
	until := at.Add(-overlap).Truncate(time.Second)
	if at.IsZero() || until.Sub(later(pos.Created, pos.Read)) < idle {
		return nil
	}
	last, found, err := s.o.Stripe.LastEvent(ctx, until)
	if err != nil {
		return err
	}
	next := *pos
	next.Read = until
	switch {
	case !found:
		next.After, next.Created = "", time.Time{}
	case !last.Created.Before(pos.Created):
		next.After, next.Created = last.ID, last.Created
	}
	return s.save(ctx, pos, next)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *Sweeper) key() string { return bus.Key(s.o.Connection, schemas.Stripe, "event") }

// load reads the position. The first one is the last event before the books
// start, or else the newest: what was before is not the installation's business.
// Without such an event the position is before the first that is listed.
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
	page, err := s.o.Stripe.EventsBefore(ctx, "")
	if err != nil {
		return position{}, err
	}
	var pos, first position
	if n := len(page.Events); n > 0 {
		newest := page.Events[n-1]
		if first, err = s.beginAt(ctx, newest, page.At); err != nil {
			return pos, err
		}
	}
	err = s.save(ctx, &pos, first)
	return pos, err
}

// beginAt is the last event before the books start, of those that are listed,
// at the time at in Stripe.
func (s *Sweeper) beginAt(ctx context.Context, newest stripeapi.RawEvent, at time.Time) (position, error) {
	start := s.begins(newest.Created)
	if !start.Before(newest.Created) {
		return position{After: newest.ID, Created: newest.Created}, nil
	}
	last, found, err := s.o.Stripe.LastEvent(ctx, start.Add(-time.Second))
	if err != nil {
		return position{}, err
	}
	if at.Sub(start) >= listed {
		s.o.Log.Warn("the books start before the oldest event that Stripe lists", "connection", s.o.Connection, "start", start,
			"told", "payments, refunds, payouts, disputes that were lost", "not_told", "credit notes, and what people did in Stripe, before "+at.Add(-listed).Format(time.DateOnly))
	}
	if !found {
		return position{}, nil
	}
	return position{After: last.ID, Created: last.Created}, nil
}

// fromOldest stores the oldest events that Stripe lists, some because the very
// oldest may leave the list at any moment, and moves the position behind them.
// at is the time in Stripe when it began.
func (s *Sweeper) fromOldest(ctx context.Context, pos *position) (at time.Time, err error) {
	var oldest []stripeapi.RawEvent
	for id, more := "", true; more; {
		page, err := s.o.Stripe.EventsBefore(ctx, id)
		if err != nil {
			return at, err
		}
		if at.IsZero() {
			at = page.At
		}
		if more = page.More && len(page.Events) > 0; len(page.Events) > 0 {
			id = page.Events[0].ID
			oldest = append(page.Events, oldest[:min(len(oldest), oldestKept)]...)
		}
	}
	if len(oldest) == 0 {
		if pos.After == "" {
			return at, nil
		}
		return at, s.save(ctx, pos, position{Read: pos.Read, revision: pos.revision})
	}
	newest := oldest[len(oldest)-1].Created
	next := position{After: oldest[0].ID, Created: oldest[0].Created, Read: pos.Read, revision: pos.revision}
	for i, e := range oldest {
		if i > 0 && e.Created.After(newest.Add(-overlap)) {
			break // something may yet appear before it
		}
		if i == 0 || slices.Contains(types, e.Type) {
			if _, err := s.store(ctx, e); err != nil {
				return at, err
			}
		}
		next.After, next.Created = e.ID, e.Created
	}
	return at, s.save(ctx, pos, next)
}

// afterGap goes on when Stripe does not list the event of the position any
// more. That is no loss as long as what was made after the last reading still
// is: the account was quiet. Else the installation was away for too long.
func (s *Sweeper) afterGap(ctx context.Context, pos *position) (at time.Time, err error) {
	was := *pos
	if at, err = s.fromOldest(ctx, pos); err != nil {
		return at, err
	}
	if at.IsZero() || at.Sub(later(was.Created, was.Read)) >= listed {
		gap := fault.Newf("ingest.gap", "the event of %s is not listed any more", was.Created.Format(time.RFC3339))
		s.o.Log.Error("events are missing", "connection", s.o.Connection, "code", gap.Code, "hint", gap.Hint, "err", gap)
	}
	return at, nil
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
