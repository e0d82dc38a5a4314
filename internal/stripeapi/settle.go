package stripeapi

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
	"millrace/internal/ledger"
)

// MovementQuery says which balance transactions: those of an automatic payout,
// or those of a currency that were created in a window.
type MovementQuery struct {
	Payout   string    // po_…
	Currency string    // any case; empty: all
	From     time.Time // zero: from the first
	Until    time.Time // zero: to the newest; itself not included
	Bare     bool      // without what the movements are about, which makes long lists lighter
}

// moveSource expands what a movement is about, and the charge behind a refund
// or dispute: the rules ask whose it is.
var moveSource = []string{"source", "source.charge"}

type movementPage struct {
	stripe.APIResource
	Object  string     `json:"object"`
	Data    []wireMove `json:"data"`
	HasMore bool       `json:"has_more"`
}

type movementListParams struct {
	stripe.Params `form:"*"`
	Limit         int                      `form:"limit"`
	StartingAfter *string                  `form:"starting_after"`
	Payout        *string                  `form:"payout"`
	Currency      *string                  `form:"currency"`
	Created       *stripe.RangeQueryParams `form:"created"`
	Expand        []*string                `form:"expand"`
}

// EachMovement hands over the movements of the query, newest first, and reads
// the next page of 100 only when the one before was taken: what it holds does
// not grow with the number of movements. An error of each ends it.
func (c *Client) EachMovement(ctx context.Context, q MovementQuery, each func(*ledger.Movement) error) error {
	what := "list balance transactions " + q.Payout
	p := movementListParams{Limit: pageSize, Payout: text(q.Payout), Currency: text(strings.ToLower(q.Currency)), Created: window(q.From, q.Until)}
	for _, path := range moveSource {
		if q.Bare {
			break
		}
		p.Expand = append(p.Expand, new("data."+path))
	}
	for {
		var page movementPage
		err := c.do(ctx, what, func(ctx context.Context) error {
			p.Context = ctx
			return c.backend.Call(http.MethodGet, "/v1/balance_transactions", c.key, &p, &page)
		})
		if err != nil {
			return err
		}
		if page.Object != "list" {
			return fault.Newf("stripe.response_malformed", "%s: answer is %q", what, page.Object)
		}
		for i := range page.Data {
			if q.Bare {
				page.Data[i].Source = nil
			}
			m, err := page.Data[i].movement(what)
			if err != nil {
				return err
			}
			if err := each(&m); err != nil {
				return err
			}
		}
		if !page.HasMore || len(page.Data) == 0 {
			return nil
		}
		p.StartingAfter = new(page.Data[len(page.Data)-1].ID)
	}
}

// GetMovement reads one movement with what it is about.
func (c *Client) GetMovement(ctx context.Context, id string) (ledger.Movement, error) {
	what := "get balance transaction " + id
	if id == "" {
		return ledger.Movement{}, errNoID(what)
	}
	var got struct {
		stripe.APIResource
		wireMove
	}
	err := c.do(ctx, what, func(ctx context.Context) error {
		params := &fetchParams{Params: stripe.Params{Context: ctx}, Expand: stripe.StringSlice(moveSource)}
		return c.backend.Call(http.MethodGet, stripe.FormatURLPath("/v1/balance_transactions/%s", id), c.key, params, &got)
	})
	if err != nil {
		return ledger.Movement{}, err
	}
	return got.movement(what)
}

// wireMove is a balance transaction as Stripe renders it.
type wireMove struct {
	ID          string          `json:"id"`
	Object      string          `json:"object"`
	Type        string          `json:"type"`
	Category    string          `json:"reporting_category"`
	Amount      int64           `json:"amount"`
	Fee         int64           `json:"fee"`
	Net         int64           `json:"net"`
	Currency    string          `json:"currency"`
	Created     int64           `json:"created"`
	AvailableOn int64           `json:"available_on"`
	Description string          `json:"description"`
	Source      json.RawMessage `json:"source"`
	Fees        []struct {
		Type        string `json:"type"`
		Description string `json:"description"`
		Amount      int64  `json:"amount"`
		Currency    string `json:"currency"`
	} `json:"fee_details"`
}

