package stripeapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"millrace/internal/fault"
)

// told is a Limiter that refuses with an error, and notes what it is told.
type told struct {
	pauses []time.Duration
	refuse error
}

func (p *told) Admit(context.Context) (func(), error) { return func() {}, p.refuse }
func (p *told) SlowDown(d time.Duration)              { p.pauses = append(p.pauses, d) }

func limited(t *testing.T, l Limiter, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := New(Config{APIKey: testKey, BaseURL: srv.URL, Limiter: l})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestARequestForAPauseReachesTheLimiter(t *testing.T) {
	for _, tt := range []struct {
		name       string
		status     int
		body       string
		retryAfter string
		want       []time.Duration
	}{
		{"429 that says for how long", 429, `{"error":{"code":"rate_limit"}}`, "7", []time.Duration{7 * time.Second}},
		{"429 that does not", 429, `{"error":{"code":"rate_limit"}}`, "", []time.Duration{0}},
		{"a proxy's 429", 429, "<html>", "3", []time.Duration{3 * time.Second}},
		{"one object is locked", 429, `{"error":{"code":"lock_timeout"}}`, "", nil},
		{"503 that says for how long", 503, `{}`, "3", []time.Duration{3 * time.Second}},
		{"503 that does not", 503, `{}`, "", nil},
		{"an error that asks for nothing", 500, `{}`, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &told{}
			c := limited(t, l, func(w http.ResponseWriter, _ *http.Request) {
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})
			if _, err := c.GetInvoice(t.Context(), "in_1"); err == nil {
				t.Fatal("no error")
			}
			if !slices.Equal(l.pauses, tt.want) {
				t.Errorf("told %v, want %v", l.pauses, tt.want)
			}
		})
	}
}

// The caller knows by the cause whether it was stopped or must wait.
func TestARefusalOfTheLimiterKeepsItsCause(t *testing.T) {
	cause := errors.New("overtaken")
	sent := 0
	c := limited(t, &told{refuse: fault.New("budget.waiting", cause)}, func(http.ResponseWriter, *http.Request) { sent++ })
	_, err := c.GetInvoice(t.Context(), "in_1")
	if fault.Of(err).Code != "budget.waiting" || !errors.Is(err, cause) || sent != 0 {
		t.Errorf("%d sent, %v", sent, err)
	}
}
