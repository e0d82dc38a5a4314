package stripeapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// WebhookEndpoint is where Stripe sends events.
type WebhookEndpoint struct {
	ID         string   `json:"id"`
	URL        string   `json:"url"`
	Status     string   `json:"status"` // "enabled" or "disabled"
	APIVersion string   `json:"api_version"`
	Events     []string `json:"enabled_events"`
}

// Receives reports whether events of the type are sent there. Stripe: "*" is
// every type but those that must be asked for by name.
func (e WebhookEndpoint) Receives(event string) bool {
	return e.Status == "enabled" && (slices.Contains(e.Events, event) || slices.Contains(e.Events, "*") && event != "invoice.created")
}

// WebhookEndpoints returns all of the account and mode of the key. Stripe: at
// most 16.
func (c *Client) WebhookEndpoints(ctx context.Context) ([]WebhookEndpoint, error) {
	data, _, err := c.firstPage(ctx, "webhook_endpoints", pageSize)
	if err != nil {
		return nil, err
	}
	var list []WebhookEndpoint
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fault.Newf("stripe.response_malformed", "list webhook_endpoints: %w", err)
	}
	return list, nil
}

// CanRead makes the smallest read of a collection, such as "payouts", and
// returns Stripe's clock; zero when it did not tell. expand are members of its
// objects, such as "payment_intent", which may need rights of their own.
// stripe.permission when the key may not.
func (c *Client) CanRead(ctx context.Context, collection string, expand ...string) (time.Time, error) {
	_, at, err := c.firstPage(ctx, collection, 1, expand...)
	return at, err
}

// Collection is where the objects that Fetch reads are listed; false for one
// that it does not know.
func Collection(object string) (string, bool) {
	if object == "refunds" {
		return object, true
	}
	path, ok := fetchPaths()[object]
	return strings.TrimSuffix(strings.TrimPrefix(path, "/v1/"), "/%s"), ok
}

// Listed are the collections that this client lists, whatever flows read.
func Listed() []string {
	return []string{"balance_transactions", "credit_notes", "customers", "disputes", "events", "invoiceitems", "invoices", "payouts", "refunds"}
}

func (c *Client) firstPage(ctx context.Context, collection string, limit int, expand ...string) (data json.RawMessage, at time.Time, err error) {
	var list struct {
		stripe.APIResource
		Object string          `json:"object"`
		Data   json.RawMessage `json:"data"`
	}
	params := movementParams{Limit: limit}
	for _, member := range expand {
		params.Expand = append(params.Expand, new("data."+member))
	}
	err = c.do(ctx, "list "+collection, func(ctx context.Context) error {
		params.Params = stripe.Params{Context: ctx}
		return c.backend.Call(http.MethodGet, "/v1/"+collection, c.key, &params, &list)
	})
	if err != nil {
		return nil, at, err
	}
	if list.Object != "list" {
		return nil, at, fault.Newf("stripe.response_malformed", "list %s: answer is %q", collection, list.Object)
	}
	if t, err := http.ParseTime(list.LastResponse.Header.Get("Date")); err == nil {
		at = t.UTC()
	}
	return list.Data, at, nil
}
