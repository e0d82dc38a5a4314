package schemas

import (
	"encoding/json"
	"time"
)

// How an event or intent ended (Invariant 3). There is no fifth way.
const (
	Applied   = "applied"
	Duplicate = "duplicate"
	Skipped   = "skipped"
	Parked    = "parked"
)

// Outcome is the data of a CloudEvent on the OUTCOMES stream, type
// io.millrace.outcome.v1: the audit trail.
type Outcome struct {
	Connection string    `json:"connection"`
	Lane       string    `json:"lane"`
	Stage      string    `json:"stage"`            // "transform", "sink-stripe", "sink-acumatica", "sweep"
	Document   string    `json:"document"`         // what it is about: "invoice", "payment", "customer", or the source object of an event
	Outcome    string    `json:"outcome"`          // Applied, Duplicate, Skipped or Parked
	Reason     string    `json:"reason"`           // one sentence; for Applied what was done
	Review     string    `json:"review,omitempty"` // one sentence: what a person should look at, although nothing is held up
	Code       string    `json:"code,omitempty"`
	Hint       string    `json:"hint,omitempty"`
	Error      string    `json:"error,omitempty"`
	EventID    string    `json:"event_id"`
	EventType  string    `json:"event_type,omitempty"`
	IntentID   string    `json:"intent_id,omitempty"`
	Intents    []string  `json:"intents,omitempty"` // transform: ids of the intents it published
	Refs       []Ref     `json:"refs,omitempty"`
	Calls      Calls     `json:"calls"`
	Attempt    int       `json:"attempt"` // 1 = the first try succeeded
	Stream     string    `json:"stream"`  // stream of the message that ended
	Seq        uint64    `json:"seq"`     // its sequence
	TookMS     int64     `json:"took_ms"` // of the last attempt
	At         time.Time `json:"at"`      // UTC
	TraceID    string    `json:"trace_id,omitempty"`
	Decision   *Decision `json:"decision,omitempty"` // what a person decided about the message, when somebody did
}

// Decision is what a person decided about a message that held its lane.
type Decision struct {
	Do     string          `json:"do"`             // Release, Edit or Skip
	Reason string          `json:"reason"`         // why
	By     string          `json:"by"`             // who
	At     time.Time       `json:"at"`             // UTC
	Data   json.RawMessage `json:"data,omitempty"` // the message's data as it was handled, when it was edited; the original is in its stream
}

// What a person can decide.
const (
	Release = "release" // try it again as it is, or as it was edited before
	Edit    = "edit"    // try it with other data
	Skip    = "skip"    // end it without an effect
)

// Calls is how many API calls the handling cost, all attempts included that
// ran in one go.
type Calls struct {
	Acumatica    int64 `json:"acumatica"`
	StripeReads  int64 `json:"stripe_reads"`
	StripeWrites int64 `json:"stripe_writes"`
}
