package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

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
	for _, m := range res.Months {
		sum := decimal.Zero
		for _, part := range []string{m.Ledger, m.InTransit, m.Pending} {
			sum = sum.Add(decimal.RequireFromString(part))
		}
		if sum.StringFixed(2) != m.Stripe {
			t.Errorf("%+v: ledger, in transit and pending are %s", m, sum)
		}
	}
	base := 0
	for _, b := range res.Trial {
		if b.Difference != "0.00" || b.Base && b.Debits == "0.00" {
			t.Errorf("trial balance %+v", b)
		}
		if b.Base {
			base++
		}
	}
	if base != 1 || len(res.Trial) < 4 || len(res.Accounts) < 10 {
		t.Errorf("trial balance %+v of %d accounts", res.Trial, len(res.Accounts))
	}
	if strings.Contains(stderr, `{"time"`) {
		t.Errorf("the log is among the days of the year:\n%s", stderr)
	}
	for _, k := range res.Kinds {
		if k.Count == 0 {
			t.Errorf("never happened: %s", k.Name)
		}
	}
}
