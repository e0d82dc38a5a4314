package oracle

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Month is what moved Stripe's balance in a month and currency, in the words of
// a statement. The amounts are exact decimals, signed as they change the
// balance; what it was at the end is compared with the books.
type Month struct {
	Period     string `json:"period"`
	Currency   string `json:"currency"`
	Payments   string `json:"payments"` // less those that failed
	Refunds    string `json:"refunds"`  // less those that came back
	Disputes   string `json:"disputes"` // less those that were won
	Fees       string `json:"fees"`     // of payments and others, with their tax
	Other      string `json:"other"`
	Payouts    string `json:"payouts"`    // less those that came back
	Stripe     string `json:"stripe"`     // balance at the end
	Ledger     string `json:"ledger"`     // the clearing account alone
	InTransit  string `json:"in_transit"` // payouts that left Stripe and are not at the bank: still on the clearing account
	Pending    string `json:"pending"`    // bank debits that Stripe showed and that failed later: not on it
	Books      string `json:"books"`      // the three together
	Difference string `json:"difference"`
}

// columns say where a reporting category is counted; what is not here is Other.
var columns = map[string]string{
	"charge": "payments", "charge_failure": "payments", "partial_capture_reversal": "payments",
	"refund": "refunds", "refund_failure": "refunds", "dispute": "disputes", "dispute_reversal": "disputes",
	"fee": "fees", "network_cost": "fees", "tax": "fees", "payout": "payouts", "payout_reversal": "payouts",
}

// A bridge leads from the clearing account to Stripe's balance, as in a bank
// reconciliation: each is signed as it is added.
type bridge struct{ ledger, transit, pending decimal.Decimal }

func (b bridge) books() decimal.Decimal { return decimal.Sum(b.ledger, b.transit, b.pending) }

// month adds a month in which something moved, or something is left.
func (x *examiner) month(month time.Time, currency string, balance decimal.Decimal, b bridge) {
	books := b.books()
	sums, count := map[string]decimal.Decimal{}, 0
	for _, m := range x.movements {
		at := time.Unix(m.Created, 0).UTC()
		if !strings.EqualFold(m.Currency, currency) || at.Before(month) || !at.Before(month.AddDate(0, 1, 0)) {
			continue
		}
		count++
		column := columns[m.Category]
		if column == "" {
			column = "other"
		}
		sums[column] = sums[column].Add(money(m.Amount))
		sums["fees"] = sums["fees"].Sub(money(m.Fee))
	}
	if count == 0 && balance.IsZero() && books.IsZero() {
		return
	}
	show := func(column string) string { return sums[column].StringFixed(2) }
	x.p.Months = append(x.p.Months, Month{
		Period: month.Format("2006-01"), Currency: currency, Payments: show("payments"), Refunds: show("refunds"), Disputes: show("disputes"),
		Fees: show("fees"), Other: show("other"), Payouts: show("payouts"),
		Ledger: b.ledger.StringFixed(2), InTransit: b.transit.StringFixed(2), Pending: b.pending.StringFixed(2),
		Stripe: balance.StringFixed(2), Books: books.StringFixed(2), Difference: balance.Sub(books).StringFixed(2),
	})
}
