package reconcile

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/ledger"
)

// TestEveryWayToKeepTheBooksTiesOut: whatever the unit is, and wherever the
// books start.
func TestEveryWayToKeepTheBooksTiesOut(t *testing.T) {
	for _, tt := range []struct {
		name string
		keep func(o *Options)
	}{
		{"by payout", func(*Options) {}},
		{"one by one", func(o *Options) { o.Rules.Fees = ledger.FeesPerTransaction }},
		{"by day", func(o *Options) { o.ByDay = true }},
		{"summary mode", func(o *Options) { o.Rules.Mode = ledger.Summary }},
		{"summary mode from April on", func(o *Options) { o.Rules.SummaryFrom = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) }},
		{"start in the middle of a payout", func(o *Options) { o.Rules.Start = time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC) }},
		{"start in April", func(o *Options) { o.Rules.Start = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoMonths(t)
			tt.keep(&w.o)
			w.post()
			all := w.months("2026-03", "2026-05")
			if len(all) == 0 {
				t.Fatal("no statement")
			}
			for _, s := range all {
				if !s.OK() {
					t.Errorf("%s", dump(s))
				}
			}
			if s := w.ofPayout("po_2"); !s.OK() {
				t.Errorf("%s", dump(s))
			}
			last, err := Months(t.Context(), w.o, "2026-05", "2026-05", true, now())
			if err != nil || len(last) != 1 || !last[0].OK() || last[0].Clearing != nil {
				t.Errorf("quick: %v, %v", last, err)
			}
		})
	}
}

func TestOpeningBalanceThatIsMissingIsFound(t *testing.T) {
	w := twoMonths(t)
	w.o.Rules.Start = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	w.only = func(_, key string) bool { return key != "opening/USD" }
	w.post()
	s := w.months("2026-04", "2026-04")[0]
	if s.OK() || s.Findings[0].Cause != Missing || s.wrong() != "67.67" || s.Clearing.Difference != "-67.67" {
		t.Errorf("%s", dump(s))
	}
}

func TestAParkedLaneIsNamed(t *testing.T) {
	w := twoMonths(t)
	w.only = func(_, key string) bool { return key != "ch_000" }
	w.o.Blocks = []bus.Block{{Stage: "transform", Conn: connection, Lane: "cus_1", Parked: true, Code: "flow.customer_unmapped", Hint: "link it"}}
	w.post()
	f := w.ofPayout("po_1").Findings[0]
	if f.Cause != Parked || f.Code != "flow.customer_unmapped" || f.Lane != "cus_1" {
		t.Errorf("%+v", f)
	}
}

func TestEntriesOfOthersOnTheClearingAccountAreShown(t *testing.T) {
	w := twoMonths(t)
	w.post()
	w.foreign("2026-03-20", 7)
	s := w.months("2026-03", "2026-03")[0]
	if s.wrong() != "0.07" || s.Findings[0].Cause != Foreign || s.Clearing.Difference != "0.07" {
		t.Errorf("%s", dump(s))
	}
}

func TestAWriteOffEndsADifference(t *testing.T) {
	w := twoMonths(t)
	w.edit, w.editKey = func(f map[string]any) {
		for _, row := range f["Details"].([]any) {
			for _, side := range []string{"DebitAmount", "CreditAmount"} {
				if l := row.(map[string]any); l[side] != nil {
					l[side] = "4.90"
				}
			}
		}
	}, "po_1/USD/2026-03"
	w.post()
	s := w.months("2026-03", "2026-03")[0]
	if s.Lacks().String() != "-0.05" {
		t.Fatalf("lacks %s: %s", s.Lacks(), dump(s))
	}
	limit := decimal.RequireFromString("1.00")
	for _, tt := range []struct {
		amount string
		limit  decimal.Decimal
		code   string
	}{
		{"-0.05", decimal.RequireFromString("0.04"), "reconcile.write_off_limit"},
		{"0.05", limit, "reconcile.write_off_amount"},
		{"-0.06", limit, "reconcile.write_off_amount"},
		{"0.001", limit, "cli.usage"},
	} {
		_, err := WriteOff(w.o.Rules, s, decimal.RequireFromString(tt.amount), tt.limit, "2026-03-31", "rounding", "ann")
		if fault.Of(err).Code != tt.code {
			t.Errorf("%s: got %v", tt.amount, err)
		}
	}
	in, err := WriteOff(w.o.Rules, s, s.Lacks(), limit, "2026-03-31", "rounding", "ann")
	if err != nil {
		t.Fatal(err)
	}
	w.carry(in)
	s = w.months("2026-03", "2026-03")[0]
	if !s.OK() || s.Difference != "0.00" || s.Clearing.Difference != "0.00" {
		t.Errorf("%s", dump(s))
	}
	if _, err := WriteOff(w.o.Rules, s, decimal.RequireFromString("-0.01"), limit, "2026-03-31", "again", "ann"); err == nil {
		t.Error("written off twice")
	}
}

