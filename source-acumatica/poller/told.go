package poller

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
)

// Told keeps what was told last of every record. A row that equals it needs no
// event; a full reading sees by it a change that no timestamp shows, and asks
// for what is not open any more. Get answers bus.ErrNotFound, the writes
// bus.ErrConflict when somebody else was first.
type Told interface {
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Update(ctx context.Context, key string, value []byte, rev uint64) (revision uint64, err error)
	Delete(ctx context.Context, key string, rev uint64) error
	KeysAfter(ctx context.Context, prefix, after string, most int) ([]string, error)
}

// statement is what was told of a record. The revision is of the bucket; 0:
// nothing was told.
type statement struct {
	ID      string   `json:"id"`   // Acumatica's, of the record
	Keys    []string `json:"keys"` // in the order of the form
	Lane    string   `json:"lane"`
	Said    said     `json:"said"`
	Telling *said    `json:"telling,omitempty"` // is being told: whether the broker has it, nobody knows

	revision uint64
}

// said is one telling.
type said struct {
	Changed time.Time `json:"changed"`        // as the record says, by the server's clock
	State   string    `json:"state"`          // for people: balance and status of a document, "gone" of what is not seen any more
	Digest  string    `json:"digest"`         // of everything in it that matters to Stripe
	N       int       `json:"n,omitempty"`    // how often something else was told of the record before: it makes the ids of events differ
	Open    bool      `json:"open,omitempty"` // a full reading asks for it
	Told    time.Time `json:"told,omitzero"`  // when, by the server's clock
	Shown   time.Time `json:"shown,omitzero"` // change time of what Stripe showed then
}

func (s said) same(x said) bool {
	return s.Changed.Equal(x.Changed) && s.Digest == x.Digest && s.Shown.Equal(x.Shown)
}

const gone = "gone"

// next numbers a telling. What may have been told already goes under the same
// number, and so under the same id, again (Invariant 2); everything else under
// one that was not used for the record: also a state that it had before.
func (s *statement) next(x said) said {
	switch {
	case s.revision == 0:
	case s.Telling != nil && s.Telling.same(x):
		x.N = s.Telling.N
	case s.Telling != nil:
		x.N = s.Telling.N + 1
	case s.Said.same(x):
		x.N = s.Said.N
	default:
		x.N = s.Said.N + 1
	}
	return x
}

// state is what decides how much can be paid for a document.
func state(r acumatica.Record) string { return plain(r, "Balance") + " " + r.String("Status") }

// plain is a field without what changes though it means the same: the scale of
// an amount, and the time and offset of a day.
func plain(r acumatica.Record, field string) string {
	switch field {
	case "Balance", "Amount", "DefaultPrice", "CurySpecificPrice":
		if d, ok := r.Decimal(field); ok {
			return d.String()
		}
	case "Date", "DueDate":
		if day := r.Date(field); day != "" {
			return day
		}
	}
	return r.String(field)
}

// digest is of everything that a list tells and Stripe shows. A list does not
// show addresses: of a customer every change counts. A document that is
// released changes nowhere else, so the moment of a change says nothing about
// it: a note, or what we wrote back, is no news.
func (e *entity) digest(r acumatica.Record) string {
	h := sha256.New()
	_, _ = h.Write([]byte(e.meaning)) // a hash takes everything
	for _, field := range e.fields {
		if e.document && (field == e.changed || field == "CreatedDateTime") {
			continue
		}
		v := plain(r, field)
		_, _ = h.Write([]byte(strconv.Itoa(len(v)) + " " + v))
	}
	return fmt.Sprintf("%.8x", h.Sum(nil))
}

// isOpen reports a document that is still to be paid, or may be.
func isOpen(r acumatica.Record) bool {
	d, ok := r.Decimal("Balance")
	return !ok || !d.IsZero() || payable(r)
}

func (p *Poller) toldKey(e *entity, document string) string {
	return bus.Key(p.o.Connection, e.object, document)
}

// told returns what was told last under a key.
func (p *Poller) told(ctx context.Context, key string) (*statement, error) {
	data, rev, err := p.o.Told.Get(ctx, key)
	if errors.Is(err, bus.ErrNotFound) {
		return &statement{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("told %s: %w", key, err)
	}
	s := &statement{revision: rev}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fault.Newf("source.cursor_malformed", "told %s: %w", key, err)
	}
	return s, nil
}

// knows reports whether everything that a row tells was told. Of what is open
// and not in Stripe every change is told: it is how people try again.
func (p *Poller) knows(ctx context.Context, e *entity, s *statement, r row) (bool, error) {
	if s.revision == 0 || !s.equals(r) {
		return false, nil
	}
	if s.Said.Changed.Equal(r.changed) {
		return true, nil
	}
	l, linked, err := p.link(ctx, e, r.key)
	return linked && !s.passed(l, r) || !linked && e.closed(r.record), err
}

// say has an event published and keeps that it was told. That it is about to be
// is kept before: after a crash in between nobody could know what was told last,
// and a record that is then as it was before would look as if it were told.
func (p *Poller) say(ctx context.Context, key string, s *statement, x said, publish func() error) error {
	again := s.Telling != nil && s.Telling.same(x) || s.Telling == nil && s.revision != 0 && s.Said.same(x)
	if !again {
		s.Telling = &x
		if err := p.keep(ctx, key, s); err != nil {
			return err
		}
	}
	if err := publish(); err != nil {
		return err
	}
	s.Said, s.Telling = x, nil
	err := p.keep(ctx, key, s)
	if errors.Is(err, bus.ErrConflict) {
		return errors.Join(err, p.doubt(ctx, key, x))
	}
	return err
}

// doubt keeps that two replicas told of a record at the same time, so that
// nobody knows whose event is the last: it is told once more when it is seen.
func (p *Poller) doubt(ctx context.Context, key string, x said) error {
	s, err := p.told(ctx, key)
	if err != nil {
		return err
	}
	n := max(s.Said.N, x.N)
	if s.Telling != nil {
		n = max(n, s.Telling.N)
	}
	s.Telling = &said{Changed: x.Changed, N: n}
	return p.keep(ctx, key, s)
}

// keep stores a statement; source.cursor_conflict when another replica did.
func (p *Poller) keep(ctx context.Context, key string, s *statement) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("told %s: %w", key, err)
	}
	if s.revision == 0 {
		s.revision, err = p.o.Told.Create(ctx, key, data)
	} else {
		s.revision, err = p.o.Told.Update(ctx, key, data, s.revision)
	}
	if errors.Is(err, bus.ErrConflict) {
		return fault.Newf("source.cursor_conflict", "told %s: %w", key, err)
	}
	if err != nil {
		return fmt.Errorf("told %s: %w", key, err)
	}
	return nil
}

// eventID is different for everything that is told of a record, and the same
// however often it is told.
func (e *entity) eventID(id string, x said) string {
	s := e.object + ":" + id + "@" + x.Changed.UTC().Format(time.RFC3339Nano)
	if x.State != "" {
		s += "~" + strings.ReplaceAll(x.State, " ", "_")
	}
	if x.N > 0 {
		s += "~" + strconv.Itoa(x.N)
	}
	return s
}
