package stripetwin_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

// A reply is what a test looks at besides the body.
type reply struct {
	StatusCode int
	Header     http.Header
}

// send makes a raw request with headers given as "Name: value".
func send(t *testing.T, srv *httptest.Server, method, path, body string, headers ...string) (reply, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, io.NopCloser(strings.NewReader(body))) // no length: chunked
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header}, out
}

func TestErrorShapes(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	cus := newCustomer(t, sc).ID
	tests := []struct {
		name, method, path, body string
		header                   string
		status                   int
		code, param, msg         string
	}{
		{"no such invoice", "GET", "/v1/invoices/in_x", "", "", 404, "resource_missing", "invoice", "No such invoice: 'in_x'"},
		{"no such charge", "GET", "/v1/charges/ch_x", "", "", 404, "resource_missing", "id", "No such charge: 'ch_x'"},
		{"customer of invoice unknown", "POST", "/v1/invoices", "customer=cus_x", "", 400, "resource_missing", "customer", "No such customer: 'cus_x'"},
		{"customer missing", "POST", "/v1/invoices", "", "", 400, "parameter_missing", "customer", "Missing required param: customer."},
		{"send_invoice without due date", "POST", "/v1/invoices", "collection_method=send_invoice&customer=" + cus, "", 400, "parameter_missing", "days_until_due", "Missing required param: days_until_due."},
		{"parameter unknown", "POST", "/v1/customers", "title=x", "", 400, "parameter_unknown", "title", "Received unknown parameter: title"},
		{"nested parameter unknown", "POST", "/v1/customers", "address[town]=x", "", 400, "parameter_unknown", "address[town]", "Received unknown parameter: address[town]"},
		{"not a number", "GET", "/v1/charges?limit=ten", "", "", 400, "parameter_invalid_integer", "limit", "Invalid integer: ten"},
		{"page too large", "GET", "/v1/charges?limit=101", "", "", 400, "parameter_invalid_integer", "limit", "This value must be less than or equal to 100 (it currently is '101')."},
		{"cursor unknown", "GET", "/v1/charges?starting_after=ch_x", "", "", 400, "resource_missing", "starting_after", "No such charge: 'ch_x'"},
		{"expand unknown", "GET", "/v1/customers/" + cus + "?expand[]=friends", "", "", 400, "", "expand", "This property cannot be expanded (friends)."},
		{"expand too deep", "GET", "/v1/customers/" + cus + "?expand[]=a.b.c.d.e", "", "", 400, "", "expand", "You cannot expand more than 4 levels of a property. Property: a.b.c.d.e"},
		{"wrong key", "GET", "/v1/balance", "", "Authorization: Bearer sk_test_00000000wxyz", 401, "", "", "Invalid API Key provided: sk_test_********wxyz"},
		{"unknown path", "GET", "/v1/nonsense", "", "", 404, "", "", "Unrecognized request URL (GET: /v1/nonsense). Please see https://stripe.com/docs or we can help at https://support.stripe.com/."},
		{"honest about endpoints", "POST", "/v1/quotes", "customer=cus_x", "", 501, "twin_not_implemented", "", "The Stripe twin does not implement POST /v1/quotes yet."},
		{"honest about parameters", "POST", "/v1/invoices", "discounts[0][coupon]=x&customer=" + cus, "", 501, "twin_not_implemented", "", `The Stripe twin does not implement parameter "discounts" of POST /v1/invoices yet.`},
		{"honest about versions", "GET", "/v1/balance", "", "Stripe-Version: 2024-06-20", 501, "twin_not_implemented", "", "The Stripe twin does not implement Stripe-Version 2024-06-20 (only 2023-10-16) yet."},
		{"currency not Stripe's", "POST", "/v1/invoices", "currency=xyz&customer=" + cus, "", 400, "", "currency", "Invalid currency: xyz."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h []string
			if tt.header != "" {
				h = []string{tt.header}
			}
			res, out := send(t, srv, tt.method, tt.path, tt.body, h...)
			e, _ := out["error"].(map[string]any)
			get := func(k string) string { s, _ := e[k].(string); return s }
			if res.StatusCode != tt.status || get("code") != tt.code || get("param") != tt.param || get("message") != tt.msg {
				t.Fatalf("status %d, %v", res.StatusCode, e)
			}
			if !strings.HasPrefix(res.Header.Get("Request-Id"), "req_") || res.Header.Get("Stripe-Version") != "2023-10-16" {
				t.Fatalf("headers: %v", res.Header)
			}
			if (get("doc_url") != "") != (tt.code != "") {
				t.Fatalf("doc_url %q with code %q", get("doc_url"), tt.code)
			}
		})
	}
}

