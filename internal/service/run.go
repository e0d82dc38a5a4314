package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// drainTimeout + stopTimeout must stay below the pods'
// terminationGracePeriodSeconds (30 in deploy/).
const (
	drainTimeout = 20 * time.Second
	stopTimeout  = 5 * time.Second
)

// Run runs services until ctx is done or one of them returns, then drains:
// the rest are asked to stop and given 20 s, and whoever is late is named. The
// first to return stops all: a half-alive pipeline is harder to see than a
// dead one, and the supervisor restarts us either way. At the end the teardown
// steps of rt run, within 5 s. The error joins everything that went wrong; it
// is nil when all services drained after ctx was done.
func Run(ctx context.Context, rt *Runtime, services ...Service) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	type exit struct {
		name string
		err  error
	}
	exits := make(chan exit, len(services))
	running := make(map[string]bool)
	for _, s := range services {
		running[s.Name] = true
		go func() { exits <- exit{s.Name, s.Run(ctx, rt)} }()
	}

	var errs []error
	var deadline <-chan time.Time
	done := ctx.Done()
	for len(running) > 0 {
		select {
		case e := <-exits:
			delete(running, e.name)
			switch {
			case e.err != nil && (ctx.Err() == nil || !errors.Is(e.err, context.Canceled)):
				errs = append(errs, fmt.Errorf("%s: %w", e.name, e.err))
			case ctx.Err() == nil:
				errs = append(errs, fmt.Errorf("%s: returned before it was asked to", e.name))
			}
			cancel()
		case <-done:
			done, deadline = nil, time.After(drainTimeout)
		case <-deadline:
			errs = append(errs, fmt.Errorf("still draining after %v: %v", drainTimeout, slices.Sorted(maps.Keys(running))))
			clear(running)
		}
	}
	return errors.Join(append(errs, rt.Stop(ctx))...)
}

// Stop runs the teardown steps, in reverse order of their registration, all of
// them, within 5 s. Run calls it; only who opened a Runtime and never got to
// Run calls it himself. A second call finds nothing left to do.
func (rt *Runtime) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	rt.mu.Lock()
	closers := rt.closers
	rt.closers = nil
	rt.mu.Unlock()
	var errs []error
	for _, c := range slices.Backward(closers) {
		if err := c.fn(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}
