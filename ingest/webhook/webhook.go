// Package webhook receives Stripe events, proves that they came from Stripe,
// and puts them on the bus unchanged. It answers 2xx only after the broker has
// acknowledged the write; until then Stripe's own retry keeps the event
// (Invariant 1). What is signed is stored, whatever it is; what is not proven
// is not (Invariant 8).
package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

const (
	// DefaultInFlight bounds the webhooks held at once, and with that the
	// memory: so many bodies of at most MaxBody bytes.
	DefaultInFlight = 128
	// slotWait is how long a webhook waits for its turn. Stripe gives up after
	// some ten seconds; the answer has to be there before.
	slotWait = 2 * time.Second
	// publishTimeout bounds the wait for the broker's acknowledgement.
	publishTimeout = 6 * time.Second
	// retryAfter is what a sender is told when the event could not be stored.
	retryAfter = "5"
)

// Event is what a signed body says about itself.
type Event struct {
	ID         string // evt_…
	Type       string // "invoice.paid"
	Object     string // Stripe: "event"; anything else is not an event of this API
	APIVersion string
	Account    string    // Stripe: Connect only
	Created    time.Time // Stripe: whole seconds
	Livemode   bool
	Data       []byte // data.object, JSON
}

// Verify proves that the body is signed with one of the secrets and that the
// signature's time is at most maxAge before or after now.
type Verify func(body []byte, header string, secrets []string, maxAge time.Duration, now time.Time) error

// Parse reads the head of a signed body; an error means that it is no event.
type Parse func(body []byte) (Event, error)

// Publish is the one thing a webhook needs from the bus. It returns once the
// event is durable; the same id again is success and stores nothing.
type Publish func(ctx context.Context, connection, lane, source, object, verb string, ev bus.Event) (bus.PubAck, error)

// Options are what a Handler is made of.
type Options struct {
	Secrets  map[string][]string // connection → active signing secrets
	Default  string              // connection of the path without a name
	MaxBody  int64               // bytes
	MaxAge   time.Duration       // of a signature, both ways
	InFlight int                 // webhooks held at once; 0 = DefaultInFlight
	Verify   Verify
	Parse    Parse
	Publish  Publish
	Log      *slog.Logger
}

// Handler is the HTTP side of ingest.
type Handler struct {
	o     Options
	mux   *http.ServeMux
	slots chan struct{}
	meter meters
}

// New returns the handler of POST /webhooks/stripe, which is the default
// connection's, and POST /webhooks/stripe/{connection}.
func New(o Options) (*Handler, error) {
	m, err := newMeters()
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	if o.InFlight <= 0 {
		o.InFlight = DefaultInFlight
	}
	h := &Handler{o: o, mux: http.NewServeMux(), slots: make(chan struct{}, o.InFlight), meter: m}
	h.mux.HandleFunc("POST /webhooks/stripe", func(w http.ResponseWriter, r *http.Request) {
		h.receive(w, r, h.o.Default)
	})
	h.mux.HandleFunc("POST /webhooks/stripe/{connection}", func(w http.ResponseWriter, r *http.Request) {
		h.receive(w, r, r.PathValue("connection"))
	})
	return h, nil
}

