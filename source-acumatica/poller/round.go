package poller

import (
	"context"
	"fmt"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/link"
)

// maxPasses bounds how often a window that moves while it is read is read
// again before the round gives up and leaves the cursor where it is.
const maxPasses = 6

// round reads everything up to one instant, customers first. The instant is
// the server's now, less the time a transaction may take to commit; the
// server's own clock is asked before anything is read, and ours never.
func (p *Poller) round(ctx context.Context) error {
	now, err := p.serverNow(ctx)
	if err != nil {
		return err
	}
	until := now.Add(-p.o.Poll.Settle).Truncate(tick)
	p.busy, p.now = false, now
	for _, e := range p.entities() {
		if err := p.poll(ctx, &e, until, now); err != nil {
			return fmt.Errorf("poll %s: %w", e.object, err)
		}
	}
	p.fullRound(ctx, until, now)
	return ctx.Err()
}

// serverNow asks for as little as possible to see the server's clock.
func (p *Poller) serverNow(ctx context.Context) (time.Time, error) {
	_, now, err := p.o.List(ctx, "Customer", acumatica.Query{Select: []string{"CustomerID"}, Top: 1})
	if err != nil {
		return time.Time{}, fmt.Errorf("server time: %w", err)
	}
	if now.IsZero() {
		return time.Time{}, fault.Newf("source.no_server_time", "the answer has no Date header")
	}
	return now, nil
}

// poll reads and publishes one entity up to until, window by window. A window
// that does not fit one page is halved: one page is one query and therefore
// one consistent answer, whereas paging by offset skips rows while data
// changes. The ends of windows still to be read wait on a stack.
func (p *Poller) poll(ctx context.Context, e *entity, until, now time.Time) error {
	c, err := p.load(ctx, e, until)
	if err != nil {
		return err
	}
	var t tally
	defer p.tell(e, &t)
	for i, s := range p.spans(e, c, until) {
		if err := p.readSpan(ctx, e, c, s, now, i == 0 && s.from.Equal(p.from(c)), &t); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// readSpan reads and publishes a span window by window, and moves the cursor
// with each. now is the server's, at the beginning of the round.
func (p *Poller) readSpan(ctx context.Context, e *entity, c *cursor, s window, now time.Time, overlapped bool, t *tally) error {
	from, ends := s.from, []time.Time{s.until}
	if c.inBacklog() && c.Backlog.Before(s.until) {
		ends = append(ends, *c.Backlog)
	}
	for len(ends) > 0 && ctx.Err() == nil {
		w := window{from, ends[len(ends)-1]}
		if w.empty() {
			ends = ends[:len(ends)-1]
			continue
		}
		middle, err := p.read(ctx, e, w, c.inBacklog() && !c.Linked, func(rows []row) error { return p.take(ctx, e, c, rows, t) })
		if err != nil {
			return err
		}
		if !middle.IsZero() {
			ends = append(ends, middle)
			continue
		}
		if err := p.advance(ctx, e, c, w.until, now, overlapped); err != nil {
			return err
		}
		p.forget(e, p.from(c))
		from, ends = w.until, ends[:len(ends)-1]
	}
	return ctx.Err()
}

// read gives all rows of the window to take, a page at a time, or returns the
// instant to halve it at.
func (p *Poller) read(ctx context.Context, e *entity, w window, backlog bool, take func([]row) error) (middle time.Time, err error) {
	q := acumatica.Query{Select: e.fields, Top: p.o.Poll.PageSize, Filter: w.filter(e.changed, e.filter)}
	if backlog {
		q.Filter = w.filter(e.changed, e.filter, e.backlog)
	}
	rows, err := p.page(ctx, e, q)
	if err != nil {
		return time.Time{}, err
	}
	if len(rows) < q.Top {
		return time.Time{}, take(rows)
	}
	if middle, ok := w.split(rows); ok {
		return middle, nil
	}
	return time.Time{}, p.pages(ctx, e, q, take)
}

func (p *Poller) page(ctx context.Context, e *entity, q acumatica.Query) ([]row, error) {
	records, _, err := p.o.List(ctx, e.name, q)
	if err != nil {
		return nil, err
	}
	return e.rows(records)
}

// pages reads a window by offset until two passes in a row saw the same rows,
// each once. It is needed only when more rows than a page changed in the same
// millisecond, such as by a script; between them there is no order. Only what
// tells them apart is kept: a row that a pass shows is true, whatever that pass has missed.
func (p *Poller) pages(ctx context.Context, e *entity, q acumatica.Query, take func([]row) error) error {
	var before map[string]bool
	for range maxPasses {
		ids, err := p.pass(ctx, e, q, take)
		if err != nil {
			return err
		}
		if ids != nil && same(ids, before) {
			return nil
		}
		before = ids
	}
	p.meter.unsettled(ctx)
	return fault.Newf("source.window_unstable", "%s: %d passes differ", q.Filter, maxPasses)
}

// pass returns the ids of the rows; nil when a row came twice, so another one
// may have been skipped.
func (p *Poller) pass(ctx context.Context, e *entity, q acumatica.Query, take func([]row) error) (map[string]bool, error) {
	ids, n := make(map[string]bool), 0
	for q.Skip = 0; ; q.Skip += q.Top {
		rows, err := p.page(ctx, e, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			ids[r.sight()] = true
		}
		n += len(rows)
		if err := take(rows); err != nil {
			return nil, err
		}
		if len(rows) < q.Top {
			break
		}
	}
	if len(ids) < n {
		return nil, nil //nolint:nilnil // as documented
	}
	return ids, nil
}

func same(a, b map[string]bool) bool {
	if b == nil || len(a) != len(b) {
		return false
	}
	for id := range a {
		if !b[id] {
			return false
		}
	}
	return true
}

// take publishes the rows of a window. In the backlog, what is closed goes only
// if it is in Stripe already.
func (p *Poller) take(ctx context.Context, e *entity, c *cursor, rows []row, t *tally) error {
	if c.inBacklog() && c.Linked && e.backlog != "" {
		var err error
		if rows, err = p.openOrLinked(ctx, e, rows); err != nil {
			return err
		}
	}
	return p.publish(ctx, e, rows, t)
}

func (p *Poller) openOrLinked(ctx context.Context, e *entity, rows []row) ([]row, error) {
	var out []row
	for _, r := range rows {
		linked := false
		if e.closed(r.record) {
			var err error
			if linked, err = p.linked(ctx, e, r); err != nil {
				return nil, err
			}
		}
		if linked || !e.closed(r.record) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (p *Poller) linked(ctx context.Context, e *entity, r row) (bool, error) {
	_, found, err := p.link(ctx, e, r.key)
	return found, err
}

// link is what links know of a record under the key that they call it by.
func (p *Poller) link(ctx context.Context, e *entity, key string) (link.Link, bool, error) {
	l, found, err := p.o.Linked(ctx, p.o.Connection, e.kind, key)
	if err != nil {
		return l, false, fmt.Errorf("link of %s: %w", key, err)
	}
	return l, found, nil
}
