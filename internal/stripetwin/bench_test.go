package stripetwin

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// newBench is a twin with a few customers; ask sends it a request without a
// network.
func newBench(b *testing.B) (ask func(method, path, form string) *httptest.ResponseRecorder) {
	b.Helper()
	tw, err := New(Options{APIKey: "sk_test_0123456789abcdef"})
	if err != nil {
		b.Fatal(err)
	}
	h, n := tw.Handler(), 0
	return func(method, path, form string) *httptest.ResponseRecorder {
		n++
		req := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(form))
		req.Header.Set("Authorization", "Bearer sk_test_0123456789abcdef")
		req.Header.Set("Idempotency-Key", "bench-"+strconv.Itoa(n))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			b.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
		}
		return rec
	}
}

func BenchmarkCreatePayment(b *testing.B) {
	ask := newBench(b)
	b.ReportAllocs()
	for b.Loop() {
		ask("POST", "/v1/payment_intents", "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa")
	}
}

func BenchmarkGetCharge(b *testing.B) {
	ask := newBench(b)
	rec := ask("POST", "/v1/payment_intents", "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa")
	_, rest, _ := strings.Cut(rec.Body.String(), `"latest_charge": "`)
	id, _, _ := strings.Cut(rest, `"`)
	b.ReportAllocs()
	for b.Loop() {
		ask("GET", "/v1/charges/"+id, "")
	}
}

func BenchmarkListCharges(b *testing.B) {
	ask := newBench(b)
	for range 1000 {
		ask("POST", "/v1/payment_intents", "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa")
	}
	b.ReportAllocs()
	for b.Loop() {
		ask("GET", "/v1/charges?limit=100", "")
	}
}

func BenchmarkPayInvoice(b *testing.B) {
	ask := newBench(b)
	id := func(rec *httptest.ResponseRecorder) string {
		_, rest, _ := strings.Cut(rec.Body.String(), "\n  \"id\": \"")
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}
	cus := id(ask("POST", "/v1/customers", "name=A"))
	b.ReportAllocs()
	for b.Loop() {
		inv := id(ask("POST", "/v1/invoices", "currency=usd&customer="+cus))
		ask("POST", "/v1/invoiceitems", "amount=1500&currency=usd&customer="+cus+"&invoice="+inv)
		ask("POST", "/v1/invoices/"+inv+"/pay", "payment_method=pm_card_visa")
	}
}