// ServeHTTP routes by path and method: 404 and 405 are answered here.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// receive answers one webhook and tells about it once.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, connection string) {
	start := time.Now()
	ctx, span := tracer().Start(r.Context(), "webhook", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	d := delivery{connection: connection}
	d.outcome, d.err = h.accept(ctx, w, r, &d)
	status := d.outcome.status()
	h.tell(ctx, span, &d, status, time.Since(start))
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	if status != http.StatusOK {
		http.Error(w, d.outcome.say(), status)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// delivery is what is known about one request so far.
type delivery struct {
	connection string
	event      Event
	lane       string
	bytes      int
	ack        bus.PubAck
	outcome    outcome
	err        error
}

func (h *Handler) accept(ctx context.Context, w http.ResponseWriter, r *http.Request, d *delivery) (outcome, error) {
	secrets, ok := h.o.Secrets[d.connection]
	switch {
	case !ok:
		return unknownConnection, fault.Newf("ingest.unknown_connection", "connection %.64q", d.connection)
	case len(secrets) == 0:
		return unconfigured, fault.Newf("ingest.no_secret", "connection %s", d.connection)
	case r.ContentLength > h.o.MaxBody:
		return tooLarge, fault.Newf("ingest.too_large", "%d bytes, limit %d", r.ContentLength, h.o.MaxBody)
	case r.Header.Get("Stripe-Signature") == "":
		return unsigned, fault.Newf("stripe.signature", "no Stripe-Signature header") // takes no place and no memory
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return overloaded, err
	}
	defer leave()
	body, err := h.read(w, r)
	d.bytes = len(body)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return tooLarge, fault.New("ingest.too_large", err)
	}
	if err != nil {
		return aborted, fault.New("ingest.aborted", err)
	}
	// Invariant 8: nothing of the body is believed before this.
	err = h.o.Verify(body, r.Header.Get("Stripe-Signature"), secrets, h.o.MaxAge, time.Now())
	if err != nil {
		return unsigned, err
	}
	return h.store(ctx, d, body)
}

// enter waits for one of the places, so that memory stays bounded.
func (h *Handler) enter(ctx context.Context) (leave func(), err error) {
	t := time.NewTimer(slotWait)
	defer t.Stop()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, fault.New("ingest.aborted", ctx.Err())
	case <-t.C:
		return nil, fault.Newf("ingest.overloaded", "%d webhooks in flight", cap(h.slots))
	}
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, h.o.MaxBody)
	if r.ContentLength <= 0 {
		return io.ReadAll(limited)
	}
	body := make([]byte, r.ContentLength)
	n, err := io.ReadFull(limited, body)
	return body[:n], err
}

// store puts the body on the bus as it came. The publish outlives a sender
// who hangs up: the event is here, so it is kept.
func (h *Handler) store(ctx context.Context, d *delivery, body []byte) (outcome, error) {
	e := Seal(d.connection, body, h.o.Parse)
	d.event, d.lane = e.Head, e.Lane
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	ack, err := h.o.Publish(ctx, d.connection, d.lane, schemas.Stripe, e.Object, e.Verb, e.Event)
	if err != nil {
		return unavailable, fmt.Errorf("publish %s: %w", e.Event.ID, err)
	}
	d.ack = ack
	if ack.Duplicate {
		return duplicate, nil // Invariant 2: it is stored, so Stripe need not send it again.
	}
	return stored, nil
}

// An Envelope is how an event goes on the bus.
type Envelope struct {
	Head         Event  // empty when the body is no event
	Lane         string // the customer, else the object, else the event
	Object, Verb string
	Event        bus.Event
}

// Seal puts a body that Stripe has sent, or listed, into its envelope: the same
// body gets the same, however it came. One that is no event, or has no id of
// its own, is kept under the name of its content, so that it ends as an outcome
// with a reason instead of vanishing (Invariant 3).
func Seal(connection string, body []byte, parse Parse) Envelope {
	head, err := parse(body)
	if err != nil {
		head = Event{}
	}
	object, verb := splitType(head.Type)
	if head.Object != "event" {
		object, verb = unknown, unknown
	}
	if !usable(head.ID, maxID) {
		head.ID = contentID(body)
		object, verb = unknown, unknown
	}
	about := locate(head.Data, head.ID)
	ev := bus.Event{
		ID: head.ID, Type: schemas.EventType(schemas.Stripe, object, verb),
		Source: "/" + bus.Escape(connection) + "/" + schemas.Stripe, Subject: about.id,
		Time: head.Created, Data: body, Ext: map[string]string{},
	}
	if err == nil {
		ev.Ext["livemode"] = fmt.Sprint(head.Livemode)
	}
	if usable(head.APIVersion, maxID) {
		ev.Ext["apiversion"] = head.APIVersion
	}
	if usable(head.Account, maxID) {
		ev.Ext["account"] = head.Account
	}
	return Envelope{Head: head, Lane: about.lane, Object: object, Verb: verb, Event: ev}
}
