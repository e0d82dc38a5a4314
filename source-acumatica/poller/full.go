package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/schemas"
)

// Linked finds what a record of Acumatica became in Stripe.
type Linked func(ctx context.Context, connection, kind, acumaticaID string) (link.Link, bool, error)

// A full reading goes over everything that should be in Stripe, whatever its
// change time says, and publishes what has no link: a record that the windows
// missed, because a clock was set back or a row was restored, is found by it.
// What is linked costs nothing but the reading.

// lastFull is when a full reading was complete.
type lastFull struct {
	At time.Time `json:"at"` // by the server's clock
}

func (p *Poller) fullKey() string { return bus.Key(p.o.Connection, schemas.Acumatica, "full") }

// full makes a full reading when it is time for one. The first one is due an
// interval after the connection was first polled: until then the backlog is
// one.
func (p *Poller) full(ctx context.Context, until, now time.Time) error {
	if p.o.Poll.Full <= 0 {
		return nil
	}
	last, rev, err := p.loadFull(ctx)
	if err != nil {
		return err
	}
	if rev != 0 && now.Sub(last.At) < p.o.Poll.Full {
		return nil
	}
	if rev != 0 {
		for _, e := range entities() {
			if err := p.readAll(ctx, &e, until); err != nil {
				return fmt.Errorf("full reading of %s: %w", e.object, err)
			}
		}
	}
	return p.saveFull(ctx, lastFull{At: now.UTC()}, rev)
}

// readAll walks through an entity from its beginning, or from the start date
// of the connection, in windows that fit a page.
func (p *Poller) readAll(ctx context.Context, e *entity, until time.Time) error {
	from, ends := p.o.Poll.Since, []time.Time{until}
	var t tally
	defer p.tell(e, &t)
	for len(ends) > 0 && ctx.Err() == nil {
		w := window{from, ends[len(ends)-1]}
		if w.empty() {
			ends = ends[:len(ends)-1]
			continue
		}
		rows, middle, err := p.read(ctx, e, w, true)
		if err != nil {
			return err
		}
		if !middle.IsZero() {
			ends = append(ends, middle)
			continue
		}
		missing, err := p.unlinked(ctx, e, rows)
		if err != nil {
			return err
		}
		if err := p.publish(ctx, e, missing, &t); err != nil {
			return err
		}
		from, ends = w.until, ends[:len(ends)-1]
	}
	return ctx.Err()
}

// unlinked leaves out what has become something in Stripe.
func (p *Poller) unlinked(ctx context.Context, e *entity, rows []row) ([]row, error) {
	var missing []row
	for _, r := range rows {
		_, found, err := p.o.Linked(ctx, p.o.Connection, e.kind, r.key)
		if err != nil {
			return nil, fmt.Errorf("link of %s: %w", r.key, err)
		}
		if !found && !e.closed(r.record) {
			missing = append(missing, r)
		}
	}
	return missing, nil
}

// inactive reports a customer that is not to be in Stripe.
func inactive(r acumatica.Record) bool { return r.String("Status") != "Active" }

func (p *Poller) loadFull(ctx context.Context) (lastFull, uint64, error) {
	var last lastFull
	data, rev, err := p.o.Cursors.Get(ctx, p.fullKey())
	if errors.Is(err, bus.ErrNotFound) {
		return last, 0, nil
	}
	if err != nil {
		return last, 0, fmt.Errorf("read cursor: %w", err)
	}
	if err := json.Unmarshal(data, &last); err != nil {
		return last, 0, fault.Newf("source.cursor_malformed", "cursor %s: %w", p.fullKey(), err)
	}
	return last, rev, nil
}

func (p *Poller) saveFull(ctx context.Context, last lastFull, rev uint64) error {
	data, err := json.Marshal(last)
	if err != nil {
		return fmt.Errorf("cursor: %w", err)
	}
	if rev == 0 {
		_, err = p.o.Cursors.Create(ctx, p.fullKey(), data)
	} else {
		_, err = p.o.Cursors.Update(ctx, p.fullKey(), data, rev)
	}
	if errors.Is(err, bus.ErrConflict) {
		return fault.Newf("source.cursor_conflict", "cursor %s: %w", p.fullKey(), err)
	}
	if err != nil {
		return fmt.Errorf("move cursor: %w", err)
	}
	return nil
}
