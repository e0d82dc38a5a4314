package stripetwin

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// An apiError is an error answer of the API.
type apiError struct {
	status   int
	typ      string // "" is invalid_request_error
	code     string
	param    string
	msg      string
	executed bool              // raised by execution, not by validation: kept under the idempotency key
	header   map[string]string // further response headers
	extra    object            // further members of the error object
}

func (e *apiError) Error() string { return e.msg }

// body renders the answer. Stripe: doc_url goes with every code,
// request_log_url with every authenticated request.
func (e *apiError) body(requestID string, now int64) object {
	in := object{"type": "invalid_request_error", "message": e.msg}
	if e.typ != "" {
		in["type"] = e.typ
	}
	if e.code != "" {
		in["code"] = e.code
		in["doc_url"] = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(e.code, "_", "-")
	}
	if e.param != "" {
		in["param"] = e.param
	}
	if e.status != http.StatusUnauthorized {
		in["request_log_url"] = fmt.Sprintf("https://dashboard.stripe.com/test/logs/%s?t=%d", requestID, now)
	}
	maps.Copy(in, e.extra)
	return object{"error": in}
}

// invalid is a 400 raised by parameter validation: the idempotency key stays
// unused.
func invalid(code, param, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, param: param, msg: fmt.Sprintf(format, args...)}
}

// refused is a 400 raised by execution: it is kept under the idempotency key.
func refused(code, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, msg: fmt.Sprintf(format, args...), executed: true}
}

// missing is the answer for an id that does not exist: 404 when the id is in
// the path, 400 when it is a parameter.
func missing(noun, id, param string, status int) *apiError {
	return &apiError{status: status, code: "resource_missing", param: param, msg: fmt.Sprintf("No such %s: '%s'", noun, id)}
}

func missingParam(name string) *apiError {
	return invalid("parameter_missing", name, "Missing required param: %s.", name)
}

// notImplemented says that Stripe can do it and the twin cannot yet.
func notImplemented(format string, args ...any) *apiError {
	return &apiError{
		status: http.StatusNotImplemented, typ: "api_error", code: "twin_not_implemented",
		msg: "The Stripe twin does not implement " + fmt.Sprintf(format, args...) + " yet.",
	}
}

func badKey(given string) *apiError {
	e := &apiError{status: http.StatusUnauthorized, header: map[string]string{"WWW-Authenticate": `Bearer realm="Stripe"`}}
	if given == "" {
		e.msg = "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
		return e
	}
	e.msg = "Invalid API Key provided: " + redactKey(given)
	return e
}

// redactKey keeps the kind of the key and its last four characters, as Stripe
// does. Invariant 9.
func redactKey(k string) string {
	if len(k) < 16 {
		return strings.Repeat("*", len(k))
	}
	head := 3
	if i := strings.LastIndex(k[:9], "_"); i > 0 {
		head = i + 1
	}
	return k[:head] + strings.Repeat("*", len(k)-head-4) + k[len(k)-4:]
}
