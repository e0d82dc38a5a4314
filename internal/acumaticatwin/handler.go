package acumaticatwin

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds a request body in bytes.
const maxBody = 16 << 20

// A call is one request with its body read.
type call struct {
	method   string
	path     []string // below the root, unescaped
	rawPath  string
	rawQuery string
	query    url.Values
	header   http.Header
	cookies  map[string]string
	body     []byte
	secure   bool
	host     string
	measured bool // the length of the body was told

	delay   time.Duration // it holds its slot that much longer: a fault
	within  within
	session string
	opened  string // the session cookie that the answer sets
	version int
	custom  bool // on the custom endpoint
	base    string
}

// Handler serves the API under /entity and /identity, and the control
// interface under /_twin.
func (t *Twin) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == faultPath {
			t.faults.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		c := newCall(r, body)
		if len(c.path) > 0 && c.path[0] == controlRoot {
			t.write(w, t.control(c))
			return
		}
		act, _ := t.faults.Take(r.Method, r.URL.Path)
		answer := t.around(act, c)
		status := answer.status
		if cutOff(act) {
			status = 0
		}
		t.record(Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Status: status})
		t.o.Log.Debug("acumatica twin request", "method", r.Method, "path", r.URL.Path, "status", status)
		t.answer(r.Context(), w, answer, act)
	})
}

// admitted answers a call when the licence lets it through.
func (t *Twin) admitted(c *call) reply {
	leave, ok := t.gate.enter()
	if !ok {
		return statusFault(http.StatusTooManyRequests, "")
	}
	defer leave()
	if c.delay > 0 {
		<-time.After(c.delay) // also when the client has gone: what is in the queue is worked on
	}
	return t.serve(c)
}

func newCall(r *http.Request, body []byte) *call {
	c := &call{
		method: r.Method, rawPath: r.URL.Path, rawQuery: r.URL.RawQuery, query: r.URL.Query(), header: r.Header,
		cookies: map[string]string{}, body: body, secure: r.TLS != nil, host: r.Host,
		measured: r.ContentLength > 0 || r.Header.Get("Content-Length") != "" || len(r.TransferEncoding) > 0,
	}
	for step := range strings.SplitSeq(strings.Trim(r.URL.EscapedPath(), "/"), "/") {
		if plainStep, err := url.PathUnescape(step); err == nil && plainStep != "" {
			c.path = append(c.path, plainStep)
		}
	}
	for _, k := range r.Cookies() {
		c.cookies[k.Name] = k.Value
	}
	return c
}

// head sets the headers of an answer, with the server's own clock in Date.
func (t *Twin) head(w http.ResponseWriter, answer reply) {
	maps.Copy(w.Header(), answer.header)
	w.Header().Set("Date", t.now().UTC().Format(http.TimeFormat))
}

func (t *Twin) write(w http.ResponseWriter, answer reply) {
	t.head(w, answer)
	w.WriteHeader(answer.status)
	if _, err := w.Write(answer.body); err != nil {
		t.o.Log.Debug("acumatica twin answer not delivered", "error", err)
	}
}

// serve answers one call of the API. One lock covers it: requests of a real
// instance interleave, but their transactions are serialisable too.
func (t *Twin) serve(c *call) reply {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	began := t.now()
	answer := t.route(c)
	t.trace(c, answer, began)
	return answer
}

// route finds what a call is for. Twin.mu is held.
func (t *Twin) route(c *call) reply {
	switch {
	case len(c.path) > 1 && strings.EqualFold(c.path[0], "identity"):
		return t.identity(c)
	case c.is("entity", "auth", "login"):
		return t.login(c)
	case c.is("entity", "auth", "logout"):
		return t.logout(c)
	case c.is("entity") && c.method == http.MethodGet:
		return t.endpoints(c)
	case len(c.path) < 3 || c.path[0] != "entity":
		return unknownResource(c)
	}
	version, custom, ok := t.endpointOf(c.path[1], c.path[2])
	if !ok {
		return unknownResource(c)
	}
	c.version, c.custom = version, custom
	c.base = "/entity/" + c.path[1] + "/" + c.path[2]
	if c.session == "" { // a queued call was signed in when it came
		if denied := t.authenticate(c); denied != nil {
			return *denied
		}
	}
	if len(c.path) == 4 && c.path[3] == "swagger.json" && c.method == http.MethodGet {
		return t.swagger(c)
	}
	if len(c.path) > 4 && c.path[3] == "files" {
		return t.files(c, c.path[4:])
	}
	if len(c.path) < 4 || t.entityOf(c, c.path[3]) == nil {
		return unknownResource(c)
	}
	return t.entity(c, t.entityOf(c, c.path[3]), c.path[4:])
}

func (c *call) is(steps ...string) bool {
	if len(c.path) != len(steps) {
		return false
	}
	for i, s := range steps {
		if !strings.EqualFold(c.path[i], s) {
			return false
		}
	}
	return true
}

// unknownResource is the default text of ASP.NET; Acumatica's own is not known.
func unknownResource(c *call) reply {
	return plain(http.StatusNotFound, "No HTTP resource was found that matches the request URI '"+c.rawPath+"'.").reply()
}
