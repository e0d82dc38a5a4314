package bus

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

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