func TestBadExpandExecutesNothing(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	res, _ := send(t, srv, "POST", "/v1/customers", "name=ghost&expand[]=friends")
	if res.StatusCode != http.StatusBadRequest {
		t.Fatalf("status %d", res.StatusCode)
	}
	if it := sc.Customers.List(nil); it.Next() {
		t.Fatalf("customer %s was made all the same", it.Customer().ID)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	tw, sc, srv := start(t, stripetwin.Options{Now: clock})
	first, a := send(t, srv, "POST", "/v1/customers", "name=A&metadata[k]=v", "Idempotency-Key: k1")
	second, b := send(t, srv, "POST", "/v1/customers", "metadata%5Bk%5D=v&name=A", "Idempotency-Key: k1")
	if diff := cmp.Diff(a, b); diff != "" {
		t.Fatalf("replay differs (-first +second):\n%s", diff)
	}
	if first.Header.Get("Idempotent-Replayed") != "" || second.Header.Get("Idempotent-Replayed") != "true" {
		t.Fatal("Idempotent-Replayed is on the wrong answer")
	}
	if first.Header.Get("Original-Request") != first.Header.Get("Request-Id") ||
		second.Header.Get("Original-Request") != first.Header.Get("Request-Id") ||
		second.Header.Get("Request-Id") == first.Header.Get("Request-Id") ||
		second.Header.Get("Idempotency-Key") != "k1" || second.Header.Get("Stripe-Should-Retry") != "false" {
		t.Fatalf("headers: %v", second.Header)
	}
	for _, path := range []string{"/v1/customers", "/v1/customers/" + a["id"].(string)} {
		res, out := send(t, srv, "POST", path, "name=B", "Idempotency-Key: k1")
		if e := out["error"].(map[string]any); res.StatusCode != 400 || e["type"] != "idempotency_error" || !strings.Contains(e["message"].(string), "other than 'k1'") {
			t.Fatalf("%s: status %d, %v", path, res.StatusCode, e)
		}
	}

	// A refusal of validation leaves the key unused; one of execution uses it up.
	res, _ := send(t, srv, "POST", "/v1/customers", "title=C", "Idempotency-Key: k2")
	if res.StatusCode != 400 || res.Header.Get("Stripe-Should-Retry") != "" {
		t.Fatalf("validation: status %d, headers %v", res.StatusCode, res.Header)
	}
	if res, _ = send(t, srv, "POST", "/v1/customers", "name=C", "Idempotency-Key: k2"); res.StatusCode != 200 {
		t.Fatalf("key was burnt by validation: status %d", res.StatusCode)
	}
	in := newDraft(t, sc, a["id"].(string))
	path := "/v1/invoices/" + in.ID + "/finalize"
	if res, _ = send(t, srv, "POST", path, "", "Idempotency-Key: k3"); res.StatusCode != 400 || res.Header.Get("Stripe-Should-Retry") != "false" {
		t.Fatalf("execution: status %d, headers %v", res.StatusCode, res.Header)
	}
	if res, _ = send(t, srv, "POST", path, "", "Idempotency-Key: k3"); res.Header.Get("Idempotent-Replayed") != "true" {
		t.Fatal("a refusal of execution was not kept")
	}

	mu.Lock()
	now = now.Add(25 * time.Hour)
	mu.Unlock()
	if _, c := send(t, srv, "POST", "/v1/customers", "name=A&metadata[k]=v", "Idempotency-Key: k1"); c["id"] == a["id"] {
		t.Fatal("the key outlived its 24 hours")
	}
	replays := 0
	for _, r := range tw.Requests() {
		if r.Replayed {
			replays++
		}
	}
	if replays != 2 {
		t.Fatalf("%d replays in the log, want 2", replays)
	}
}

func TestKeyInFlightConflicts(t *testing.T) {
	tw, _, srv := start(t, stripetwin.Options{})
	if err := tw.AddFault(stripetwin.Fault{Method: "POST", PathPrefix: "/v1/customers", Count: 1, Mode: "delay:400ms"}); err != nil {
		t.Fatal(err)
	}
	codes := make(chan int, 2)
	for range 2 {
		go func() {
			res, _ := send(t, srv, "POST", "/v1/customers", "name=A", "Idempotency-Key: same")
			codes <- res.StatusCode
		}()
	}
	if a, b := <-codes, <-codes; a+b != 200+409 {
		t.Fatalf("statuses %d and %d, want 200 and 409", a, b)
	}
}

func TestListsPageBothWays(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{})
	var ids []string // oldest first
	for range 7 {
		ids = append(ids, must(tw.ChargeCustomer(t.Context(), "", 1000, "usd", ""))(t))
	}
	lp := &stripe.ChargeListParams{}
	lp.Limit = new(int64(3))
	var seen []string
	for it := sc.Charges.List(lp); it.Next(); {
		seen = append([]string{it.Charge().ID}, seen...)
	}
	if diff := cmp.Diff(ids, seen); diff != "" {
		t.Fatalf("forward (-want +got):\n%s", diff)
	}
	lp = &stripe.ChargeListParams{}
	lp.Limit, lp.EndingBefore = new(int64(2)), new(ids[1])
	seen = nil
	for it := sc.Charges.List(lp); it.Next(); {
		seen = append(seen, it.Charge().ID)
	}
	if diff := cmp.Diff(ids[2:], seen); diff != "" {
		t.Fatalf("backward must be oldest to newest (-want +got):\n%s", diff)
	}
	_, page := send(t, srv, "GET", "/v1/charges?limit=2&ending_before="+ids[0]+"&expand[0]=data.balance_transaction", "")
	data := page["data"].([]any)
	if data[0].(map[string]any)["id"] != ids[2] || data[1].(map[string]any)["id"] != ids[1] || page["has_more"] != true {
		t.Fatalf("ending_before: %v", page)
	}
	if bt := data[0].(map[string]any)["balance_transaction"].(map[string]any); bt["net"] != 941.0 {
		t.Fatalf("expanded: %v", bt)
	}
	if _, page = send(t, srv, "GET", "/v1/charges?created[gt]=9999999999", ""); len(page["data"].([]any)) != 0 {
		t.Fatal("created filter ignored")
	}
}

