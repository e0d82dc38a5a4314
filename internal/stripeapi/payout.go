package stripeapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
	"millrace/internal/ledger"
)

// Payout is what we need to know of a payout. Stripe: a negative amount debits
// the bank.
type Payout struct {
	ID             string // po_…
	Amount         int64  // minor units of Currency
	Currency       string // upper case
	Status         string // pending, in_transit, paid, failed, canceled
	Automatic      bool
	Reconciliation string // completed, in_progress, not_applicable
	Created        time.Time
	Arrival        time.Time       // Stripe: midnight UTC of the day, a moment for instant ones
	Movement       ledger.Movement // its own; only GetPayout fills it
}

// wirePayout is a payout as Stripe renders it.
type wirePayout struct {
	ID             string          `json:"id"`
	Object         string          `json:"object"`
	Amount         int64           `json:"amount"`
	Currency       string          `json:"currency"`
	Status         string          `json:"status"`
	Automatic      bool            `json:"automatic"`
	Reconciliation string          `json:"reconciliation_status"`
	Created        int64           `json:"created"`
	Arrival        int64           `json:"arrival_date"`
	Livemode       bool            `json:"livemode"`
	Move           json.RawMessage `json:"balance_transaction"`
}

func (c *Client) payout(what string, w *wirePayout) (Payout, error) {
	if err := checkAnswer(what, "payout", w.Object, w.ID); err != nil {
		return Payout{}, err
	}
	if err := c.checkMode(what, w.Livemode); err != nil {
		return Payout{}, err
	}
	return Payout{
		ID: w.ID, Amount: w.Amount, Currency: strings.ToUpper(w.Currency), Status: w.Status, Automatic: w.Automatic,
		Reconciliation: w.Reconciliation, Created: time.Unix(w.Created, 0).UTC(), Arrival: time.Unix(w.Arrival, 0).UTC(),
	}, nil
}

// GetPayout reads a payout with its own movement.
func (c *Client) GetPayout(ctx context.Context, id string) (Payout, error) {
	what := "get payout " + id
	if id == "" {
		return Payout{}, errNoID(what)
	}
	var got struct {
		stripe.APIResource
		wirePayout
	}
	err := c.do(ctx, what, func(ctx context.Context) error {
		params := &fetchParams{Params: stripe.Params{Context: ctx}, Expand: stripe.StringSlice([]string{"balance_transaction"})}
		return c.backend.Call(http.MethodGet, stripe.FormatURLPath("/v1/payouts/%s", id), c.key, params, &got)
	})
	if err != nil {
		return Payout{}, err
	}
	p, err := c.payout(what, &got.wirePayout)
	if err != nil {
		return Payout{}, err
	}
	var move wireMove
	if err := json.Unmarshal(got.Move, &move); err != nil {
		return Payout{}, fault.Newf("stripe.response_malformed", "%s: its balance transaction is not expanded", what)
	}
	if p.Movement, err = move.movement(what); err != nil {
		return Payout{}, err
	}
	p.Movement.Source = ledger.Source{Kind: "payout", ID: p.ID}
	return p, nil
}

type payoutListParams struct {
	stripe.Params `form:"*"`
	Limit         int                      `form:"limit"`
	StartingAfter *string                  `form:"starting_after"`
	Created       *stripe.RangeQueryParams `form:"created"`
	Arrival       *stripe.RangeQueryParams `form:"arrival_date"`
}

// PayoutQuery says which payouts; zero times do not narrow them down.
type PayoutQuery struct {
	CreatedFrom, CreatedUntil time.Time // Until itself is not included
	ArrivalFrom, ArrivalUntil time.Time
	After                     string // id of the last one of the page before
}

// ListPayouts returns a page of at most 100 payouts, newest first, without
// their movements, and whether there are more.
func (c *Client) ListPayouts(ctx context.Context, q PayoutQuery) ([]Payout, bool, error) {
	const what = "list payouts"
	p := &payoutListParams{
		Limit: pageSize, StartingAfter: text(q.After), Created: window(q.CreatedFrom, q.CreatedUntil), Arrival: window(q.ArrivalFrom, q.ArrivalUntil),
	}
	var page struct {
		stripe.APIResource
		Object  string       `json:"object"`
		Data    []wirePayout `json:"data"`
		HasMore bool         `json:"has_more"`
	}
	err := c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		return c.backend.Call(http.MethodGet, "/v1/payouts", c.key, p, &page)
	})
	if err != nil {
		return nil, false, err
	}
	if page.Object != "list" {
		return nil, false, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, page.Object)
	}
	payouts := make([]Payout, len(page.Data))
	for i := range page.Data {
		if payouts[i], err = c.payout(what, &page.Data[i]); err != nil {
			return nil, false, err
		}
	}
	return payouts, page.HasMore, nil
}

// window is a range of Unix times; nil when both ends are open.
func window(from, until time.Time) *stripe.RangeQueryParams {
	if from.IsZero() && until.IsZero() {
		return nil
	}
	r := &stripe.RangeQueryParams{}
	if !from.IsZero() {
		r.GreaterThanOrEqual = from.Unix()
	}
	if !until.IsZero() {
		r.LesserThan = until.Unix()
	}
	return r
}
