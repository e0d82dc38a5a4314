package stripeapi

import (
	"context"

	"github.com/stripe/stripe-go/v76"
)

// TaxID is a tax number of a customer. It cannot be changed, only deleted.
type TaxID struct {
	ID    string // txi_…
	Type  string // eu_vat, us_ein, …
	Value string
}

// CreateTaxID adds a tax number to a customer. A value that is not of its type
// is refused as stripe.invalid.
func (c *Client) CreateTaxID(ctx context.Context, key, customer string, x TaxID) (TaxID, error) {
	what := "create tax id of customer " + customer
	if customer == "" {
		return TaxID{}, errNoID(what)
	}
	params, err := writeParams(what, key)
	if err != nil {
		return TaxID{}, err
	}
	p := &stripe.TaxIDParams{Params: params, Customer: &customer, Type: &x.Type, Value: &x.Value}
	var got *stripe.TaxID
	err = c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		var err error
		got, err = c.api.TaxIDs.New(p)
		return err
	})
	if err == nil {
		err = checkAnswer(what, "tax_id", got.Object, got.ID)
	}
	if err != nil {
		return TaxID{}, err
	}
	return taxIDOf(got), nil
}

// DeleteTaxID takes a tax number off a customer. One that is gone is success.
func (c *Client) DeleteTaxID(ctx context.Context, customer, id string) error {
	what := "delete tax id " + id
	if customer == "" || id == "" {
		return errNoID(what)
	}
	err := c.do(ctx, what, func(ctx context.Context) error {
		_, err := c.api.TaxIDs.Del(id, &stripe.TaxIDParams{Params: stripe.Params{Context: ctx}, Customer: &customer})
		return err
	})
	if IsNotFound(err) {
		return nil
	}
	return err
}

func taxIDOf(x *stripe.TaxID) TaxID { return TaxID{ID: x.ID, Type: string(x.Type), Value: x.Value} }
