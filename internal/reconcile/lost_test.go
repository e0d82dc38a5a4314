package reconcile

import (
	"testing"

	"millrace/internal/ledger"
)

// loses is a dispute of 30.00 that is withdrawn in March and lost.
func loses(t *testing.T) *world {
	t.Helper()
	w := twoMonths(t)
	w.move("2026-03-12", "adjustment", "dispute", -30_00, 15_00, "po_1", ledger.Source{
		Kind: "dispute", ID: "dp_1", Amount: 30_00, Currency: "USD", Status: "lost", Charge: w.moves[0].Source.Charge,
	})
	m := w.moves[len(w.moves)-1]
	for _, x := range w.moves {
		if x.Source.ID == "po_1" {
			x.Amount, x.Net = x.Amount-m.Net, x.Net-m.Net
			w.payouts[0].Amount, w.payouts[0].Movement = -x.Amount, *x
		}
	}
	w.post()
	return w
}

func TestADisputeThatIsLostIsProvedAsWell(t *testing.T) {
	for _, tt := range []struct {
		name, day string
		edit      func(f map[string]any)
		post      bool
		cause     string // in the month of the loss, which is that of the money while nobody posted it
		off       string
	}{
		{"posted", "2026-03-20", nil, true, "", "0.00"},
		{"lost in another month", "2026-05-04", nil, true, "", "0.00"},
		{"nobody posted it", "2026-03-20", nil, false, Missing, "30.00"},
		{"ten times the amount", "2026-03-20", rewrites("300.00"), true, Edited, "270.00"},
		{"in another month than posted", "2026-03-20", func(f map[string]any) { f["TransactionDate"] = "2026-04-02" }, true, WrongPeriod, "30.00"},
		{"on another account", "2026-03-20", func(f map[string]any) {
			for _, row := range f["Details"].([]any) {
				if l := row.(map[string]any); l["DebitAmount"] != nil {
					l["Account"] = "61000"
				}
			}
		}, true, Edited, "30.00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := loses(t)
			w.edit, w.editKey = tt.edit, "dp_1/USD/lost"
			if tt.post {
				w.journals(ledger.DisputeLost(w.o.Rules, "dp_1", 30_00, "USD", at(tt.day)))
			}
			for _, asked := range [][2]Month{{"2026-03", "2026-05"}, {monthOf(tt.day), monthOf(tt.day)}} {
				for _, s := range w.months(asked[0], asked[1]) {
					if tt.cause == "" || s.Period != monthOf(tt.day) {
						if !s.OK() {
							t.Errorf("%s", dump(s))
						}
						continue
					}
					if s.wrong() != tt.off || s.Findings[0].Cause != tt.cause || s.Findings[0].ID != "dp_1/USD/lost" {
						t.Errorf("%s", dump(s))
					}
				}
			}
			if s := w.ofPayout("po_1"); !s.OK() {
				t.Errorf("%s", dump(s))
			}
			if s := w.quick("2026-04"); !s.OK() {
				t.Errorf("%s", dump(s))
			}
		})
	}
}

// TestALossThatStripeDoesNotKnowIsUnexpected: the dispute is won, or not over.
func TestALossThatStripeDoesNotKnowIsUnexpected(t *testing.T) {
	w := loses(t)
	w.journals(ledger.DisputeLost(w.o.Rules, "dp_1", 30_00, "USD", at("2026-03-20")))
	w.journals(ledger.DisputeLost(w.o.Rules, "dp_2", 9_00, "USD", at("2026-03-20")))
	s := w.months("2026-03", "2026-03")[0]
	if s.wrong() != "9.00" || s.Findings[0].Cause != Unexpected || s.Findings[0].ID != "dp_2/USD/lost" {
		t.Errorf("%s", dump(s))
	}
}
