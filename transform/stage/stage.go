// Package stage handles every event exactly as its flow says: it reads the
// object again from its system, evaluates the flow, and publishes the intents
// in order. An event is acknowledged only after the broker has every intent
// (Invariant 1), and it always ends with a reason (Invariant 3).
package stage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/link"
	"millrace/schemas"
	"millrace/transform/flow"
)

const (
	// Name is the stage's name in outcomes and durable consumers.
	Name = "transform"
	// maxRounds bounds how often a flow may ask for more. The shipped flows
	// need six.
	maxRounds = 8
	// evaluationTimeout bounds one evaluation, which takes a millisecond.
	evaluationTimeout = 2 * time.Second
)

// StripeReader reads one object with the parts named in expand. An object
// that does not exist is an error of package fault.
type StripeReader interface {
	Fetch(ctx context.Context, object, id string, expand ...string) (json.RawMessage, error)
}

// AcumaticaReader reads one record by its key fields in the form's order. A
// record that does not exist is an error of package fault.
type AcumaticaReader interface {
	Get(ctx context.Context, entity string, keys []string, q acumatica.Query) (acumatica.Record, error)
}

// Links finds the pair of ids of a thing by one of them.
type Links interface {
	ByAcumatica(ctx context.Context, connection, kind, id string) (link.Link, bool, error)
	ByStripe(ctx context.Context, connection, kind, id string) (link.Link, bool, error)
}

// Publisher puts an intent of an event on the bus and returns once it is
// durable. An intent whose id was published before is success and stores
// nothing. From the return of CloseEvent on nothing is stored for that event any
// more: bus.ErrSkipped.
type Publisher interface {
	PublishIntentFor(ctx context.Context, m *bus.Message, in schemas.Intent) (bus.PubAck, error)
	CloseEvent(ctx context.Context, m *bus.Message) error
	PublishEvent(ctx context.Context, connection, lane, source, object, verb string, ev bus.Event) (bus.PubAck, error)
}

// Connection is what the stage needs of one connection.
type Connection struct {
	Livemode  bool
	Books     flow.Books
	Stripe    StripeReader
	Acumatica AcumaticaReader
	// Rules and Movements are nil where the books have no accounts to settle on.
	Rules     *ledger.Rules
	Movements Movements
	// Basis refuses to settle by other choices than the connection was settled
	// by; nil: there is nobody to ask.
	Basis func(ctx context.Context) error
}

// Options are the parts of a Handler; all but Log are required.
type Options struct {
	Connections map[string]Connection
	Flows       []*flow.Document // in the order in which they are tried
	Links       Links
	Publisher   Publisher
	Log         *slog.Logger // what a person should look at although it was posted; nil discards
}

// Handler handles events; safe for concurrent use.
type Handler struct {
	o   Options
	now func() time.Time
}

// New returns the handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{o: o, now: time.Now}
}

// Handle is a bus.Handler. Handling an event again asks for the same intents
// (Invariant 2). What a flow parks comes back as an error with the flow's
// code; errors of the systems pass through as they are.
func (h *Handler) Handle(ctx context.Context, m *bus.Message) (schemas.Outcome, error) {
	out := schemas.Outcome{Document: m.Subject.B}
	conn, ok := h.o.Connections[m.Subject.Connection]
	if !ok {
		return out, fault.Newf("flow.connection_unknown", "connection %q is not configured", m.Subject.Connection)
	}
	hint, reason := hintOf(m, conn.Livemode)
	if reason != "" {
		return skip(out, reason), nil
	}
	if m.Subject.A == schemas.Stripe && conn.Basis != nil {
		if err := conn.Basis(ctx); err != nil {
			return out, err
		}
	}
	r := &refs{}
	r.source(m.Subject.A, m.Subject.B, hint)
	out.Refs = r.list
	in := flow.Input{Event: eventOf(m, hint), Books: conn.Books, Facts: flow.Facts{}}
	own, err := h.own(ctx, m, conn, in, out, r)
	if err != nil {
		return own.out, err
	}
	return h.beside(ctx, m, conn, in, own, r)
}

// own handles the event by the flow that is its own.
func (h *Handler) own(ctx context.Context, m *bus.Message, conn Connection, in flow.Input, out schemas.Outcome, r *refs) (ended, error) {
	d, reason, err := h.match(ctx, in)
	if err != nil {
		return ended{out: out}, err
	}
	if d == nil {
		return ended{skip(out, reason), !flow.Named(h.o.Flows, in.Event)}, nil
	}
	res, err := h.evaluate(ctx, d, conn, in, r)
	out.Refs = r.list
	if err != nil {
		return ended{out: out}, err
	}
	switch {
	case res.Skipped != nil:
		return ended{out: skip(out, res.Skipped.Reason)}, nil
	case res.Parked != nil:
		return ended{out: out}, stopped(d, res.Parked)
	case res.Retry != nil:
		err := h.first(ctx, m, conn, in, res.Retry.First)
		return ended{out: out}, cmp.Or(err, stopped(d, res.Retry))
	case res.Tell != nil:
		out, err = h.tell(ctx, m, out, res)
		return ended{out: out}, err
	}
	if out, err = h.publish(ctx, m, out, res.Intents, r); err == nil && res.Applied != "" && out.Outcome != schemas.Skipped {
		out.Reason += ": " + res.Applied
	}
	return ended{out: out}, err
}

// Skip ends an event that a person decided to skip; it is a bus.Handler.
// Intents that it has asked for already are not called back: each of them can
// be skipped at its sink.
func (h *Handler) Skip(ctx context.Context, m *bus.Message) (schemas.Outcome, error) {
	out := schemas.Outcome{Document: m.Subject.B}
	if err := h.o.Publisher.CloseEvent(ctx, m); err != nil {
		return out, err
	}
	return skip(out, "it asks for nothing any more"), nil
}

