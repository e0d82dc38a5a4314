package poller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/link"
)

// TestFullReadingFindsWhatNoWindowShows: records whose change time lies before
// what was read already, because the server's clock was wrong or a row was
// restored.
func TestFullReadingFindsWhatNoWindowShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		linked := map[string]bool{"Invoice AR1": true, "C1": true}
		p := newPoller(t, s, b, func(o *Options) {
			o.Poll.Full = 24 * time.Hour
			o.Linked = func(_ context.Context, _, _, id string) (link.Link, bool, error) { return link.Link{}, linked[id], nil }
		})
		s.customer("C1")
		s.invoice("AR1", "Open")
		time.Sleep(time.Minute)
		round(t, p)
		before := time.Now().Add(-30 * 24 * time.Hour)
		s.saveAt("Invoice", "guid-AR2", before, invoice("AR2", "C1", "Open"))
		s.saveAt("Invoice", "guid-AR3", before, invoice("AR3", "C1", "Closed"))
		s.saveAt("Invoice", "guid-AR4", before, invoice("AR4", "C1", "Balanced"))
		s.saveAt("Customer", "C2", before, map[string]string{"CustomerID": "C2", "Status": "Active"})
		s.saveAt("Customer", "C3", before, map[string]string{"CustomerID": "C3", "Status": "Inactive"})
		time.Sleep(time.Hour)
		round(t, p)
		want := []string{"C1", "Invoice AR1"}
		if diff := cmp.Diff(want, b.subjects()); diff != "" {
			t.Fatalf("windows found it (-want +got):\n%s", diff)
		}
		time.Sleep(24 * time.Hour)
		round(t, p)
		want = append(want, "C2", "Invoice AR2")
		if diff := cmp.Diff(want, b.subjects()); diff != "" {
			t.Errorf("full reading (-want +got):\n%s", diff)
		}
		calls := len(s.calls)
		time.Sleep(time.Hour)
		round(t, p)
		if got := len(s.calls) - calls; got != len(entities()) {
			t.Errorf("%d lists an hour later: read in full again", got)
		}
	})
}
