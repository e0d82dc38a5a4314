package stage

import (
	"context"
	"encoding/json"
	"fmt"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
	"millrace/transform/flow"
)

// tell stores the event that a flow passes on. Its id is made of the one at
// hand, so that handling that again stores nothing (Invariant 2).
func (h *Handler) tell(ctx context.Context, m *bus.Message, out schemas.Outcome, res flow.Result) (schemas.Outcome, error) {
	t := res.Tell
	data, err := json.Marshal(t.Hint)
	if err != nil {
		return out, fault.New("flow.expression_failed", err)
	}
	id := t.Object + ":" + t.Key + "@" + m.Event.ID
	ack, err := h.o.Publisher.PublishEvent(ctx, m.Subject.Connection, t.Lane, t.Source, t.Object, t.Verb, bus.Event{
		ID: id, Type: schemas.EventType(t.Source, t.Object, t.Verb), Source: "/" + bus.Escape(m.Subject.Connection) + "/" + Name,
		Subject: t.Key, Time: m.Event.Time, Data: data,
	})
	if err != nil {
		return out, fmt.Errorf("publish event %s: %w", id, err)
	}
	out.Outcome, out.Reason = schemas.Applied, "told "+id
	if ack.Duplicate {
		out.Outcome, out.Reason = schemas.Duplicate, "told "+id+" before"
	}
	if res.Applied != "" {
		out.Reason += ": " + res.Applied
	}
	return out, nil
}
