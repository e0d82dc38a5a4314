package oracle

import (
	"cmp"
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// Trial is the trial balance in one currency: the accounts that have more
// debits against those that have more credits.
type Trial struct {
	Currency   string `json:"currency"`
	Base       bool   `json:"base,omitempty"` // all currencies, as the ledger has them in the base currency
	Debits     string `json:"debits"`         // exact decimals
	Credits    string `json:"credits"`
	Difference string `json:"difference"`
}

// Account is what is on an account in one currency; a debit is above zero.
type Account struct {
	Account  string `json:"account"`
	Currency string `json:"currency"`
	Balance  string `json:"balance"`
	Base     string `json:"base"` // the same in the base currency
}

// balanceTrial adds the accounts up, by currency and in the base currency.
func (x *examiner) balanceTrial() {
	in := map[string][]decimal.Decimal{}
	var base []decimal.Decimal
	all := slices.SortedFunc(slices.Values(x.trial), func(a, b acumaticatwin.AccountBalance) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Currency, b.Currency))
	})
	x.p.Accounts, x.p.Trial = []Account{}, []Trial{}
	for _, a := range all {
		in[a.Currency] = append(in[a.Currency], a.Balance)
		base = append(base, a.BaseBalance)
		x.p.Accounts = append(x.p.Accounts, Account{a.Account, a.Currency, a.Balance.StringFixed(2), a.BaseBalance.StringFixed(2)})
	}
	for _, currency := range slices.Sorted(maps.Keys(in)) {
		x.p.Trial = append(x.p.Trial, trialOf(currency, in[currency]))
	}
	t := trialOf(baseCurrency, base)
	t.Base = true
	x.p.Trial = append(x.p.Trial, t)
}

// baseCurrency is that of the twin's ledger.
const baseCurrency = "USD"

func trialOf(currency string, balances []decimal.Decimal) Trial {
	debits, credits := decimal.Zero, decimal.Zero
	for _, b := range balances {
		if b.IsNegative() {
			credits = credits.Sub(b)
		} else {
			debits = debits.Add(b)
		}
	}
	return Trial{Currency: currency, Debits: debits.StringFixed(2), Credits: credits.StringFixed(2), Difference: debits.Sub(credits).StringFixed(2)}
}

// Disputes are how many disputes ended how.
type Disputes struct {
	Won       int `json:"won"`
	Lost      int `json:"lost"`
	Inquiries int `json:"inquiries"` // closed without money moving
	Open      int `json:"open"`      // still with the bank, or waiting for an answer
}

func (x *examiner) outcomes() (d Disputes) {
	for _, one := range x.disputes {
		switch one.Status {
		case "won":
			d.Won++
		case "lost":
			d.Lost++
		case "warning_closed":
			d.Inquiries++
		default:
			d.Open++
		}
	}
	return d
}
