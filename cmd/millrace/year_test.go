package main

import (
	"slices"
	"testing"

	"millrace/cmd/millrace/internal/demo"
)

// yearDays is how much of a year the test plays: every kind of thing that moves
// money is in it, and a month ends.
const yearDays = "40"

func TestYearOfEverythingThatMovesMoneyReconciles(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole pipeline")
	}
	code, stdout, stderr := call(t.Context(), "up", "--demo", "--scenario", "year", "--days", yearDays, "--json", "--data-dir", t.TempDir())
	res := &demo.YearResult{}
	e := document(t, stdout, res)
	if code != 0 || !e.OK {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	var periods, currencies []string
	payouts := 0
	for _, l := range res.Reconciliation {
		if l.Difference != "0.00" || l.Connection != "default" {
			t.Errorf("%+v", l)
		}
		if l.Payout != "" {
			payouts++
			continue
		}
		periods, currencies = append(periods, l.Period), append(currencies, l.Currency)
	}
	for _, want := range []string{"2026-01", "2026-02"} {
		if !slices.Contains(periods, want) {
			t.Errorf("month %s is not compared", want)
		}
	}
	for _, want := range []string{"USD", "EUR", "GBP"} {
		if !slices.Contains(currencies, want) {
			t.Errorf("currency %s is not compared", want)
		}
	}
	if payouts < 10 || res.Parked != 0 || len(res.Missing) != 0 || res.Statements < len(res.Months)+payouts {
		t.Errorf("%d payouts, %d parked, %d statements, missing %v", payouts, res.Parked, res.Statements, res.Missing)
	}
	for _, k := range res.Kinds {
		if k.Count == 0 {
			t.Errorf("never happened: %s", k.Name)
		}
	}
}
