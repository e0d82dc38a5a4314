package reconcile

import (
	"slices"
	"testing"
	"time"
)

// TestAnOpeningBalanceOfSomebodyElse: on the day before the start or on it, it
// is counted once; where nobody is seen to have posted it, that is said.
func TestAnOpeningBalanceOfSomebodyElse(t *testing.T) {
	for _, tt := range []struct {
		day, amount string
		ok, assumed bool
	}{
		{"2026-03-31", "67.67", true, false},
		{"2026-04-01", "67.67", true, false},
		{"", "", true, true},
		{"2026-03-31", "67.66", true, true},
		{"2026-04-01", "67.66", false, true},
		{"2026-04-02", "67.67", false, true},
	} {
		w := twoMonths(t)
		w.o.Rules.Start = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
		w.o.Rules.NoOpening = true
		w.post()
		if tt.day != "" {
			w.put("x", journalEntity, "ReleaseJournalTransaction", map[string]any{
				"Module": "GL", "CurrencyID": "USD", "TransactionDate": tt.day, "Description": "opening by hand",
				"Details": []any{
					map[string]any{"Account": "10250", "DebitAmount": tt.amount}, map[string]any{"Account": "39000", "CreditAmount": tt.amount},
				},
			})
		}
		for _, s := range w.months("2026-04", "2026-05") {
			assumed := slices.ContainsFunc(s.Notes, func(e Entry) bool { return e.Cause == Assumed && e.Amount == "67.67" })
			if s.OK() != tt.ok || assumed != tt.assumed {
				t.Errorf("%+v: %s", tt, dump(s))
			}
		}
	}
}
