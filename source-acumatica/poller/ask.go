package poller

import (
	"context"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
)

const (
	// askedAtOnce is how many numbers a filter names. IIS refuses a query string
	// of more than 2048 characters unless it is set up otherwise; a number takes
	// some 45 of them.
	askedAtOnce = 25
	// listsPerRound bounds what a round asks for.
	listsPerRound = 8
)

// ask reads what was told as open and publishes what is not as it was told. It
// moves the reading behind each list (Invariant 1).
func (p *Poller) ask(ctx context.Context, e *entity, r *reading, t *tally) error {
	keys, err := p.o.Told.Keys(ctx, bus.Key(p.o.Connection, e.object))
	if err != nil {
		return err
	}
	next, found := slices.BinarySearch(keys, r.After)
	if found {
		next++
	}
	keys = keys[next:]
	for range listsPerRound {
		if len(keys) == 0 {
			r.Asking, r.After = false, ""
			return nil
		}
		batch := keys[:min(askedAtOnce, len(keys))]
		if err := p.askFor(ctx, e, batch, r, t); err != nil {
			return err
		}
		keys, r.After = keys[len(batch):], batch[len(batch)-1]
	}
	return nil
}

// askFor reads some documents in one list. What has changed since the reading
// began is polled, or will be. What is not there at all was deleted or is hidden
// from us: nobody can say what is owed for it, so it is told to a person.
func (p *Poller) askFor(ctx context.Context, e *entity, keys []string, r *reading, t *tally) error {
	was, numbers := make(map[string]statement), []string{}
	for _, key := range keys {
		s, found, err := p.told(ctx, key)
		if err != nil {
			return err
		}
		if found {
			was[s.Type+" "+s.Number] = s
			numbers = append(numbers, "ReferenceNbr eq "+acumatica.Quote(s.Number))
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	rows, err := p.page(ctx, e, acumatica.Query{
		Select: e.fields, Top: askedAtOnce, Filter: e.filter + " and (" + strings.Join(numbers, " or ") + ")",
	})
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(x row) bool {
		s, asked := was[x.key]
		delete(was, x.key)
		return !asked || s.State == state(x.record) || !x.changed.Before(r.Began)
	})
	for key := range was {
		gone := fault.Newf("source.document_gone", "%s", key)
		p.o.Log.Warn("a document that was open cannot be seen any more", "connection", p.o.Connection, "code", gone.Code, "hint", gone.Hint, "err", gone)
	}
	return p.publish(ctx, e, rows, t)
}
