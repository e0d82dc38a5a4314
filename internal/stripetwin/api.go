package stripetwin

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"millrace/internal/twinfault"
)

// maxBody bounds a request body in bytes; the largest legal one is far below.
const maxBody = 1 << 20

// A call is one request while it is executed.
type call struct {
	id      string // the {id} of the path
	path    string
	form    *form
	now     int64  // Unix seconds
	request string // req_…; "" when nobody asked for it through the API
	key     string // Idempotency-Key
}

// An answer is what a request ended with, before it is sent.
type answer struct {
	status   int
	o        object // what body says, while body is still to be written
	body     []byte
	header   map[string]string
	replayed bool
	edge     bool // from the proxy in front of the API: none of the API's headers
}

// A handler executes a call under the lock. It changes nothing before it is
// sure to succeed, or to fail in a way that is itself a change (a decline).
type handler func(t *Twin, c *call) (object, error)

// serve makes an http.Handler of a route: faults, key, version, parameters,
// idempotency, execution, expansion, in the order in which Stripe fails.
func (t *Twin) serve(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := &call{id: req.PathValue("id"), path: req.URL.Path, now: t.now().Unix(), request: randomID("req_", 14)}
		if req.Method == http.MethodPost {
			c.key = req.Header.Get("Idempotency-Key")
		}
		t.learnBaseURL(req.Host)
		act, _ := t.faults.Take(req.Method, req.URL.Path)
		if act.Mode == twinfault.CutBefore {
			t.cut(w, req, c)
			return
		}
		a := edgeFault(act)
		if a == nil {
			a = t.admit(w, req, c)
		}
		if a == nil {
			a = t.scripted(act, c, req.Method)
		}
		if a == nil {
			a = t.execute(req, r, c, act)
		}
		t.reply(w, req, c, a, act)
	})
}

// admit checks everything that comes before the endpoint itself and reads the
// parameters; a non-nil answer refuses the request.
func (t *Twin) admit(w http.ResponseWriter, req *http.Request, c *call) *answer {
	key, _, ok := req.BasicAuth()
	if !ok {
		_, key, _ = strings.Cut(req.Header.Get("Authorization"), " ")
	}
	if key = strings.TrimSpace(key); key != t.apiKey {
		return errorAnswer(badKey(key), c)
	}
	if v := cmp.Or(req.Header.Get("Stripe-Version"), APIVersion); v != APIVersion {
		return errorAnswer(notImplemented("Stripe-Version %s (only %s)", v, APIVersion), c)
	}
	if len(c.key) > 255 {
		return errorAnswer(invalid("", "", "Idempotency keys can be at most 255 characters."), c)
	}
	raw := req.URL.RawQuery
	if req.Method == http.MethodPost {
		b, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody)) // also chunked: stripe-go sends no Content-Length
		if err != nil {
			return errorAnswer(&apiError{status: http.StatusRequestEntityTooLarge, msg: "Invalid request: the body cannot be read or is too large."}, c)
		}
		raw = string(b)
	}
	f, bad := parseForm(raw)
	if bad != nil {
		return errorAnswer(bad, c)
	}
	c.form = f
	return nil
}

// execute runs the call at most once per idempotency key.
func (t *Twin) execute(req *http.Request, r route, c *call, act twinfault.Action) *answer {
	sig := c.form.fingerprint(req.Method, req.URL.Path)
	if c.key != "" {
		if a := t.begin(c, sig); a != nil {
			return a
		}
		defer t.end(c)
	}
	if act.Mode == twinfault.Delay {
		<-time.After(act.Duration) // also when the client has gone
	}
	a := t.commitOnce(req, r, c, sig, act)
	a.write() // without the lock, so that others can go on
	return a
}

// write turns the object of an answer into its body. The object belongs to the
// answer alone.
func (a *answer) write() {
	if a.body == nil && a.o != nil {
		a.body = encode(a.o)
	}
}

