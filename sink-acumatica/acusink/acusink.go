// Package acusink makes intents true in Acumatica, exactly once, although
// Acumatica has no idempotency key: a document is created without effect on
// the ledger, read back, and only then released; whatever is uncertain is
// searched by its external reference before it is done again. Crashing
// between any two steps ends in one released document (Invariants 2 and 7).
package acusink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

// Stage is the name of this stage in subjects and outcomes.
const Stage = "sink-acumatica"

// Postings hands out the durable record of an intent, held by this worker. Get
// only reads it; false if there is none.
type Postings interface {
	Claim(ctx context.Context, connection, intentID string) (Posting, error)
	Get(ctx context.Context, connection, intentID string) (posting.Record, bool, error)
}

// Posting is one held record. Save fails with posting.fenced when another
// worker has taken it; nothing more may be sent then. Renew only prolongs the
// hold, beside the work.
type Posting interface {
	Data() *posting.Record
	Save(ctx context.Context) error
	Renew(ctx context.Context) error
}

// Links stores and finds the pair of ids of a document.
type Links interface {
	Put(ctx context.Context, connection string, l link.Link) error
	ByStripe(ctx context.Context, connection, kind, id string) (link.Link, bool, error)
}

// Publisher publishes intents and outcomes; the same twice must be stored once.
type Publisher interface {
	PublishIntent(ctx context.Context, in schemas.Intent) (bus.PubAck, error)
	PublishOutcome(ctx context.Context, o schemas.Outcome) error
}

// Connection is one tenant to post to.
type Connection struct {
	Client *acumatica.Client
	// SettleDelay is how long an uncertain write gets to show up before it is
	// searched. Acumatica: a request may still wait in its queue.
	SettleDelay time.Duration
	// NextOpenPeriod puts a journal whose period is closed into the next one
	// that is open; otherwise it waits for a person.
	NextOpenPeriod bool
}

// Options is what a Sink works with; all fields are required.
type Options struct {
	Connections map[string]Connection // by name
	Postings    Postings
	Links       Links
	Publisher   Publisher
	Doubts      Doubts
}

// Sink handles the intents of the target acumatica.
type Sink struct {
	o   Options
	now func() time.Time
	at  func(point string) // tests: called between any two steps
}

// New returns a Sink.
func New(o Options) *Sink {
	return &Sink{o: o, now: time.Now, at: func(string) {}}
}

// Handle carries out one intent; it is a bus.Handler. It may be called again
// with the same message, and by several workers.
func (s *Sink) Handle(ctx context.Context, m *bus.Message) (schemas.Outcome, error) {
	in, err := decodeIntent(m)
	if err != nil {
		return schemas.Outcome{Document: m.Subject.B}, err
	}
	out := schemas.Outcome{
		Document: in.Document, IntentID: in.ID, EventID: in.Cause.EventID, EventType: in.Cause.EventType, Refs: in.Refs,
	}
	c, ok := s.o.Connections[in.Connection]
	if !ok {
		return out, fault.Newf("acumatica.intent_malformed", "intent %s: connection %q is not served here", in.ID, in.Connection)
	}
	if in.Verb == annotateVerb {
		return s.annotate(ctx, c, in, out)
	}
	w, err := s.work(c, in)
	if err != nil {
		return out, err
	}
	w.seq, w.stored = m.Seq, m.Stored
	return w.post(ctx, out)
}

// decodeIntent refuses an intent that contradicts itself or its subject: a
// document in the wrong books is worse than one that waits (Invariant 8).
func decodeIntent(m *bus.Message) (schemas.Intent, error) {
	var in schemas.Intent
	if err := json.Unmarshal(m.Event.Data, &in); err != nil {
		return in, fault.Newf("acumatica.intent_malformed", "intent: %w", err)
	}
	if want := schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, in.Version); in.ID != want {
		return in, fault.Newf("acumatica.intent_malformed", "intent %q: its parts make the id %q", in.ID, want)
	}
	if m.Event.ID != in.ID { // two publications under one id, or a message that others have changed
		return in, fault.Newf("acumatica.intent_malformed", "intent %s: its message has the id %q", in.ID, m.Event.ID)
	}
	sub := m.Subject
	if in.Target != schemas.Acumatica || sub.Connection != in.Connection || sub.Lane != in.Lane || sub.B != in.Document {
		return in, fault.Newf("acumatica.intent_malformed", "intent %s: does not belong on subject %s", in.ID, sub)
	}
	return in, nil
}

// decodeStrict refuses fields that we do not know: leaving one out of a
// document would be a silent change of its meaning.
func decodeStrict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("trailing data")
	}
	return nil
}
