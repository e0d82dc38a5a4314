// Package trace tells the whole story of one id: every event, intent and
// outcome that belongs to it, in the order of time. Whichever id of a story is
// asked for, the story is the same, word by word.
package trace

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// Scanner is the one thing trace needs of the bus: every stored message of a
// stream, in order, up to its end.
type Scanner interface {
	Scan(ctx context.Context, stream string, fromSeq uint64, fn func(*bus.Message) error) error
}

// Story is all that belongs together.
type Story struct {
	Refs    []schemas.Ref `json:"refs"` // every id of the story in both systems
	Entries []Entry       `json:"entries"`
	Waits   string        `json:"waits,omitempty"` // why an event of it has no outcome yet, where that is known
}

// Unended tells whether an event of the story has no outcome.
func (s *Story) Unended() bool {
	ended := map[string]bool{}
	for _, e := range s.Entries {
		ended[e.EventID] = ended[e.EventID] || e.Outcome != ""
	}
	return slices.ContainsFunc(s.Entries, func(e Entry) bool { return e.Step == "event" && !ended[e.EventID] })
}

// Entry is one message of one stream.
type Entry struct {
	At         time.Time         `json:"at"` // when the broker stored it
	Stream     string            `json:"stream"`
	Seq        uint64            `json:"seq"`
	Connection string            `json:"connection"`
	Lane       string            `json:"lane"`
	Step       string            `json:"step"` // "event", "intent", or the stage that ended something
	What       string            `json:"what"`
	Outcome    string            `json:"outcome,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Review     string            `json:"review,omitempty"` // what a person should look at, although nothing is held up
	Code       string            `json:"code,omitempty"`
	Hint       string            `json:"hint,omitempty"`
	Error      string            `json:"error,omitempty"`
	EventID    string            `json:"event_id,omitempty"`
	IntentID   string            `json:"intent_id,omitempty"`
	Refs       []schemas.Ref     `json:"refs,omitempty"`
	Calls      *schemas.Calls    `json:"calls,omitempty"`
	TookMS     int64             `json:"took_ms,omitempty"`
	Decision   *schemas.Decision `json:"decision,omitempty"` // what a person decided about the message before it ended so
	Changes    []Change          `json:"changes,omitempty"`  // what an edit changed in it
	Lines      []string          `json:"lines,omitempty"`    // of a journal, as the intent has them
	TraceID    string            `json:"trace_id,omitempty"`

	data      []byte   // of an intent
	of        uint64   // the message that an outcome is about
	ids       []string // that join this entry with others
	customers []string // that many stories share: they join nothing
}

// Query is what is asked for.
type Query struct {
	ID         string
	Connection string   // look only there; empty: everywhere, the first connection that knows the id has it
	First      []string // connections to look in before the others
}

// Read scans the streams and returns the story of an id: an event, an intent,
// an object of Stripe, or a document of Acumatica with or without its type.
// Asked for a customer, it returns everything about that customer.
// cli.not_found when nothing is known under the id, cli.ambiguous when a
// number without its type belongs to several stories.
func Read(ctx context.Context, s Scanner, q Query) (*Story, error) {
	entries := make(map[string][]Entry)
	var seen []string
	for _, stream := range []string{bus.Events, bus.Intents, bus.Outcomes} {
		err := s.Scan(ctx, stream, 1, func(m *bus.Message) error {
			e, err := entryOf(m)
			if err != nil {
				return fmt.Errorf("%s %d: %w", m.Stream, m.Seq, err)
			}
			if entries[e.Connection] == nil {
				seen = append(seen, e.Connection)
			}
			entries[e.Connection] = append(entries[e.Connection], e)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("trace: %w", err)
		}
	}
	connections := append(slices.Clone(q.First), seen...)
	if q.Connection != "" {
		connections = []string{q.Connection}
	}
	id := strings.TrimSpace(q.ID)
	for _, c := range connections {
		if id == "" {
			break
		}
		picked, err := pick(entries[c], id)
		if err != nil {
			return nil, err
		}
		if len(picked) > 0 {
			return tell(picked), nil
		}
	}
	return nil, fault.Newf("cli.not_found", "nothing is known of %q", id)
}

// tell puts entries in the order of time and collects their ids.
func tell(entries []Entry) *Story {
	order := []string{bus.Events, bus.Intents, bus.Outcomes}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(slices.Index(order, a.Stream), slices.Index(order, b.Stream)), cmp.Compare(a.Seq, b.Seq))
	})
	tellChanges(entries)
	st := &Story{Refs: []schemas.Ref{}, Entries: entries}
	seen := make(map[[3]string]int)
	for _, e := range entries {
		for _, r := range e.Refs {
			key := [3]string{r.System, strings.ToLower(r.Kind), r.ID}
			i, found := seen[key]
			if !found {
				seen[key] = len(st.Refs)
				st.Refs = append(st.Refs, r)
			} else if st.Refs[i].URL == "" {
				st.Refs[i].URL = r.URL
			}
		}
	}
	slices.SortFunc(st.Refs, func(a, b schemas.Ref) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(strings.ToLower(a.Kind), strings.ToLower(b.Kind)), cmp.Compare(a.ID, b.ID))
	})
	return st
}

// tellChanges compares what was edited with what was stored.
func tellChanges(entries []Entry) {
	intents := make(map[uint64][]byte)
	for _, e := range entries {
		if e.Stream == bus.Intents {
			intents[e.Seq] = e.data
		}
	}
	for i, e := range entries {
		if stored, found := intents[e.of]; found && e.Decision != nil && e.Decision.Data != nil {
			entries[i].Changes = Changes(stored, e.Decision.Data)
		}
	}
}

func entryOf(m *bus.Message) (Entry, error) {
	e := Entry{
		At: m.Stored.UTC(), Stream: m.Stream, Seq: m.Seq, Connection: m.Subject.Connection, Lane: m.Subject.Lane,
		TraceID: traceID(m.Event.TraceParent),
	}
	e.customers = append(e.customers, m.Subject.Lane)
	var err error
	switch m.Stream {
	case bus.Intents:
		err = e.fromIntent(m)
	case bus.Outcomes:
		err = e.fromOutcome(m)
	default:
		e.fromEvent(m)
	}
	for _, r := range e.Refs {
		e.addRef(r)
	}
	return e, err
}

// traceID is the second field of a W3C traceparent.
func traceID(parent string) string {
	if f := strings.Split(parent, "-"); len(f) == 4 {
		return f[1]
	}
	return ""
}

func (e *Entry) add(ids ...string) {
	for _, id := range ids {
		if id != "" {
			e.ids = append(e.ids, id)
		}
	}
}

// addRef adds an id of a thing; a customer joins no stories.
func (e *Entry) addRef(r schemas.Ref) {
	if strings.EqualFold(r.Kind, "customer") || strings.HasPrefix(r.ID, "cus_") {
		e.customers = append(e.customers, r.ID)
		return
	}
	e.add(r.ID)
}

// addIntent adds the id of an intent, unless the intent is about a customer:
// several stories may wait for the same customer.
func (e *Entry) addIntent(id string) {
	if f := strings.SplitN(id, "/", 4); len(f) > 2 && f[2] == "customer" {
		return
	}
	e.add(id)
}

// addCause adds what caused an intent. A person who asked for one joins no
// stories: the next one is another story.
func (e *Entry) addCause(id, kind string) {
	if kind != schemas.WriteOffType {
		e.add(id)
	}
}

// journalLines are the lines of a journal for people; none when it cannot be
// read, which is for the sink to refuse.
func journalLines(fields []byte) []string {
	var j schemas.AcumaticaJournal
	if json.Unmarshal(fields, &j) != nil {
		return nil
	}
	var lines []string
	for _, l := range j.Details {
		text := fmt.Sprintf("debit %s %s %s", l.Account, l.DebitAmount, j.CurrencyID)
		if l.DebitAmount == "" {
			text = fmt.Sprintf("credit %s %s %s", l.Account, l.CreditAmount, j.CurrencyID)
		}
		lines = append(lines, strings.TrimSpace(text+"  "+l.TransactionDescription))
	}
	return lines
}

func (e *Entry) fromEvent(m *bus.Message) {
	s := m.Subject
	e.Step, e.EventID = "event", m.Event.ID
	e.What = strings.TrimSpace(strings.Join([]string{s.A, s.B, s.C, m.Event.Subject}, " "))
	e.add(m.Event.ID)
	if m.Event.Subject != "" {
		e.Refs = append(e.Refs, schemas.Ref{System: s.A, Kind: s.B, ID: m.Event.Subject})
	}
	if s.A == schemas.Stripe {
		e.Refs = append(e.Refs, stripeRefs(m.Event.Data)...)
	}
}

// stripeRefs reads the ids of an event's object, never an amount. Stripe: a
// reference is an id, or the object itself when it was expanded.
func stripeRefs(body []byte) []schemas.Ref {
	var ev struct {
		Data struct {
			Object map[string]json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &ev) != nil {
		return nil // ingest stores what it does not know; it has no ids then
	}
	var refs []schemas.Ref
	for field, kind := range map[string]string{
		"invoice": "invoice", "charge": "charge", "latest_charge": "charge", "payment_intent": "payment_intent", "customer": "customer",
	} {
		var id string
		if json.Unmarshal(ev.Data.Object[field], &id) == nil && id != "" {
			refs = append(refs, schemas.Ref{System: schemas.Stripe, Kind: kind, ID: id})
		}
	}
	slices.SortFunc(refs, func(a, b schemas.Ref) int { return cmp.Compare(a.ID, b.ID) })
	return refs
}

func (e *Entry) fromIntent(m *bus.Message) error {
	var in schemas.Intent
	if err := json.Unmarshal(m.Event.Data, &in); err != nil {
		return fmt.Errorf("not an intent: %w", err)
	}
	e.data = m.Event.Data
	e.Step, e.EventID, e.IntentID, e.Refs = "intent", in.Cause.EventID, in.ID, in.Refs
	e.What = fmt.Sprintf("%s %s in %s for %s, flow %s v%d", in.Verb, in.Document, in.Target, in.Key, in.Flow.ID, in.Flow.Version)
	e.addCause(in.Cause.EventID, in.Cause.EventType)
	e.addIntent(in.ID)
	if in.Document == "journal" {
		e.Lines = journalLines(in.Fields)
	}
	if in.Document == "customer" {
		e.customers = append(e.customers, in.Key)
		return nil
	}
	e.add(in.Key)
	if in.WriteBack != nil {
		e.add(in.WriteBack.ID)
	}
	return nil
}

func (e *Entry) fromOutcome(m *bus.Message) error {
	var o schemas.Outcome
	if err := json.Unmarshal(m.Event.Data, &o); err != nil {
		return fmt.Errorf("not an outcome: %w", err)
	}
	e.Step, e.What, e.Outcome, e.Reason = o.Stage, o.Document, o.Outcome, o.Reason
	e.Review, e.Decision = o.Review, o.Decision
	if o.Stream == bus.Intents {
		e.of = o.Seq
	}
	e.Code, e.Hint, e.Error = o.Code, o.Hint, o.Error
	e.EventID, e.IntentID, e.Refs, e.TookMS = o.EventID, o.IntentID, o.Refs, o.TookMS
	e.TraceID = cmp.Or(o.TraceID, e.TraceID)
	if o.Calls != (schemas.Calls{}) {
		e.Calls = &o.Calls
	}
	e.addCause(o.EventID, o.EventType)
	e.addIntent(o.IntentID)
	for _, id := range o.Intents {
		e.addIntent(id)
	}
	return nil
}
