package stripeapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// funds is a part of the balance as Stripe renders it.
type funds struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Balance reads what is on the account now, available and pending together, in
// minor units by currency (upper case): the sum of the net of all balance
// transactions there ever were. Stripe: what is reserved for connected accounts
// is in neither.
func (c *Client) Balance(ctx context.Context) (map[string]int64, error) {
	const what = "get balance"
	var got struct {
		stripe.APIResource
		Object    string  `json:"object"`
		Available []funds `json:"available"`
		Pending   []funds `json:"pending"`
		Livemode  bool    `json:"livemode"`
	}
	err := c.do(ctx, what, func(ctx context.Context) error {
		return c.backend.Call(http.MethodGet, "/v1/balance", c.key, &fetchParams{Params: stripe.Params{Context: ctx}}, &got)
	})
	if err != nil {
		return nil, err
	}
	if got.Object != "balance" {
		return nil, fault.Newf("stripe.response_malformed", "%s: answer is %q", what, got.Object)
	}
	if err := c.checkMode(what, got.Livemode); err != nil {
		return nil, err
	}
	sum := map[string]int64{}
	for _, list := range [][]funds{got.Available, got.Pending} {
		for _, f := range list {
			sum[strings.ToUpper(f.Currency)] += f.Amount
		}
	}
	return sum, nil
}
