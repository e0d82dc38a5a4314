// Package push receives Acumatica's push notifications. They are hints: whoever
// knows the secret can make the poller look now, and nothing else. What a
// notification says is never used as data: it is not signed, it can be lost, come
// twice or late, and its rows are as old as the transaction (Invariant 8).
package push

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"millrace/internal/fault"
)

// inFlight bounds the notifications held at once, and with that the memory.
const inFlight = 8

// hintTimeout bounds the wait for the broker, which passes a hint on.
const hintTimeout = 5 * time.Second

// Connection is what its notifications are proven with.
type Connection struct {
	Header  string   // that carries the secret
	Secrets []string // any of them; several while one is replaced
}

// Hint tells the poller of a connection, wherever it runs, to look now.
type Hint func(ctx context.Context, connection string) error

// Options are what a Handler is made of.
type Options struct {
	Connections map[string]Connection
	Default     string // connection of the path without a name
	MaxBody     int64  // bytes
	Hint        Hint
	Log         *slog.Logger
}

// Handler is the HTTP side.
type Handler struct {
	o     Options
	mux   *http.ServeMux
	slots chan struct{}
	told  *ids
	count metric.Int64Counter
}

// New returns the handler of POST /webhooks/acumatica, which is the default
// connection's, and POST /webhooks/acumatica/{connection}.
func New(o Options) (*Handler, error) {
	count, err := otel.Meter("millrace/source-acumatica/push").Int64Counter("millrace_push_notifications_total",
		metric.WithDescription("Push notifications of Acumatica by how they ended."))
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	h := &Handler{o: o, mux: http.NewServeMux(), slots: make(chan struct{}, inFlight), told: newIDs(), count: count}
	h.mux.HandleFunc("POST /webhooks/acumatica", func(w http.ResponseWriter, r *http.Request) { h.receive(w, r, o.Default) })
	h.mux.HandleFunc("POST /webhooks/acumatica/{connection}", func(w http.ResponseWriter, r *http.Request) {
		h.receive(w, r, r.PathValue("connection"))
	})
	return h, nil
}

// ServeHTTP routes by path and method: 404 and 405 are answered here.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// receive answers one notification and tells about it once, without anything
// that it says (Invariant 9).
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, connection string) {
	end, err := h.accept(w, r, connection)
	h.count.Add(r.Context(), 1, metric.WithAttributes(attribute.String("outcome", string(end))))
	if err == nil {
		h.o.Log.Debug("push notification", "connection", connection, "outcome", string(end))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	e := fault.Of(err)
	h.o.Log.Warn("push notification refused", "connection", connection[:min(len(connection), 64)], "outcome", string(end), "code", e.Code, "err", err)
	http.Error(w, http.StatusText(end.status()), end.status())
}

// accept proves a notification, and passes one that is new on as a hint. The
// secret is checked before anything of the body is read.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, connection string) (outcome, error) {
	c, ok := h.o.Connections[connection]
	switch {
	case !ok || len(c.Secrets) == 0:
		return unknown, fault.Newf("push.unknown_connection", "connection %.64q", connection)
	case !proven(r.Header.Values(c.Header), c.Secrets):
		return unproven, fault.Newf("push.secret", "header %s", c.Header)
	case r.ContentLength > h.o.MaxBody:
		return tooLarge, fault.Newf("push.too_large", "%d bytes, limit %d", r.ContentLength, h.o.MaxBody)
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		return overloaded, fault.Newf("push.overloaded", "%d notifications in flight", inFlight)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.o.MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return tooLarge, fault.New("push.too_large", err)
	}
	if err != nil {
		return malformed, fault.New("push.malformed", err)
	}
	var n struct{ ID string }
	if err := json.Unmarshal(body, &n); err != nil || n.ID == "" {
		return malformed, fault.Newf("push.malformed", "no Id: %w", err)
	}
	id := sha256.Sum256([]byte(connection + " " + n.ID))
	if h.told.has(id) {
		return repeated, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), hintTimeout)
	defer cancel()
	if err := h.o.Hint(ctx, connection); err != nil {
		return unavailable, err // Acumatica tries again
	}
	h.told.add(id)
	return hinted, nil
}

// proven compares hashes, so that the time it takes tells neither the secret
// nor its length, and with every secret, so that it does not tell which.
func proven(got, secrets []string) bool {
	if len(got) != 1 {
		return false
	}
	is, match := sha256.Sum256([]byte(got[0])), 0
	for _, s := range secrets {
		want := sha256.Sum256([]byte(s))
		match |= subtle.ConstantTimeCompare(is[:], want[:])
	}
	return match == 1
}
