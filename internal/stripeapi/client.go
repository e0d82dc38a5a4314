package stripeapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/fault"
)

// KeyPrefix starts every idempotency key that Millrace sends. An event whose
// request carries such a key is an echo of our own write.
const KeyPrefix = "millrace:"

// KeyLife is how long an idempotency key surely protects: Stripe keeps it for
// at least 24 hours; one hour is left for clocks that differ.
const KeyLife = 23 * time.Hour

// defaultBase is Stripe's own address.
const defaultBase = "https://api.stripe.com"

// requestTimeout bounds one request, unless the caller's http.Client says
// otherwise.
// Stripe's own libraries wait 80 seconds.
const requestTimeout = 80 * time.Second

// idleConns is how many connections are kept for the next request; as many as
// there are partitions by default, each of which has one message in flight.
const idleConns = 32

// Config says which account to talk to, and through what.
type Config struct {
	APIKey     string       // sk_… or rk_…
	BaseURL    string       // default https://api.stripe.com; http is accepted, but with a live key only to this machine
	HTTPClient *http.Client // default: a client with a timeout of 80 seconds
	Log        *slog.Logger // one debug line per request; may be nil
	Limiter    Limiter      // asked before every request; nil: no limit
}

// Limiter divides what the account allows among all who use it.
type Limiter interface {
	// Admit waits until one request may be sent. done must be called when its
	// answer was read or it failed.
	Admit(ctx context.Context) (done func(), err error)
	// SlowDown says that Stripe asked for a pause; 0 when it did not say how long.
	SlowDown(d time.Duration)
}

// Client talks to one Stripe account. Safe for concurrent use.
type Client struct {
	api     *client.API
	backend stripe.Backend
	key     string
	mode    mode
}

// mode is what the key says about the account's mode.
type mode int

const (
	modeUnknown mode = iota
	modeTest
	modeLive
)

// New checks the configuration and returns a client. It makes no request.
// stripe.config when it cannot work.
func New(cfg Config) (*Client, error) {
	key := cfg.APIKey
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fault.Newf("stripe.config", "api key: empty, or with characters that no key has")
	}
	m := keyMode(key)
	base, err := checkBase(cfg.BaseURL, m)
	if err != nil {
		return nil, err
	}
	hc := &http.Client{}
	if shared, ok := http.DefaultTransport.(*http.Transport); ok {
		own := shared.Clone()
		own.MaxIdleConnsPerHost = idleConns
		hc.Transport = own
	}
	if cfg.HTTPClient != nil {
		c := *cfg.HTTPClient
		hc = &c
	}
	hc.Transport = &transport{next: hc.Transport, log: cfg.Log, limiter: cfg.Limiter, timeout: cmp.Or(hc.Timeout, requestTimeout)}
	hc.Timeout = 0                                                                                   // the transport's begins when the limiter lets the request go
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the key must not travel
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL:               new(base),
		HTTPClient:        hc,
		MaxNetworkRetries: stripe.Int64(0), // the lane retries
		EnableTelemetry:   new(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // Invariant 9: it would print bodies
	})
	api := client.New(key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
	return &Client{api: api, backend: backend, key: key, mode: m}, nil
}

func keyMode(key string) mode {
	switch {
	case strings.Contains(key, "_live_"):
		return modeLive
	case strings.Contains(key, "_test_"):
		return modeTest
	}
	return modeUnknown
}

