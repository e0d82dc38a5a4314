package stripetwin

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"millrace/internal/twinfault"
)

// A Fault makes matching requests go wrong; package twinfault lists the modes.
type Fault = twinfault.Fault

// Shapes of a status that has several.
const (
	variantLockTimeout = "lock_timeout"    // of 429: the object is in use
	variantInvalidKey  = "invalid_key"     // of 401
	variantExpiredKey  = "api_key_expired" // of 401: the key was rolled
	globalRate         = "global-rate"     // of 429, as the other reasons of the rate limiter
)

func faultWords() twinfault.Vocabulary {
	return twinfault.Vocabulary{
		System: "stripe", LowestStatus: http.StatusBadRequest,
		Modes: []string{
			twinfault.Delay, twinfault.Status, twinfault.StatusAfterCommit, twinfault.CutBefore, twinfault.CutAfterCommit,
			twinfault.BadGateway, twinfault.Unavailable, twinfault.SlowBody, twinfault.CutBody, twinfault.ExpireToken,
		},
		Variants: map[int][]string{
			http.StatusUnauthorized: {variantInvalidKey, variantExpiredKey},
			http.StatusTooManyRequests: {
				globalRate, "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific", variantLockTimeout,
			},
		},
	}
}

// AddFault adds a fault; the first that wants a request is used. It fails when
// the fault is not valid.
func (t *Twin) AddFault(f Fault) error { return t.faults.Add(f) }

// LoadFaults adds the faults that r lists in YAML or JSON: all of them or,
// when one is not valid, none.
func (t *Twin) LoadFaults(r io.Reader) error { return t.faults.Load(r) }

// Faults is the script of what goes wrong.
func (t *Twin) Faults() *twinfault.Script { return t.faults }

// edgeFault is what the proxy in front of the API answers before the API sees
// the request, or nil.
func edgeFault(act twinfault.Action) *answer {
	switch act.Mode {
	case twinfault.BadGateway:
		return proxyPage(http.StatusBadGateway, act)
	case twinfault.Unavailable:
		return proxyPage(http.StatusServiceUnavailable, act)
	}
	return nil
}

// scripted is what the API answers instead of executing a request, or nil.
func (t *Twin) scripted(act twinfault.Action, c *call, method string) *answer {
	switch act.Mode {
	case twinfault.Status:
		return t.statusAnswer(act, c, method)
	case twinfault.ExpireToken:
		return errorAnswer(t.keyFault(variantExpiredKey), c)
	}
	return nil
}

// statusAnswer is a scripted status in the shape that it has in Stripe.
func (t *Twin) statusAnswer(act twinfault.Action, c *call, method string) *answer {
	if act.Status == http.StatusBadGateway || act.Status == http.StatusGatewayTimeout {
		return proxyPage(act.Status, act)
	}
	a := errorAnswer(t.faultError(act, c, method), c)
	retryAfter(a, act)
	return a
}

// faultError is the error that goes with a scripted status. Stripe: the rate
// limiter has code rate_limit and names its reason in a header; an object in
// use has code lock_timeout and asks for a retry instead.
func (t *Twin) faultError(act twinfault.Action, c *call, method string) *apiError {
	switch {
	case act.Status == http.StatusUnauthorized:
		return t.keyFault(act.Variant)
	case act.Status == http.StatusPaymentRequired:
		return &apiError{status: act.Status, typ: "card_error", code: "card_declined", msg: "Your card was declined.", extra: object{"decline_code": "generic_decline"}}
	case act.Status == http.StatusForbidden:
		return &apiError{status: act.Status, msg: "The provided key '" + redactKey(t.apiKey) + "' does not have the required permissions for this endpoint on account '" +
			t.s.Account + "'. Having the '" + permission(method, c.path) + "' permission would allow this request to continue."}
	case act.Status == http.StatusConflict:
		return keyInUse(c.key)
	case act.Status == http.StatusTooManyRequests && act.Variant == variantLockTimeout:
		return &apiError{
			status: act.Status, code: variantLockTimeout, header: map[string]string{"Stripe-Should-Retry": "true"},
			msg: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
		}
	case act.Status == http.StatusTooManyRequests:
		return &apiError{
			status: act.Status, code: "rate_limit", header: map[string]string{"Stripe-Rate-Limited-Reason": cmp.Or(act.Variant, globalRate)},
			msg: "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
		}
	case act.Status >= http.StatusInternalServerError:
		return &apiError{status: act.Status, typ: "api_error", msg: "An unknown error occurred"}
	}
	return &apiError{status: act.Status, msg: "Scripted fault of the Stripe twin: " + strconv.Itoa(act.Status)}
}

// keyFault refuses the key that the twin accepts otherwise.
func (t *Twin) keyFault(variant string) *apiError {
	e := badKey(t.apiKey)
	if variant == variantExpiredKey {
		e.code, e.msg = variantExpiredKey, "Expired API Key provided: "+redactKey(t.apiKey)
	}
	return e
}

// permission guesses the name of what a restricted key is missing.
func permission(method, path string) string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	verb := "_write"
	if method == http.MethodGet {
		verb = "_read"
	}
	return "rak_" + strings.TrimSuffix(noun, "s") + verb
}

// proxyPage is an answer of the proxy in front of the API: HTML, and none of
// the API's headers.
func proxyPage(status int, act twinfault.Action) *answer {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	if status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout { // nginx has names of its own
		title = map[int]string{http.StatusServiceUnavailable: "503 Service Temporarily Unavailable", http.StatusGatewayTimeout: "504 Gateway Time-out"}[status]
	}
	a := &answer{
		status: status, edge: true, header: map[string]string{"Content-Type": "text/html", "Server": "nginx"},
		body: []byte("<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"),
	}
	retryAfter(a, act)
	return a
}

func retryAfter(a *answer, act twinfault.Action) {
	if act.RetryAfter > 0 {
		a.header["Retry-After"] = strconv.Itoa(int(act.RetryAfter / time.Second))
	}
}

// reply sends an answer the way that a fault has it.
func (t *Twin) reply(w http.ResponseWriter, req *http.Request, c *call, a *answer, act twinfault.Action) {
	switch act.Mode {
	case twinfault.CutAfterCommit:
		t.cut(w, req, c)
	case twinfault.SlowBody:
		t.head(w, req, c, a)
		twinfault.SendSlowly(req.Context(), w, a.status, a.body, act.Duration)
	case twinfault.CutBody:
		t.head(w, req, c, a)
		twinfault.SendHalf(w, a.status, a.body)
	default:
		t.send(w, req, c, a)
	}
}

// cut ends the connection instead of answering.
func (t *Twin) cut(w http.ResponseWriter, req *http.Request, c *call) {
	t.record(req, c, 0, false)
	twinfault.HangUp(w)
}
