package reconcile

import (
	"encoding/json"
	"strings"
	"testing"

	"millrace/internal/fault"
)

func dump(s *Statement) string {
	data, _ := json.MarshalIndent(s, "", " ")
	return string(data)
}

// twoMonths is a March and an April with a payout that reaches over the end of
// the month, one on its way at the end, and a charge that no payout has yet.
func twoMonths(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.charge("2026-03-10", 100_00, 3_20, "po_1")
	w.charge("2026-03-11", 50_00, 1_75, "po_1")
	w.pay("po_1", "2026-03-13", "2026-03-16")
	w.charge("2026-03-30", 70_00, 2_33, "po_2")
	w.move("2026-04-01", "stripe_fee", "fee", -5_00, 0, "po_2", noSource)
	w.charge("2026-04-01", 30_00, 1_17, "po_2")
	w.pay("po_2", "2026-04-02", "2026-04-07")
	w.charge("2026-04-28", 20_00, 88, "po_3")
	w.pay("po_3", "2026-04-30", "2026-05-04")
	w.charge("2026-04-30", 10_00, 59, "")
	return w
}

func TestMonthsTieOut(t *testing.T) {
	w := twoMonths(t)
	w.post()
	all := w.months("2026-03", "2026-05")
	if len(all) != 3 {
		t.Fatalf("%d statements", len(all))
	}
	for _, s := range all {
		if !s.OK() || s.Difference != "0.00" || s.Clearing.Difference != "0.00" {
			t.Errorf("%s", dump(s))
		}
	}
	april := all[1]
	causes := map[string]string{}
	for _, e := range april.Reconciling {
		causes[e.Cause] += e.Amount + " "
	}
	if causes[InTransit] != "-19.12 " || causes[NotSettled] != "-0.59 " {
		t.Errorf("reconciling: %v\n%s", causes, dump(april))
	}
	for _, id := range []string{"po_1", "po_2", "po_3"} {
		if s := w.ofPayout(id); !s.OK() || s.Stripe != "0.00" || s.Matched == 0 {
			t.Errorf("%s", dump(s))
		}
	}
}

// TestCausesAreNamed: each trouble is found in the month, in the payout where
// it is one of it, and its difference is what is wrong.
func TestCausesAreNamed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(w *world)
		cause string
		off   string
	}{
		{"the payment was voided by a person", func(w *world) { w.void(w.numberOf("ch_000")) }, Voided, "100.00"},
		{"two payments", func(w *world) { w.payment("ch_000", 100_00, "2026-03-10") }, Doubled, "100.00"},
		{"the payment is about less than the charge", func(w *world) { w.moves[0].Amount, w.moves[0].Net = 100_10, 96_90 }, Stale, "0.10"},
		{"a journal twice", func(w *world) { w.again("po_1/USD/2026-03") }, Doubled, "4.95"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoMonths(t)
			w.post()
			tt.spoil(w)
			for _, s := range []*Statement{w.months("2026-03", "2026-03")[0], w.ofPayout("po_1")} {
				if tt.cause == Stale && s.Payout != "" {
					continue
				}
				if s.OK() || s.wrong() == "0.00" {
					t.Fatalf("agrees: %s", dump(s))
				}
				if f := s.Findings[0]; f.Cause != tt.cause || f.Amount != tt.off {
					t.Errorf("got %s of %s\n%s", f.Cause, f.Amount, dump(s))
				}
			}
		})
	}
}

func TestWhatIsNotPostedIsMissing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		keep   func(kind, key string) bool
		cause  string
		amount string
	}{
		{"a payment", func(_, key string) bool { return key != "ch_000" }, Missing, "100.00"},
		{"a journal of fees", func(_, key string) bool { return key != "po_1/USD/2026-03" }, Missing, "4.95"},
		{"a payout", func(_, key string) bool { return key != "po_1/USD/bank" }, Missing, "145.05"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoMonths(t)
			w.only = tt.keep
			w.post()
			for _, s := range []*Statement{w.months("2026-03", "2026-03")[0], w.ofPayout("po_1")} {
				if s.OK() || s.Findings[0].Cause != tt.cause || s.Findings[0].Amount != tt.amount || s.wrong() != tt.amount {
					t.Errorf("%s", dump(s))
				}
			}
		})
	}
}

func TestEditsInTheERPAreSeen(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		edit      func(f map[string]any)
		cause     string
		off       string
	}{
		{"another month", "ch_000", func(f map[string]any) { f["ApplicationDate"] = "2026-04-10" }, WrongPeriod, "100.00"},
		{"another amount", "ch_000", func(f map[string]any) { f["PaymentAmount"] = "90.00" }, Edited, "10.00"},
		{"another reference", "ch_000", func(f map[string]any) { f["PaymentRef"] = "by hand" }, "", "0.00"},
		{"another fee account", "po_1/USD/2026-03", func(f map[string]any) {
			for _, row := range f["Details"].([]any) {
				if l := row.(map[string]any); l["Account"] == "61000" {
					l["Account"] = "65000"
				}
			}
		}, Edited, "4.95"},
		{"another fee amount", "po_1/USD/2026-03", func(f map[string]any) {
			for _, row := range f["Details"].([]any) {
				for _, side := range []string{"DebitAmount", "CreditAmount"} {
					if l := row.(map[string]any); l[side] != nil {
						l[side] = "4.90"
					}
				}
			}
		}, Edited, "0.05"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoMonths(t)
			w.edit, w.editKey = tt.edit, tt.key
			w.post()
			for _, s := range []*Statement{w.months("2026-03", "2026-03")[0], w.ofPayout("po_1")} {
				if tt.cause == "" {
					if !s.OK() {
						t.Errorf("%s", dump(s))
					}
					continue
				}
				if s.OK() || s.Findings[0].Cause != tt.cause || s.Findings[0].Amount != tt.off {
					t.Errorf("%s", dump(s))
				}
			}
		})
	}
}

func TestThePageEscapesAndLoadsNothing(t *testing.T) {
	s := &Statement{Connection: "<script>alert(1)</script>", Period: "2026-03", Currency: "USD", Findings: []Entry{{Cause: Edited, ID: `"><img src=x>`, Detail: "<b>"}}}
	var out strings.Builder
	if err := HTML(&out, []*Statement{s}, nil, now()); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<img", "<b>", "http://", "https://", "url("} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("has %s", bad)
		}
	}
	if !strings.Contains(out.String(), "NOT reconciled") {
		t.Error("does not say that it is off")
	}
}

func TestASpreadsheetTakesNothingForAFormula(t *testing.T) {
	var out strings.Builder
	s := &Statement{Connection: "default", Period: "2026-03", Currency: "USD", Findings: []Entry{{Cause: Foreign, ID: "=cmd()", Amount: "1.00", Detail: "+1"}}}
	if err := CSV(&out, []*Statement{s}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "not_ours,'=cmd(),") || !strings.Contains(out.String(), ",'+1") {
		t.Error(out.String())
	}
}

// TestAMonthBeforeTheBooksIsNamed: with the day that they start on.
func TestAMonthBeforeTheBooksIsNamed(t *testing.T) {
	w := newWorld(t)
	w.o.Rules.Start = at("2026-03-10")
	_, err := Months(t.Context(), w.o, "2026-01", "2026-02", false, now())
	if err == nil || fault.Of(err).Code != "cli.usage" || !strings.Contains(err.Error(), "2026-02 is before the books: they start on 2026-03-10") {
		t.Errorf("%v", err)
	}
}
