package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// Movement is one balance transaction with what caused it.
type Movement struct {
	ID       string // txn_…
	Type     string // "charge", "payment", "payout", …
	Category string // reporting_category
	Currency string // of the balance that moved; lower case
	Created  time.Time
	// Source is what moved the money, as Stripe renders it: a charge, refund,
	// payout, … null for some types. The charge of a refund is expanded in it.
	Source json.RawMessage
	// Odd says why at most the id can be relied on, and Source is the whole
	// row; nil for one that is as it should be. One like this does not hide the
	// others of its page.
	Odd error
}

type movementParams struct {
	stripe.Params `form:"*"`
	Limit         int                      `form:"limit"`
	StartingAfter *string                  `form:"starting_after"`
	Created       *stripe.RangeQueryParams `form:"created"`
	Expand        []*string                `form:"expand"`
}

// Movements returns the balance transactions that were created from one instant
// up to, and not including, another, newest first, at most 100; after is the id
// of the last one of the page before, empty for the first page. more tells
// whether there are further ones.
func (c *Client) Movements(ctx context.Context, from, until time.Time, after string) (page []Movement, more bool, err error) {
	const what = "list balance transactions"
	p := &movementParams{
		Limit: pageSize, Expand: stripe.StringSlice([]string{"data.source", "data.source.charge"}),
		Created: &stripe.RangeQueryParams{GreaterThanOrEqual: from.Unix(), LesserThan: until.Unix()},
	}
	if after != "" {
		p.StartingAfter = &after
	}
	var list struct {
		stripe.APIResource
		Object  string            `json:"object"`
		Data    []json.RawMessage `json:"data"`
		HasMore bool              `json:"has_more"`
	}
	err = c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		return c.backend.Call(http.MethodGet, "/v1/balance_transactions", c.key, p, &list)
	})
	if err != nil {
		return nil, false, err
	}
	if list.Object != "list" {
		return nil, false, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, list.Object)
	}
	for _, body := range list.Data {
		page = append(page, movement(what, body))
	}
	return page, list.HasMore, nil
}

func movement(what string, body json.RawMessage) Movement {
	var id struct {
		ID string `json:"id"`
	}
	var row struct {
		Object   string          `json:"object"`
		Type     string          `json:"type"`
		Category string          `json:"reporting_category"`
		Currency string          `json:"currency"`
		Created  int64           `json:"created"`
		Source   json.RawMessage `json:"source"`
	}
	err := errors.Join(json.Unmarshal(body, &id), json.Unmarshal(body, &row))
	if err == nil {
		err = checkAnswer(what, "balance_transaction", row.Object, id.ID)
	}
	if err != nil {
		return Movement{ID: id.ID, Source: body, Odd: err}
	}
	return Movement{ID: id.ID, Type: row.Type, Category: row.Category, Currency: row.Currency, Created: time.Unix(row.Created, 0).UTC(), Source: row.Source}
}
