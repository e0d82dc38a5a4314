package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// cursor is how far an entity was read: everything that changed before Until
// is on the bus. All times are the server's.
type cursor struct {
	Until   time.Time `json:"until"`
	Updated time.Time `json:"updated"`
	// Again is where the overlap begins: what changed before it was read once
	// more when the overlap had passed, so that a transaction that was slow to
	// commit was seen.
	Again time.Time `json:"again,omitzero"`
	// Backlog is when a connection without a start date was first polled.
	// Documents changed before it are published only if they were open then.
	Backlog *time.Time `json:"backlog,omitempty"`
	// Linked: documents were in Stripe before that already. Of the backlog those
	// are published whatever their status.
	Linked bool `json:"linked,omitempty"`

	revision uint64 // 0: not stored yet
}

// inBacklog reports whether the cursor has not reached the first start.
func (c *cursor) inBacklog() bool { return c.Backlog != nil && c.Until.Before(*c.Backlog) }

// from is where the overlap begins, but not before the start date.
func (p *Poller) from(c *cursor) time.Time {
	if c.Until.IsZero() {
		return time.Time{}
	}
	from, since := c.Until.Add(-p.o.Poll.Overlap), p.o.Poll.Since
	if !c.Again.IsZero() && c.Again.Before(from) {
		from = c.Again
	}
	if since.After(from) && !since.After(c.Until) {
		from = since
	}
	return from.Truncate(tick)
}

// spans are what a round reads: usually one from the beginning of the overlap.
// While the overlap holds many rows it is left out, and read once when it has
// passed: a mass change is read twice, not in every round again.
func (p *Poller) spans(e *entity, c *cursor, until time.Time) []window {
	from, passed := p.from(c), until.Add(-p.o.Poll.Overlap)
	busy := len(p.seen[e.object]) > p.o.Poll.PageSize/2 // also what is hidden
	switch {
	case !busy || !passed.Before(c.Until):
		return []window{{from, until}}
	case passed.Sub(from) < p.o.Poll.Overlap:
		return []window{{c.Until, until}}
	}
	return []window{{from, passed}, {c.Until, until}}
}

func (p *Poller) cursorKey(e *entity) string {
	return bus.Key(p.o.Connection, schemas.Acumatica, e.object)
}

// load reads the cursor, or makes the first one: at the connection's start
// date, or at the beginning with today's backlog ahead.
func (p *Poller) load(ctx context.Context, e *entity, until time.Time) (*cursor, error) {
	data, rev, err := p.o.Cursors.Get(ctx, p.cursorKey(e))
	if errors.Is(err, bus.ErrNotFound) {
		c := &cursor{Until: p.o.Poll.Since}
		if c.Until.IsZero() {
			c.Backlog = &until
			if c.Linked, err = p.o.AnyLinked(ctx, p.o.Connection, e.kind); err != nil {
				return nil, fmt.Errorf("links: %w", err)
			}
		}
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read cursor: %w", err)
	}
	c := &cursor{revision: rev}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fault.Newf("source.cursor_malformed", "cursor %s: %w", p.cursorKey(e), err)
	}
	return c, nil
}

// advance moves the cursor behind a window, never backwards. The caller has
// everything in it acknowledged by the broker (Invariant 1). overlapped says
// that the reading began where the overlap does.
func (p *Poller) advance(ctx context.Context, e *entity, c *cursor, until, now time.Time, overlapped bool) error {
	next := *c
	if until.After(c.Until) {
		next.Until = until.UTC()
	}
	if overlapped {
		next.Again = p.from(c)
		if passed := now.Add(-p.o.Poll.Settle - p.o.Poll.Overlap); passed.Before(until) {
			until = passed
		}
		if until = until.Truncate(tick); until.After(next.Again) {
			next.Again = until.UTC()
		}
	}
	if next.Until.Equal(c.Until) && next.Again.Equal(c.Again) {
		return nil
	}
	next.Updated = now.UTC()
	if !next.inBacklog() {
		next.Backlog, next.Linked = nil, false
	}
	if err := p.save(ctx, e, &next); err != nil {
		return err
	}
	*c = next
	p.progressed(e.object, now.Sub(c.Until))
	return nil
}

func (p *Poller) save(ctx context.Context, e *entity, c *cursor) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("cursor: %w", err)
	}
	key := p.cursorKey(e)
	if c.revision == 0 {
		c.revision, err = p.o.Cursors.Create(ctx, key, data)
	} else {
		c.revision, err = p.o.Cursors.Update(ctx, key, data, c.revision)
	}
	if errors.Is(err, bus.ErrConflict) {
		return fault.Newf("source.cursor_conflict", "cursor %s: %w", key, err)
	}
	if err != nil {
		return fmt.Errorf("move cursor: %w", err)
	}
	return nil
}
