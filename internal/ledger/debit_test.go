package ledger

import (
	"testing"
	"time"
)

// debit is a bank debit of 80.00 that was made at one time, and what took it
// back at another.
func debit(made, failed time.Time) (taken, back *Movement) {
	of := func(id, typ, category string, amount, fee int64, at time.Time) *Movement {
		return &Movement{
			ID: id, Type: typ, Category: category, Amount: amount, Fee: fee, Net: amount - fee, Currency: "USD", Created: at,
			Fees: []FeePart{{Type: "stripe_fee", Amount: fee, Currency: "USD"}},
			Source: Source{Kind: "charge", ID: "py_1", Amount: 8000, Currency: "USD", Charge: &Charge{
				ID: "py_1", Customer: "cus_1", Currency: "USD", Created: made,
			}},
		}
	}
	return of("txn_1", "payment", "charge", 8000, 64, made), of("txn_2", "payment_failure_refund", "charge_failure", -8000, -64, failed)
}

// A debit and its failure are both documents or both lines, whenever it fails:
// what the charge was decides.
func TestAFailureIsWhatItsChargeWas(t *testing.T) {
	books, summary := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		made  time.Time
		cover Cover
	}{
		"from before the start":       {books.Add(-time.Hour), ByJournal}, // the debit itself is in the opening balance
		"from after it":               {books, ByDocument},
		"from before the switch":      {summary.Add(-time.Hour), ByDocument},
		"from after the switch to it": {summary, ByJournal},
	} {
		t.Run(name, func(t *testing.T) {
			r := base()
			r.Start, r.SummaryFrom = books, summary
			_, back := debit(tt.made, summary.Add(time.Hour))
			parts, err := r.Parts(back)
			if err != nil || parts[0].Cover != tt.cover || parts[0].Effect != -8000 {
				t.Errorf("%+v, %v", parts, err)
			}
		})
	}
}

// The fee of a bank debit is a line, also where fees are charges on payments:
// there may be no payment, or a void of it.
func TestTheFeeOfABankDebitIsNotOnItsPayment(t *testing.T) {
	r := base()
	r.Fees = FeesOnPayments
	taken, back := debit(start, start.Add(time.Hour))
	var journals int64
	for _, m := range []*Movement{taken, back} {
		if n, err := r.PaymentCharge(m); n != 0 || err != nil {
			t.Errorf("%s: a charge of %d, %v", m.ID, n, err)
		}
		parts, err := r.Parts(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if p.Cover == ByJournal {
				journals += p.Effect
			}
		}
	}
	if journals != 0 {
		t.Errorf("the fee and what was given back leave %d", journals)
	}
}
