package stripetwin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/internal/stripespec"
)

// TestEveryListHasTheSameManners: limits, cursors and unknown parameters are
// one thing at Stripe, whatever is listed.
func TestEveryListHasTheSameManners(t *testing.T) {
	tw, err := New(Options{APIKey: "sk_test_0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	h := stripespec.Watch(t, tw.Handler())
	get := func(path string) (int, map[string]any) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		req.Header.Set("Authorization", "Bearer sk_test_0123456789abcdef")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		var v map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return rec.Code, v
	}
	customer, _ := post200(t, tw, http.MethodPost, "/v1/customers", "name=Ada")["id"].(string)
	needs := map[string]string{"/v1/payment_methods": "customer=" + customer + "&"}
	n := 0
	for _, r := range tw.routes {
		if !r.list || strings.Contains(r.pattern, "{") || strings.HasSuffix(r.pattern, "/preview/lines") || r.pattern == "/v1/subscription_items" {
			continue
		}
		n++
		base := r.pattern + "?" + needs[r.pattern]
		search := strings.HasSuffix(r.pattern, "/search")
		if search {
			base += "query=metadata['a']:'b'&"
		}
		for query, want := range map[string]string{
			"limit=0":                "parameter_invalid_integer",
			"limit=101":              "parameter_invalid_integer",
			"limit=ten":              "parameter_invalid_integer",
			"surprise=1":             "parameter_unknown",
			"starting_after=no":      "resource_missing",
			"ending_before=no":       "resource_missing",
			"expand[]=surprise":      "",
			"expand[]=data.surprise": "",
			"expand[0]=data.a.b.c.d": "",
		} {
			if search && strings.Contains(query, "_") {
				want = "parameter_unknown"
			}
			status, v := get(base + query)
			e, _ := v["error"].(map[string]any)
			if code, _ := e["code"].(string); status != http.StatusBadRequest || code != want {
				t.Errorf("%s%s: %d %v", base, query, status, v)
			}
		}
		if status, v := get(base + "limit=100"); status != http.StatusOK || v["has_more"] != false || v["url"] != r.pattern {
			t.Errorf("%s: %d %v", base, status, v)
		}
		if search {
			continue
		}
		if status, v := get(base + "starting_after=a&ending_before=b"); status != http.StatusBadRequest {
			t.Errorf("%s with two cursors: %d %v", base, status, v)
		}
	}
	if n < 15 {
		t.Fatalf("only %d lists", n)
	}
}