func TestCursorNeedNotPassTheFilter(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{})
	cus := newCustomer(t, sc).ID
	a, b := newOpen(t, sc, cus, 1000), newOpen(t, sc, cus, 1000)
	if err := tw.Pay(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	_, page := send(t, srv, "GET", "/v1/invoices?status=open&customer="+cus+"&starting_after="+b.ID, "")
	if data := page["data"].([]any); len(data) != 1 || data[0].(map[string]any)["id"] != a.ID {
		t.Fatalf("page: %v", page)
	}
}

func TestLinesBeyondTheEmbeddedOnes(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	amounts := make([]int64, 23)
	for i := range amounts {
		amounts[i] = int64(i + 1)
	}
	in := newOpen(t, sc, newCustomer(t, sc).ID, amounts...)
	if len(in.Lines.Data) != 10 || !in.Lines.HasMore || in.Total != 276 {
		t.Fatalf("%d lines, more %v, total %d", len(in.Lines.Data), in.Lines.HasMore, in.Total)
	}
	var got []int64
	for it := sc.Invoices.ListLines(&stripe.InvoiceListLinesParams{Invoice: &in.ID}); it.Next(); {
		got = append(got, it.InvoiceLineItem().Amount)
	}
	if diff := cmp.Diff(amounts, got); diff != "" {
		t.Fatalf("lines (-want +got):\n%s", diff)
	}
}

func TestItemAmounts(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	cus := newCustomer(t, sc).ID
	tests := []struct {
		name, body string
		amount     float64
		status     int
	}{
		{"amount", "amount=-50", -50, 200},
		{"unit times quantity", "unit_amount=250&quantity=3", 750, 200},
		{"fractions round half up", "unit_amount_decimal=0.5&quantity=3", 2, 200},
		{"a fraction of a cent", "amount=1.5", 0, 400},
		{"both", "amount=1&unit_amount=1", 0, 400},
		{"none", "", 0, 400},
		{"too large", "amount=100000000", 0, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, out := send(t, srv, "POST", "/v1/invoiceitems", "customer="+cus+"&currency=usd&"+tt.body)
			if res.StatusCode != tt.status || tt.status == 200 && out["amount"] != tt.amount {
				t.Fatalf("status %d, amount %v", res.StatusCode, out["amount"])
			}
		})
	}
	_, in := send(t, srv, "POST", "/v1/invoices", "pending_invoice_items_behavior=include&currency=usd&customer="+cus)
	if in["total"] != 702.0 {
		t.Fatalf("pending items: total %v", in["total"])
	}
}
