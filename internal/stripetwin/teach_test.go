package stripetwin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestControlErrorsTeach(t *testing.T) {
	tw, err := New(Options{APIKey: "sk_test_0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := tw.ChargeCustomer(t.Context(), "", 1000, "usd", "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, body, want string }{
		{"payout", "{}", "/_twin/advance"},
		{"dispute", `{"charge":"` + id + `","reason":"bored"}`, "fraudulent"},
		{"webhook_endpoints/we_1/roll", "", "body is empty"},
		{"webhook_endpoints/we_1/roll", `{"overlap":"1 day"}`, "24h"},
	} {
		rec := httptest.NewRecorder()
		tw.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/_twin/"+tt.path, strings.NewReader(tt.body)))
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, rec.Code, rec.Body)
		}
	}
}