// commitOnce runs the call under the lock and makes what it changed durable,
// together with the result that its key remembers.
func (t *Twin) commitOnce(req *http.Request, r route, c *call, sig string, act twinfault.Action) *answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tick(c)
	a, keep := t.run(r, c)
	sent := a
	if act.Mode == twinfault.StatusAfterCommit {
		sent = t.statusAnswer(act, c, req.Method)
		if !sent.edge && sent.status >= http.StatusInternalServerError {
			a, keep = sent, true // the API's own failure is what the key remembers
		}
	}
	if keep && c.key != "" {
		a.write()
		t.keep(c, sig, a)
	}
	if req.Method != http.MethodGet || len(t.s.dirty) > 0 {
		if err := t.commit(); err != nil {
			return errorAnswer(notSaved(), c)
		}
	}
	return sent
}

// run reports the answer and whether an idempotency key keeps it: results of
// execution are kept, also errors; refusals of validation are not. Stripe:
// Stripe-Should-Retry is false exactly on what was kept.
func (t *Twin) run(r route, c *call) (*answer, bool) {
	expand := c.form.list("expand")
	err := checkExpand(r, expand)
	var o object
	if err == nil {
		o, err = r.do(c, t)
	}
	if err != nil {
		e := asAPIError(err)
		return errorAnswer(e, c), e.executed
	}
	for _, p := range expand {
		t.expand(o, strings.Split(p, "."))
	}
	a := &answer{status: http.StatusOK, o: o}
	if r.method == http.MethodPost {
		a.header = map[string]string{"Stripe-Should-Retry": "false"}
	}
	return a, true
}

func notSaved() *apiError {
	return &apiError{status: http.StatusInternalServerError, typ: "api_error", msg: "The twin could not write its state."}
}

func asAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return &apiError{status: http.StatusInternalServerError, typ: "api_error", msg: err.Error()}
}

func errorAnswer(e *apiError, c *call) *answer {
	a := &answer{status: e.status, body: encode(e.body(c.request, c.now)), header: map[string]string{}}
	maps.Copy(a.header, e.header)
	if e.executed {
		a.header["Stripe-Should-Retry"] = "false"
	}
	return a
}

func (t *Twin) send(w http.ResponseWriter, req *http.Request, c *call, a *answer) {
	t.head(w, req, c, a)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) //nolint:gosec // JSON, and a client that went away asks again with the same key
}

// head sets the headers of an answer and logs it.
func (t *Twin) head(w http.ResponseWriter, req *http.Request, c *call, a *answer) {
	h := w.Header()
	h.Set("Date", t.now().UTC().Format(http.TimeFormat)) // by the same clock as everything it tells
	if !a.edge {
		h.Set("Content-Type", "application/json")
		h.Set("Request-Id", c.request)
		h.Set("Stripe-Version", APIVersion)
	}
	if c.key != "" && !a.edge {
		h.Set("Idempotency-Key", c.key)
		h.Set("Original-Request", c.request)
	}
	for k, v := range a.header {
		h.Set(k, v)
	}
	if a.replayed {
		h.Set("Idempotent-Replayed", "true")
	}
	t.record(req, c, a.status, a.replayed)
}

func (t *Twin) record(req *http.Request, c *call, status int, replayed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.requests) == maxRequests {
		t.requests = t.requests[1:]
	}
	t.requests = append(t.requests, Request{
		At: t.now(), ID: c.request, Method: req.Method, Path: req.URL.Path,
		Status: status, IdempotencyKey: c.key, Replayed: replayed,
	})
	t.log.Debug("api_request", "method", req.Method, "path", req.URL.Path, "status", status, "request_id", c.request, "replayed", replayed)
}

// learnBaseURL takes the address that the first client used when nobody said
// where the twin lives.
func (t *Twin) learnBaseURL(host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.baseURL == "" {
		t.baseURL = "http://" + host
	}
}

// serveUnknown answers for every path that has no route: what Stripe has and
// the twin has not is named as such.
func (t *Twin) serveUnknown(w http.ResponseWriter, req *http.Request) {
	t.serve(route{method: req.Method, do: func(c *call, _ *Twin) (object, error) {
		for _, p := range stripeOnly {
			if c.path == p || strings.HasPrefix(c.path, p+"/") {
				return nil, notImplemented("%s %s", req.Method, c.path)
			}
		}
		return nil, &apiError{status: http.StatusNotFound, msg: "Unrecognized request URL (" + req.Method + ": " + c.path + "). Please see https://stripe.com/docs or we can help at https://support.stripe.com/."}
	}}).ServeHTTP(w, req)
}
