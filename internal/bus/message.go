package bus

import (
	"context"
	"time"

	"millrace/schemas"
)

// Event is one CloudEvent, as it is published and as it is read back.
type Event struct {
	ID          string            // upstream id (evt_…); unique per connection
	Type        string            // io.millrace.stripe.invoice.paid.v1
	Source      string            // URI reference: "/<connection>/stripe"
	Subject     string            // CloudEvents subject: id of the object it is about; may be empty
	Time        time.Time         // when it happened, by the source's clock; zero if unknown
	DataSchema  string            // URI reference of the JSON Schema; may be empty
	TraceParent string            // W3C; filled from ctx when empty
	Data        []byte            // JSON; for Stripe events the raw webhook body
	Ext         map[string]string // further extension attributes: lower-case letters and digits
}

// PubAck is the broker's receipt.
type PubAck struct {
	Seq       uint64
	Duplicate bool // the id was published within the dedupe window; nothing was stored
}

// Message is one event or intent as a stage receives it.
type Message struct {
	Stream  string
	Seq     uint64
	Subject Subject
	Event   Event
	Stored  time.Time // when the broker stored it

	unreadable error             // why it is not a message of ours
	decision   *schemas.Decision // what a person decided about it
}

// Handler handles one message of a stage. It returns how the message ended,
// or an error whose fault.Kind decides what happens to the message. It may be
// called again with the same message, also concurrently by a stale worker:
// effects are idempotent (Invariant 2). It fills Document, Outcome, Reason and
// whatever ids it knows; the bus fills the rest of the outcome.
type Handler func(ctx context.Context, m *Message) (schemas.Outcome, error)

// Stage is a consumer of one stream.
type Stage struct {
	Name        string   // "transform", "sink-stripe", "sink-acumatica"
	Stream      string   // Events or Intents
	Target      string   // Intents: the A token to consume, "stripe" or "acumatica"; empty = all
	Connections []string // names of the connections to serve
	Handle      Handler
	// Skip ends a message that a person decided to skip. When it returns
	// Skipped nobody can apply the message any more, not even a worker that was
	// stopped in the midst of it and wakes up later: the sink has made that
	// impossible before it is told, and Handle ends the message as Skipped from
	// then on. What has its effect already ends as Applied or Duplicate, or is
	// refused; then the lane is parked again (Invariants 3 and 8).
	Skip Handler
}
