package stripeapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/internal/calls"
	"millrace/internal/fault"
	"millrace/schemas"
)

const testKey = "sk_test_51Abcdefghijk"

// answering returns a client whose server answers everything with h.
func answering(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := New(Config{APIKey: testKey, BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for _, tt := range []struct {
		name, key, base string
		ok              bool
	}{
		{"Stripe itself", testKey, "", true},
		{"plain http as configured", testKey, "http://10.1.2.3:8080", true},
		{"a path before /v1", testKey, "https://proxy.example/stripe/", true},
		{"no key", "", "", false},
		{"a key with a line break", testKey + "\n", "", false},
		{"not an address", testKey, "stripe", false},
		{"another scheme", testKey, "ftp://stripe.example", false},
		{"credentials in the address", testKey, "https://a:b@stripe.example", false},
		{"a live key over plain http", "sk_live_123", "http://stripe.example", false},
		{"a live key over plain http on this machine", "sk_live_123", "http://127.0.0.1:9", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(Config{APIKey: tt.key, BaseURL: tt.base})
			if ok := err == nil; ok != tt.ok {
				t.Fatalf("got %v", err)
			}
			if err != nil && (fault.Of(err).Code != "stripe.config" || tt.key != "" && strings.Contains(err.Error(), strings.TrimSpace(tt.key))) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestErrorsAreClassifiedOnce(t *testing.T) {
	api := func(body string) string { return `{"error":{` + body + `}}` }
	for _, tt := range []struct {
		name       string
		status     int
		body       string
		retryAfter string
		code       string
		after      time.Duration
		text       string // must be in the error or its hint
	}{
		{"a parameter is wrong", 400, api(`"type":"invalid_request_error","code":"parameter_unknown","param":"foo","message":"Received unknown parameter: foo"`), "", "stripe.invalid", 0, "parameter foo: Received unknown parameter"},
		{"the card is declined", 402, api(`"type":"card_error","code":"card_declined","message":"Declined."`), "", "stripe.invalid", 0, "card_declined"},
		{"another request with the key", 400, api(`"type":"idempotency_error","message":"Keys for idempotent requests can only be used with the same parameters"`), "", "stripe.idempotency_mismatch", 0, ""},
		{"a request with the key in flight", 409, api(`"type":"invalid_request_error","code":"idempotency_key_in_use","message":"busy"`), "", "stripe.idempotency_conflict", 0, ""},
		{"no such key", 401, api(`"type":"invalid_request_error","message":"Invalid API Key provided: ` + testKey + `"`), "", "stripe.credentials", 0, "***"},
		{"a permission is missing", 403, api(`"type":"invalid_request_error","message":"The provided key 'rk_test_abc' does not have the required permissions. Having the 'rak_invoice_write' permission would allow this request to continue."`), "", "stripe.permission", 0, "rak_invoice_write"},
		{"no such object", 404, api(`"type":"invalid_request_error","code":"resource_missing","param":"id","message":"No such invoice: 'in_1'"`), "", "stripe.not_found", 0, "in_1"},
		{"no such parameter object", 400, api(`"type":"invalid_request_error","code":"resource_missing","param":"customer","message":"No such customer: 'cus_1'"`), "", "stripe.not_found", 0, ""},
		{"an object of the other mode, with its code", 404, api(`"type":"invalid_request_error","code":"resource_missing","param":"id","message":"No such invoice: 'in_1'; a similar object exists in test mode, but a live mode key was used to make this request."`), "", "stripe.livemode", 0, ""},
		{"an object of the other mode", 400, api(`"type":"invalid_request_error","message":"No such customer: 'cus_1'; a similar object exists in live mode, but a test mode key was used"`), "", "stripe.livemode", 0, ""},
		{"too many requests", 429, api(`"type":"invalid_request_error","code":"rate_limit","message":"slow"`), "7", "stripe.rate_limited", 7 * time.Second, ""},
		{"a locked object", 429, api(`"type":"invalid_request_error","code":"lock_timeout","message":"locked"`), "", "stripe.rate_limited", 0, ""},
		{"a proxy's 429", 429, "<html>slow</html>", "3", "stripe.rate_limited", 3 * time.Second, ""},
		{"an absurd wait", 429, api(`"type":"invalid_request_error","code":"rate_limit","message":"slow"`), "999999999", "stripe.rate_limited", time.Hour, ""},
		{"failed inside", 500, api(`"type":"api_error","message":"sorry"`), "", "stripe.server_error", 0, ""},
		{"out of order in html", 500, "<html>sorry</html>", "", "stripe.unreachable", 0, ""},
		{"bad gateway", 502, "<html>bad gateway</html>", "", "stripe.unreachable", 0, ""},
		{"unavailable", 503, api(`"type":"api_error","message":"down"`), "2", "stripe.unreachable", 2 * time.Second, ""},
		{"gateway timeout", 504, "", "", "stripe.unreachable", 0, ""},
		{"json of somebody else's 502", 502, `{"message":"no upstream"}`, "", "stripe.unreachable", 0, ""},
		{"another web server", 404, "<html>not here</html>", "", "stripe.not_stripe", 0, ""},
		{"a login page", 200, "<html>sign in</html>", "", "stripe.not_stripe", 0, ""},
		{"a redirect", 302, "{}", "", "stripe.not_stripe", 0, ""},
		{"another kind of object", 200, `{"id":"cus_1","object":"customer"}`, "", "stripe.response_malformed", 0, ""},
		{"another type of field", 200, `{"id":7,"object":"invoice"}`, "", "stripe.response_malformed", 0, ""},
		{"an object of the other mode's", 200, `{"id":"in_1","object":"invoice","livemode":true}`, "", "stripe.livemode", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requests := 0
			c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				requests++
				w.Header().Set("Retry-After", tt.retryAfter)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			_, err := c.CreateInvoice(t.Context(), "k", Draft{Customer: "cus_1", Currency: "usd"})
			if err == nil {
				t.Fatal("no error")
			}
			f := fault.Of(err)
			if f.Code != tt.code || f.RetryAfter != tt.after {
				t.Errorf("got %s after %s: %v; want %s after %s", f.Code, f.RetryAfter, err, tt.code, tt.after)
			}
			if all := err.Error() + f.Hint; !strings.Contains(all, tt.text) || strings.Contains(all, testKey) || strings.Contains(all, "rk_test_abc") || strings.Contains(all, "<html>") {
				t.Errorf("error text: %s", all)
			}
			if requests != 1 {
				t.Errorf("%d requests, want 1: the lane retries, not the client", requests)
			}
		})
	}
}

func TestAFailureThatAKeyRepeatsIsNoNewsOfStripe(t *testing.T) {
	for replayed, code := range map[string]string{"": "stripe.unreachable", "true": "stripe.server_error"} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Idempotent-Replayed", replayed)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"error":{"type":"api_error","message":"down"}}`)
		})
		_, err := c.CreateInvoice(t.Context(), "k", Draft{Customer: "cus_1", Currency: "usd"})
		if err == nil || fault.Of(err).Code != code || KeyIsBurnt(err) != (replayed == "true") {
			t.Errorf("replayed %q: %v, want %s", replayed, err, code)
		}
	}
}

func TestNetworkTroubleIsDown(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\":")
		_, _ = buf, buf.Flush()
		_ = conn.Close()
	}
	if _, err := answering(t, cut).GetInvoice(t.Context(), "in_1"); fault.Of(err).Code != "stripe.unreachable" {
		t.Errorf("a cut answer: %v", err)
	}
	srv := httptest.NewServer(nil)
	srv.Close()
	c, err := New(Config{APIKey: testKey, BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetInvoice(t.Context(), "in_1"); fault.Of(err).Code != "stripe.unreachable" || strings.Contains(err.Error(), "http://") {
		t.Errorf("nobody listens: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.GetInvoice(ctx, "in_1"); !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Transient {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFetchReturnsTheRawAnswerOfOneGet(t *testing.T) {
	var got *http.Request
	const body = `{"id":"ch_1","object":"charge","livemode":false,"new_field":{"a":[1,2]}}`
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = io.WriteString(w, body)
	})
	ctx, counter := calls.With(t.Context())
	raw, err := c.Fetch(ctx, "charge", "ch_1", "balance_transaction", "invoice")
	if err != nil || string(raw) != body {
		t.Fatalf("got %s, %v", raw, err)
	}
	if q := got.URL.Query(); got.Method != http.MethodGet || got.URL.Path != "/v1/charges/ch_1" || q.Get("expand[0]") != "balance_transaction" || q.Get("expand[1]") != "invoice" {
		t.Errorf("request %s %s", got.Method, got.URL)
	}
	if v := got.Header.Get("Stripe-Version"); v != "2023-10-16" {
		t.Errorf("version %s", v)
	}
	if reads, writes := counter.StripeReads.Load(), counter.StripeWrites.Load(); reads != 1 || writes != 0 {
		t.Errorf("counted %d reads, %d writes", reads, writes)
	}
	for _, bad := range [][2]string{{"charge", ""}, {"account", "acct_1"}} {
		if _, err := c.Fetch(ctx, bad[0], bad[1]); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("fetch %q %q: %v", bad[0], bad[1], err)
		}
	}
	if _, err := c.Fetch(ctx, "charge", "../customers/cus_1"); err != nil || got.URL.EscapedPath() != "/v1/charges/..%2Fcustomers%2Fcus_1" {
		t.Errorf("a hostile id reached %s, %v", got.URL.EscapedPath(), err)
	}
}

