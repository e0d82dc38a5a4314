package stripeapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/fault"
)

// IsNotFound says that Stripe does not have the object.
func IsNotFound(err error) bool { return hasCode(err, "stripe.not_found") }

// KeyIsBurnt says that Stripe may have stored the refusal under the
// idempotency key, so that the same key would only bring the same refusal
// back. Before another key is used, the target must be searched.
func KeyIsBurnt(err error) bool {
	return hasCode(err, "stripe.server_error", "stripe.invalid", "stripe.not_found", "stripe.idempotency_mismatch")
}

func hasCode(err error, codes ...string) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && slices.Contains(codes, e.Code)
}

// classify gives a failed request its code, once, and makes the error's text
// from parts that cannot hold a secret or a payload (Invariant 9).
func (c *Client) classify(s *seen, err error) *fault.Error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e // a check of the answer failed between two pages
	}
	if e, ok := errors.AsType[*stripe.Error](err); ok {
		return c.classifyAPI(s, e)
	}
	if e, ok := errors.AsType[*notJSONError](err); ok {
		return statusFault(s, e.status, "stripe.not_stripe", e)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fault.New("stripe.unreachable", e.Err) // without the URL
	}
	if s.status == 0 {
		return fault.Newf("stripe.invalid", "refused before it was sent: %s", c.redact(err.Error()))
	}
	// JSON, but not the JSON of Stripe's API; err would quote the body.
	return statusFault(s, s.status, "stripe.response_malformed",
		fmt.Errorf("http %d with an unexpected body (request %s)", s.status, s.requestID))
}

// statusFault classifies an answer of which only the status can be trusted.
func statusFault(s *seen, status int, otherwise string, err error) *fault.Error {
	switch {
	case status == http.StatusTooManyRequests:
		return fault.New("stripe.rate_limited", err).After(s.retryAfter)
	case status >= http.StatusInternalServerError:
		return fault.New("stripe.unreachable", err).After(s.retryAfter)
	}
	return fault.New(otherwise, err)
}

// classifyAPI classifies Stripe's own error object. (Stripe: "Errors".)
func (c *Client) classifyAPI(s *seen, e *stripe.Error) *fault.Error {
	err := c.apiError(e)
	switch status := e.HTTPStatusCode; {
	// Stripe: the other mode's id, told only in the text; code and status are those of an object that is missing.
	case strings.Contains(e.Msg, "a similar object exists in"):
		return fault.New("stripe.livemode", err)
	case e.Code == stripe.ErrorCodeLockTimeout, status == http.StatusTooManyRequests:
		return fault.New("stripe.rate_limited", err).After(s.retryAfter)
	case e.Type == stripe.ErrorTypeIdempotency && status == http.StatusBadRequest:
		return fault.New("stripe.idempotency_mismatch", err)
	case status == http.StatusConflict:
		return fault.New("stripe.idempotency_conflict", err).After(s.retryAfter)
	case status == http.StatusUnauthorized:
		return fault.New("stripe.credentials", err)
	case status == http.StatusForbidden:
		return permissionFault(err)
	case status == http.StatusNotFound, e.Code == stripe.ErrorCodeResourceMissing:
		return fault.New("stripe.not_found", err)
	// Stripe: what a key once ended with, it ends with for a day. That is no news of Stripe, and another key may do.
	case status >= http.StatusInternalServerError && s.replayed:
		return fault.New("stripe.server_error", err)
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return fault.New("stripe.unreachable", err).After(s.retryAfter)
	case status >= http.StatusInternalServerError:
		return fault.New("stripe.server_error", err)
	}
	return fault.New("stripe.invalid", err)
}

// permissionFault names the permissions that Stripe's message asks for.
func permissionFault(err error) *fault.Error {
	f := fault.New("stripe.permission", err)
	if names := regexp.MustCompile(`rak_[a-z_]+`).FindAllString(err.Error(), -1); len(names) > 0 {
		slices.Sort(names)
		f.Hint = "give the restricted key the permission " + strings.Join(slices.Compact(names), ", ") + " (Stripe dashboard, Developers, API keys)"
	}
	return f
}

// apiError is what we show of Stripe's error object: no payload, no key.
func (c *Client) apiError(e *stripe.Error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "http %d", e.HTTPStatusCode)
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if e.Param != "" {
		fmt.Fprintf(&b, ", parameter %s", e.Param)
	}
	fmt.Fprintf(&b, ": %s", e.Msg)
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return &refusal{text: c.redact(b.String()), param: e.Param}
}

// refusal is what Stripe said, and of which parameter.
type refusal struct{ text, param string }

func (r *refusal) Error() string { return r.text }

// Param is the parameter that Stripe refuses, such as address[country]; empty when
// it names none.
func Param(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.param
	}
	return ""
}

// redact blots out our key and everything else that looks like a secret of
// Stripe's. Stripe stars its own echoes; what stands in between may not.
func (c *Client) redact(text string) string {
	text = strings.ReplaceAll(text, c.key, "***")
	return regexp.MustCompile(`\b(?:(?:sk|rk|pk)_(?:live|test)|whsec|ek_live|ek_test)_[A-Za-z0-9+/=]+`).ReplaceAllString(text, "***")
}
