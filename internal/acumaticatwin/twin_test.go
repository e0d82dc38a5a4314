package acumaticatwin

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

const testPassword = "correct horse"

// testStart is in the middle of a month, so that seed dates stay in open periods.
func testStart() time.Time { return time.Date(2026, 5, 15, 10, 30, 0, 123_456_789, time.UTC) }

// A clock is a settable server clock.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(testStart().UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func testOptions(c *clock) Options {
	return Options{
		Tenant: "U100", Username: "api", Password: testPassword, ClientID: "8E0761D9-F4EC-2D4B-A60F-BCE2708C6FDD", ClientSecret: "s3cret",
		Now: c.now, Seed: SeedQuick,
	}
}

// A client is a signed-in HTTP client of a twin.
type client struct {
	t     *testing.T
	twin  *Twin
	base  string
	http  *http.Client
	clock *clock // of the twin, where a test moves it
}

func start(t *testing.T, o Options) *client {
	t.Helper()
	twin, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, twin)
	if status := c.login(testPassword); status != http.StatusNoContent {
		t.Fatalf("login: got %d, want 204", status)
	}
	return c
}

func serve(t *testing.T, twin *Twin) *client {
	t.Helper()
	srv := httptest.NewServer(twin.Handler())
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, twin: twin, base: srv.URL, http: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) login(password string) int {
	c.t.Helper()
	body, err := json.Marshal(map[string]string{"name": "api", "password": password, "tenant": "U100"})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do("POST", "/entity/auth/login", string(body), nil).status
}

// An answer is a response with its body decoded, numbers kept as text.
type answer struct {
	status int
	header http.Header
	raw    []byte
	body   any
}

func (c *client) do(method, path, body string, header http.Header) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, header)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c *client) try(method, path, body string, header http.Header) (answer, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, bytes.NewBufferString(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	maps.Copy(req.Header, header)
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: raw}
	if len(raw) > 0 && resp.Header.Get("Content-Type") == "application/json; charset=utf-8" {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&a.body); err != nil {
			c.t.Fatalf("%s %s: body is not JSON: %v\n%s", method, path, err, raw)
		}
	}
	return a, nil
}

const root = "/entity/Default/24.200.001/"

func (c *client) get(path string) answer { c.t.Helper(); return c.do("GET", root+path, "", nil) }
func (c *client) put(path, body string) answer {
	c.t.Helper()
	return c.do("PUT", root+path, body, nil)
}

func (c *client) post(path, body string) answer {
	c.t.Helper()
	return c.do("POST", root+path, body, nil)
}

// at walks objects by string and arrays by int; nil when there is nothing.
func at(v any, steps ...any) any {
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = m[s]
		case int:
			l, ok := v.([]any)
			if !ok || s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

func (a answer) text(steps ...any) string {
	switch v := at(a.body, steps...).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

func (a answer) rows() []any {
	l, _ := a.body.([]any)
	return l
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (a answer) wantStatus(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status: got %d, want %d\n%s", a.status, status, a.raw)
	}
	return a
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// example reads a recorded answer; it skips the test where the reference
// folder is absent.
func example(t *testing.T, name string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(reference(t, "examples", name), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func (a answer) wantText(t *testing.T, text string) {
	t.Helper()
	if !bytes.Contains(a.raw, []byte(text)) {
		t.Errorf("got %s, want it to contain %s", a.raw, text)
	}
}
