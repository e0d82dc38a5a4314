package reconcile

import "millrace/schemas"

// Kinds of items.
const (
	payment     = "payment"
	paymentVoid = "payment_void"
	refund      = "refund"
	journal     = "journal"
	creditMemo  = "creditmemo" // no item: it is not on the clearing account
)

// Categories that only the proof has.
const (
	onPayment = "fee.on_payment" // fees that are charges on payments
	writeOff  = "write_off"
	other     = "other" // on a clearing account, and nobody at Stripe knows why
)

// side is what one of the three says about an item: effects on the clearing
// account in minor units, a debit when greater than zero, by category.
type side map[string]int64

func (s side) total() int64 {
	var sum int64
	for _, n := range s {
		sum += n
	}
	return sum
}

func (s side) add(t side) {
	for category, n := range t {
		s[category] += n
	}
}

// itemKey names an item within a connection.
type itemKey struct{ kind, key string }

// item is one document or journal that should be there.
type item struct {
	itemKey

	currency string
	date     string // the books' date by Stripe
	stripe   side   // nil: nothing at Stripe is behind it
	lanes    []string
	charge   string // its status at Stripe: a document exists only once it succeeds
	transit  bool   // a payout on its way: its journal comes with its arrival

	why  string // of a write-off: the reason, and who gave it
	loss int64  // of a dispute that was lost, in minor units: none of it is on the clearing account

	posted *posted
	docs   []*document
}

// posted is what an intent of ours says.
type posted struct {
	id       string // of the intent
	lane     string
	currency string
	date     string
	account  string // cash account; of journals empty
	effect   side
	applied  int64 // to documents, of payments
	lines    []line
	places   []place // of the lines, in their order
}

// unread is what an intent says whose movements were not read.
type unread struct {
	key string
	*posted
}

// line is a line of a journal, for comparing.
type line struct {
	account string
	amount  int64 // debit less credit, minor units
}

// place is where a line stands beside its account; empty: Acumatica chose.
type place struct{ subaccount, branch string }

// document is a document of Acumatica on a clearing account.
type document struct {
	name     string // "Payment 000012", "GL 00000007"
	entity   string
	id       string
	ref      string // that we gave it
	kind     string // of items
	currency string
	date     string
	booked   string // a day of the financial period: date, unless that is of another one
	status   string
	account  string // cash account; of journals empty
	effect   side   // all zero while it is not released
	released bool
	applied  int64
	lines    []line
	places   []place          // of the lines, in their order
	text     map[string]int64 // effect on the clearing account by the text of the line
}

// intents are the ids under which an item can have been posted.
func (i *item) intents(connection string) []string {
	if i.posted != nil {
		return []string{i.posted.id}
	}
	document, verb := i.kind, "create"
	if i.kind == paymentVoid {
		document, verb = payment, "void"
	}
	return []string{schemas.IntentID(connection, schemas.Acumatica, document, verb, i.key, "")}
}