func TestMoneyInAnotherCurrencyLeavesNothingOnItsClearingAccount(t *testing.T) {
	w := newWorld(t)
	if err := w.twin.SetRate(acumaticatwin.Rate{Currency: "EUR", Date: "2026-01-01", Rate: decimal.RequireFromString("1.10")}); err != nil {
		t.Fatal(err)
	}
	m := w.charge("2026-03-10", 110_00, 3_20, "po_1")
	m.Source.Amount, m.Source.Currency, m.Source.Charge.Captured, m.Source.Charge.Currency = 100_00, "EUR", 100_00, "EUR"
	w.pay("po_1", "2026-03-13", "2026-03-16")
	w.post()
	all := w.months("2026-03", "2026-03")
	if len(all) != 2 || all[0].Currency != "EUR" {
		t.Fatalf("%d statements", len(all))
	}
	for _, s := range all {
		if !s.OK() || s.Stripe != "0.00" || s.Documents != "0.00" {
			t.Errorf("%s", dump(s))
		}
	}
	both, err := ByPayout(t.Context(), w.o, "po_1")
	if err != nil || len(both) != 2 || !both[0].OK() || !both[1].OK() {
		t.Errorf("payout: %v %v", both, err)
	}
}

// TestAPayoutDoesNotArriveBeforeItIsCreated: Stripe gives the arrival as a day
// in UTC, where it may be the day before.
func TestAPayoutDoesNotArriveBeforeItIsCreated(t *testing.T) {
	w := newWorld(t)
	var err error
	if w.o.Rules.Location, err = time.LoadLocation("Asia/Tokyo"); err != nil {
		t.Fatal(err)
	}
	w.charge("2026-03-10", 100_00, 3_20, "po_1")
	w.pay("po_1", "2026-03-31", "2026-03-31")
	late := time.Date(2026, 3, 31, 20, 0, 0, 0, time.UTC) // 05:00 on 1 April in Tokyo
	w.moves[1].Created, w.payouts[0].Created, w.payouts[0].Movement.Created = late, late, late
	w.post()
	for _, s := range append(w.months("2026-03", "2026-04"), w.months("2026-04", "2026-04")[0], w.ofPayout("po_1")) {
		if !s.OK() || len(s.Reconciling) != 0 {
			t.Errorf("%s", dump(s))
		}
	}
}

// scans counts how often the intents are read.
type scans struct {
	Scanner

	n int
}

func (s *scans) Scan(ctx context.Context, stream string, from uint64, fn func(*bus.Message) error) error {
	s.n++
	return s.Scanner.Scan(ctx, stream, from, fn)
}

func TestPayoutsReadTheIntentsOnce(t *testing.T) {
	w := twoMonths(t)
	w.post()
	counted := &scans{Scanner: w.o.Log}
	w.o.Log = counted
	all, err := ByPayout(t.Context(), w.o, "po_1", "po_2", "po_3")
	if err != nil || len(all) != 3 || counted.n != 1 {
		t.Fatalf("%d statements, %d scans, %v", len(all), counted.n, err)
	}
	for i, s := range all {
		if one := w.ofPayout(s.Payout); !s.OK() || s.Matched == 0 || dump(one) != dump(s) || s.Payout != []string{"po_1", "po_2", "po_3"}[i] {
			t.Errorf("%s", dump(s))
		}
	}
}
