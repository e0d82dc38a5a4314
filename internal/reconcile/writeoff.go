package reconcile

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/money"
	"millrace/schemas"
)

// writeOffKey starts the key of a journal that writes a difference off.
const writeOffKey = "write_off/"

// writeOffOf is the key of the one write-off of a statement.
func writeOffOf(scope, currency string) string { return writeOffKey + scope + "/" + currency }

// WriteOff is the intent that ends a small difference of a statement. amount is
// what the clearing account is to get: a debit when greater than zero. Its id
// is the same however often it is asked for: a statement has one write-off in a
// currency (Invariant 2).
func WriteOff(rules ledger.Rules, s *Statement, amount, limit decimal.Decimal, date, reason, by string) (schemas.Intent, error) {
	a, err := money.FromDecimal(amount, s.Currency)
	if err != nil || a.Minor == 0 {
		return schemas.Intent{}, fault.Newf("cli.usage", "amount %s %s cannot be written off", amount, s.Currency)
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
		return schemas.Intent{}, fault.Newf("ledger.account_missing", "write-off: no account for clearing or write_off in %s", s.Currency)
	}
	debit, credit := clearing, against
	if a.Minor < 0 {
		debit, credit = against, clearing
	}
	key := writeOffOf(s.Scope(), s.Currency)
	plain := decimalOf(abs(a.Minor), s.Currency)
	text := "Written off: " + strings.Join(strings.Fields(reason), " ")
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
		Flow: schemas.FlowRef{ID: "reconcile", Version: 1, InputHash: hash(fields)}, Cause: schemas.Cause{EventID: "write-off by " + by, EventType: "reconcile.write_off"},
		Fields: fields,
	}
	in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, "")
	return in, nil
}

// maxText is the length of a line's text. Acumatica: TransactionDescription is
// nvarchar(512).
const maxText = 256
