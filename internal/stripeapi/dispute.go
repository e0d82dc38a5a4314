package stripeapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// Dispute is as much of a dispute as tells whether its end was posted.
type Dispute struct {
	ID       string
	Charge   string
	Status   string // needs_response, under_review, won, lost, warning_…
	Currency string // upper case, of what it took from the balance; empty: it took nothing
	Created  time.Time
}

// Closed tells that nothing comes after the status.
func (d Dispute) Closed() bool {
	return d.Status == "won" || d.Status == "lost" || d.Status == "warning_closed" || d.Status == "charge_refunded"
}

// DisputeQuery says which disputes; zero times do not narrow them down.
type DisputeQuery struct {
	CreatedFrom, CreatedUntil time.Time // Until itself is not included
	After                     string    // id of the last one of the page before
}

type disputeListParams struct {
	stripe.Params `form:"*"`
	Limit         int                      `form:"limit"`
	StartingAfter *string                  `form:"starting_after"`
	Created       *stripe.RangeQueryParams `form:"created"`
}

type wireDispute struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Charge  string `json:"charge"`
	Status  string `json:"status"`
	Created int64  `json:"created"`
	Moves   []struct {
		Currency string `json:"currency"`
	} `json:"balance_transactions"`
}

// ListDisputes returns a page of at most 100 disputes, newest first, and whether
// there are more.
func (c *Client) ListDisputes(ctx context.Context, q DisputeQuery) ([]Dispute, bool, error) {
	const what = "list disputes"
	p := &disputeListParams{Limit: pageSize, StartingAfter: text(q.After), Created: window(q.CreatedFrom, q.CreatedUntil)}
	var page struct {
		stripe.APIResource
		Object  string        `json:"object"`
		Data    []wireDispute `json:"data"`
		HasMore bool          `json:"has_more"`
	}
	err := c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		return c.backend.Call(http.MethodGet, "/v1/disputes", c.key, p, &page)
	})
	if err != nil {
		return nil, false, err
	}
	if page.Object != "list" {
		return nil, false, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, page.Object)
	}
	disputes := make([]Dispute, len(page.Data))
	for i, w := range page.Data {
		if err := checkAnswer(what, "dispute", w.Object, w.ID); err != nil {
			return nil, false, err
		}
		disputes[i] = Dispute{ID: w.ID, Charge: w.Charge, Status: w.Status, Created: time.Unix(w.Created, 0).UTC()}
		if len(w.Moves) > 0 {
			disputes[i].Currency = strings.ToUpper(w.Moves[0].Currency)
		}
	}
	return disputes, page.HasMore, nil
}
