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
	// Backlog is when a connection without a start date was first polled.
	// Documents changed before it are published only if they were open then.
	Backlog *time.Time `json:"backlog,omitempty"`

	revision uint64 // 0: not stored yet
}

// inBacklog reports whether the cursor has not reached the first start.
func (c *cursor) inBacklog() bool { return c.Backlog != nil && c.Until.Before(*c.Backlog) }

// from is where the next window begins: some time before the cursor, so that
// a transaction that was slow to commit is seen, but not before the start
// date.
func (p *Poller) from(c *cursor) time.Time {
	if c.Until.IsZero() {
		return time.Time{}
	}
	from, since := c.Until.Add(-p.o.Poll.Overlap), p.o.Poll.Since
	if since.After(from) && !since.After(c.Until) {
		from = since
	}
	return from.Truncate(tick)
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

// advance moves the cursor, never backwards. The caller has everything before
// until acknowledged by the broker (Invariant 1).
func (p *Poller) advance(ctx context.Context, e *entity, c *cursor, until, now time.Time) error {
	if !until.After(c.Until) {
		return nil // inside the overlap
	}
	next := *c
	next.Until, next.Updated = until.UTC(), now.UTC()
	if !next.inBacklog() {
		next.Backlog = nil
	}
	data, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("cursor: %w", err)
	}
	key := p.cursorKey(e)
	if c.revision == 0 {
		next.revision, err = p.o.Cursors.Create(ctx, key, data)
	} else {
		next.revision, err = p.o.Cursors.Update(ctx, key, data, c.revision)
	}
	if errors.Is(err, bus.ErrConflict) {
		return fault.Newf("source.cursor_conflict", "cursor %s: %w", key, err)
	}
	if err != nil {
		return fmt.Errorf("move cursor: %w", err)
	}
	*c = next
	p.progressed(e.object, now.Sub(until))
	return nil
}
