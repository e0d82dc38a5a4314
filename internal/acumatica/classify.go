package acumatica

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/internal/fault"
)

// fail gives an answer that is no success its code, once and for all. nil for
// 200, 202 and 204.
func (c *Client) fail(r request, res *response) error {
	html := isHTML(res)
	switch {
	case res.status == http.StatusOK && html:
		return page(r, res)
	case res.status >= 200 && res.status < 300:
		return nil
	case res.status >= 300 && res.status < 400:
		return c.redirected(res)
	case res.status == http.StatusTooManyRequests:
		return fault.Newf("acumatica.throttled", "http 429").After(retryAfter(res))
	}
	detail := c.details(res)
	gateway := res.status == http.StatusBadGateway || res.status == http.StatusServiceUnavailable || res.status == http.StatusGatewayTimeout
	code := matchText(r, detail)
	switch {
	case gateway && (code == "" || code == "acumatica.server_error"):
		return uncertainIf(r.write, c.coded("acumatica.unreachable", res, detail))
	case res.status == http.StatusForbidden && (code == "" || code == "acumatica.not_allowed"):
		return c.coded("acumatica.forbidden", res, detail) // the form as such, for everybody
	case code != "":
		return uncertainIf(r.write && leavesOpen(code), c.coded(code, res, detail))
	}
	switch res.status {
	case http.StatusNotFound:
		if r.byKey && !strings.Contains(detail.text(), "No HTTP resource") {
			return c.coded("acumatica.not_found", res, detail)
		}
		return c.coded("acumatica.endpoint", res, detail)
	case http.StatusUnprocessableEntity, http.StatusPreconditionFailed:
		return c.coded("acumatica.validation", res, detail)
	case http.StatusConflict: // with what others do to the record right now
		return c.coded("acumatica.concurrent_change", res, detail)
	}
	switch {
	case res.status < 500:
		return c.coded("acumatica.request", res, detail)
	case html:
		return page(r, res)
	case detail.business():
		return c.coded("acumatica.validation", res, detail)
	default:
		return uncertainIf(r.write, c.coded("acumatica.server_error", res, detail))
	}
}

// leavesOpen reports a code after which a write may have been executed: not
// Acumatica's refusal of the document, but trouble on the way through it.
func leavesOpen(code string) bool {
	return code == "acumatica.unreachable" || code == "acumatica.server_error" || code == "acumatica.lookup"
}

// page classifies an HTML page. On a request that meets everybody it is the
// site that fails; one document may also bring Acumatica to show its error
// page (Invariant 5).
func page(r request, res *response) error {
	code := "acumatica.unreachable"
	if r.ofRecord() {
		code = "acumatica.server_error"
	}
	return uncertainIf(r.write, fault.Newf(code, "http %d with an HTML page", res.status))
}

func (c *Client) coded(code string, res *response, d detail) *fault.Error {
	return fault.Newf(code, "http %d: %s", res.status, c.redact(d.text()))
}

// unauthorized reports that the session is over. Acumatica: some builds send
// an expired session to the login page instead of a 401.
func unauthorized(res *response) bool {
	if res.status >= 300 && res.status < 400 {
		return strings.Contains(strings.ToLower(res.header.Get("Location")), "login.aspx")
	}
	return res.status == http.StatusUnauthorized
}

// redirected tells a refusal from a wrong URL. Acumatica: a bearer session
// over the limit is sent to /Frames/Error.aspx with the text in the query.
func (c *Client) redirected(res *response) error {
	to, err := url.Parse(res.header.Get("Location"))
	if err != nil {
		to = &url.URL{}
	}
	moved := res.status != http.StatusFound || to.Host != "" && to.Host != c.base.Host || to.Scheme != "" && to.Scheme != c.base.Scheme
	if moved && !strings.Contains(strings.ToLower(to.Path), ".aspx") {
		return fault.Newf("acumatica.endpoint", "http %d: the address has moved to %s://%s", res.status, to.Scheme, to.Host)
	}
	return fault.Newf("acumatica.session_limit", "http %d to %s: %s", res.status, to.Path, clip(c.redact(to.Query().Get("message")))).After(retryAfter(res))
}

// retryAfter reads the header that Acumatica does not document but a proxy
// may add; 0 leaves the back-off to the caller.
func retryAfter(res *response) time.Duration {
	n, err := strconv.Atoi(res.header.Get("Retry-After"))
	if err != nil || n < 0 || n > 3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}

func isHTML(res *response) bool {
	kind, _, _ := mime.ParseMediaType(res.header.Get("Content-Type"))
	return kind == "text/html"
}

// detail is what an error answer says.
type detail struct {
	exception string   // type of the outermost exception
	texts     []string // "Details[0]/Project: Project 'X' cannot be found in the system."
}

const (
	maxTexts = 12
	maxText  = 400
)

func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText]) + "…"
	}
	return s
}

func (d detail) text() string {
	if len(d.texts) == 0 {
		return "no details"
	}
	return strings.Join(d.texts, "; ")
}

// business reports an exception that Acumatica throws on purpose, which rolls
// the transaction back. Locks and database trouble are not among them.
func (d detail) business() bool {
	for _, trouble := range []string{"Database", "Lock", "Timeout", "Connection"} {
		if strings.Contains(d.exception, trouble) {
			return false
		}
	}
	return strings.HasPrefix(d.exception, "PX.")
}

// details gathers the useful texts of every shape of error answer: the chain
// of exceptions, the model state of a 400, the echoed entity of a 422. The
// stack trace is left out.
func (c *Client) details(res *response) detail {
	var body map[string]any
	if err := json.Unmarshal(res.body, &body); err != nil {
		if isHTML(res) || len(res.body) == 0 {
			return detail{}
		}
		return detail{texts: []string{clip(string(res.body))}}
	}
	var d detail
	d.exception, _ = body["exceptionType"].(string)
	for e := body; e != nil; e, _ = e["innerException"].(map[string]any) {
		if s, ok := e["exceptionMessage"].(string); ok {
			d.add(s)
		}
	}
	collect(body, "", &d)
	if state, ok := body["modelState"].(map[string]any); ok {
		for _, name := range slices.Sorted(maps.Keys(state)) {
			list, _ := state[name].([]any)
			for _, x := range list {
				d.add(fmt.Sprint(x))
			}
		}
	}
	if s, ok := body["message"].(string); ok && len(d.texts) == 0 {
		d.add(s)
	}
	return d
}

func (d *detail) add(s string) {
	if s = clip(s); s != "" && len(d.texts) < maxTexts && !slices.Contains(d.texts, s) {
		d.texts = append(d.texts, s)
	}
}

// collect walks an echoed entity for every nested error, with its path.
func collect(v any, path string, d *detail) {
	switch x := v.(type) {
	case map[string]any:
		if s, ok := x["error"].(string); ok {
			if path != "" {
				s = path + ": " + s
			}
			d.add(s)
		}
		for _, name := range slices.Sorted(maps.Keys(x)) {
			if name != "innerException" && name != "modelState" {
				collect(x[name], strings.TrimPrefix(path+"/"+name, "/"), d)
			}
		}
	case []any:
		for i := range x {
			collect(x[i], fmt.Sprintf("%s[%d]", path, i), d)
		}
	}
}
