package reconcile

import (
	"testing"

	"millrace/internal/ledger"
	"millrace/internal/posting"
	"millrace/schemas"
)

func TestADocumentThatIsGoneWasDeleted(t *testing.T) {
	w := twoMonths(t)
	w.only = func(_, key string) bool { return key != "ch_000" }
	w.post()
	id := schemas.IntentID(connection, schemas.Acumatica, payment, "create", "ch_000", "")
	w.records[id] = posting.Record{State: posting.Done, Keys: map[string]string{"Type": "Prepayment", "ReferenceNbr": "009999"}}
	for _, s := range []*Statement{w.months("2026-03", "2026-03")[0], w.ofPayout("po_1")} {
		if s.wrong() != "100.00" || s.Findings[0].Cause != Deleted {
			t.Errorf("%s", dump(s))
		}
	}
}

// failed is a bank debit: its movement comes while it is pending, and goes back
// when it fails.
func (w *world) debit(day string, amount int64) ledger.Source {
	m := w.charge(day, amount, 0, "")
	m.Source.Charge.Captured, m.Source.Charge.Status = 0, "pending"
	return m.Source
}

func TestAChargeThatIsPendingOrFailedBeforeItWasPostedIsNoDifference(t *testing.T) {
	w := newWorld(t)
	w.debit("2026-03-10", 40_00)
	failed := w.debit("2026-03-11", 60_00)
	failed.Charge.Status = "failed"
	w.move("2026-03-15", "payment_failure_refund", "charge_failure", -60_00, 0, "", failed)
	s := w.months("2026-03", "2026-03")[0]
	causes := map[string]int{}
	for _, e := range s.Reconciling {
		causes[e.Cause]++
	}
	if !s.OK() || s.Stripe != "40.00" || s.Clearing.Difference != "0.00" || causes[Pending] != 2 || causes[NeverPosted] != 1 {
		t.Errorf("%s", dump(s))
	}
}

// TestADebitThatFailsInAnotherMonthIsNoDifference: whichever months are asked
// for, and whatever Stripe shows as captured.
func TestADebitThatFailsInAnotherMonthIsNoDifference(t *testing.T) {
	for _, captured := range []int64{0, 60_00} {
		w := newWorld(t)
		failed := w.debit("2026-02-26", 60_00)
		failed.Charge.Captured, failed.Charge.Status = captured, "failed"
		w.move("2026-03-04", "payment_failure_refund", "charge_failure", -60_00, 0, "", failed)
		pending := w.debit("2026-03-30", 25_00)
		pending.Charge.Captured, pending.Charge.Status = captured*25/60, "pending"
		for _, asked := range [][2]Month{{"2026-02", "2026-04"}, {"2026-02", "2026-02"}, {"2026-03", "2026-03"}, {"2026-04", "2026-04"}} {
			for _, s := range w.months(asked[0], asked[1]) {
				if !s.OK() || s.Clearing.Difference != "0.00" {
					t.Errorf("captured %d, asked for %v: %s", captured, asked, dump(s))
				}
			}
		}
	}
}

func TestANextOpenPeriodIsNoDifferenceWhereTheBooksSaySo(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		w := twoMonths(t)
		w.o.NextOpen = allowed
		w.edit, w.editKey = func(f map[string]any) { f["PostPeriod"] = "042026" }, "po_1/USD/2026-03"
		w.post()
		for _, s := range w.months("2026-03", "2026-04") {
			if s.OK() != allowed {
				t.Errorf("allowed %v: %s", allowed, dump(s))
			}
			if !allowed && s.Findings[0].Cause != WrongPeriod {
				t.Errorf("%s", dump(s))
			}
		}
	}
}

func TestAnUnknownTypeIsFlagged(t *testing.T) {
	w := newWorld(t)
	w.move("2026-03-10", "moon_landing", "moon", -1_00, 0, "po_1", noSource)
	w.charge("2026-03-10", 10_00, 59, "po_1")
	w.pay("po_1", "2026-03-13", "2026-03-16")
	w.post()
	for _, s := range []*Statement{w.months("2026-03", "2026-03")[0], w.ofPayout("po_1")} {
		if !s.OK() || len(s.Notes) != 1 || s.Notes[0].Cause != UnknownType || s.Notes[0].Amount != "-1.00" {
			t.Errorf("%s", dump(s))
		}
	}
}

func TestTwoErrorsDoNotCancelEachOtherOut(t *testing.T) {
	w := twoMonths(t)
	w.only = func(_, key string) bool { return key != "ch_000" }
	w.post()
	w.only = nil
	w.payment("ch_nobody", 100_00, "2026-03-10")
	s := w.months("2026-03", "2026-03")[0]
	if s.OK() || s.wrong() != "200.00" || s.Clearing.Difference != "0.00" {
		t.Errorf("%s", dump(s))
	}
}
