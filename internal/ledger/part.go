package ledger

// Cover says what takes a part into the books.
type Cover string

// What there is.
const (
	ByDocument Cover = "document" // an AR document
	ByJournal  Cover = "journal"  // a pair of lines
	ByOpening  Cover = "opening"  // the opening balance, because it is from before the start
)

// DocumentKind is what kind of AR document covers a part.
type DocumentKind string

// The documents that cover parts.
const (
	Payment       DocumentKind = "payment"        // of the charge
	PaymentCharge DocumentKind = "payment_charge" // a charge on the AR payment of the charge: its fee
	PaymentVoid   DocumentKind = "payment_void"   // of the charge, if it was ever posted: the charge failed later
	Refund        DocumentKind = "refund"         // AR refund, with or without a credit memo before it
)

// Document is the AR document that covers a part.
type Document struct {
	Kind     DocumentKind
	ID       string // of the charge or refund that the document is about
	Customer string // Stripe's
	Amount   int64  // of the document, in minor units, greater than zero
	Currency string
}

// Part is one effect of a movement on a clearing account.
type Part struct {
	Movement string
	Category string
	Cover    Cover
	Effect   int64  // on the clearing account of Currency; a debit when greater than zero
	Currency string // of the document or the lines
	Document Document
	Clearing Account // ByJournal: one side of the pair
	Account  Account // ByJournal: the other side
	Name     string  // ByJournal: the configured name that Account was found by
	Flag     string  // why a person should look at it; empty: nothing odd
}

// Lines is the pair of a part that is ByJournal, debit first; nil for the rest.
func (p *Part) Lines() []Line {
	if p.Cover != ByJournal {
		return nil
	}
	debit, credit, amount := p.Clearing, p.Account, p.Effect
	if amount < 0 {
		debit, credit, amount = credit, debit, -amount
	}
	l := func(a Account, d, c int64) Line {
		return Line{
			Category: p.Category, Account: a.Account, Subaccount: a.Subaccount, Branch: a.Branch,
			Description: title(p.Category), Debit: d, Credit: c,
		}
	}
	return []Line{l(debit, amount, 0), l(credit, 0, amount)}
}
