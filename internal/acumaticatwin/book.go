package acumaticatwin

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// A Batch is what one release posted. Debits equal credits in it, in the
// currency of the document and in the base currency (Invariant 6).
type Batch struct {
	BatchNbr    string `json:"batch_nbr"`
	Module      string `json:"module"`
	Period      string `json:"period"` // MMYYYY
	Date        string `json:"date"`
	Description string `json:"description"`
	Currency    string `json:"currency"`
	// Rate is what a unit of the currency is worth in the base currency.
	Rate   decimal.Decimal `json:"rate"`
	Posted string          `json:"posted"` // RFC 3339
	Lines  []Line          `json:"lines"`
}

// A Line is one side of a batch, in the currency of the batch and in the base
// currency. Lines that only mend a difference of exchange have nothing in the
// currency of the batch.
type Line struct {
	Account    string          `json:"account"`
	Debit      decimal.Decimal `json:"debit"`
	Credit     decimal.Decimal `json:"credit"`
	BaseDebit  decimal.Decimal `json:"base_debit"`
	BaseCredit decimal.Decimal `json:"base_credit"`
}

// A leg is a line in the making.
type leg struct {
	Line
	exact bool // the base amounts are given and not computed with the rate
}

// An AccountBalance is the turnover of an account in one currency since the
// beginning. Balance is debit minus credit, BaseBalance the same in the base
// currency.
type AccountBalance struct {
	Account     string          `json:"account"`
	Currency    string          `json:"currency"`
	Debit       decimal.Decimal `json:"debit"`
	Credit      decimal.Decimal `json:"credit"`
	Balance     decimal.Decimal `json:"balance"`
	BaseBalance decimal.Decimal `json:"base_balance"`
}

func debit(account string, d decimal.Decimal) leg {
	return leg{Line: Line{Account: account, Debit: d}}
}

func credit(account string, d decimal.Decimal) leg {
	return leg{Line: Line{Account: account, Credit: d}}
}

// worth is a debit with a base value of its own; negative amounts are credits.
func worth(account string, amount, base decimal.Decimal) leg {
	return leg{Line: Line{Account: account, Debit: amount, BaseDebit: base}, exact: true}
}

// A posting is a batch in the making.
type posting struct {
	module      string // "" is AR
	day         time.Time
	currency    string
	rate        decimal.Decimal
	description string
	// ref and customer are of the document in receivables; its lines tell them.
	ref, customer string
}

// postAt adds a balanced batch and returns its number. Negative sides change
// over, empty legs go; nothing left is no batch and no number.
func (x *tx) postAt(p posting, legs ...leg) (string, *failure) {
	lines, fail := x.balance(x.valued(p.currency, p.rate, legs))
	lines = netLines(lines)
	if fail != nil || len(lines) == 0 {
		return "", fail
	}
	b := Batch{
		BatchNbr: fmt.Sprintf("%08d", x.next("Batch")), Module: cmp.Or(p.module, moduleAR), Period: p.day.Format(periodLayout),
		Date: p.day.Format(dayLayout), Description: p.description, Currency: p.currency, Rate: p.rate, Lines: lines,
	}
	x.batchRow(b, p)
	return b.BatchNbr, nil
}

// valued gives every leg its base amounts. In a batch of the base currency
// both are the same.
func (x *tx) valued(currency string, rate decimal.Decimal, legs []leg) []Line {
	lines := make([]Line, len(legs))
	for i, l := range legs {
		switch {
		case currency == baseCurrency && l.exact:
			l.Debit, l.Credit = l.BaseDebit, l.BaseCredit
		case currency == baseCurrency:
			l.BaseDebit, l.BaseCredit = l.Debit, l.Credit
		case !l.exact:
			l.BaseDebit = x.round(l.Debit.Mul(rate), baseCurrency)
			l.BaseCredit = x.round(l.Credit.Mul(rate), baseCurrency)
		}
		lines[i] = l.Line
	}
	return lines
}

// balance refuses a batch that does not balance, and with it the release.
// Acumatica: what the rounding of the single lines leaves over in the base
// currency goes to the rounding account.
func (x *tx) balance(lines []Line) ([]Line, *failure) {
	sum, base := decimal.Zero, decimal.Zero
	for _, l := range lines {
		sum = sum.Add(l.Debit).Sub(l.Credit)
		base = base.Add(l.BaseDebit).Sub(l.BaseCredit)
	}
	if !sum.IsZero() {
		return nil, operationFailed("The document is out of the balance.")
	}
	if base.IsZero() {
		return lines, nil
	}
	return append(lines, worth(accountRounding, decimal.Zero, base.Neg()).Line), nil
}

func netLines(lines []Line) []Line {
	var kept []Line
	for _, l := range lines {
		k := Line{Account: l.Account}
		k.Debit, k.Credit = sides(l.Debit, l.Credit)
		k.BaseDebit, k.BaseCredit = sides(l.BaseDebit, l.BaseCredit)
		if k != (Line{Account: l.Account}) {
			kept = append(kept, k)
		}
	}
	return kept
}

// sides puts what is left of two sides on the side of its sign. Most often that
// is already so.
func sides(debit, credit decimal.Decimal) (netDebit, netCredit decimal.Decimal) {
	switch {
	case credit.IsZero() && debit.IsPositive():
		return debit, decimal.Decimal{}
	case debit.IsZero() && credit.IsPositive():
		return decimal.Decimal{}, credit
	}
	net := debit.Sub(credit)
	switch net.Sign() {
	case 1:
		return net, decimal.Decimal{}
	case -1:
		return decimal.Decimal{}, net.Neg()
	}
	return decimal.Decimal{}, decimal.Decimal{}
}

// TrialBalance returns every account's turnover by currency, ordered by
// currency and account. The balances of a currency always sum to zero.
func (t *Twin) TrialBalance() []AccountBalance {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	return t.st.turnover.rows()
}

// Ledger returns every posted batch, oldest first.
func (t *Twin) Ledger() []Batch { return slices.Collect(t.Batches()) }

// ledgerPage is how many batches are read before others get their turn.
const ledgerPage = 1000

// Batches yields every posted batch, oldest first. The twin goes on working in
// the meantime; what it posts then comes last.
func (t *Twin) Batches() iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		for start, more := uint64(0), true; more; {
			var page []Batch
			page, start, more = t.batches(start)
			for _, b := range page {
				if !yield(b) {
					return
				}
			}
		}
	}
}

// batches reads a page of the index of changes: a posted batch never changes
// again.
func (t *Twin) batches(start uint64) (page []Batch, next uint64, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	rows := t.st.tables[entityJournal]
	rows.changed.Ascend(start, func(p uint64) bool {
		if len(page) == ledgerPage {
			next, more = p, true
			return false
		}
		if r := rows.peek(second(p)); r.get("Status") == statusPosted {
			page = append(page, batchOf(r))
		}
		return true
	})
	return page, next, more
}

// round brings an amount to the precision of its currency, halves away from
// zero.
func (x *tx) round(d decimal.Decimal, currency string) decimal.Decimal {
	places := int32(2)
	if c := x.byKey(entityCurrency, currency); c != nil {
		places = int32(c.dec("DecimalPrecision").IntPart()) //nolint:gosec // G115: 0 to 4
	}
	return d.Round(places)
}
