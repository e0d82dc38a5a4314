package stripeapi

import (
	"context"
	"net/http"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// Account returns the id of the account that the key is of, acct_…; empty for a
// restricted key that may not read it.
func (c *Client) Account(ctx context.Context) (string, error) {
	const what = "get account"
	var got rawObject
	err := c.do(ctx, what, func(ctx context.Context) error {
		return c.backend.Call(http.MethodGet, "/v1/account", c.key, &fetchParams{Params: stripe.Params{Context: ctx}}, &got)
	})
	if err != nil && fault.Of(err).Code == "stripe.permission" {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return got.ID, checkAnswer(what, "account", got.Object, got.ID)
}
