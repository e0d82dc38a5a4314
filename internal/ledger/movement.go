package ledger

import (
	"time"

	"millrace/internal/fault"
	"millrace/internal/money"
)

// Movement is one balance transaction of Stripe. Amounts are minor units,
// signed as Stripe signs them: an amount greater than zero adds to the balance,
// a fee greater than zero is a cost.
type Movement struct {
	ID          string // txn_…
	Type        string
	Category    string // reporting_category
	Amount      int64
	Fee         int64
	Net         int64
	Currency    string // upper case: the currency of the balance
	Fees        []FeePart
	Created     time.Time
	AvailableOn time.Time
	Description string
	Source      Source
}

// FeePart is one row of a movement's fee_details.
type FeePart struct {
	Type        string // stripe_fee, application_fee, tax, …
	Description string
	Amount      int64 // a cost when greater than zero
	Currency    string
}

// Source is what a movement is about, as far as the rules ask.
type Source struct {
	Kind string // Stripe's object: charge, refund, dispute, payout, …; empty: the movement has none
	ID   string
	// Amount in minor units of Currency, not signed: what the charge captured
	// (the whole charge where nothing is captured), or the amount of the refund
	// or dispute, in the currency that the customer sees. Other sources leave
	// both empty.
	Amount   int64
	Currency string  // upper case
	Status   string  // of a dispute: Stripe's; no rule asks, because it changes
	Charge   *Charge // the charge itself, or the one behind a refund or dispute
}

// Charge is the charge that a document would be about.
type Charge struct {
	ID       string
	Customer string // Stripe's customer; empty: nobody's
	Invoice  string
	Status   string // Stripe's: succeeded, pending or failed; no rule asks, because it changes
	Captured int64  // minor units of Currency; 0 while a bank debit is pending, or when it failed: then Source.Amount counts
	Currency string // upper case: what the customer paid in
	Created  time.Time
}

// check holds a movement against its own arithmetic (Invariant 6).
func (m *Movement) check() error {
	var fees int64
	for _, f := range m.Fees {
		if f.Currency != m.Currency {
			return fault.Newf("ledger.currency", "movement %s in %s has a fee in %s", m.ID, m.Currency, f.Currency)
		}
		fees += f.Amount
	}
	show := func(n int64) money.Amount { return money.Amount{Minor: n, Currency: m.Currency} }
	if fees != m.Fee {
		return fault.Newf("ledger.movement_sum", "movement %s: fee %s, its parts are %s", m.ID, show(m.Fee), show(fees))
	}
	if m.Net != m.Amount-m.Fee {
		return fault.Newf("ledger.movement_sum", "movement %s: net %s, amount less fee is %s", m.ID, show(m.Net), show(m.Amount-m.Fee))
	}
	return nil
}
