package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/service"
	"millrace/internal/stripeapi"
)

const name = "ingest"

// Service is ingest as a deployable.
var Service = service.Service{Name: name, Run: run}

// What a connection may take. The write timeout covers the waits for a place
// and for the broker; a sender slower than the read timeout gives its place
// to others.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = readTimeout + slotWait + publishTimeout + 2*time.Second
	idleTimeout   = 75 * time.Second
	maxHeader     = 16 << 10
	// drainTimeout lets what is held be stored and answered; it must stay
	// below the drain timeout of package service.
	drainTimeout = 12 * time.Second
)

var errDraining = errors.New("stopping")

func run(ctx context.Context, rt *service.Runtime) error {
	h, err := New(options(rt))
	if err != nil {
		return err
	}
	l, err := rt.Listen(ctx, name, rt.Config.Ingest.Listen)
	if err != nil {
		return fmt.Errorf("ingest listen: %w", err)
	}
	var draining atomic.Bool
	rt.OnReady(name, func(context.Context) error {
		if draining.Load() {
			return errDraining
		}
		return h.ready()
	})
	stop := context.AfterFunc(ctx, func() { draining.Store(true) })
	defer stop()
	for connection, secrets := range h.o.Secrets {
		if len(secrets) == 0 {
			rt.Log.Warn("webhooks cannot be proven", "connection", connection, "code", "ingest.no_secret")
		}
	}
	rt.Log.Info("webhooks listening", "addr", l.Addr().String())
	return serve(ctx, l, h, rt.Log)
}

// options reveals the signing secrets once, for the verification.
func options(rt *service.Runtime) Options {
	o := Options{
		Secrets: make(map[string][]string), MaxBody: rt.Config.Ingest.MaxBody, MaxAge: rt.Config.Ingest.MaxAge,
		Verify: stripeapi.VerifyWebhook, Parse: ParseEvent, Publish: rt.Bus.PublishEvent, Log: rt.Log,
	}
	if c, ok := rt.Config.Default(); ok {
		o.Default = c.Name
	}
	for _, c := range rt.Config.Connections {
		o.Secrets[c.Name] = reveal(c.Stripe.WebhookSecrets)
	}
	return o
}

func reveal(secrets []config.Secret) []string {
	out := make([]string, 0, len(secrets))
	for _, s := range secrets {
		if s.Reveal() != "" {
			out = append(out, s.Reveal())
		}
	}
	return out
}

// ready fails when no connection at all can receive anything; one that lacks
// its secret does not take the others down (Invariant 5).
func (h *Handler) ready() error {
	for _, secrets := range h.o.Secrets {
		if len(secrets) > 0 {
			return nil
		}
	}
	return fault.Newf("ingest.no_secret", "no connection has a webhook signing secret")
}

// serve answers until ctx is done, then stops accepting and finishes what it
// holds.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if err := service.Serve(ctx, l, srv, drainTimeout); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	return nil
}

// ParseEvent reads the head of a body the way package stripeapi does.
func ParseEvent(body []byte) (Event, error) {
	head, err := stripeapi.ParseEvent(body)
	if err != nil {
		return Event{}, err
	}
	e := Event{
		ID: head.ID, Type: head.Type, Object: head.Object, APIVersion: head.APIVersion, Account: head.Account,
		Livemode: head.Livemode, Data: head.DataObject,
	}
	if head.Created > 0 {
		e.Created = time.Unix(head.Created, 0).UTC()
	}
	return e, nil
}
