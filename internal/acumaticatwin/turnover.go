package acumaticatwin

import (
	"cmp"
	"slices"
	"strings"
)

// A turnover is the running sum of all posted batches by currency and account.
type turnover map[[2]string]AccountBalance

// add books a batch, or with sign -1 takes it back. What is not posted does not
// count.
func (t turnover) add(r *record, sign int64) {
	if r == nil || r.get("Status") != statusPosted {
		return
	}
	b := batchOf(r)
	for _, l := range b.Lines {
		key := [2]string{b.Currency, l.Account}
		sum := t[key]
		sum.Currency, sum.Account = b.Currency, l.Account
		if sign < 0 {
			l.Debit, l.Credit = l.Debit.Neg(), l.Credit.Neg()
			l.BaseDebit, l.BaseCredit = l.BaseDebit.Neg(), l.BaseCredit.Neg()
		}
		sum.Debit = sum.Debit.Add(l.Debit)
		sum.Credit = sum.Credit.Add(l.Credit)
		sum.BaseBalance = sum.BaseBalance.Add(l.BaseDebit).Sub(l.BaseCredit)
		if sum.Debit.IsZero() && sum.Credit.IsZero() && sum.BaseBalance.IsZero() {
			delete(t, key)
			continue
		}
		t[key] = sum
	}
}

// rows returns the sums, ordered by currency and account.
func (t turnover) rows() []AccountBalance {
	rows := make([]AccountBalance, 0, len(t))
	for _, s := range t {
		s.Balance = s.Debit.Sub(s.Credit)
		rows = append(rows, s)
	}
	slices.SortFunc(rows, func(a, b AccountBalance) int {
		return cmp.Or(strings.Compare(a.Currency, b.Currency), strings.Compare(a.Account, b.Account))
	})
	return rows
}
