package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
)

// Options is what Open needs.
type Options struct {
	Name   string // of the process, in traces and at the broker: "ingest", "millrace"
	Config *config.Config
	Log    *slog.Logger
	Getenv func(string) string // for OTEL_EXPORTER_OTLP_ENDPOINT
	Bus    *bus.Bus            // nil: connects to Config.NATS.URL and checks the assets there; else the caller closes it
	HTTP   http.RoundTripper   // how Stripe and Acumatica are reached; nil: each client its own connections
}

// Open makes the Runtime that Run needs: telemetry, the bus, the ops server.
// Without a bus and without NATS URL it is config.nats_missing. What was
// opened is closed by Run, or by Stop.
func Open(ctx context.Context, o Options) (*Runtime, error) {
	rt := &Runtime{Log: o.Log, Bus: o.Bus, Config: o.Config, clients: clients{http: o.HTTP}}
	if err := rt.open(ctx, o); err != nil {
		return nil, errors.Join(err, rt.Stop(ctx))
	}
	return rt, nil
}

func (rt *Runtime) open(ctx context.Context, o Options) error {
	metrics, err := rt.startTelemetry(ctx, o)
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	if rt.Bus == nil {
		if o.Config.NATS.URL == "" {
			return fault.New("config.nats_missing", errors.New("nats.url: not set"))
		}
		b, err := bus.Connect(ctx, bus.Options{
			URL: o.Config.NATS.URL, Creds: o.Config.NATS.Creds, Name: "millrace-" + o.Name,
			Partitions: o.Config.Partitions, Log: o.Log,
		})
		if err != nil {
			return fmt.Errorf("connect to nats: %w", err)
		}
		rt.Bus = b
		rt.OnStop("bus", func(context.Context) error { return b.Close() })
		if err := b.Verify(ctx); err != nil {
			return fmt.Errorf("verify streams: %w", err)
		}
	}
	rt.OnReady(busCheck, rt.Bus.Verify)
	if err := rt.observeLag(); err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	return rt.startOps(ctx, o.Config.Ops.Listen, metrics)
}

// NewLogger returns the logger of a process: text when w is a terminal, JSON
// otherwise. level is debug, info, warn or error.
func NewLogger(w io.Writer, level string) (*slog.Logger, error) {
	var lv slog.Level
	if err := lv.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	opts := &slog.HandlerOptions{Level: lv}
	if IsTerminal(w) {
		return slog.New(slog.NewTextHandler(w, opts)), nil
	}
	return slog.New(slog.NewJSONHandler(w, opts)), nil
}

// IsTerminal reports whether w is a character device, such as a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
