package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// goneAtOnce bounds how many records a full reading tells as gone: each holds
// its customer's lane until a person has looked. Where more are gone at once it
// is the API user that lost its sight; the others are in the log, and told by
// the next readings.
const goneAtOnce = 20

// missed deals with a record that a list should have shown: one that can be
// read by itself joins the rows, unless it is as it was told. One that cannot
// was deleted or is hidden from us: nobody can say what is owed for it, so it is
// told as gone. Only this costs reads of single records.
func (p *Poller) missed(ctx context.Context, e *entity, key string, s *statement, rows []row, r *reading, t *tally) ([]row, error) {
	keys := s.Keys
	if e.byID || slices.ContainsFunc(keys, func(k string) bool { return strings.Contains(k, "/") }) {
		keys = []string{s.ID} // Acumatica: a key with a slash cannot stand in a path
	}
	record, err := p.o.Get(ctx, e.name, keys, acumatica.Query{Select: e.fields})
	if acumatica.IsNotFound(err) {
		return rows, p.tellGone(ctx, e, key, s, r, t)
	}
	if err != nil {
		return nil, err
	}
	found, err := e.rows([]acumatica.Record{record})
	if err != nil {
		return nil, err
	}
	if s.Telling == nil && s.Said.Digest == found[0].digest || !found[0].changed.Before(r.Began) {
		return rows, nil
	}
	return append(rows, found...), nil
}

// tellGone tells that a record cannot be seen any more, once: from then on it
// is not asked for. When it is seen again it has changed.
func (p *Poller) tellGone(ctx context.Context, e *entity, key string, s *statement, r *reading, t *tally) error {
	f := fault.Newf("source.document_gone", "%s", key)
	p.o.Log.Warn("a record cannot be seen any more", "connection", p.o.Connection, "code", f.Code, "hint", f.Hint, "err", f,
		"told", r.Gone < goneAtOnce)
	if r.Gone >= goneAtOnce {
		return nil
	}
	x := s.next(said{Changed: s.Said.Changed, State: gone, Digest: gone, Told: p.now.UTC()})
	fields := map[string]any{"id": s.ID}
	if e.lane != "" {
		fields[e.lane] = s.Lane
	}
	for i, field := range e.keys {
		fields[field] = s.Keys[i]
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	err = p.say(ctx, key, s, x, func() error {
		stored, err := p.send(ctx, e, s.Lane, gone, bus.Event{
			ID: e.eventID(s.ID, x), Type: schemas.EventType(schemas.Acumatica, e.object, gone),
			Source:  "/" + bus.Escape(p.o.Connection) + "/" + schemas.Acumatica,
			Subject: nameOf(s.Keys), Time: r.Began, Data: data,
		})
		if stored {
			t.published++
		} else if err == nil {
			t.duplicates++
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("tell %s as gone: %w", key, err)
	}
	r.Gone++
	delete(p.seen[e.object], s.ID)
	return nil
}

// drop forgets what was told of a record.
func (p *Poller) drop(ctx context.Context, key string, s *statement) error {
	err := p.o.Told.Delete(ctx, key, s.revision)
	if err == nil || errors.Is(err, bus.ErrConflict) {
		return nil // told again meanwhile
	}
	return fmt.Errorf("told %s: %w", key, err)
}
