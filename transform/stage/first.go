package stage

import (
	"context"
	"strings"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
	"millrace/transform/flow"
)

// first handles the event that a retry waits for, in the place of the one at
// hand: Stripe's webhooks come in any order, and behind one that waits in its
// lane it would never be reached. Its flow asks for what it always asks for, so
// that its own turn finds it done (Invariants 2 and 4). What keeps it from its
// intents keeps the one at hand as well.
func (h *Handler) first(ctx context.Context, m *bus.Message, conn Connection, in flow.Input, f *flow.First) error {
	if f == nil {
		return nil
	}
	in.Facts = flow.Facts{}
	cut := strings.LastIndexByte(f.Event, '.')
	in.Event.Object, in.Event.Verb, in.Event.Key = f.Event[:max(cut, 0)], f.Event[cut+1:], f.ID
	in.Event.Type = schemas.EventType(in.Event.Source, in.Event.Object, in.Event.Verb)
	in.Event.Hint = map[string]any{"id": f.ID, "object": in.Event.Object}
	d, reason, err := h.match(ctx, in)
	if err != nil {
		return err
	}
	if d == nil {
		return fault.Newf("flow.expression_failed", "%s %s first: %s", f.Event, f.ID, reason)
	}
	r := &refs{}
	res, err := h.evaluate(ctx, d, conn, in, r)
	if err != nil {
		return err
	}
	switch {
	case res.Parked != nil:
		return stopped(d, res.Parked)
	case res.Retry != nil:
		return stopped(d, res.Retry)
	}
	_, err = h.publish(ctx, m, schemas.Outcome{}, res.Intents, r) // none of one that is skipped
	return err
}
