package reconcile

import (
	"testing"
)

// TestAMonthByItselfKnowsTheOthers: whichever months are asked for, what belongs
// to one of them and stands in another on purpose is no difference.
func TestAMonthByItselfKnowsTheOthers(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(w *world)
	}{
		{"a journal in the next open period", func(w *world) {
			w.o.NextOpen = true
			w.edit, w.editKey = func(f map[string]any) { f["PostPeriod"] = "042026" }, "po_1/USD/2026-03"
		}},
		{"a journal two periods later", func(w *world) {
			w.o.NextOpen = true
			w.edit, w.editKey = func(f map[string]any) { f["PostPeriod"] = "052026" }, "po_1/USD/2026-03"
		}},
		{"the payment of an invoice that is dated ahead", func(w *world) {
			w.dated = map[string]string{w.moves[0].Source.ID: "2026-04-20"}
		}},
		{"the payment of an invoice that is dated far ahead", func(w *world) {
			w.dated = map[string]string{w.moves[0].Source.ID: "2026-05-11"}
		}},
		{"a debit that failed a month later", func(w *world) {
			w.fails("2026-03-27", "2026-04-04", 100_00, 0, "")
			failed := w.moves[len(w.moves)-2].Source.ID
			w.only = func(kind, key string) bool { return kind != payment || key != failed }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoMonths(t)
			tt.make(w)
			w.post()
			for _, asked := range [][2]Month{{"2026-03", "2026-05"}, {"2026-03", "2026-03"}, {"2026-04", "2026-04"}, {"2026-05", "2026-05"}, {"2026-04", "2026-05"}} {
				for _, s := range w.months(asked[0], asked[1]) {
					if !s.OK() || s.Clearing.Difference != "0.00" {
						t.Errorf("asked for %v: %s", asked, dump(s))
					}
				}
			}
			for _, id := range []string{"po_1", "po_2"} {
				if s := w.ofPayout(id); !s.OK() {
					t.Errorf("%s", dump(s))
				}
			}
		})
	}
}

// TestAJournalInAnotherMonthIsTheSameQuickly: the movements behind it are not
// read then.
func TestAJournalInAnotherMonthIsTheSameQuickly(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		w := twoMonths(t)
		w.o.NextOpen = allowed
		w.edit, w.editKey = func(f map[string]any) { f["PostPeriod"] = "042026" }, "po_1/USD/2026-03"
		w.post()
		s := w.quick("2026-04")
		if s.OK() != allowed || !allowed && s.Findings[0].Cause != WrongPeriod {
			t.Errorf("allowed %v: %s", allowed, dump(s))
		}
	}
}

// TestAPaymentThatSomebodyMovedIsNotDatedAhead: only what was posted with that
// date is.
func TestAPaymentThatSomebodyMovedIsNotDatedAhead(t *testing.T) {
	w := twoMonths(t)
	w.dated = map[string]string{w.moves[0].Source.ID: "2026-04-20"}
	w.edit, w.editKey = func(f map[string]any) { f["ApplicationDate"] = "2026-05-02" }, w.moves[0].Source.ID
	w.post()
	for _, m := range []Month{"2026-03", "2026-05"} {
		s := w.months(m, m)[0]
		if s.OK() || s.Findings[0].Cause != WrongPeriod {
			t.Errorf("%s", dump(s))
		}
	}
}
