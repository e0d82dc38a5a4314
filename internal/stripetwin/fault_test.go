package stripetwin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripetwin"
)

// fault scripts a fault.
func fault(t *testing.T, tw *stripetwin.Twin, f stripetwin.Fault) {
	t.Helper()
	if err := tw.AddFault(f); err != nil {
		t.Fatal(err)
	}
}

func countCustomers(t *testing.T, sc *client.API) (n int) {
	t.Helper()
	it := sc.Customers.List(nil)
	for it.Next() {
		n++
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return n
}

// attempt creates a customer without any client's opinion; err is that of the
// connection, also in the middle of the body.
func attempt(t *testing.T, srv *httptest.Server, key string) (status int, head http.Header, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/customers", strings.NewReader("name=A"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	req.Header.Set("Idempotency-Key", key)
	res, err := srv.Client().Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(b), err
}

// TestFaults: what the client reads, whether the customer was made, and that
// the same key afterwards ends in one customer.
func TestFaults(t *testing.T) {
	const apiJSON, html = "application/json", "text/html"
	for _, tt := range []struct {
		mode   string
		status int    // 0: no answer
		kind   string // of the content
		text   string
		header string // "Name: value" of the answer
		made   int
		again  int // status of the same key afterwards
	}{
		{"status:400", 400, apiJSON, "Scripted fault", "", 0, 200},
		{"status:401", 401, apiJSON, "Invalid API Key provided: sk_test_************cdef", `Www-Authenticate: Bearer realm="Stripe"`, 0, 200},
		{"status:401:api_key_expired", 401, apiJSON, `"code": "api_key_expired"`, "", 0, 200},
		{"expire_token", 401, apiJSON, "Expired API Key provided: sk_test_", "", 0, 200},
		{"status:402", 402, apiJSON, `"decline_code": "generic_decline"`, "", 0, 200},
		{"status:403", 403, apiJSON, "Having the 'rak_customer_write' permission", "", 0, 200},
		{"status:404", 404, apiJSON, "invalid_request_error", "", 0, 200},
		{"status:409", 409, apiJSON, `"code": "idempotency_key_in_use"`, "", 0, 200},
		{"status:429", 429, apiJSON, `"code": "rate_limit"`, "Stripe-Rate-Limited-Reason: global-rate", 0, 200},
		{"status:429:global-rate", 429, apiJSON, `"code": "rate_limit"`, "Stripe-Rate-Limited-Reason: global-rate", 0, 200},
		{"status:429:endpoint-rate", 429, apiJSON, `"code": "rate_limit"`, "Stripe-Rate-Limited-Reason: endpoint-rate", 0, 200},
		{"status:429:global-concurrency", 429, apiJSON, `"code": "rate_limit"`, "Stripe-Rate-Limited-Reason: global-concurrency", 0, 200},
		{"status:429:endpoint-concurrency", 429, apiJSON, `"code": "rate_limit"`, "Stripe-Rate-Limited-Reason: endpoint-concurrency", 0, 200},
		{"status:429:resource-specific", 429, apiJSON, `"code": "rate_limit"`, "Stripe-Rate-Limited-Reason: resource-specific", 0, 200},
		{"status:429:lock_timeout", 429, apiJSON, `"code": "lock_timeout"`, "Stripe-Should-Retry: true", 0, 200},
		{"status:500", 500, apiJSON, `"type": "api_error"`, "", 0, 200},
		{"status:503", 503, apiJSON, `"type": "api_error"`, "", 0, 200},
		{"status:504", 504, html, "504 Gateway Time-out", "Request-Id: ", 0, 200},
		{"bad_gateway", 502, html, "502 Bad Gateway", "Request-Id: ", 0, 200},
		{"status_after_commit:500", 500, apiJSON, `"type": "api_error"`, "", 1, 500},
		{"status_after_commit:502", 502, html, "502 Bad Gateway", "Request-Id: ", 1, 200},
		{"status_after_commit:429", 429, apiJSON, "rate_limit", "", 1, 200},
		{"cut_before", 0, "", "", "", 0, 200},
		{"cut_after_commit", 0, "", "", "", 1, 200},
		{"cut_body", 200, apiJSON, `"id": "cus_`, "", 1, 200},
		{"slow_body:40ms", 200, apiJSON, `"id": "cus_`, "", 1, 200},
		{"delay:1ms", 200, apiJSON, `"id": "cus_`, "", 1, 200},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			tw, sc, srv := start(t, stripetwin.Options{})
			fault(t, tw, stripetwin.Fault{Method: "POST", PathPrefix: "/v1/customers", Count: 1, Mode: tt.mode})
			status, head, body, err := attempt(t, srv, "key")
			if status != tt.status || !strings.HasPrefix(head.Get("Content-Type"), tt.kind) || !strings.Contains(body, tt.text) {
				t.Fatalf("%d %v %s", status, head, body)
			}
			if broken := tt.mode == "cut_body" || tt.status == 0; (err != nil) != broken {
				t.Errorf("connection: %v", err)
			}
			if name, want, named := strings.Cut(tt.header, ": "); named && head.Get(name) != want {
				t.Errorf("%s: got %q, want %q", name, head.Get(name), want)
			}
			if tt.status == 429 && strings.Contains(tt.mode, "lock_timeout") == (head.Get("Stripe-Rate-Limited-Reason") != "") {
				t.Errorf("a reason of the rate limiter and only of it: %v", head)
			}
			if head.Get("Retry-After") != "" {
				t.Error("Retry-After was not asked for")
			}
			if n := countCustomers(t, sc); n != tt.made {
				t.Errorf("%d customers, want %d", n, tt.made)
			}
			again, _, _, err := attempt(t, srv, "key")
			if err != nil || again != tt.again {
				t.Errorf("the same key again: %d, %v; want %d", again, err, tt.again)
			}
			if n := countCustomers(t, sc); n != 1 {
				t.Errorf("%d customers in the end", n)
			}
		})
	}
}

