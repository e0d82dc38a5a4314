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

// EventPage is a part of the list of events.
type EventPage struct {
	Events []RawEvent // oldest first, at most 100
	More   bool       // there are further ones in the direction that was asked
	At     time.Time  // Stripe's clock when it answered; zero when it did not tell
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
	Limit         int                      `form:"limit"`
	EndingBefore  *string                  `form:"ending_before"`
	StartingAfter *string                  `form:"starting_after"`
	Types         []*string                `form:"types"`
	Created       *stripe.RangeQueryParams `form:"created"`
}

// EventsAfter returns the events that directly follow the one with the id.
// types narrows them down (Stripe: at most 20). stripe.not_found when the event
// is not listed any more. Stripe: events are listed for 30 days.
func (c *Client) EventsAfter(ctx context.Context, id string, types []string) (EventPage, error) {
	return c.events(ctx, "events after "+id, eventParams{Limit: pageSize, EndingBefore: &id, Types: stripe.StringSlice(types)})
}

// EventsBefore returns the events that directly precede the one with the id, or
// the newest ones without an id.
func (c *Client) EventsBefore(ctx context.Context, id string) (EventPage, error) {
	p := eventParams{Limit: pageSize}
	if id != "" {
		p.StartingAfter = &id
	}
	return c.events(ctx, "events before "+id, p)
}

// LastEvent returns the last event, of any type, in the list up to an instant;
// false when there is none.
func (c *Client) LastEvent(ctx context.Context, until time.Time) (RawEvent, bool, error) {
	p := eventParams{Limit: 1, Created: &stripe.RangeQueryParams{LesserThanOrEqual: until.Unix()}}
	page, err := c.events(ctx, "last event", p)
	if err != nil || len(page.Events) == 0 {
		return RawEvent{}, false, err
	}
	return page.Events[0], true, nil
}

func (c *Client) events(ctx context.Context, what string, p eventParams) (EventPage, error) {
	var list eventList
	err := c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		return c.backend.Call(http.MethodGet, "/v1/events", c.key, &p, &list)
	})
	if err != nil {
		return EventPage{}, err
	}
	if list.Object != "list" {
		return EventPage{}, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, list.Object)
	}
	page := EventPage{Events: make([]RawEvent, len(list.Data)), More: list.HasMore}
	if t, err := http.ParseTime(list.LastResponse.Header.Get("Date")); err == nil {
		page.At = t.UTC()
	}
	for i, body := range list.Data {
		if page.Events[i], err = c.rawEvent(what, body); err != nil {
			return EventPage{}, err
		}
	}
	slices.Reverse(page.Events) // Stripe: newest first
	return page, nil
}

func (c *Client) rawEvent(what string, body json.RawMessage) (RawEvent, error) {
	var head struct {
		ID       string `json:"id"`
		Object   string `json:"object"`
		Type     string `json:"type"`
		Created  int64  `json:"created"`
		Livemode bool   `json:"livemode"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return RawEvent{}, fault.Newf("stripe.response_malformed", "%s: %w", what, err)
	}
	if err := checkAnswer(what, "event", head.Object, head.ID); err != nil {
		return RawEvent{}, err
	}
	if err := c.checkMode(what, head.Livemode); err != nil {
		return RawEvent{}, err
	}
	return RawEvent{ID: head.ID, Type: head.Type, Created: time.Unix(head.Created, 0).UTC(), Livemode: head.Livemode, Body: body}, nil
}
