package bus

import (
	"context"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"millrace/internal/fault"
)

// probeEvery is how often one attempt goes through while the breaker is open.
const probeEvery = time.Second

// breaker stops a stage of one connection while the other system is
// unreachable or nothing can succeed: messages wait un-acknowledged, one
// probe at a time goes through, nothing is parked, nothing is given up
// (Invariant 5).
type breaker struct {
	cb circuitbreaker.CircuitBreaker[any]

	mu    sync.Mutex
	cause *fault.Error // why it is open; nil when closed
}

func newBreaker() *breaker {
	return &breaker{cb: circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(1).WithSuccessThreshold(1).
		WithDelay(probeEvery).WithJitterFactor(0.25).
		Build()}
}

// enter waits until the breaker lets one attempt through; false when the
// process drains.
func (b *breaker) enter(ctx context.Context, r *runner) bool {
	for !b.cb.TryAcquirePermit() {
		if !r.pause(ctx, max(b.cb.RemainingDelay(), heartbeat)) {
			return false
		}
	}
	return ctx.Err() == nil
}

func (b *breaker) success() {
	b.cb.RecordSuccess()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cause = nil
}

func (b *breaker) failure(f *fault.Error) {
	b.cb.RecordFailure()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cause = f
}
