package stripeapi

import (
	"context"
	"net/http"

	"github.com/shopspring/decimal"
	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// Price is what a unit of a product costs. Stripe: its amount never changes.
type Price struct {
	ID       string // price_…; empty when about to be made
	Product  string // prod_…
	Currency string // lower case
	// UnitAmount is in minor units, with at most twelve decimals. Zero for a
	// price that has tiers, or leaves it to the buyer: Plain is false then.
	UnitAmount decimal.Decimal
	Plain      bool // one amount a unit, once
	Active     bool
	Metadata   map[string]string
}

// priceAnswer is a price as Stripe renders it.
type priceAnswer struct {
	stripe.APIResource
	ID         string            `json:"id"`
	Object     string            `json:"object"`
	Product    string            `json:"product"`
	Currency   string            `json:"currency"`
	UnitAmount *string           `json:"unit_amount_decimal"`
	Type       string            `json:"type"`
	Scheme     string            `json:"billing_scheme"`
	Transform  any               `json:"transform_quantity"`
	Active     bool              `json:"active"`
	Metadata   map[string]string `json:"metadata"`
	Livemode   bool              `json:"livemode"`
}

type priceParams struct {
	stripe.Params `form:"*"`
	Product       *string           `form:"product"`
	Currency      *string           `form:"currency"`
	UnitAmount    *int64            `form:"unit_amount"`
	UnitDecimal   *string           `form:"unit_amount_decimal"`
	Active        *bool             `form:"active"`
	Metadata      map[string]string `form:"metadata"`
}

const pricesPath = "/v1/prices"

// CreatePrice creates an active price. (Stripe: unit_amount for whole minor
// units, unit_amount_decimal for others.)
func (c *Client) CreatePrice(ctx context.Context, key string, x Price) (Price, error) {
	what := "create price of product " + x.Product
	if x.Product == "" {
		return Price{}, errNoID(what)
	}
	params, err := writeParams(what, key)
	if err != nil {
		return Price{}, err
	}
	p := &priceParams{Params: params, Product: new(x.Product), Currency: new(x.Currency), Metadata: x.Metadata}
	if x.UnitAmount.IsInteger() && x.UnitAmount.BigInt().IsInt64() {
		p.UnitAmount = new(x.UnitAmount.IntPart())
	} else {
		p.UnitDecimal = new(x.UnitAmount.String())
	}
	return c.callPrice(ctx, what, pricesPath, p)
}

// SetPriceActive archives a price, or takes it back. Stripe: the default price
// of a product cannot be archived.
func (c *Client) SetPriceActive(ctx context.Context, key, id string, active bool) (Price, error) {
	what := "update price " + id
	if id == "" {
		return Price{}, errNoID(what)
	}
	params, err := writeParams(what, key)
	if err != nil {
		return Price{}, err
	}
	return c.callPrice(ctx, what, stripe.FormatURLPath(pricesPath+"/%s", id), &priceParams{Params: params, Active: new(active)})
}

func (c *Client) callPrice(ctx context.Context, what, path string, p *priceParams) (Price, error) {
	var got priceAnswer
	err := c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		return c.backend.Call(http.MethodPost, path, c.key, p, &got)
	})
	if err != nil {
		return Price{}, err
	}
	return c.price(what, &got)
}

type priceQuery struct {
	stripe.Params `form:"*"`
	Limit         int     `form:"limit"`
	Product       string  `form:"product"`
	StartingAfter *string `form:"starting_after"`
}

// ListPrices returns all prices of a product, archived ones among them, newest
// first.
func (c *Client) ListPrices(ctx context.Context, product string) ([]Price, error) {
	what := "list prices of product " + product
	if product == "" {
		return nil, errNoID(what)
	}
	q := &priceQuery{Limit: pageSize, Product: product}
	var all []Price
	for {
		var page struct {
			stripe.APIResource
			Object  string        `json:"object"`
			Data    []priceAnswer `json:"data"`
			HasMore bool          `json:"has_more"`
		}
		err := c.do(ctx, what, func(ctx context.Context) error {
			q.Context = ctx
			return c.backend.Call(http.MethodGet, pricesPath, c.key, q, &page)
		})
		if err != nil {
			return nil, err
		}
		if page.Object != "list" {
			return nil, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, page.Object)
		}
		for i := range page.Data {
			got, err := c.price(what, &page.Data[i])
			if err != nil {
				return nil, err
			}
			all = append(all, got)
		}
		if !page.HasMore || len(page.Data) == 0 {
			return all, nil
		}
		q.StartingAfter = new(all[len(all)-1].ID)
	}
}

func (c *Client) price(what string, x *priceAnswer) (Price, error) {
	if err := checkAnswer(what, "price", x.Object, x.ID); err != nil {
		return Price{}, err
	}
	if err := c.checkMode(what, x.Livemode); err != nil {
		return Price{}, err
	}
	p := Price{ID: x.ID, Product: x.Product, Currency: x.Currency, Active: x.Active, Metadata: x.Metadata}
	if x.UnitAmount == nil {
		return p, nil
	}
	var err error
	if p.UnitAmount, err = decimal.NewFromString(*x.UnitAmount); err != nil {
		return Price{}, fault.Newf("stripe.response_malformed", "%s: price %s: unit amount %q", what, x.ID, *x.UnitAmount)
	}
	p.Plain = x.Type == "one_time" && x.Scheme == "per_unit" && x.Transform == nil
	return p, nil
}
