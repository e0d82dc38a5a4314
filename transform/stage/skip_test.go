package stage

import (
	"context"
	"testing"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/schemas"
)

// stoppedPublisher is a broker before which a worker was stopped at its nth
// intent.
type stoppedPublisher struct {
	*bus.Bus
	n         int
	meanwhile func()
}

func (p *stoppedPublisher) PublishIntentFor(ctx context.Context, m *bus.Message, in schemas.Intent) (bus.PubAck, error) {
	if p.n--; p.n == 0 {
		p.meanwhile()
	}
	return p.Bus.PublishIntentFor(ctx, m, in)
}

// TestAStoppedWorkerPublishesNothingAfterTheSkip: it wakes up after a person
// has skipped the event, before its first or its second intent.
func TestAStoppedWorkerPublishesNothingAfterTheSkip(t *testing.T) {
	for n, reason := range map[int]string{
		1: "a person skipped it meanwhile, 0 intents of 2 published",
		2: "a person skipped it meanwhile, 1 intent of 2 published",
	} {
		b := bustest.New(t)
		h := theWorld().handler(t)
		m := message("acumatica", "invoice", "changed", "Invoice AR000001", invoiceHint)
		h.o.Publisher = &stoppedPublisher{Bus: b, n: n, meanwhile: func() {
			if out, err := h.Skip(t.Context(), m); err != nil || out.Outcome != schemas.Skipped {
				t.Errorf("skip: %+v, %v", out, err)
			}
		}}
		if out, err := h.Handle(t.Context(), m); err != nil || out.Outcome != schemas.Skipped || out.Reason != reason {
			t.Errorf("ended %s %q, want %q, %v", out.Outcome, out.Reason, reason, err)
		}
		if out, err := h.Handle(t.Context(), m); err != nil || out.Outcome != schemas.Skipped {
			t.Errorf("once more it ended %s %q, %v", out.Outcome, out.Reason, err)
		}
		stored := 0
		if err := b.Scan(t.Context(), bus.Intents, 1, func(*bus.Message) error { stored++; return nil }); err != nil || stored != n-1 {
			t.Errorf("%d intents, want %d, %v", stored, n-1, err)
		}
		// Another event may still ask for the same.
		other := message("acumatica", "invoice", "changed", "Invoice AR000001", invoiceHint)
		other.Seq++
		h.o.Publisher = b
		if out, err := h.Handle(t.Context(), other); err != nil || out.Outcome != schemas.Applied {
			t.Errorf("another event ended %s %q, %v", out.Outcome, out.Reason, err)
		}
	}
}
