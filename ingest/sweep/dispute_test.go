package sweep

import (
	"slices"
	"testing"
	"time"

	"millrace/internal/ledger"
	"millrace/internal/link"
)

// Nothing moves when a dispute is lost: when its event was missed, the list of
// disputes still has it. What is posted, won, open or an inquiry is not told.
func TestADisputeWhoseEndWasMissedIsTold(t *testing.T) {
	sh := newShop(t)
	start := sh.clock.Add(-time.Hour)
	sh.settles(Settle{Start: start})
	dispute := func(inquiry bool) string {
		t.Helper()
		charge, err := sh.twin.ChargeCustomer(t.Context(), "", 1000, "usd", "sold")
		if err != nil {
			t.Fatal(err)
		}
		id, err := sh.twin.Dispute(t.Context(), charge, "", inquiry)
		if err != nil {
			t.Fatal(err)
		}
		sh.clock = sh.clock.Add(24 * time.Hour)
		return id
	}
	closes := func(id string, won bool) {
		t.Helper()
		if err := sh.twin.CloseDispute(t.Context(), id, won, false); err != nil {
			t.Fatal(err)
		}
	}
	won, open, lost, posted, inquiry := dispute(false), dispute(false), dispute(false), dispute(false), dispute(true)
	closes(won, true)
	closes(lost, false)
	closes(posted, false)
	closes(inquiry, false)
	l := link.Link{Kind: link.Journal, StripeID: ledger.LostKey(posted, "USD"), AcumaticaID: "GL 00000001", IntentID: "in", At: sh.clock}
	if err := link.New(sh.bus).Put(t.Context(), "default", l); err != nil {
		t.Fatal(err)
	}
	sh.settle(sh.clock)
	sh.settle(sh.clock)
	want := []string{"dispute-" + lost + "-lost charge.dispute.closed"}
	if got := sh.told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	sh.clock = sh.clock.AddDate(0, 3, 0)
	closes(open, false)
	sh.settle(sh.clock)
	want = append(want, "dispute-"+open+"-lost charge.dispute.closed")
	if got := sh.told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}
