package poller

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

const (
	// leaseTTL is how long polling pauses at most when its holder dies.
	leaseTTL = 6 * time.Second
	// renewEvery leaves two more tries before the lease runs out.
	renewEvery = leaseTTL / 3
	// standbyDelay is how often a replica asks whether the lease is free.
	standbyDelay = renewEvery
	// A failing system is tried again after this long at most; one that needs
	// a person is probed slowly.
	maxBackoff  = 30 * time.Second
	baseBackoff = time.Second
	slowProbe   = time.Minute
)

// withLease runs fn while the lease is held. Its context ends at once when
// the lease is lost. The lease saves work; safety does not rest on it, because
// positions are compare-and-swap and event ids repeat (Invariant 2).
func (p *Poller) withLease(ctx context.Context, fn func(context.Context)) (held bool, err error) {
	asked := time.Now()
	l, ok, err := p.o.Acquire(ctx, "poll."+p.o.Connection, p.o.Holder, leaseTTL)
	if err != nil || !ok {
		return false, err
	}
	p.o.Log.Debug("lease taken", "connection", p.o.Connection)
	leading, cancel := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { renew(leading, l, asked, cancel) })
	fn(leading)
	lost := errors.Is(context.Cause(leading), errLost)
	cancel(nil)
	renewing.Wait()
	if lost {
		p.o.Log.Warn("lease lost", "connection", p.o.Connection, "code", "source.lease_lost")
		return true, nil
	}
	freeing, stop := context.WithTimeout(context.WithoutCancel(ctx), renewEvery)
	defer stop()
	if err := l.Release(freeing); err != nil {
		p.o.Log.Debug("lease left to expire", "connection", p.o.Connection, "err", err)
	}
	return true, nil
}

// renew keeps the lease until ctx is done. It counts from before each request,
// so that we stop before the broker lets somebody else in.
func renew(ctx context.Context, l Lease, renewed time.Time, lost context.CancelCauseFunc) {
	t := time.NewTicker(renewEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		asked := time.Now()
		// Not cut short by a stop: a renewal of unknown outcome could not be
		// released.
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewEvery)
		err := l.Renew(call)
		cancel()
		switch {
		case err == nil:
			renewed = asked
		case errors.Is(err, bus.ErrConflict), time.Since(renewed) >= leaseTTL-renewEvery:
			lost(errLost)
			return
		}
	}
}

// backoff is the pause after that many failures before this one: full jitter
// under a doubling bound, as told when told.
func backoff(e *fault.Error, failures int) time.Duration {
	switch e.Kind {
	case fault.Misconfigured, fault.Rejected, fault.Invalid:
		return jitter(slowProbe)
	case fault.Transient, fault.Throttled, fault.Down:
	}
	if e.RetryAfter > 0 { // the other system knows how long it lasts, however often it says so
		return e.RetryAfter + rand.N(baseBackoff) //nolint:gosec // spreading load is no secret
	}
	bound := min(baseBackoff<<min(failures, 10), maxBackoff)
	return baseBackoff/4 + rand.N(bound) //nolint:gosec // spreading load is no secret
}

// jitter spreads d by a tenth either way, so that replicas and connections do
// not march in step.
func jitter(d time.Duration) time.Duration {
	if d < 10 {
		return d
	}
	return d - d/10 + rand.N(d/5) //nolint:gosec // spreading load is no secret
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
