package poller

import (
	"context"
	"slices"
	"strings"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
)

const (
	// askedAtOnce is how many numbers a filter names. IIS refuses a query string
	// of more than 2048 characters unless it is set up otherwise; a number takes
	// some 45 of them.
	askedAtOnce = 25
	// listsPerRound bounds what a round asks for.
	listsPerRound = 8
	// keysAtOnce bounds the keys in memory, some 2 MB. The bucket is listed once
	// for that many, not in every round.
	keysAtOnce = 20_000
	// closedKept is how long it is kept what was told of a record that is closed:
	// longer than the broker knows an id, so that one which is used again after it
	// is stored.
	closedKept = 7 * 24 * time.Hour
)

// asking is what a full reading has still to ask for.
type asking struct {
	object string
	began  time.Time
	keys   []string // sorted
	more   bool     // after the last of them
}

// ask reads what was told as open and publishes what is not as it was told. It
// moves the reading behind each list (Invariant 1).
func (p *Poller) ask(ctx context.Context, e *entity, r *reading, t *tally) error {
	p.alone = 0
	for range listsPerRound {
		keys, err := p.toAsk(ctx, e, r)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			r.Asking, r.After = false, ""
			p.asking = asking{}
			p.tellUnseen(r)
			return nil
		}
		if err := p.askFor(ctx, e, keys, r, t); err != nil {
			return err
		}
		r.After = keys[len(keys)-1]
		if p.alone > 0 {
			return nil // reads of single records take long: polling goes on between them
		}
	}
	return nil
}

// toAsk returns the next keys, none at the end.
func (p *Poller) toAsk(ctx context.Context, e *entity, r *reading) ([]string, error) {
	a := &p.asking
	if a.object != e.object || !a.began.Equal(r.Began) {
		*a = asking{object: e.object, began: r.Began, more: true}
	}
	next, found := slices.BinarySearch(a.keys, r.After)
	if found {
		next++
	}
	a.keys = a.keys[next:]
	if len(a.keys) == 0 && a.more {
		var err error
		if a.keys, err = p.o.Told.KeysAfter(ctx, bus.Key(p.o.Connection, e.object), r.After, keysAtOnce); err != nil {
			return nil, err
		}
		a.more = len(a.keys) == keysAtOnce
	}
	return a.keys[:min(askedAtOnce, len(a.keys))], nil
}

// askFor reads some records in one list. What has changed since the reading
// began is polled, or will be. What is not in the list is looked for by itself.
func (p *Poller) askFor(ctx context.Context, e *entity, keys []string, r *reading, t *tally) error {
	was, terms := make(map[string]*statement), []string{}
	for _, key := range keys {
		s, err := p.toldAsOpen(ctx, e, key, r)
		if err != nil {
			return err
		}
		if s != nil {
			was[key] = s
			terms = append(terms, e.keys[len(e.keys)-1]+" eq "+acumatica.Quote(s.Keys[len(s.Keys)-1]))
		}
	}
	if len(terms) == 0 {
		return nil
	}
	q := acumatica.Query{Select: e.fields, Top: askedAtOnce, Filter: "(" + strings.Join(terms, " or ") + ")"}
	if e.filter != "" {
		q.Filter = e.filter + " and " + q.Filter
	}
	rows, err := p.page(ctx, e, q)
	if err != nil {
		return err
	}
	listed := rows
	rows = nil
	for _, x := range listed {
		key := p.toldKey(e, x.key)
		s, asked := was[key]
		delete(was, key)
		if !asked || !x.changed.Before(r.Began) {
			continue
		}
		as, err := p.asTold(ctx, e, s, x)
		if err != nil {
			return err
		}
		if !as {
			x.again = true
			rows = append(rows, x)
		}
	}
	for _, key := range keys { // in their order
		if s := was[key]; s != nil {
			if rows, err = p.missed(ctx, e, key, s, rows, r, t); err != nil {
				return err
			}
		}
	}
	return p.publish(ctx, e, rows, t)
}

// toldAsOpen returns what was told of a record that may be open still, or nil.
// So may be one of which Stripe shows another state than was told. What was told
// of one that has been closed for long is deleted. Of customers only those that
// are in Stripe are asked for.
func (p *Poller) toldAsOpen(ctx context.Context, e *entity, key string, r *reading) (*statement, error) {
	s, err := p.told(ctx, key)
	if err != nil || s.revision == 0 {
		return nil, err
	}
	if s.Telling == nil && !s.Said.Open {
		l, linked, err := p.link(ctx, e, e.linkedAs(s.ID, s.Keys))
		if err != nil {
			return nil, err
		}
		if linked && !s.shows(l) {
			return s, nil
		}
		if s.Said.Told.Before(r.Began.Add(-closedKept)) {
			return nil, p.drop(ctx, key, s)
		}
		return nil, nil //nolint:nilnil // as documented
	}
	if !e.document {
		_, linked, err := p.link(ctx, e, e.linkedAs(s.ID, s.Keys))
		if err != nil || !linked {
			return nil, err
		}
	}
	return s, nil
}
