package stripesink

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"millrace/schemas"
)

// TestAKeyThatMayNotReadTaxIDs still keeps customers; tax ids stay as they are.
func TestAKeyThatMayNotReadTaxIDs(t *testing.T) {
	restricted := false
	w := newWorldBehind(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if restricted && strings.Contains(r.URL.RawQuery, "tax_ids") {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","message":"The provided key does not have the required permissions for this endpoint."}}`)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	w.apply(buyer("C1", "r1", "1", taxed("DE123456789")), schemas.Applied)
	w.apply(buyer("C2", "r2", "1", nil), schemas.Applied)
	restricted = true
	if out := w.apply(buyer("C1", "r1", "2", taxed("DE987654321")), schemas.Applied); !strings.Contains(out.Review, "tax ids") {
		t.Errorf("review %q", out.Review)
	}
	if out := w.apply(buyer("C2", "r2", "2", nil), schemas.Applied); out.Review != "" {
		t.Errorf("review %q where none is wanted", out.Review)
	}
	restricted = false
	if got := w.taxIDs(); got != "eu_vat DE123456789" {
		t.Errorf("tax ids %s", got)
	}
	w.apply(buyer("C1", "r1", "3", taxed("DE987654321")), schemas.Applied)
	if got := w.taxIDs(); got != "eu_vat DE987654321" {
		t.Errorf("tax ids once they can be read: %s", got)
	}
}
