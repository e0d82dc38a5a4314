package stripeapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// RawEvent is an event as Stripe renders it. Stripe: for the API version of
// the endpoint or request it was made for, which /v1/events shows in
// api_version.
type RawEvent struct {
	ID       string
	Type     string
	Created  time.Time // whole seconds; several events may share one
	Livemode bool
	Body     json.RawMessage
}

// eventList takes a page as it is.
type eventList struct {
	stripe.APIResource
	Object  string            `json:"object"`
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
}

type eventParams struct {
	stripe.Params `form:"*"`
	Limit         int       `form:"limit"`
	EndingBefore  *string   `form:"ending_before"`
	StartingAfter *string   `form:"starting_after"`
	Types         []*string `form:"types"`
}

// EventsAfter returns the events that directly follow the one with the id, at
// most 100, oldest first, and whether there are more. types narrows them down
// (Stripe: at most 20). stripe.not_found when the event is not listed any more.
// Stripe: events are listed for 30 days.
func (c *Client) EventsAfter(ctx context.Context, id string, types []string) ([]RawEvent, bool, error) {
	return c.events(ctx, "events after "+id, eventParams{EndingBefore: &id, Types: stripe.StringSlice(types)})
}

// EventsBefore returns the events that directly precede the one with the id, or
// the newest ones without an id, at most 100, oldest first, and whether there
// are older ones.
func (c *Client) EventsBefore(ctx context.Context, id string) ([]RawEvent, bool, error) {
	p := eventParams{}
	if id != "" {
		p.StartingAfter = &id
	}
	return c.events(ctx, "events before "+id, p)
}

func (c *Client) events(ctx context.Context, what string, p eventParams) ([]RawEvent, bool, error) {
	var page eventList
	p.Limit = pageSize
	err := c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		return c.backend.Call(http.MethodGet, "/v1/events", c.key, &p, &page)
	})
	if err != nil {
		return nil, false, err
	}
	if page.Object != "list" {
		return nil, false, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, page.Object)
	}
	events := make([]RawEvent, len(page.Data))
	for i, body := range page.Data {
		var head struct {
			ID       string `json:"id"`
			Object   string `json:"object"`
			Type     string `json:"type"`
			Created  int64  `json:"created"`
			Livemode bool   `json:"livemode"`
		}
		if err := json.Unmarshal(body, &head); err != nil {
			return nil, false, fault.Newf("stripe.response_malformed", "%s: %w", what, err)
		}
		if err := checkAnswer(what, "event", head.Object, head.ID); err != nil {
			return nil, false, err
		}
		if err := c.checkMode(what, head.Livemode); err != nil {
			return nil, false, err
		}
		events[i] = RawEvent{ID: head.ID, Type: head.Type, Created: time.Unix(head.Created, 0).UTC(), Livemode: head.Livemode, Body: body}
	}
	slices.Reverse(events) // Stripe: newest first
	return events, page.HasMore, nil
}
