package stripespec

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// refusals counts what a Mirror reports instead of failing the test.
type refusals struct {
	testing.TB
	got []string
}

func (r *refusals) Errorf(format string, args ...any) {
	r.got = append(r.got, fmt.Sprintf(format, args...))
}

func TestTheMockRefusesWhatStripeDoesNotKnow(t *testing.T) {
	r := &refusals{TB: t}
	h := Mirror(r, Mock(t), http.NotFoundHandler())
	for _, tt := range []struct {
		name, method, path, body string
		refused                  int
	}{
		{"legal", "POST", "/v1/customers", "name=Ada&metadata[a]=b", 0},
		{"unknown parameter", "POST", "/v1/customers", "nickname=Ada", 1},
		{"unknown path", "GET", "/v1/custumers", "", 1},
		{"wrong type", "POST", "/v1/refunds", "charge=ch_1&amount=much", 1},
	} {
		r.got = nil
		req := httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader(tt.body))
		req.Header.Set("Authorization", "Bearer sk_test_0123456789abcdef")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.ServeHTTP(httptest.NewRecorder(), req)
		if len(r.got) != tt.refused {
			t.Errorf("%s: %q", tt.name, r.got)
		}
	}
}
