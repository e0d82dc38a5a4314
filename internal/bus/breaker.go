package bus

import (
	"context"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"millrace/internal/fault"
	"millrace/internal/fence"
)

// probeEvery is how often one attempt goes through while the breaker is open.
// A refused sign-in is probed far more rarely: systems lock users out.
// Acumatica: repeated failed sign-ins lock the user.
const (
	probeEvery       = time.Second
	probeSignInEvery = 30 * time.Second
)

// breaker stops a stage of one connection while the other system is
// unreachable or nothing can succeed: messages wait un-acknowledged, one
// probe at a time goes through, nothing is parked, nothing is given up
// (Invariant 5).
type breaker struct {
	cb circuitbreaker.CircuitBreaker[any]

	mu        sync.Mutex
	notBefore time.Time       // nobody goes through before: told by the other system, or a refused sign-in
	failed    map[string]bool // lanes that had to be blocked since anything last succeeded
	slowness  time.Duration   // how long the next hold for it lasts
}

// When this many different customers fail with nothing in between that
// succeeds, the trouble is not theirs: from then on only one message after the
// other goes through, ever more slowly, until one succeeds.
const (
	manyLanes     = 5
	firstSlowness = time.Second
	mostSlowness  = time.Minute
)

func newBreaker() *breaker {
	return &breaker{cb: circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(1).WithSuccessThreshold(1).
		WithDelay(probeEvery).WithJitterFactor(0.25).
		Build()}
}

// enter waits until an attempt may go through; false when the process drains,
// or somebody else has the work by then.
func (b *breaker) enter(ctx context.Context, r *runner) bool {
	for fence.Err(ctx) == nil {
		if wait := b.wait(); wait > 0 {
			if !r.pause(ctx, wait) {
				return false
			}
			continue
		}
		if b.cb.TryAcquirePermit() {
			return ctx.Err() == nil
		}
		if !r.pause(ctx, max(b.cb.RemainingDelay(), heartbeat)) {
			return false
		}
	}
	return false
}

func (b *breaker) wait() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.notBefore)
}

// hold lets nobody through for d: the other system asked to slow down.
func (b *breaker) hold(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at := time.Now().Add(d); at.After(b.notBefore) {
		b.notBefore = at
	}
}

// suspect notes that a lane had to be blocked, and says whether so many had to
// that the whole stage slows down because of it. A lane that goes on failing
// is blocked all the same: one bad customer cannot hold those behind him.
func (b *breaker) suspect(lane string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		b.failed = make(map[string]bool)
	}
	b.failed[lane] = true
	if len(b.failed) < manyLanes {
		return false
	}
	b.slowness = min(max(2*b.slowness, firstSlowness), mostSlowness)
	if at := time.Now().Add(jitter(b.slowness)); at.After(b.notBefore) {
		b.notBefore = at
	}
	return true
}

// handled notes that a message was handled: whatever fails now is not the
// other system's fault.
func (b *breaker) handled() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed, b.slowness = nil, 0
}

// success says whether the breaker closed just now.
func (b *breaker) success() (closed bool) {
	before := b.cb.State()
	b.cb.RecordSuccess()
	return before != circuitbreaker.ClosedState && b.cb.IsClosed()
}

// unsent notes an attempt that ended before it could tell how the other system
// is. If it was the probe, another one goes through after a while: without this
// its place would be taken for ever.
func (b *breaker) unsent() {
	if b.cb.IsHalfOpen() {
		b.cb.RecordFailure()
	}
}

// failure says whether the breaker opened just now, rather than stayed open.
func (b *breaker) failure(f *fault.Error) (opened bool) {
	if f.Kind == fault.Misconfigured {
		b.hold(jitter(probeSignInEvery))
	}
	opened = b.cb.IsClosed()
	b.cb.RecordFailure()
	return opened
}
