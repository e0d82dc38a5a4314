package poller

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"millrace/internal/bus"
	"millrace/schemas"
)

// tally counts what a round did with an entity's rows.
type tally struct{ published, duplicates, repeated, hidden int }

// publish puts the rows on the bus in the order of their changes, one after
// the other, so that a lane's order is the order of truth (Invariant 4). A row
// counts as told only once the broker has it.
func (p *Poller) publish(ctx context.Context, e *entity, rows []row, t *tally) error {
	inOrder(rows)
	for _, r := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.saw(e, r) {
			t.repeated++
			continue
		}
		settled, err := p.publishOne(ctx, e, r, t)
		if err != nil {
			return fmt.Errorf("publish %s: %w", r.key, err)
		}
		p.remember(e, r, settled)
	}
	return nil
}

// publishOne publishes a row unless there is no need to. It is not settled when
// it only equals what was told of an earlier change: what was read for that may
// still become what Stripe shows.
func (p *Poller) publishOne(ctx context.Context, e *entity, r row, t *tally) (settled bool, err error) {
	key := p.toldKey(e, r.key)
	s, err := p.told(ctx, key)
	if err != nil {
		return false, err
	}
	known, err := p.knows(ctx, e, s, r)
	if err != nil {
		return false, err
	}
	if known && !r.again {
		t.repeated++
		return s.Said.Changed.Equal(r.changed), nil
	}
	if hide, err := p.hide(ctx, e, s, r); err != nil || hide {
		t.hidden++
		return true, err
	}
	return true, p.publishChange(ctx, e, key, s, r, t)
}

func (p *Poller) publishChange(ctx context.Context, e *entity, key string, s *statement, r row, t *tally) error {
	x := said{Changed: r.changed, Digest: r.digest, Open: e.open(r.record), Told: p.now.UTC()}
	if e.document {
		x.State = state(r.record)
		l, _, err := p.link(ctx, e, r.key)
		if err != nil {
			return err
		}
		x.Shown = shown(l)
	}
	x = s.next(x)
	s.ID, s.Keys, s.Lane = r.record.ID(), e.keysOf(r.record), e.laneOf(r.record)
	return p.say(ctx, key, s, x, func() error {
		ev, err := e.event(p.o.Connection, r, x)
		if err != nil {
			return err
		}
		stored, err := p.send(ctx, e, s.Lane, changed, ev)
		if stored {
			p.busy = true
			t.published++
		} else if err == nil {
			t.duplicates++
		}
		return err
	})
}

// hide reports a row that is nobody's business yet. One that was told, or has
// become something in Stripe, is, whatever it is now: what is not released any
// more must not be payable.
func (p *Poller) hide(ctx context.Context, e *entity, s *statement, r row) (bool, error) {
	if !e.hidden(r.record) || s.revision != 0 {
		return false, nil
	}
	linked, err := p.linked(ctx, e, r)
	return !linked, err
}

// send starts the trace that follows the record through both systems.
func (p *Poller) send(ctx context.Context, e *entity, lane, verb string, ev bus.Event) (stored bool, err error) {
	ctx, span := tracer().Start(ctx, "poll "+e.object, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer))
	defer span.End()
	ack, err := p.o.Publish(ctx, p.o.Connection, lane, schemas.Acumatica, e.object, verb, ev)
	if err != nil {
		return false, err
	}
	p.meter.event(ctx, e.object, ack.Duplicate)
	p.o.Log.Debug("event", "event_id", ev.ID, "lane", lane, "subject", ev.Subject, "seq", ack.Seq, "duplicate", ack.Duplicate,
		"trace_id", span.SpanContext().TraceID().String())
	return !ack.Duplicate, nil
}

// sight is how a record was when it was dealt with last, while we poll: it saves
// asking what was told. The bucket has the last word.
type sight struct {
	changed time.Time
	digest  string
	settled bool // nothing can come of it any more
}

// maxSeen bounds the memory. What is not remembered is looked up.
const maxSeen = 20_000

func (p *Poller) saw(e *entity, r row) bool {
	last, ok := p.seen[e.object][r.record.ID()]
	return ok && last.settled && last.changed.Equal(r.changed) && last.digest == r.digest
}

func (p *Poller) remember(e *entity, r row, settled bool) {
	if p.seen[e.object] == nil {
		p.seen[e.object] = make(map[string]sight)
	}
	id := r.record.ID()
	if _, ok := p.seen[e.object][id]; ok || len(p.seen[e.object]) < maxSeen {
		p.seen[e.object][id] = sight{r.changed, r.digest, settled}
	}
}

// forget drops what no window can show again.
func (p *Poller) forget(e *entity, before time.Time) {
	for id, last := range p.seen[e.object] {
		if last.changed.Before(before) {
			delete(p.seen[e.object], id)
		}
	}
}

// tell logs a round that brought something.
func (p *Poller) tell(e *entity, t *tally) {
	if t.published+t.duplicates == 0 {
		return
	}
	p.o.Log.Info("polled", "connection", p.o.Connection, "object", e.object,
		"published", t.published, "duplicates", t.duplicates, "repeated", t.repeated, "unreleased", t.hidden)
}
