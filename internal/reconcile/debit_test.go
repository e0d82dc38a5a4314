package reconcile

import (
	"testing"
	"time"

	"millrace/internal/ledger"
	"millrace/internal/posting"
	"millrace/schemas"
)

// fails is a bank debit that fails on another day, in the payout.
func (w *world) fails(day, back string, amount, fee int64, payout string) *ledger.Movement {
	m := w.charge(day, amount, fee, payout)
	m.Type, m.Source.Charge.Captured, m.Source.Charge.Status = "payment", 0, "failed"
	w.move(back, "payment_failure_refund", "charge_failure", -amount, -fee, payout, m.Source)
	return m
}

// TestADebitThatFailsAcrossABoundary: what came and what went back of it are
// both out of the books, or both in.
func TestADebitThatFailsAcrossABoundary(t *testing.T) {
	april := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		rules func(r *ledger.Rules)
		first Month
	}{
		{"into summary mode", func(r *ledger.Rules) { r.SummaryFrom = april }, "2026-03"},
		{"over the start", func(r *ledger.Rules) { r.Start = april }, "2026-04"},
		{"with fees on payments", func(r *ledger.Rules) { r.Fees = ledger.FeesOnPayments }, "2026-03"},
		{"with fees on payments, into summary mode", func(r *ledger.Rules) { r.Fees, r.SummaryFrom = ledger.FeesOnPayments, april }, "2026-03"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.rules(&w.o.Rules)
			m := w.fails("2026-03-30", "2026-04-02", 500_00, 80, "po_1")
			w.charge("2026-04-02", 10_00, 0, "po_1")
			w.pay("po_1", "2026-04-05", "2026-04-07")
			w.only = func(kind, key string) bool { return kind != payment || key != m.Source.ID }
			w.post()
			for _, s := range append(w.months(tt.first, "2026-05"), w.ofPayout("po_1")) {
				if !s.OK() {
					t.Errorf("%s", dump(s))
				}
			}
		})
	}
}

// TestAFailedDebitThatLeavesSomethingIsADifference: pending and going back of
// one charge must cancel.
func TestAFailedDebitThatLeavesSomethingIsADifference(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(w *world, m *ledger.Movement)
		off   string
	}{
		{"it never went back", func(w *world, m *ledger.Movement) { w.moves = w.moves[:1] }, "500.00"},
		{"it went back as a line", func(w *world, m *ledger.Movement) {
			source := m.Source
			source.Charge = nil
			w.moves[1].Source = source
		}, "500.00"},
		{"less went back", func(w *world, m *ledger.Movement) {
			back := *m.Source.Charge
			back.Captured = 499_00
			w.moves[1].Source.Charge, w.moves[1].Amount, w.moves[1].Net = &back, -499_00, -499_00
		}, "1.00"},
		{"it succeeded, and nothing is captured", func(w *world, m *ledger.Movement) {
			m.Source.Charge.Status = "succeeded"
			w.moves = w.moves[:1]
		}, "500.00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			m := w.fails("2026-05-04", "2026-05-06", 500_00, 0, "")
			tt.spoil(w, m)
			s := w.months("2026-05", "2026-05")[0]
			if s.OK() || s.Findings[0].Cause != Missing || s.Findings[0].Amount != tt.off {
				t.Errorf("%s", dump(s))
			}
		})
	}
}

// TestAPaymentThatWeVoidedLaterLeavesItsMonthAndPayoutAlone: the charge failed
// two months after it had succeeded.
func TestAPaymentThatWeVoidedLaterLeavesItsMonthAndPayoutAlone(t *testing.T) {
	w := newWorld(t)
	m := w.charge("2026-03-25", 100_00, 0, "po_1")
	w.pay("po_1", "2026-03-27", "2026-03-30")
	m.Source.Charge.Status = "failed"
	w.move("2026-05-10", "payment_failure_refund", "charge_failure", -100_00, 0, "", m.Source)
	w.post()
	number := w.numberOf(m.Source.ID)
	w.void(number)
	id := schemas.IntentID(connection, schemas.Acumatica, payment, "void", m.Source.ID, "")
	w.records[id] = posting.Record{IntentID: id, State: posting.Done, Keys: map[string]string{"Type": "Voided Payment", "ReferenceNbr": number}}
	all := append(w.months("2026-03", "2026-05"), w.months("2026-03", "2026-03")...)
	for _, s := range append(all, w.ofPayout("po_1"), w.quick("2026-03")) {
		if !s.OK() {
			t.Errorf("%s", dump(s))
		}
	}
	delete(w.records, id)
	w.moves = w.moves[:2] // nothing failed: somebody else voided it
	for _, s := range []*Statement{w.months("2026-03", "2026-03")[0], w.ofPayout("po_1")} {
		if s.OK() || s.Findings[0].Cause != Voided {
			t.Errorf("%s", dump(s))
		}
	}
}

// quick proves a month by itself.
func (w *world) quick(m Month) *Statement {
	w.t.Helper()
	all, err := Months(w.t.Context(), w.o, m, m, true, now())
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d statements, %v", len(all), err)
	}
	return all[0]
}
