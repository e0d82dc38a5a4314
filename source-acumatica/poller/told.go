package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
)

// Told keeps what was told last of every document that was open then, so that
// a full reading sees a change that no timestamp shows, and asks for what is
// not open any more. Get answers bus.ErrNotFound.
type Told interface {
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	Put(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Delete(ctx context.Context, key string, revision uint64) error
	Keys(ctx context.Context, prefix string) ([]string, error)
}

// statement is what was told of a document.
type statement struct {
	Type   string `json:"type"`
	Number string `json:"number"`
	State  string `json:"state"`
}

// state is what decides how much can be paid for a document: everything of it
// that a list tells.
func state(r acumatica.Record) string {
	balance := r.String("Balance")
	if d, ok := r.Decimal("Balance"); ok {
		balance = d.String() // whatever scale it came with
	}
	return balance + " " + r.String("Status")
}

// isOpen reports a document that is still to be paid, or may be.
func isOpen(r acumatica.Record) bool {
	d, ok := r.Decimal("Balance")
	return !ok || !d.IsZero() || payable(r)
}

func (p *Poller) toldKey(e *entity, document string) string {
	return bus.Key(p.o.Connection, e.object, document)
}

// told returns what was told last of a document that was open then.
func (p *Poller) told(ctx context.Context, key string) (statement, bool, error) {
	data, _, err := p.o.Told.Get(ctx, key)
	if errors.Is(err, bus.ErrNotFound) {
		return statement{}, false, nil
	}
	if err != nil {
		return statement{}, false, fmt.Errorf("told %s: %w", key, err)
	}
	var s statement
	if err := json.Unmarshal(data, &s); err != nil {
		return s, false, fault.Newf("source.cursor_malformed", "told %s: %w", key, err)
	}
	return s, true, nil
}

// note keeps what was told, once the broker has it: a crash in between tells
// it again, under the same id (Invariant 2).
func (p *Poller) note(ctx context.Context, e *entity, r row) error {
	if !e.document {
		return nil
	}
	key, now := p.toldKey(e, r.key), state(r.record)
	old, found, err := p.told(ctx, key)
	switch {
	case err != nil:
		return err
	case !isOpen(r.record) && found:
		err = p.o.Told.Delete(ctx, key, 0)
	case isOpen(r.record) && old.State != now:
		var data []byte
		if data, err = json.Marshal(statement{trimmed(r.record, "Type"), trimmed(r.record, "ReferenceNbr"), now}); err == nil {
			_, err = p.o.Told.Put(ctx, key, data)
		}
	}
	if err != nil {
		return fmt.Errorf("note %s: %w", r.key, err)
	}
	return nil
}
