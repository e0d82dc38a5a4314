package stage

import (
	"context"
	"fmt"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
	"millrace/transform/flow"
)

// patience is for how long an event waits for what goes beside its own flow: as
// long as a link that is being written takes, with a retry or two.
const patience = 2 * time.Minute

// beside handles the event by the flow that goes beside its own one, after that
// one has what it asked for. It may try again for a little while; from then on,
// and whatever is wrong with the event itself, the event ends as it would have
// without it and tells a person: money must not wait for what is only shown.
func (h *Handler) beside(ctx context.Context, m *bus.Message, conn Connection, in flow.Input, own ended, r *refs) (schemas.Outcome, error) {
	in.Facts = flow.Facts{}
	d, reason, err := flow.Beside(ctx, h.o.Flows, in)
	if err != nil || d == nil {
		if own.unhandled {
			own.out.Reason = reason
		}
		return own.out, err
	}
	res, err := h.evaluate(ctx, d, conn, in, r)
	own.out.Refs = r.list
	if res.Parked != nil {
		err = stopped(d, res.Parked)
	}
	if res.Retry != nil {
		err = stopped(d, res.Retry)
	}
	if err != nil {
		if h.waits(m, err) {
			return own.out, err
		}
		f := fault.Of(err)
		own.out.Review, own.out.Code, own.out.Hint = "not written back: "+err.Error(), f.Code, f.Hint
		return own.out, nil
	}
	if res.Skipped != nil {
		return own.with(skip(schemas.Outcome{}, res.Skipped.Reason)), nil
	}
	out, err := h.publish(ctx, m, schemas.Outcome{}, res.Intents, r)
	own.out.Refs = r.list
	return own.with(out), err
}

// waits reports an error that may be over in a moment, or that every event
// meets. What a restricted key may not read is met by the events of this flow
// alone: the money of all others goes on.
func (h *Handler) waits(m *bus.Message, err error) bool {
	if fault.Of(err).Code == "stripe.permission" {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Transient:
		return m.Stored.IsZero() || h.now().Sub(m.Stored) < patience
	case fault.Rejected, fault.Invalid:
		return false
	case fault.Throttled, fault.Down, fault.Misconfigured:
		return true
	}
	return true
}

// ended is how the event ended by its own flow.
type ended struct {
	out       schemas.Outcome
	unhandled bool // it has none
}

// with is how the event ends with what went beside: applied where anything was
// asked for.
func (e ended) with(beside schemas.Outcome) schemas.Outcome {
	out := e.out
	if e.unhandled {
		out.Outcome, out.Reason = beside.Outcome, beside.Reason
	} else {
		out.Reason = fmt.Sprintf("%s; beside: %s", out.Reason, beside.Reason)
		if beside.Outcome == schemas.Applied || out.Outcome == schemas.Skipped && beside.Outcome == schemas.Duplicate {
			out.Outcome = beside.Outcome
		}
	}
	out.Intents = append(out.Intents, beside.Intents...)
	return out
}
