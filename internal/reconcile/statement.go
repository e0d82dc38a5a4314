package reconcile

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"millrace/internal/ledger"
	"millrace/internal/money"
)

// Causes of what is not as it should be, and of what is listed beside.
const (
	Missing     = "missing"         // no posting, or no document yet
	Doubled     = "doubled"         // more than one document
	Edited      = "edited"          // the document is not what was posted
	Deleted     = "deleted"         // the posting is done, the document is gone
	Voided      = "voided"          // by a person
	Unreleased  = "unreleased"      // the document has no effect on the ledger
	WrongPeriod = "wrong_period"    // the document is in another month
	Stale       = "posting_differs" // what was posted is not what Stripe says
	Parked      = "parked"          // waits for a person
	Unexpected  = "unexpected"      // nothing at Stripe is behind it
	Foreign     = "not_ours"        // on the clearing account, and not made by us
	Overdue     = "overdue"         // available for long, and no payout has it
	ByHand      = "paid_by_hand"    // the books wait for automatic payouts, and there are none
	Off         = "off"             // clearing account and Stripe's balance
	Carried     = "carried_over"    // the clearing account was off before the month

	InTransit   = "in_transit"      // a payout that has not arrived
	Arrived     = "arrived"         // a payout of an earlier month that has
	NotSettled  = "not_settled"     // its payout or day is not complete
	Pending     = "pending"         // a charge that has not succeeded yet
	NeverPosted = "failed_unposted" // a charge that failed before it was posted
	Shifted     = "next_open"       // into the next open period, as configured
	Dated       = "dated_ahead"     // with the invoice that it pays
	UnknownType = "unknown_type"    // in suspense, or otherwise to be looked at
	WrittenOff  = "written_off"
	Assumed     = "opening_assumed" // on the clearing account before the start
)

// Statement is the proof of one currency of a month or payout. Amounts are
// exact decimals in the currency, signed as the clearing account has them: a
// debit, money at Stripe, is greater than zero.
type Statement struct {
	Connection string `json:"connection"`
	Period     Month  `json:"period,omitempty"`
	Payout     string `json:"payout,omitempty"`
	Currency   string `json:"currency"`
	// Difference is what the clearing account has more than it should have: of a
	// month as its balance says, else of the items. It is the sum of those of the
	// findings. Two errors that offset each other make it "0.00", and are findings
	// all the same: only OK proves that nothing differs.
	Difference  string   `json:"difference"`
	Stripe      string   `json:"stripe"`
	Open        string   `json:"open"` // of Stripe, what the books cannot have yet
	Postings    string   `json:"postings"`
	Documents   string   `json:"documents"`
	Lines       []Line   `json:"lines"`
	Reconciling []Entry  `json:"reconciling"` // no difference: listed as in a bank reconciliation
	Findings    []Entry  `json:"findings"`    // differences, by item
	Notes       []Entry  `json:"notes"`       // posted, and to be looked at
	Matched     int      `json:"matched"`     // documents and journals that agree
	Clearing    *Balance `json:"clearing,omitempty"`
	// Hash is the sha256, hex, of everything else: two statements that have the
	// same say the same. A signature names it.
	Hash string `json:"hash,omitempty"`

	off int64 // what is wrong, without signs, in minor units
	net int64 // documents less what they should be

	written bool   // something of it is written off
	dropped int    // write-offs of it that somebody dropped
	waiting string // a write-off that the books do not have yet
}

// Line is a category, in the order of journals.
type Line struct {
	Category   string `json:"category"`
	Title      string `json:"title"`
	Stripe     string `json:"stripe"`
	Open       string `json:"open"`
	Postings   string `json:"postings"`
	Documents  string `json:"documents"`
	Difference string `json:"difference"` // documents less Stripe, and what is open added
}

// Entry is one item that is told of.
type Entry struct {
	Cause      string   `json:"cause"`
	ID         string   `json:"id"` // of the charge, refund, journal or document
	Date       string   `json:"date,omitempty"`
	Amount     string   `json:"amount"`               // findings: what is wrong, without a sign
	Difference string   `json:"difference,omitempty"` // findings: documents less what they should be
	Stripe     string   `json:"stripe,omitempty"`
	Postings   string   `json:"postings,omitempty"`
	Documents  string   `json:"documents,omitempty"`
	In         []string `json:"in,omitempty"` // the documents of Acumatica
	Detail     string   `json:"detail"`
	Lane       string   `json:"lane,omitempty"`
	Code       string   `json:"code,omitempty"`
	minorUnits int64
	earlier    bool // of a month that is not asked for
}