func (w *wireMove) movement(what string) (ledger.Movement, error) {
	if err := checkAnswer(what, "balance_transaction", w.Object, w.ID); err != nil {
		return ledger.Movement{}, err
	}
	m := ledger.Movement{
		ID: w.ID, Type: w.Type, Category: w.Category, Amount: w.Amount, Fee: w.Fee, Net: w.Net, Currency: strings.ToUpper(w.Currency),
		Created: time.Unix(w.Created, 0).UTC(), AvailableOn: time.Unix(w.AvailableOn, 0).UTC(), Description: w.Description,
	}
	for _, f := range w.Fees {
		m.Fees = append(m.Fees, ledger.FeePart{Type: f.Type, Description: f.Description, Amount: f.Amount, Currency: strings.ToUpper(f.Currency)})
	}
	var err error
	m.Source, err = source(what+" "+w.ID, w.Source)
	return m, err
}

// wireSource is what a movement is about, as far as the rules ask.
type wireSource struct {
	ID       string          `json:"id"`
	Object   string          `json:"object"`
	Amount   int64           `json:"amount"`
	Currency string          `json:"currency"`
	Status   string          `json:"status"`
	Charge   json.RawMessage `json:"charge"`
}

type wireCharge struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Captured int64  `json:"amount_captured"`
	Status   string `json:"status"`
	Currency string `json:"currency"`
	Customer idOf   `json:"customer"`
	Invoice  idOf   `json:"invoice"`
	Created  int64  `json:"created"`
}

// idOf is a reference: an id, the object itself when it was expanded, or
// nothing.
type idOf string

// UnmarshalJSON takes either form.
func (i *idOf) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, (*string)(i)) == nil {
		return nil
	}
	var o struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(data, &o)
	*i = idOf(o.ID)
	return err
}

// source reads what a movement is about. What has a charge behind it must come
// with it: without, nobody could tell whose money it is (Invariant 8).
func source(what string, raw json.RawMessage) (ledger.Source, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return ledger.Source{}, nil
	}
	var id string
	if json.Unmarshal(raw, &id) == nil { // not expanded: Stripe cannot, or the key may not
		for _, prefix := range []string{"ch_", "py_", "re_", "pyr_", "dp_", "du_"} {
			if strings.HasPrefix(id, prefix) {
				return ledger.Source{}, fault.Newf("stripe.response_malformed", "%s: its source %s is not expanded", what, id)
			}
		}
		return ledger.Source{ID: id}, nil
	}
	var w wireSource
	if err := json.Unmarshal(raw, &w); err != nil {
		return ledger.Source{}, fault.Newf("stripe.response_malformed", "%s: source: %w", what, err)
	}
	s := ledger.Source{Kind: w.Object, ID: w.ID}
	var err error
	switch w.Object {
	case "charge":
		if s.Charge, err = charge(what, raw); err == nil {
			// Nothing is captured while a bank debit is pending: then it is about
			// the whole charge.
			s.Amount, s.Currency = cmp.Or(s.Charge.Captured, w.Amount), s.Charge.Currency
		}
	case "refund", "dispute":
		s.Amount, s.Currency = w.Amount, strings.ToUpper(w.Currency)
		s.Charge, err = charge(what, w.Charge)
		if w.Object == "dispute" {
			s.Status = w.Status
		}
	}
	return s, err
}

func charge(what string, raw json.RawMessage) (*ledger.Charge, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil //nolint:nilnil // Stripe: a refund of something else than a charge has none
	}
	var w wireCharge
	if err := json.Unmarshal(raw, &w); err != nil || w.Object != "charge" || w.ID == "" {
		return nil, fault.Newf("stripe.response_malformed", "%s: its charge is not expanded", what)
	}
	return &ledger.Charge{
		ID: w.ID, Customer: string(w.Customer), Invoice: string(w.Invoice), Status: w.Status, Captured: w.Captured, Currency: strings.ToUpper(w.Currency),
		Created: time.Unix(w.Created, 0).UTC(),
	}, nil
}
