package reconcile

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/money"
	"millrace/schemas"
)

// writeOffKey starts the key of a journal that writes a difference off.
const writeOffKey = "write_off/"

// writeOffOf is the key of the first write-off of a statement. One that comes
// after others were dropped has a number behind it.
func writeOffOf(scope, currency string) string { return writeOffKey + scope + "/" + currency }

// firstOf is the key of the first write-off of the statement that one is of.
func firstOf(key string) string {
	parts := strings.Split(key, "/")
	return strings.Join(parts[:min(len(parts), 3)], "/")
}

// next is the key of a write-off of the statement that is made now. It differs
// from those that were dropped, whose postings stay skipped, and is the same
// until it is dropped itself: no two of a statement are ever posted (Invariant 2).
func (s *Statement) next() string {
	key := writeOffOf(s.Scope(), s.Currency)
	if s.dropped > 0 {
		key += "/" + strconv.Itoa(s.dropped+1)
	}
	return key
}

// WriteOff is the intent that ends a small difference of a statement. amount is
// what the clearing account is to get: a debit when greater than zero. Its id
// is the same however often it is asked for: a statement has one write-off in a
// currency that was not dropped (Invariant 2).
func WriteOff(rules ledger.Rules, s *Statement, amount, limit decimal.Decimal, date, reason, by string) (schemas.Intent, error) {
	a, err := money.FromDecimal(amount, s.Currency)
	if err != nil || a.Minor == 0 {
		return schemas.Intent{}, fault.Newf("cli.usage", "amount %s %s cannot be written off", amount, s.Currency)
	}
	if s.OK() {
		return schemas.Intent{}, fault.Newf("reconcile.write_off_amount", "%s in %s has no difference", s.Scope(), s.Currency)
	}
	for _, f := range s.Findings {
		if text, ok := notLost[f.Cause]; ok {
			return schemas.Intent{}, fault.Newf("reconcile.write_off_open", "%s is %s: %s", f.ID, f.Cause, text)
		}
	}
	if s.waiting != "" {
		return schemas.Intent{}, fault.Newf("reconcile.write_off_open", "%s is not in the books as it was posted", s.waiting)
	}
	if date, err = WriteOffDate(s, date, date); err != nil {
		return schemas.Intent{}, err
	}
	if s.written {
		return schemas.Intent{}, fault.Newf("reconcile.write_off_amount", "%s in %s has a write-off already", s.Scope(), s.Currency)
	}
	if amount.Abs().GreaterThan(limit) {
		return schemas.Intent{}, fault.Newf("reconcile.write_off_limit", "%s %s is more than books.write_off_limit, %s", amount, s.Currency, limit)
	}
	if s.net == 0 || s.net > 0 == (a.Minor > 0) || abs(a.Minor) > abs(s.net) {
		return schemas.Intent{}, fault.Newf("reconcile.write_off_amount", "the clearing account is off by %s %s: %s does not lessen that",
			decimalOf(s.net, s.Currency), s.Currency, amount)
	}
	clearing, ok := rules.Clearing[s.Currency]
	against, _, found := rules.Find("write_off", s.Currency)
	if !ok || !found {
		e := fault.Newf("ledger.account_missing", "write-off: no account for clearing or write_off in %s", s.Currency)
		e.Hint = "set it under books.accounts or books.clearing, then write it off again" // nothing runs that were to be restarted, nothing is parked
		return schemas.Intent{}, e
	}
	debit, credit := clearing, against
	if a.Minor < 0 {
		debit, credit = against, clearing
	}
	key := s.next()
	plain := decimalOf(abs(a.Minor), s.Currency)
	text := writtenText + strings.Join(strings.Fields(reason), " ")
	if r := []rune(text); len(r) > maxText {
		text = string(r[:maxText])
	}
	fields, err := json.Marshal(schemas.AcumaticaJournal{
		Module: generalLedger, CurrencyID: s.Currency, TransactionDate: date,
		Description: "Stripe " + strings.ReplaceAll(key, "/", " ") + " " + schemas.JournalReference(s.Connection, key),
		Details: []schemas.AcumaticaJournalLine{
			{Account: debit.Account, Subaccount: debit.Subaccount, BranchID: debit.Branch, DebitAmount: plain, TransactionDescription: text},
			{Account: credit.Account, Subaccount: credit.Subaccount, BranchID: credit.Branch, CreditAmount: plain, TransactionDescription: text},
		},
	})
	if err != nil {
		return schemas.Intent{}, fmt.Errorf("write-off: %w", err)
	}
	in := schemas.Intent{
		Connection: s.Connection, Lane: key, Target: schemas.Acumatica, Document: journal, Verb: "create", Key: key,
		Flow: schemas.FlowRef{ID: "reconcile", Version: 1, InputHash: hash(fields)}, Cause: schemas.Cause{EventID: writtenBy + by, EventType: schemas.WriteOffType},
		Fields: fields,
	}
	in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, "")
	return in, nil
}

// notLost are the causes of differences that end by themselves or stand
// elsewhere: written off, they would be a difference of the other sign.
var notLost = map[string]string{
	Missing:     "it is only late, or millrace trace says why it does not come",
	Parked:      "it will be posted once it is released",
	Unreleased:  "it counts once it is released",
	WrongPeriod: "it counts in another month",
	Overdue:     "nothing of it is posted yet",
	ByHand:      "nothing of it is posted yet",
}

// WriteOffDate is the date of the journal that writes a difference of the
// statement off: the one asked for, or the last day of the month that is off, or
// today where that month is not over. Another month than that is refused: it
// would be off instead.
func WriteOffDate(s *Statement, asked, today string) (string, error) {
	m := s.Period
	for _, f := range s.Findings {
		switch of := monthOf(f.Date); {
		case s.Period != "":
		case m != "" && m != of:
			return "", fault.Newf("reconcile.write_off_date", "%s has differences in %s and %s: write them off by month", s.Payout, m, of)
		default:
			m = of
		}
	}
	switch {
	case asked == "" && monthOf(today) == m:
		return today, nil
	case asked == "":
		return m.Last(), nil
	case m != "" && monthOf(asked) != m:
		return "", fault.Newf("reconcile.write_off_date", "%s is not in %s, which is off", asked, m)
	}
	return asked, nil
}

// maxText is the length of a line's text. Acumatica: TransactionDescription is
// nvarchar(512).
const maxText = 256
