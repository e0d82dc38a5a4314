package stripesink

import (
	"net/http"
	"testing"
	"time"

	"millrace/schemas"
)

// TestABacklogListsNotAllInvoices: a day of waiting says nothing about what was sent.
// A customer may have thousands of invoices.
func TestABacklogListsNotAllInvoices(t *testing.T) {
	lists := 0
	w := newWorldBehind(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && r.URL.Path == "/v1/invoices" && r.URL.Query().Get("created[gte]") == "" {
				lists++
			}
			h.ServeHTTP(rw, r)
		})
	})
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	old := w.now.Add(-48 * time.Hour)
	for _, in := range []schemas.Intent{revision(0, 12050, nil), revision(1, 13000, nil)} {
		if out, err := w.handle(in, old); err != nil || out.Outcome != schemas.Applied {
			t.Fatalf("%+v, %v", out, err)
		}
		w.now = w.now.Add(time.Hour)
	}
	if lists > 0 {
		t.Errorf("%d lists of all invoices", lists)
	}
	// An attempt of which no record is left is found, however late.
	clear(w.postings)
	clear(w.links)
	clear(w.byStripe)
	w.apply(customerIntent("2", "Ada"), schemas.Applied)
	if out, err := w.handle(revision(1, 13000, nil), old); err != nil || out.Outcome == schemas.Applied {
		t.Errorf("%+v, %v", out, err)
	}
	if got, want := w.brief(), "AR000123 void 12050 of 12050; AR000123-2 open 13000 of 13000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