func skip(out schemas.Outcome, reason string) schemas.Outcome {
	out.Outcome, out.Reason = schemas.Skipped, reason
	return out
}

// stopped is the error whose kind parks the event or tries it again.
func stopped(d *flow.Document, s *flow.Stop) error {
	return fmt.Errorf("flow %s: %w", d.ID, fault.Newf(s.Code, "%s", s.Reason))
}

func (h *Handler) match(ctx context.Context, in flow.Input) (*flow.Document, string, error) {
	ctx, cancel := context.WithTimeout(ctx, evaluationTimeout)
	defer cancel()
	return flow.Match(ctx, h.o.Flows, in)
}

// evaluate runs the flow and finds out what it asks for, until it has all it
// needs. What was found out is kept for the rounds of this handling only, so
// that nothing is read twice and nothing is stale.
func (h *Handler) evaluate(ctx context.Context, d *flow.Document, conn Connection, in flow.Input, r *refs) (flow.Result, error) {
	for range maxRounds {
		res, err := evaluateOnce(ctx, d, in)
		if err != nil || len(res.Needs) == 0 {
			return res, err
		}
		for _, need := range res.Needs {
			fact, err := h.answer(ctx, conn, in.Event.Connection, need)
			if err != nil {
				return flow.Result{}, fmt.Errorf("flow %s: step %s: %w", d.ID, need.Step, err)
			}
			in.Facts[need.Step] = fact
			r.fact(need, fact)
		}
	}
	return flow.Result{}, fault.Newf("flow.rounds_exceeded", "flow %s: still asking after %d rounds", d.ID, maxRounds)
}

func evaluateOnce(ctx context.Context, d *flow.Document, in flow.Input) (flow.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, evaluationTimeout)
	defer cancel()
	return flow.Evaluate(ctx, d, in)
}

func (h *Handler) answer(ctx context.Context, conn Connection, connection string, n flow.Need) (any, error) {
	switch {
	case n.Link != nil:
		return h.lookUp(ctx, connection, *n.Link)
	case n.Settle != nil:
		return h.settle(ctx, conn, connection, *n.Settle)
	case n.Fetch.System == schemas.Stripe && conn.Stripe != nil && len(n.Fetch.Keys) == 1:
		raw, err := conn.Stripe.Fetch(ctx, n.Fetch.Object, n.Fetch.Keys[0], n.Fetch.Expand...)
		if err != nil {
			return nil, fmt.Errorf("fetch %s %s: %w", n.Fetch.Object, n.Fetch.Keys[0], err)
		}
		return readable(flow.Decode(raw))
	case n.Fetch.System == schemas.Acumatica && conn.Acumatica != nil:
		rec, err := conn.Acumatica.Get(ctx, n.Fetch.Object, n.Fetch.Keys, acumatica.Query{Expand: n.Fetch.Expand, Custom: n.Fetch.Custom})
		if n.Fetch.Optional && acumatica.IsNotFound(err) {
			return nil, nil //nolint:nilnil // nil is a fact
		}
		if err != nil {
			return nil, fmt.Errorf("fetch %s %v: %w", n.Fetch.Object, n.Fetch.Keys, err)
		}
		return readable(flow.Normalize(rec.Plain()))
	}
	return nil, fault.Newf("flow.fetch_unsupported", "%s %s", n.Fetch.System, n.Fetch.Object)
}

// readable classifies an answer that does not decode: the same answer will
// come again.
func readable(v any, err error) (any, error) {
	if err != nil {
		return nil, fault.New("flow.expression_failed", err)
	}
	return v, nil
}

func (h *Handler) lookUp(ctx context.Context, connection string, n flow.LinkNeed) (any, error) {
	find := h.o.Links.ByAcumatica
	if n.Side == schemas.Stripe {
		find = h.o.Links.ByStripe
	}
	l, found, err := find(ctx, connection, n.Kind, n.ID)
	if err != nil {
		return nil, fmt.Errorf("look up %s %s: %w", n.Kind, n.ID, err)
	}
	if !found {
		return nil, nil // a nil fact is a link that does not exist
	}
	return flow.LinkFact(l.Kind, l.AcumaticaID, l.StripeID, l.Attributes), nil
}

// publish stores the intents in their order. A crash in between publishes the
// first ones again, which stores nothing. An event that was skipped while this
// worker was stopped asks for nothing more.
func (h *Handler) publish(ctx context.Context, m *bus.Message, out schemas.Outcome, intents []schemas.Intent, r *refs) (schemas.Outcome, error) {
	fresh := 0
	for _, in := range intents {
		ack, err := h.o.Publisher.PublishIntentFor(ctx, m, in)
		if errors.Is(err, bus.ErrSkipped) {
			return skip(out, fmt.Sprintf("a person skipped it meanwhile, %s of %d published", count(fresh), len(intents))), nil
		}
		if err != nil {
			return out, fmt.Errorf("publish intent %s: %w", in.ID, err)
		}
		if !ack.Duplicate {
			fresh++
		}
		out.Intents = append(out.Intents, in.ID)
		for _, one := range in.Refs {
			r.add(one.System, one.Kind, one.ID)
		}
	}
	out.Refs = r.list
	if fresh == 0 {
		out.Outcome = schemas.Duplicate
		out.Reason = "asked for " + count(len(intents)) + " that another event had asked for already"
		return out, nil
	}
	out.Outcome, out.Reason = schemas.Applied, "published "+count(fresh)
	return out, nil
}

func count(n int) string {
	if n == 1 {
		return "1 intent"
	}
	return fmt.Sprintf("%d intents", n)
}
