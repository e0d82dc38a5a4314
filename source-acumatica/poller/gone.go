package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// goneAtOnce bounds how many records a full reading tells as gone: each holds
// its customer's lane until a person has looked. Where more are gone at once it
// is the API user that lost its sight: the others are not even looked for, only
// counted, and told by the next readings.
const goneAtOnce = 20

// missed deals with a record that a list should have shown: one that can be
// read by itself joins the rows, unless it is as it was told. One that cannot
// was deleted or is hidden from us: nobody can say what is owed for it, so it is
// told as gone. It is read by its id, which Acumatica never changes: a customer
// whose number was changed is told as changed, and what was told of it is kept
// under the new number. Only this costs reads of single records. One that was
// told as gone is still gone.
func (p *Poller) missed(ctx context.Context, e *entity, key string, s *statement, rows []row, r *reading, t *tally) ([]row, error) {
	if s.Telling == nil && s.Said.Digest == gone {
		return rows, nil
	}
	if r.Gone >= goneAtOnce {
		r.Unseen++
		return rows, nil
	}
	p.alone++
	record, err := p.o.Get(ctx, e.name, []string{s.ID}, acumatica.Query{Select: e.fields})
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
	as, err := p.asTold(ctx, e, s, found[0])
	if err != nil {
		return nil, err
	}
	if now := p.toldKey(e, found[0].key); now != key {
		if err := p.renamed(ctx, key, now, s); err != nil {
			return nil, err
		}
	}
	if as || !found[0].changed.Before(r.Began) {
		return rows, nil
	}
	found[0].again = true
	return append(rows, found...), nil
}

// renamed moves what was told of a record to its new number, unless something
// was told under that already: the numbering of what is told goes on.
func (p *Poller) renamed(ctx context.Context, key, now string, s *statement) error {
	told, err := p.told(ctx, now)
	if err != nil {
		return err
	}
	if told.revision == 0 {
		moved := *s
		moved.revision = 0
		if err := p.keep(ctx, now, &moved); err != nil {
			return err
		}
	}
	return p.drop(ctx, key, s)
}

// tellGone tells that a record cannot be seen any more, once. Lists are asked for
// it as before: it may be seen again when nothing is open any more, and with a
// change time that no window reads. Then it differs from what was told.
func (p *Poller) tellGone(ctx context.Context, e *entity, key string, s *statement, r *reading, t *tally) error {
	f := fault.Newf("source.document_gone", "%s", key)
	p.o.Log.Warn("a record cannot be seen any more", "connection", p.o.Connection, "code", f.Code, "hint", f.Hint, "err", f)
	x := s.next(said{Changed: s.Said.Changed, State: gone, Digest: gone, Open: true, Told: p.now.UTC()})
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

// tellUnseen logs how many more cannot be seen than a reading tells of.
func (p *Poller) tellUnseen(r *reading) {
	if r.Unseen > 0 {
		f := fault.Newf("source.document_gone", "%d more of %s", r.Unseen, r.Object)
		p.o.Log.Warn("many records cannot be seen any more", "connection", p.o.Connection, "code", f.Code, "hint", f.Hint, "err", f,
			"told", r.Gone, "untold", r.Unseen)
	}
	r.Unseen = 0
}

// drop forgets what was told of a record.
func (p *Poller) drop(ctx context.Context, key string, s *statement) error {
	err := p.o.Told.Delete(ctx, key, s.revision)
	if err == nil || errors.Is(err, bus.ErrConflict) {
		return nil // told again meanwhile
	}
	return fmt.Errorf("told %s: %w", key, err)
}
