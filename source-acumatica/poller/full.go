package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/schemas"
)

// Linked finds what a record of Acumatica became in Stripe.
type Linked func(ctx context.Context, connection, kind, acumaticaID string) (link.Link, bool, error)

// AnyLinked reports whether anything of a kind is in Stripe.
type AnyLinked func(ctx context.Context, connection, kind string) (bool, error)

// A full reading goes over everything that should be in Stripe, whatever its
// change time says, and publishes what has no link, or another state than was
// told last: a record that the windows missed, because a clock was set back, a
// row was restored or a balance moved without its change time, is found by it.
// First come the windows of what is open; then what was told as open is asked
// for by its numbers, to find what is not open any more. Only what no list shows
// is read by itself. It goes on by one window, or a few lists, with each round,
// so that polling never waits for it; what changes meanwhile is past its end,
// and polled.

// reading is how far a full reading has come. All times are the server's.
type reading struct {
	At     time.Time   `json:"at"`               // when the last one that is complete began
	Object string      `json:"object,omitempty"` // what is read now; empty: nothing
	Began  time.Time   `json:"began,omitzero"`
	From   time.Time   `json:"from,omitzero"`  // what changed before is read
	Ends   []time.Time `json:"ends,omitempty"` // of the windows to be read, the next one last
	// Asking: the windows are read, and what was told as open is asked for.
	// After is the key of the last one.
	Asking bool   `json:"asking,omitempty"`
	After  string `json:"after,omitempty"`
	Gone   int    `json:"gone,omitempty"`   // records that were told as gone
	Unseen int    `json:"unseen,omitempty"` // records of this object that could not be seen either

	revision uint64 // 0: not stored yet
}

func (p *Poller) fullKey() string { return bus.Key(p.o.Connection, schemas.Acumatica, "full") }

// fullRound makes a step of a full reading. One that fails does not slow down
// the polling: it is told once and tried again in the next round.
func (p *Poller) fullRound(ctx context.Context, until, now time.Time) {
	err := p.full(ctx, until, now)
	if ctx.Err() != nil {
		return
	}
	code := ""
	if err != nil {
		f := fault.Of(err)
		if code = f.Code; code != p.fullErr {
			p.o.Log.Warn("full reading fails", "connection", p.o.Connection, "code", f.Code, "kind", f.Kind.String(), "hint", f.Hint, "err", err)
		}
	}
	p.fullErr = code
}

// full reads the next window of a full reading when one is under way, or it is
// time for one. The first one is due an interval after the connection was first
// polled: until then the backlog is one.
func (p *Poller) full(ctx context.Context, until, now time.Time) error {
	if p.o.Poll.Full <= 0 {
		return nil
	}
	p.now = now
	r, err := p.loadFull(ctx)
	if err != nil {
		return err
	}
	if r.revision == 0 {
		return p.saveFull(ctx, reading{At: now.UTC()}, 0)
	}
	all := p.entities()
	i := slices.IndexFunc(all, func(e entity) bool { return e.object == r.Object })
	if r.underWay() {
		p.busy = true // it goes on with the next round
	}
	if i < 0 { // nothing, or what another version has read
		if r.Object == "" && now.Sub(r.At) < p.o.Poll.Full {
			return nil
		}
		i, r.Began = 0, until.UTC()
		r.enter(&all[0], p.o.Poll.Since)
	}
	if err := p.step(ctx, &all[i], &r); err != nil {
		// What was done counts: it has only moved behind what is told.
		return errors.Join(fmt.Errorf("full reading of %s: %w", r.Object, err), p.saveFull(ctx, r, r.revision))
	}
	if len(r.Ends) == 0 && !r.Asking {
		if i++; i < len(all) {
			r.enter(&all[i], p.o.Poll.Since)
		} else {
			r = reading{At: r.Began, revision: r.revision}
		}
	}
	return p.saveFull(ctx, r, r.revision)
}

// step reads the next part of an entity.
func (p *Poller) step(ctx context.Context, e *entity, r *reading) error {
	var t tally
	defer p.tell(e, &t)
	if r.Asking {
		return p.ask(ctx, e, r, &t)
	}
	if err := p.readNext(ctx, e, r, &t); err != nil {
		return err
	}
	r.Asking, r.After = len(r.Ends) == 0, ""
	return nil
}

// reading reports whether a full reading is under way.
func (r *reading) underWay() bool { return r.Object != "" }

// enter begins with an entity, from its beginning or from the start date of the
// connection.
func (r *reading) enter(e *entity, since time.Time) {
	r.Object, r.From, r.Ends = e.object, since.UTC(), []time.Time{r.Began}
}

// readNext reads and publishes one window that fits a page, and moves the
// reading behind it (Invariant 1).
func (p *Poller) readNext(ctx context.Context, e *entity, r *reading, t *tally) error {
	for len(r.Ends) > 0 {
		w := window{r.From, r.Ends[len(r.Ends)-1]}
		if w.empty() {
			r.Ends = r.Ends[:len(r.Ends)-1]
			continue
		}
		middle, err := p.read(ctx, e, w, true, func(rows []row) error {
			missing, err := p.untold(ctx, e, rows)
			if err != nil {
				return err
			}
			return p.publish(ctx, e, missing, t)
		})
		if err != nil {
			return err
		}
		if !middle.IsZero() {
			r.Ends = append(r.Ends, middle.UTC())
			continue
		}
		r.From, r.Ends = w.until, r.Ends[:len(r.Ends)-1]
		return nil
	}
	return nil
}

// untold leaves out what has become something in Stripe and is as it was told.
func (p *Poller) untold(ctx context.Context, e *entity, rows []row) ([]row, error) {
	var out []row
	for _, r := range rows {
		if e.closed(r.record) {
			continue
		}
		l, linked, err := p.link(ctx, e, r.key)
		if err != nil {
			return nil, err
		}
		if linked {
			s, err := p.told(ctx, p.toldKey(e, r.key))
			if err != nil {
				return nil, err
			}
			if s.equals(r) && !s.passed(l, r) {
				continue
			}
		}
		r.again = true
		out = append(out, r)
	}
	return out, nil
}

// inactive reports a customer that is not to be in Stripe.
func inactive(r acumatica.Record) bool { return r.String("Status") != "Active" }

func (p *Poller) loadFull(ctx context.Context) (reading, error) {
	data, rev, err := p.o.Cursors.Get(ctx, p.fullKey())
	if errors.Is(err, bus.ErrNotFound) {
		return reading{}, nil
	}
	if err != nil {
		return reading{}, fmt.Errorf("read cursor: %w", err)
	}
	r := reading{revision: rev}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fault.Newf("source.cursor_malformed", "cursor %s: %w", p.fullKey(), err)
	}
	return r, nil
}

func (p *Poller) saveFull(ctx context.Context, r reading, rev uint64) error {
	data, err := json.Marshal(r)
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
