package ledger

import "time"

// Mode says whether documents are made for customers.
type Mode string

// FeeStyle says where fees are posted.
type FeeStyle string

// RefundStyle says how a refund of a covered charge is posted.
type RefundStyle string

// The values that the configuration has for them.
const (
	Detailed Mode = "detailed" // an AR document for every charge of a customer
	Summary  Mode = "summary"  // journals only

	FeesPerPayout      FeeStyle = "per_payout"
	FeesPerTransaction FeeStyle = "per_transaction" // the unit is the movement
	FeesOnPayments     FeeStyle = "payment_charges" // the fee of a charge is a charge on its AR payment

	RefundDocument   RefundStyle = "ar_refund"
	RefundCreditMemo RefundStyle = "credit_memo"
	RefundJournal    RefundStyle = "journal"
)

// Account is where a line goes.
type Account struct {
	Account    string
	Subaccount string // empty: Acumatica's default
	Branch     string // empty: that of the journal
}

// Rules are how the books of a connection are kept. The zero value of each
// field is its default.
type Rules struct {
	Location    *time.Location // of the books; nil is UTC
	Start       time.Time      // movements created before are in the opening balance; zero: there are none
	NoOpening   bool           // the opening balance is posted by somebody else
	Mode        Mode
	SummaryFrom time.Time // movements created from here on are in summary mode, whatever Mode says; zero: never
	Fees        FeeStyle
	Refunds     RefundStyle
	Clearing    map[string]Account            // by currency: the ledger account behind the clearing cash account
	Accounts    map[string]map[string]Account // by name, then by currency; "" is every other currency
}

// covered tells whether documents are made for what happened at t.
func (r *Rules) covered(t time.Time) bool {
	if !r.SummaryFrom.IsZero() && !t.Before(r.SummaryFrom) {
		return false
	}
	return r.Mode != Summary
}

// opening tells whether what happened at t is in the opening balance.
func (r *Rules) opening(t time.Time) bool { return t.Before(r.Start) }

// day is the books' date of t.
func (r *Rules) day(t time.Time) string {
	if r.Location == nil {
		return t.UTC().Format(time.DateOnly)
	}
	return t.In(r.Location).Format(time.DateOnly)
}

// period is what the movements of a unit are put together by: the month, so
// that each ties out by itself, or the day in summary mode.
func (r *Rules) period(t time.Time) string {
	day := r.day(t)
	if r.covered(t) {
		return day[:len("2006-01")]
	}
	return day
}
