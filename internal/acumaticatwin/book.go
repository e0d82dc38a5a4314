package acumaticatwin

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// A Batch is what one release posted. Debits equal credits in it, in the
// currency of the document (Invariant 6); there is no conversion to a base
// currency.
type Batch struct {
	BatchNbr    string `json:"batch_nbr"`
	Module      string `json:"module"`
	Period      string `json:"period"` // MMYYYY
	Date        string `json:"date"`
	Description string `json:"description"`
	Currency    string `json:"currency"`
	Posted      string `json:"posted"` // RFC 3339
	Lines       []Line `json:"lines"`
}

// A Line is one side of a batch.
type Line struct {
	Account string          `json:"account"`
	Debit   decimal.Decimal `json:"debit"`
	Credit  decimal.Decimal `json:"credit"`
}

// An AccountBalance is the turnover of an account in one currency since the
// beginning. Balance is debit minus credit.
type AccountBalance struct {
	Account  string          `json:"account"`
	Currency string          `json:"currency"`
	Debit    decimal.Decimal `json:"debit"`
	Credit   decimal.Decimal `json:"credit"`
	Balance  decimal.Decimal `json:"balance"`
}

func debit(account string, d decimal.Decimal) Line  { return Line{Account: account, Debit: d} }
func credit(account string, d decimal.Decimal) Line { return Line{Account: account, Credit: d} }

// post adds a balanced batch of the receivables. Negative sides change over,
// empty lines go; nothing left is no batch and no number.
func (x *tx) post(day time.Time, currency, description string, lines ...Line) (string, *failure) {
	lines = netLines(lines)
	if fail := balances(lines); fail != nil || len(lines) == 0 {
		return "", fail
	}
	b := Batch{
		BatchNbr: fmt.Sprintf("%08d", x.next("Batch")), Module: moduleAR, Period: day.Format(periodLayout), Date: day.Format(dayLayout),
		Description: description, Currency: currency, Lines: lines,
	}
	x.batchRow(b)
	return b.BatchNbr, nil
}

// balances refuses a batch that does not balance, and with it the release.
func balances(lines []Line) *failure {
	sum := decimal.Zero
	for _, l := range lines {
		sum = sum.Add(l.Debit).Sub(l.Credit)
	}
	if !sum.IsZero() {
		return operationFailed("The document is out of the balance.")
	}
	return nil
}

func netLines(lines []Line) []Line {
	var kept []Line
	for _, l := range lines {
		net := l.Debit.Sub(l.Credit)
		switch net.Sign() {
		case 1:
			kept = append(kept, debit(l.Account, net))
		case -1:
			kept = append(kept, credit(l.Account, net.Neg()))
		}
	}
	return kept
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

// checkPeriod says why a document may not have this date, or "".
func (x *tx) checkPeriod(day time.Time) string {
	p := x.period(day)
	if p == nil {
		return fmt.Sprintf("The financial period that corresponds to the %s date does not exist in the %s company.", day.Format("1/2/2006"), x.tenant)
	}
	if p.get("Status") != periodOpen || p.yes("ClosedInAR") {
		return fmt.Sprintf("The %s financial period is closed in the %s company.", p.get("FinancialPeriodID"), x.tenant)
	}
	return ""
}

func (x *tx) period(day time.Time) *record {
	year := x.byKey(entityPeriod, day.Format("2006"))
	if year == nil {
		return nil
	}
	for _, p := range year.Many["Details"] {
		if !day.Before(p.day("StartDate")) && !day.After(p.day("EndDate")) {
			return p
		}
	}
	return nil
}

// ClosePeriod closes a month for all documents: "2026-01", "01-2026" or
// "012026". It fails when the period does not exist.
func (t *Twin) ClosePeriod(period string) error { return t.setPeriod(period, false) }

// OpenPeriod undoes ClosePeriod.
func (t *Twin) OpenPeriod(period string) error { return t.setPeriod(period, true) }

func (t *Twin) setPeriod(period string, open bool) error {
	month, err := parseMonth(period)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	x := t.begin()
	if err != nil || x.period(month) == nil {
		return fmt.Errorf("period %q: does not exist; want YYYY-MM or MMYYYY of an open year", period)
	}
	year := x.edit(entityPeriod, x.byKey(entityPeriod, month.Format("2006")))
	p := x.period(month)
	p.set("Status", periodClosed)
	if open {
		p.set("Status", periodOpen)
	}
	p.setBool("ClosedInAR", !open)
	year.touch(x.now)
	return t.commit(x)
}

func parseMonth(period string) (time.Time, error) {
	for _, layout := range []string{"2006-01", "01-2006", periodLayout} {
		if m, err := time.Parse(layout, period); err == nil {
			return m, nil
		}
	}
	return time.Time{}, fmt.Errorf("period %q: want YYYY-MM or MMYYYY", period)
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
