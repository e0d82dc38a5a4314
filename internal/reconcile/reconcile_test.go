package reconcile

import (
	"encoding/json"
	"testing"
)

func dump(s *Statement) string {
	data, _ := json.MarshalIndent(s, "", " ")
	return string(data)
}

// twoMonths is a March and an April with a payout that reaches over the end of
// the month, one on its way at the end, and a charge that no payout has yet.
func twoMonths(t *testing.T) *world {
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