// checkBase refuses an address that cannot be Stripe's API, and one to which
// a live key would travel in clear text.
func checkBase(base string, m mode) (string, error) {
	if base == "" {
		base = defaultBase
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fault.Newf("stripe.config", "api base: want http(s)://host[:port][/path]")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && m == modeLive && u.Hostname() != "localhost" && !ip.IsLoopback() {
		return "", fault.Newf("stripe.config", "api base %s: a live key needs https", u.Host)
	}
	return base, nil
}

// Check makes one cheap request that tells whether the key is accepted. A
// restricted key that may not read the balance is accepted all the same.
func (c *Client) Check(ctx context.Context) error {
	err := c.do(ctx, "check key", func(ctx context.Context) error {
		_, err := c.api.Balance.Get(&stripe.BalanceParams{Params: stripe.Params{Context: ctx}})
		return err
	})
	if err != nil && fault.Of(err).Code == "stripe.permission" {
		return nil
	}
	return err
}

// rawObject takes any object; what matters is the raw answer.
type rawObject struct {
	stripe.APIResource
	ID       string `json:"id"`
	Object   string `json:"object"`
	Livemode *bool  `json:"livemode"` // deleted objects have none
}

// fetchParams are the parameters of any GET of one object.
type fetchParams struct {
	stripe.Params `form:"*"`
	Expand        []*string `form:"expand"`
}

// fetchPaths are the addresses of what Fetch reads, by Stripe's own word.
func fetchPaths() map[string]string {
	return map[string]string{
		"invoice": "/v1/invoices/%s", "charge": "/v1/charges/%s",
		"customer": "/v1/customers/%s", "payment_intent": "/v1/payment_intents/%s",
		"refund": "/v1/refunds/%s", "dispute": "/v1/disputes/%s", "payout": "/v1/payouts/%s",
		"credit_note": "/v1/credit_notes/%s", "balance_transaction": "/v1/balance_transactions/%s",
	}
}

// Fetch reads one object as Stripe renders it in API version 2023-10-16, with
// the named links expanded, at the cost of one GET. object is Stripe's own
// word, or "refunds" for all of those of the charge with the id. A deleted
// customer is an answer, not an error: {"id":…,"deleted":true}.
func (c *Client) Fetch(ctx context.Context, object, id string, expand ...string) (json.RawMessage, error) {
	if object == "refunds" && id != "" {
		return c.refunds(ctx, id, expand)
	}
	path, found := fetchPaths()[object]
	if !found || id == "" {
		return nil, fault.Newf("stripe.document_unknown", "fetch object %q with id %q", object, id)
	}
	what := "fetch " + object + " " + id
	var raw rawObject
	err := c.do(ctx, what, func(ctx context.Context) error {
		params := &fetchParams{Params: stripe.Params{Context: ctx}}
		if len(expand) > 0 { // an empty list would be sent as an empty text
			params.Expand = stripe.StringSlice(expand)
		}
		return c.backend.Call(http.MethodGet, stripe.FormatURLPath(path, id), c.key, params, &raw)
	})
	if err != nil {
		return nil, err
	}
	if err := checkAnswer(what, object, raw.Object, raw.ID); err != nil {
		return nil, err
	}
	if raw.Livemode != nil {
		if err := c.checkMode(what, *raw.Livemode); err != nil {
			return nil, err
		}
	}
	return raw.LastResponse.RawJSON, nil
}

// do makes one or more requests in fn under a context that collects what the
// transport saw, and classifies the error once.
func (c *Client) do(ctx context.Context, what string, fn func(context.Context) error) error {
	call, seen := withSeen(ctx)
	err := fn(call)
	if err == nil {
		return nil
	}
	if ctx.Err() == context.Canceled {
		return fmt.Errorf("%s: %w", what, context.Canceled)
	}
	return fmt.Errorf("%s: %w", what, c.classify(seen, err))
}

// checkAnswer refuses an answer about something else (Invariant 10).
func checkAnswer(what, wantObject, object, id string) error {
	if object != wantObject || id == "" {
		return fault.Newf("stripe.response_malformed", "%s: answer is %q with id %q", what, object, id)
	}
	return nil
}

// checkMode refuses an object of the other mode (Invariant 8).
func (c *Client) checkMode(what string, live bool) error {
	if c.mode == modeLive && !live || c.mode == modeTest && live {
		return fault.Newf("stripe.livemode", "%s: livemode is %t, which the key is not", what, live)
	}
	return nil
}
