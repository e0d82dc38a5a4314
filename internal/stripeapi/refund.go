package stripeapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// maxRefunds bounds the refunds of one charge. Stripe names no limit; each is
// of at least one minor unit, and nobody pays back in so many parts.
const maxRefunds = 1_000

type refundListParams struct {
	stripe.Params `form:"*"`
	Charge        string    `form:"charge"`
	Limit         int       `form:"limit"`
	StartingAfter *string   `form:"starting_after"`
	Expand        []*string `form:"expand"`
}

// refunds reads all refunds of a charge, newest first, as one list:
// {"object":"list","charge":…,"data":[…]}. Stripe: a charge embeds at most the
// ten newest, so the list is asked for by itself; one GET for every 100.
func (c *Client) refunds(ctx context.Context, chargeID string, expand []string) (json.RawMessage, error) {
	what := "list refunds of " + chargeID
	p := &refundListParams{Charge: chargeID, Limit: pageSize}
	for _, path := range expand {
		p.Expand = append(p.Expand, new("data."+path))
	}
	all := []json.RawMessage{}
	for more := true; more; {
		var page eventList
		err := c.do(ctx, what, func(ctx context.Context) error {
			p.Context = ctx
			return c.backend.Call(http.MethodGet, "/v1/refunds", c.key, p, &page)
		})
		if err != nil {
			return nil, err
		}
		if page.Object != "list" {
			return nil, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, page.Object)
		}
		last := ""
		for _, body := range page.Data {
			var head struct {
				ID     string `json:"id"`
				Object string `json:"object"`
			}
			if err := json.Unmarshal(body, &head); err != nil {
				return nil, fault.Newf("stripe.response_malformed", "%s: %w", what, err)
			}
			if err := checkAnswer(what, "refund", head.Object, head.ID); err != nil {
				return nil, err
			}
			last = head.ID
		}
		if all = append(all, page.Data...); len(all) > maxRefunds {
			return nil, fault.Newf("stripe.response_malformed", "%s: more than %d", what, maxRefunds)
		}
		more, p.StartingAfter = page.HasMore && last != "", new(last)
	}
	out, err := json.Marshal(map[string]any{"object": "list", "charge": chargeID, "data": all})
	if err != nil {
		return nil, fault.New("stripe.response_malformed", err)
	}
	return out, nil
}