func TestFetchReturnsDeletedCustomers(t *testing.T) {
	const body = `{"id":"cus_1","object":"customer","deleted":true}`
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	if raw, err := c.Fetch(t.Context(), "customer", "cus_1"); err != nil || string(raw) != body {
		t.Errorf("got %s, %v", raw, err)
	}
}

func TestWritesCarryTheirKeyAndAreCounted(t *testing.T) {
	var header http.Header
	var form url.Values
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		_ = r.ParseForm()
		form = r.PostForm
		_, _ = io.WriteString(w, `{"id":"in_1","object":"invoice"}`)
	})
	ctx, counter := calls.With(t.Context())
	_, err := c.CreateInvoice(ctx, "millrace:abc", Draft{Customer: "cus_1", Currency: "usd", Number: "INV-1", Metadata: map[string]string{"a b": "c&d"}})
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"customer": {"cus_1"}, "currency": {"usd"}, "number": {"INV-1"}, "collection_method": {"send_invoice"}, "auto_advance": {"false"},
		"pending_invoice_items_behavior": {"exclude"}, "days_until_due": {"0"}, "metadata[a b]": {"c&d"},
	}
	if form.Encode() != want.Encode() {
		t.Errorf("sent %v\nwant %v", form, want)
	}
	if header.Get("Idempotency-Key") != "millrace:abc" || header.Get("X-Stripe-Client-Telemetry") != "" {
		t.Errorf("header %v", header)
	}
	if reads, writes := counter.StripeReads.Load(), counter.StripeWrites.Load(); reads != 0 || writes != 1 {
		t.Errorf("counted %d reads, %d writes", reads, writes)
	}
	if _, err := c.CreateInvoice(ctx, "", Draft{Customer: "cus_1"}); err == nil || counter.StripeWrites.Load() != 1 {
		t.Errorf("a write without a key: %v", err)
	}
	if _, err := c.AddInvoiceItem(ctx, "k", Invoice{Customer: "cus_1"}, Item{Amount: 1}); err == nil || counter.StripeWrites.Load() != 1 {
		t.Errorf("an item without an invoice: %v", err)
	}
}

