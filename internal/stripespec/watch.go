package stripespec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Watch passes requests to the API on to next and fails the test for every
// JSON answer that Stripe's description does not allow: 2xx by the schema of
// its method and path, 4xx and 5xx by that of errors.
func Watch(tb testing.TB, next http.Handler) http.Handler {
	tb.Helper()
	d := load()
	var told sync.Map // one report per problem
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasPrefix(req.URL.Path, "/v1/") {
			next.ServeHTTP(w, req)
			return
		}
		t := &tee{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(t, req)
		if t.body.Len() == 0 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			return // cut, or an error page of the edge
		}
		if n := w.Header().Get("Content-Length"); n != "" && n != strconv.Itoa(t.body.Len()) {
			return // cut in the middle
		}
		for _, p := range d.judge(req.Method, req.URL.Path, t.status, t.body.Bytes()) {
			if _, before := told.LoadOrStore(p, true); !before {
				tb.Errorf("%s %s answered %d: %s", req.Method, req.URL.Path, t.status, p)
			}
		}
	})
}

// judge returns what the description objects to in an answer.
func (d *document) judge(method, path string, status int, body []byte) []string {
	s, err := d.answer(method, path, status)
	if err != nil {
		return []string{err.Error()}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return []string{fmt.Sprintf("no JSON: %v", err)}
	}
	return d.check(s, v, "", "$")
}

// A tee keeps what goes through it.
type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (t *tee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (t *tee) Write(b []byte) (int, error) {
	t.body.Write(b)
	return t.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController hijack and flush.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }
