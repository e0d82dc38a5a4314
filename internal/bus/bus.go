// Package bus is the only way to the broker: publish, consume in order, and
// keep small state. It owns the streams and their settings, the lane protocol,
// and the one switch that decides what happens to a message whose handling
// failed. Nothing is acknowledged before it is durable further down
// (Invariant 1).
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/internal/fault"
)

// InProcessServer is an embedded broker.
type InProcessServer interface {
	InProcessConn() (net.Conn, error)
}

// Options say how to reach the broker.
type Options struct {
	URL          string          // nats://…; ignored with InProcess
	Creds        string          // path of a .creds file; empty for none
	Token        string          // token authentication; empty for none
	Name         string          // shown in the broker's connection list
	InProcess    InProcessServer // embedded broker; nil for URL
	Partitions   int             // used when the streams are first made; 0 = as recorded, else DefaultPartitions
	Repartitions bool            // connects also while the number of partitions is being changed: only to finish that
	Log          *slog.Logger    // nil discards
}

// DefaultPartitions is how many partitions new streams get.
const DefaultPartitions = 32

// connectTimeout bounds the first contact, apiTimeout every later request to
// the broker.
const (
	connectTimeout = 10 * time.Second
	apiTimeout     = 5 * time.Second
	listTimeout    = 30 * time.Second
)

// Bus is one connection to the broker; safe for concurrent use.
type Bus struct {
	nc           *nats.Conn
	js           jetstream.JetStream
	log          *slog.Logger
	want         int // partitions asked for; 0 = whatever is recorded
	repartitions bool
	layout       atomic.Pointer[layout]
	handles      sync.Map // looked-up streams and buckets
}

// Connect reaches the broker. bus.unavailable when it does not answer.
func Connect(ctx context.Context, o Options) (*Bus, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	opts := []nats.Option{
		nats.Name(o.Name), nats.Timeout(connectTimeout),
		nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond), nats.ReconnectJitter(200*time.Millisecond, time.Second),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { o.Log.Warn("broker error", "err", err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				o.Log.Warn("broker connection lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { o.Log.Info("broker connection restored") }),
	}
	if o.InProcess != nil {
		opts = append(opts, nats.InProcessServer(o.InProcess))
	}
	if o.Creds != "" {
		opts = append(opts, nats.UserCredentials(o.Creds))
	}
	if o.Token != "" {
		opts = append(opts, nats.Token(o.Token))
	}
	nc, err := nats.Connect(o.URL, opts...)
	if err != nil {
		return nil, fault.Newf("bus.unavailable", "connect: %w", err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(apiTimeout))
	if err != nil {
		nc.Close()
		return nil, fault.Newf("bus.unavailable", "jetstream: %w", err)
	}
	b := &Bus{nc: nc, js: js, log: o.Log, want: o.Partitions, repartitions: o.Repartitions}
	if err := b.loadPartitions(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return b, nil
}

// Close lets what was published reach the broker, if it is connected, and
// closes the connection.
func (b *Bus) Close() error {
	if b.nc.IsClosed() {
		return nil
	}
	var err error
	if b.nc.IsConnected() {
		err = b.nc.FlushTimeout(apiTimeout)
	}
	b.nc.Close()
	return err
}

// Partitions is the number of partitions in force.
func (b *Bus) Partitions() int { return b.layout.Load().partitions }

// unavailable classifies an error of the broker; context errors stay as they
// are, so that a shutdown does not look like an outage.
func unavailable(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf(format+": %w", append(args, err)...)
	}
	return fault.Newf("bus.unavailable", format+": %w", append(args, err)...)
}