// Balance is the clearing account against Stripe's balance at the end of the
// period.
type Balance struct {
	At         string `json:"at"` // the last day
	Stripe     string `json:"stripe"`
	InTransit  string `json:"in_transit"`
	NotSettled string `json:"not_settled"`
	Opening    string `json:"opening"`   // of the clearing account, at the end of the month before
	Movements  string `json:"movements"` // on it in the month
	Expected   string `json:"expected"`  // on the clearing account
	Clearing   string `json:"clearing"`
	Difference string `json:"difference"`
}

// OK tells whether everything agrees.
func (s *Statement) OK() bool { return s.off == 0 && len(s.Findings) == 0 }

// Scope is the month or the payout that the statement is about.
func (s *Statement) Scope() string { return cmp.Or(s.Payout, string(s.Period)) }

// decimalOf is an amount with the places of its currency.
func decimalOf(n int64, currency string) string {
	d, err := money.Amount{Minor: n, Currency: currency}.Decimal()
	if err != nil {
		return money.Amount{Minor: n, Currency: currency}.String()
	}
	return d.StringFixed(-d.Exponent())
}

// draft is a statement in the making.
type draft struct {
	s                          *Statement
	stripe, open, posted, docs side
	gross, written             int64
	opening, balance           int64 // the clearing account when the month begins; what it is off by when it ends
	carried                    int64 // what it was off by before
	before                     Month // when that was
	ended                      bool  // entries of others take exactly that back
}

func newDraft(connection, currency string) *draft {
	return &draft{
		s:      &Statement{Connection: connection, Currency: currency, Reconciling: []Entry{}, Findings: []Entry{}, Notes: []Entry{}},
		stripe: side{}, open: side{}, posted: side{}, docs: side{},
	}
}

func (d *draft) show(n int64) string { return decimalOf(n, d.s.Currency) }

// aside lists what is no difference. effect is what Stripe has of it and the
// books do not; negative where the books have what Stripe had before.
func (d *draft) aside(e Entry, effect side) {
	d.open.add(effect)
	e.minorUnits = effect.total()
	e.Amount = d.show(e.minorUnits)
	d.s.Reconciling = append(d.s.Reconciling, e)
}

// finding lists a difference: what is wrong in minor units, and what the
// clearing account has too much by it.
func (d *draft) finding(e Entry, wrong, net int64) {
	d.gross += abs(wrong)
	d.tell(e, wrong, net)
}

// tell lists a difference whose amount is counted elsewhere.
func (d *draft) tell(e Entry, wrong, net int64) {
	e.minorUnits = abs(wrong)
	e.Amount, e.Difference = d.show(abs(wrong)), d.show(net)
	d.s.Findings = append(d.s.Findings, e)
}

// net is what the documents are more than they should be.
func (d *draft) net() int64 { return d.docs.total() - d.stripe.total() + d.open.total() }

// off is what differs, without signs. What was written off ends as much of the
// difference as it is of the other sign.
func (d *draft) off() int64 {
	before := d.net() - d.written
	if before*d.written < 0 && abs(d.written) <= abs(before) {
		return d.gross - abs(d.written)
	}
	return d.gross + abs(d.written)
}

// done computes the sums.
func (d *draft) done() *Statement {
	s := d.s
	categories := map[string]bool{}
	for _, x := range []side{d.stripe, d.open, d.posted, d.docs} {
		for c := range x {
			categories[c] = true
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(categories), ledger.ByCategory) {
		s.Lines = append(s.Lines, Line{
			Category: c, Title: title(c), Stripe: d.show(d.stripe[c]), Open: d.show(d.open[c]), Postings: d.show(d.posted[c]),
			Documents: d.show(d.docs[c]), Difference: d.show(d.docs[c] - d.stripe[c] + d.open[c]),
		})
	}
	if s.Lines == nil {
		s.Lines = []Line{}
	}
	s.Stripe, s.Open, s.Postings, s.Documents = d.show(d.stripe.total()), d.show(d.open.total()), d.show(d.posted.total()), d.show(d.docs.total())
	s.net, s.off = d.net(), d.off()
	s.Difference = d.show(s.net)
	if s.off == 0 { // all of it is written off
		s.Notes, s.Findings = append(s.Notes, s.Findings...), []Entry{}
	}
	d.foot()
	s.Hash = s.digest()
	return s
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// title is a category for people.
func title(category string) string {
	switch category {
	case "charge":
		return "Charges"
	case onPayment:
		return "Fees on payments"
	case writeOff:
		return "Written off"
	case other:
		return "Other entries on the clearing account"
	}
	return ledger.Title(category)
}

// Lacks is what the clearing account would have to get to agree: a debit when
// greater than zero.
func (s *Statement) Lacks() decimal.Decimal {
	d, err := money.Amount{Minor: -s.net, Currency: s.Currency}.Decimal()
	if err != nil {
		return decimal.Zero
	}
	return d
}
