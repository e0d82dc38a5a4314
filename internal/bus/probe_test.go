package bus

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"millrace/internal/calls"
	"millrace/internal/fault"
	"millrace/internal/fence"
	"millrace/schemas"
)

// A probe that ends before it was sent, because its worker was overtaken, says
// nothing of the other system: the next one goes through all the same.
func TestAProbeThatWasNotSentDoesNotKeepTheStageWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		handle := func(ctx context.Context, _ *Message) (schemas.Outcome, error) {
			switch calls++; calls {
			case 1:
				return schemas.Outcome{}, fault.Newf("acumatica.unreachable", "down")
			case 2:
				<-fence.Down(ctx)
				return schemas.Outcome{}, fault.Newf("budget.waiting", "not sent: %w", fence.Err(ctx))
			}
			return schemas.Outcome{Outcome: schemas.Applied, Reason: "up again"}, nil
		}
		b := &Bus{log: slog.New(slog.DiscardHandler)}
		r := &runner{bus: b, stage: Stage{Name: "transform", Stream: Events, Handle: handle}, metrics: must(newMetrics()), breakers: map[string]*breaker{"default": newBreaker()}}
		m := &Message{Stream: Events, Subject: Subject{Connection: "default", Lane: "cus_1"}, Event: Event{ID: "m1"}}
		overtaken, held := fence.With(t.Context(), errStopping)
		time.AfterFunc(10*time.Second, held.Cut)
		if _, err := r.attemptInPlace(overtaken, m); err == nil {
			t.Fatal("the probe was sent")
		}
		ctx, held := fence.With(t.Context(), errStopping)
		time.AfterFunc(time.Hour, held.Cut)
		defer held.Cut()
		if o, err := r.attemptInPlace(ctx, m); err != nil || o.Outcome != schemas.Applied {
			t.Errorf("an hour later: %+v, %v", o, err)
		}
	})
}

// What never reached the other system, or failed for a reason of our own, does
// not close the breaker, whatever its kind; an answer does, also a refusal.
func TestOnlyAnAnswerClosesTheBreaker(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		calls  int64
		closed bool
	}{
		"another worker has the posting":        {fault.Newf("posting.held", "held"), 0, false},
		"overtaken after a request":             {fault.Newf("posting.fenced", "fenced"), 1, false},
		"our budget held it back":               {fault.Newf("budget.waiting", "not sent"), 0, false},
		"refused before anything was sent":      {fault.Newf("stripe.fields_invalid", "name: empty"), 0, false},
		"a link that is missing":                {fault.Newf("link.missing", "no customer"), 0, false},
		"a panic before anything was sent":      {fault.Newf("internal.panic", "nil"), 0, false},
		"refused by the other system":           {fault.Newf("acumatica.period_closed", "http 422"), 1, true},
		"the other system asks for patience":    {fault.Newf("stripe.rate_limited", "http 429"), 1, true},
		"the other system failed this one time": {fault.Newf("acumatica.uncertain", "timed out"), 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, second := 0, make(chan struct{})
				var half circuitbreaker.State
				br := newBreaker()
				handle := func(ctx context.Context, _ *Message) (schemas.Outcome, error) {
					switch tries++; tries {
					case 1:
						return schemas.Outcome{}, fault.Newf("acumatica.unreachable", "down")
					case 2:
						defer close(second)
						half = br.cb.State()
						calls.From(ctx).AcumaticaCalls.Add(tt.calls)
						return schemas.Outcome{}, tt.err
					}
					return schemas.Outcome{}, fault.Newf("link.conflict", "the end")
				}
				b := &Bus{log: slog.New(slog.DiscardHandler)}
				r := &runner{bus: b, stage: Stage{Name: "transform", Stream: Events, Handle: handle}, metrics: must(newMetrics()), breakers: map[string]*breaker{"default": br}}
				m := &Message{Stream: Events, Subject: Subject{Connection: "default", Lane: "cus_1"}, Event: Event{ID: "m1"}}
				ctx, held := fence.With(t.Context(), errStopping)
				defer held.Cut()
				done := make(chan struct{})
				go func() { _, _ = r.attemptInPlace(ctx, m); close(done) }()
				<-second
				synctest.Wait()
				if half != circuitbreaker.HalfOpenState || br.cb.IsClosed() != tt.closed {
					t.Errorf("%v: was %v, closed %v, want %v", tt.err, half, br.cb.IsClosed(), tt.closed)
				}
				held.Cut()
				<-done
			})
		})
	}
}
