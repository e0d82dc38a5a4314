package reconcile

import (
	"testing"

	"millrace/internal/ledger"
)

// byHand makes a payout that Stripe cannot tell the parts of.
func (w *world) byHand(id, created, arrival string, amount int64) {
	w.pay(id, created, arrival)
	own := w.moves[len(w.moves)-1]
	own.Amount, own.Net = -amount, -amount
	p := &w.payouts[len(w.payouts)-1]
	p.Amount, p.Automatic, p.Reconciliation, p.Movement = amount, false, "not_applicable", *own
}

func causes(s *Statement) map[string]string {
	all := map[string]string{}
	for _, f := range s.Findings {
		all[f.Cause+" "+f.ID] = f.Amount
	}
	return all
}

// TestBooksThatWaitForAutomaticPayoutsOfAnAccountPaidOutByHand: what would never
// be posted is a difference from the first month on.
func TestBooksThatWaitForAutomaticPayoutsOfAnAccountPaidOutByHand(t *testing.T) {
	w := newWorld(t)
	w.charge("2026-05-08", 100_00, 3_20, "")
	w.move("2026-05-09", "adjustment", "dispute", -30_00, 15_00, "", noSource)
	w.byHand("po_m", "2026-05-10", "2026-05-11", 51_80)
	w.post()
	s := w.months("2026-05", "2026-05")[0]
	got := causes(s)
	if s.wrong() != "48.20" || len(got) != 3 || got[ByHand+" dispute"] != "30.00" || got[ByHand+" fee.processing"] != "3.20" || got[ByHand+" fee.dispute"] != "15.00" {
		t.Errorf("%s", dump(s))
	}
}

// TestMoneyThatNoPayoutTakesIsADifference: two weeks after it was available, or
// when its turn is over where payouts come once a month.
func TestMoneyThatNoPayoutTakesIsADifference(t *testing.T) {
	for _, tt := range []struct {
		name    string
		day     string // of the fee; it is available two days later
		payouts []string
		late    bool
	}{
		{"two weeks ago and a payout since", "2026-04-24", []string{"2026-04-20", "2026-05-04"}, true},
		{"two weeks ago, monthly payouts", "2026-04-24", []string{"2026-04-20"}, false},
		{"monthly payouts, and its turn is over", "2026-03-20", []string{"2026-03-16"}, true},
		{"two weeks ago and no payout at all", "2026-04-24", nil, true},
		{"days ago", "2026-04-30", []string{"2026-05-04"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.charge("2026-03-10", 900_00, 0, "")
			for i, day := range tt.payouts {
				id := []string{"po_1", "po_2"}[i]
				w.charge(day, 10_00, 59, id)
				w.pay(id, day, day)
			}
			w.move(tt.day, "stripe_fee", "fee", -5_00, 0, "", noSource)
			w.move(tt.day, "stripe_fee", "fee", 5_00, 0, "", noSource)
			w.move(tt.day, "reserve_transaction", "risk_reserved_funds", -7_00, 0, "", noSource)
			w.post()
			month := monthOf(tt.day)
			for _, s := range w.months(month, "2026-05") {
				switch {
				case !tt.late && !s.OK():
					t.Errorf("%s", dump(s))
				case tt.late && s.Period == month && (s.wrong() != "17.00" || causes(s)[Overdue+" risk_reserved_funds"] != "7.00"):
					t.Errorf("%s", dump(s))
				case tt.late && s.Period > month && (s.wrong() != "7.00" || s.Findings[0].Cause != Carried):
					t.Errorf("later: %s", dump(s))
				}
			}
		})
	}
}

// TestADayThatIsNotOverIsNeverOverdue: the books have it tomorrow.
func TestADayThatIsNotOverIsNeverOverdue(t *testing.T) {
	w := newWorld(t)
	w.o.ByDay = true
	m := w.move("2026-05-12", "stripe_fee", "fee", -5_00, 0, "", ledger.Source{})
	m.AvailableOn = at("2026-01-01")
	w.post()
	if s := w.months("2026-05", "2026-05")[0]; !s.OK() || s.Reconciling[0].Cause != NotSettled {
		t.Errorf("%s", dump(s))
	}
}
