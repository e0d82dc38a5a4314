// Package poller finds what changed in Acumatica and puts it on the bus. It
// reads by the server's clock in bounded, overlapping windows, moves its
// position only after everything in a window is durable (Invariant 1), and
// publishes a change that it sees again under the same id (Invariant 2).
package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
)

// List reads records and the server's clock. A zero time means that the
// answer did not tell.
type List func(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error)

// Get reads one record by its keys in the order of the form; one that is not
// there, or hidden from us, is an error that acumatica.IsNotFound knows.
type Get func(ctx context.Context, entity string, keys []string, q acumatica.Query) (acumatica.Record, error)

// Publish returns once the event is durable; the same id again is success and
// stores nothing.
type Publish func(ctx context.Context, connection, lane, source, object, verb string, ev bus.Event) (bus.PubAck, error)

// Cursors keeps the positions; the writes are compare-and-swap and answer
// bus.ErrConflict when somebody else was first, Get answers bus.ErrNotFound.
type Cursors interface {
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Update(ctx context.Context, key string, value []byte, rev uint64) (revision uint64, err error)
}

// Lease is the right to poll. Renew answers bus.ErrConflict when it was lost.
type Lease interface {
	Renew(ctx context.Context) error
	Release(ctx context.Context) error
}

// Acquire takes the lease of that name, or reports false when another holder
// has it.
type Acquire func(ctx context.Context, name, holder string, ttl time.Duration) (Lease, bool, error)

// Options are what a Poller is made of.
type Options struct {
	Connection string
	Poll       config.Poll
	Items      config.Items
	Invoices   config.Invoices
	Holder     string // names this process in the lease; unique
	List       List
	Get        Get
	Publish    Publish
	Acquire    Acquire
	Cursors    Cursors
	Linked     Linked
	AnyLinked  AnyLinked
	Told       Told
	Log        *slog.Logger
}

const (
	defaultInterval = 15 * time.Second
	defaultPageSize = 1000
)

// Poller polls one connection; for one goroutine, except Ready and ages.
type Poller struct {
	o     Options
	meter meters

	seen   map[string]map[string]sight // object → record → what the overlap shows again
	now    time.Time                   // the server's, at the beginning of the round
	asking asking
	alone  int // records that were read by themselves in this round

	mu       sync.Mutex
	failures int   // rounds in a row
	lastErr  error // of the last round; nil when it succeeded
	progress map[string]progress

	fullErr string // code of the last failure of a full reading, so that it is told once

	busy  bool          // the last round found changes, or has more to read
	pause time.Duration // until the next round, when this one was quiet
	hints chan struct{} // somebody says that something changed
}

// progress is how far behind an entity's cursor was, and when that was known.
type progress struct {
	behind time.Duration // by the server's clock
	at     time.Time     // local, for the monotonic difference only
}

// New returns the poller of one connection.
func New(o Options) (*Poller, error) {
	o.Poll.Interval = cmp.Or(o.Poll.Interval, defaultInterval)
	o.Poll.PageSize = cmp.Or(o.Poll.PageSize, defaultPageSize)
	p := &Poller{o: o, seen: make(map[string]map[string]sight), progress: make(map[string]progress), hints: make(chan struct{}, 1)}
	var err error
	if p.meter, err = newMeters(o.Connection, p.ages); err != nil {
		return nil, fmt.Errorf("poller %s: %w", o.Connection, err)
	}
	return p, nil
}

// Run polls whenever it holds the lease, until ctx is done. It never gives
// up: every failure is waited out.
func (p *Poller) Run(ctx context.Context) {
	defer p.meter.stop()
	for ctx.Err() == nil {
		held, err := p.withLease(ctx, p.lead)
		if ctx.Err() != nil {
			return
		}
		delay := standbyDelay
		switch {
		case err != nil:
			delay = p.record(ctx, err)
		case !held:
			p.stand()
		}
		wait(ctx, delay)
	}
}

// lead polls round after round until ctx is done.
func (p *Poller) lead(ctx context.Context) {
	clear(p.seen) // another replica may have told of other states meanwhile
	for ctx.Err() == nil {
		err := p.round(ctx)
		if ctx.Err() != nil {
			return // stopped or lost the lease: not a failure of the round
		}
		delay := p.record(ctx, err)
		if err != nil {
			wait(ctx, delay) // no hint helps a system that refuses
			continue
		}
		p.rest(ctx, delay)
	}
}

// record keeps the state, logs when it changes, and says how long to wait.
func (p *Poller) record(ctx context.Context, err error) time.Duration {
	p.mu.Lock()
	before, failures := p.lastErr, p.failures
	p.lastErr, p.failures = err, failures+1
	if err == nil {
		p.failures = 0
	}
	p.mu.Unlock()

	p.meter.poll(ctx, err)
	if err == nil {
		if before != nil {
			p.o.Log.Info("polling recovered", "connection", p.o.Connection, "after_failures", failures)
		}
		return jitter(p.pace())
	}
	e := fault.Of(err)
	if before == nil || fault.Of(before).Code != e.Code {
		p.o.Log.Warn("polling fails", "connection", p.o.Connection, "code", e.Code, "kind", e.Kind.String(), "hint", e.Hint, "err", err)
	}
	return backoff(e, failures)
}

// stand forgets the state of a poller that does not poll: the holder of the
// lease reports it.
func (p *Poller) stand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lastErr != nil {
		p.o.Log.Info("polling left to another replica", "connection", p.o.Connection, "after_failures", p.failures)
	}
	p.lastErr, p.failures = nil, 0
	clear(p.progress)
}

// tolerated is how many rounds in a row may fail for a passing reason before
// the poller counts as not ready.
const tolerated = 3

// Ready says why polling stands still; nil when it does not, or when another
// replica polls.
func (p *Poller) Ready(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lastErr == nil {
		return nil
	}
	switch fault.KindOf(p.lastErr) {
	case fault.Down, fault.Misconfigured, fault.Rejected, fault.Invalid:
		return p.lastErr
	case fault.Transient, fault.Throttled:
		if p.failures >= tolerated {
			return p.lastErr
		}
	}
	return nil
}

// ages calls fn with how far behind the server's clock each cursor is now.
func (p *Poller) ages(fn func(object string, age time.Duration)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for object, x := range p.progress {
		fn(object, x.behind+time.Since(x.at))
	}
}

func (p *Poller) progressed(object string, behind time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress[object] = progress{behind: max(behind, 0), at: time.Now()}
}

// errLost is the cause of a context whose lease is gone.
var errLost = errors.New("lease lost")