func TestAddressPartsAreClearedOnlyWhenReplaced(t *testing.T) {
	var form url.Values
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form = r.PostForm
		_, _ = io.WriteString(w, `{"id":"cus_1","object":"customer"}`)
	})
	f := schemas.StripeCustomer{Name: "Ada", Address: &schemas.StripeAddress{Line1: "1 Way"}}
	if _, err := c.CreateCustomer(t.Context(), "k", f); err != nil || form.Has("address[line2]") || form.Get("address[line1]") != "1 Way" || form.Has("email") {
		t.Errorf("create sent %v, %v", form, err)
	}
	if _, err := c.UpdateCustomer(t.Context(), "k", "cus_1", f); err != nil || !form.Has("address[line2]") || !form.Has("email") || !form.Has("shipping") {
		t.Errorf("update sent %v, %v", form, err)
	}
}

func TestSearchQuotesValues(t *testing.T) {
	var query string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query().Get("query")
		_, _ = io.WriteString(w, `{"object":"search_result","data":[{"id":"cus_1","object":"customer","metadata":{"k":"v"}}],"has_more":false}`)
	})
	got, err := c.SearchCustomers(t.Context(), Tag{"acumatica_customer_id", `O'NEIL\`})
	if want := `metadata['acumatica_customer_id']:'O\'NEIL\\'`; query != want {
		t.Errorf("query %s, want %s", query, want)
	}
	if err != nil || len(got) != 1 || got[0].ID != "cus_1" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestListsReadEveryPage(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("customer") != "cus_1" || q.Get("created[gte]") != "1700000000" || q.Get("limit") != "100" {
			t.Errorf("query %v", q)
		}
		if q.Get("starting_after") == "" {
			_, _ = io.WriteString(w, `{"object":"list","has_more":true,"data":[{"id":"in_2","object":"invoice"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"object":"list","has_more":false,"data":[{"id":"in_1","object":"invoice"}]}`)
	})
	ctx, counter := calls.With(t.Context())
	got, err := c.ListInvoices(ctx, "cus_1", time.Unix(1_700_000_000, 0))
	if err != nil || len(got) != 2 || got[1].ID != "in_1" || counter.StripeReads.Load() != 2 {
		t.Errorf("got %v, %v, %d reads", got, err, counter.StripeReads.Load())
	}
}

func TestCheckToleratesARestrictedKey(t *testing.T) {
	status := http.StatusForbidden
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","message":"no"}}`)
	})
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("403: %v", err)
	}
	status = http.StatusUnauthorized
	if err := c.Check(t.Context()); fault.Of(err).Code != "stripe.credentials" {
		t.Errorf("401: %v", err)
	}
}

func TestDeleteDraftOfAGoneDraftIsSuccess(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such invoice"}}`)
	})
	if err := c.DeleteDraft(t.Context(), "in_1"); err != nil {
		t.Error(err)
	}
}

func TestLogsHoldNoSecret(t *testing.T) {
	var log bytes.Buffer
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"cus_1","object":"customer","email":"ada@example.com"}`)
	}))
	defer srv.Close()
	c, err := New(Config{APIKey: testKey, BaseURL: srv.URL, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AnnotateCustomer(t.Context(), "k", "cus_1", map[string]string{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "path=/v1/customers/cus_1") || strings.Contains(text, testKey) || strings.Contains(text, "ada@") {
		t.Errorf("log: %s", text)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-5": 0, "x": 0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:00:00 GMT": 0, "Fri, 02 Jan 2099 03:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
