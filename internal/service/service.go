// Package service is the process skeleton every deployable shares: config,
// logger, signals, ops endpoints, drain. It knows nothing about payments.
package service

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"go.opentelemetry.io/otel/metric"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
)

// A Service is one unit that can run alone in a pod or next to the others in
// the all-in-one process.
type Service struct {
	Name string
	Run  func(context.Context, *Runtime) error // returns nil once drained
}

// Runtime is what the skeleton hands to a Service. Grows reluctantly.
type Runtime struct {
	Log    *slog.Logger
	Bus    *bus.Bus
	Config *config.Config
	Meter  metric.Meter // instruments of the process; names are millrace_<noun>_<unit>[_total]

	mu      sync.Mutex
	closers []closer
	checks  []check
	addrs   map[string]net.Addr
	clients clients
}

type closer struct {
	name string
	fn   func(context.Context) error
}

type check struct {
	name string
	fn   func(context.Context) error
}

// OnStop registers a teardown step. Steps run in reverse order of
// registration, all of them, even if one fails.
func (rt *Runtime) OnStop(name string, fn func(context.Context) error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.closers = append(rt.closers, closer{name, fn})
}

// OnReady registers a readiness check for /readyz.
func (rt *Runtime) OnReady(name string, fn func(context.Context) error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.checks = append(rt.checks, check{name, fn})
}

// Listen opens a TCP listener and remembers its address under name, so that
// port 0 works. service.listen when the port cannot be opened.
func (rt *Runtime) Listen(ctx context.Context, name, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.Newf("service.listen", "%s: %w", name, err)
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.addrs == nil {
		rt.addrs = make(map[string]net.Addr)
	}
	rt.addrs[name] = l.Addr()
	return l, nil
}

// Addr is the address of a listener that Listen opened under name.
func (rt *Runtime) Addr(name string) (net.Addr, bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	a, ok := rt.addrs[name]
	return a, ok
}
