package stripetwin

import (
	"context"
	"net/http"
)

// Resend delivers events once more to every endpoint that wants them, as
// Stripe's "events resend" does.
func (t *Twin) Resend(ctx context.Context, events ...string) error {
	return t.as(ctx, func(c *call) error {
		for _, id := range events {
			e := t.s.Events.get(id)
			if e == nil {
				return missing("event", id, "id", http.StatusNotFound)
			}
			t.deliver(c, e)
			t.s.mark(e.ID)
		}
		return nil
	})
}

func (t *Twin) controlResend(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Events []string `json:"events"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	if err := t.Resend(req.Context(), in.Events...); err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]int{"resent": len(in.Events)})
}