func TestRetryAfterIsTold(t *testing.T) {
	tw, _, srv := start(t, stripetwin.Options{})
	for _, mode := range []string{"status:429", "status:503", "bad_gateway", "status_after_commit:500"} {
		fault(t, tw, stripetwin.Fault{Method: "POST", Count: 1, RetryAfter: 7 * time.Second, Mode: mode})
		if _, head, _, err := attempt(t, srv, mode); err != nil || head.Get("Retry-After") != "7" {
			t.Errorf("%s: %v, %v", mode, head, err)
		}
	}
}

// TestUnavailableForAWindow is told on the clock of the twin, which tests move.
func TestUnavailableForAWindow(t *testing.T) {
	tw, _, srv := start(t, stripetwin.Options{})
	fault(t, tw, stripetwin.Fault{From: time.Hour, For: time.Hour, Mode: "unavailable"})
	for i, want := range []int{200, 503, 200} {
		status, head, body, err := attempt(t, srv, fmt.Sprint(i))
		if err != nil || status != want || want == 503 && (head.Get("Content-Type") != "text/html" || !strings.Contains(body, "503 Service Temporarily Unavailable")) {
			t.Errorf("hour %d: %d %v %s %v", i, status, head, body, err)
		}
		if err := tw.Advance(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDelayedRequestIsDoneAfterTheClientHasGone(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{})
	fault(t, tw, stripetwin.Fault{Method: "POST", Count: 1, Mode: "delay:100ms"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	p := &stripe.CustomerParams{Name: new("A")}
	p.Context = ctx
	if _, err := sc.Customers.New(p); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want a timeout", err)
	}
	deadline := time.After(5 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); countCustomers(t, sc) == 0; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the customer was not made")
		}
	}
}

func TestFaultsByProbabilityRepeat(t *testing.T) {
	run := func(seed uint64) (hit []bool) {
		tw, _, srv := start(t, stripetwin.Options{})
		fault(t, tw, stripetwin.Fault{PathPrefix: "/v1/balance", Probability: 0.3, Seed: seed, Mode: "status:500"})
		for range 60 {
			res, _ := send(t, srv, "GET", "/v1/balance", "")
			hit = append(hit, res.StatusCode == 500)
		}
		return hit
	}
	first := run(1)
	if !slices.Equal(run(1), first) {
		t.Error("the same seed chose other requests")
	}
	if slices.Equal(run(2), first) {
		t.Error("another seed chose the same requests")
	}
}

func TestFaultsByFileAndByControl(t *testing.T) {
	tw, _, srv := start(t, stripetwin.Options{})
	if err := tw.LoadFaults(strings.NewReader("- {path_prefix: /v1/balance, after: 1, count: 1, mode: status:503}\n")); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"explode", "status:302", "status:429:json", "queued:5m", "close_period:2026-05", "slow:2s"} {
		if err := tw.AddFault(stripetwin.Fault{Mode: mode}); err == nil || !strings.Contains(err.Error(), "status") && !strings.Contains(err.Error(), "variant") {
			t.Errorf("%s: got %v", mode, err)
		}
	}
	balance := func() int { res, _ := send(t, srv, "GET", "/v1/balance", ""); return res.StatusCode }
	if got := []int{balance(), balance(), balance()}; !slices.Equal(got, []int{200, 503, 200}) {
		t.Errorf("got %v", got)
	}
	res, out := send(t, srv, "POST", "/_twin/faults", `[{"mode":"status:500"},{"count":1,"mode":"cut_before"}]`)
	list, _ := out["faults"].([]any)
	if res.StatusCode != 200 || len(list) != 3 || balance() != 500 {
		t.Fatalf("control: %d %v", res.StatusCode, out)
	}
	_, out = send(t, srv, "GET", "/_twin/faults", "")
	list, _ = out["faults"].([]any)
	spent, running := list[0].(map[string]any), list[1].(map[string]any)
	if spent["left"] != 0.0 || spent["fired"] != 1.0 || spent["seen"] != 2.0 || running["left"] != nil || running["fired"] != 1.0 {
		t.Errorf("reports: %v", out)
	}
	if res, _ = send(t, srv, "DELETE", "/_twin/faults", ""); res.StatusCode != 200 || balance() != 200 {
		t.Error("cleared faults still hit")
	}
}
