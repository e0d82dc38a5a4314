package mirrorproof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Sources are both systems, and what the pipeline has told people to look at.
type Sources struct {
	// Stripe and ERP get a path of the system's own API, or of the stand-in's
	// control interface, and decode the answer.
	Stripe, ERP func(ctx context.Context, path string, into any) error
	// Endpoint of ERP to read customers at: "Default/24.200.001".
	Endpoint string
	// Reviewed has the numbers of the invoices of which an outcome carries a
	// review: they may be left for a person to decide.
	Reviewed map[string]bool
}

// A Difference is an invoice of which something else is open than can be paid.
type Difference struct {
	Number   string `json:"number"`
	Currency string `json:"currency"`
	Open     string `json:"open"`    // in Acumatica
	Payable  string `json:"payable"` // in Stripe
	Stripe   string `json:"stripe"`  // its invoices there, with their status
	Debit    bool   `json:"debit"`   // a bank is being asked for it, which is waited for
	Review   bool   `json:"review"`  // it was paid in Stripe, that payment is not applied, and somebody was told
}

// Over reports that more can be paid than is open.
func (d Difference) Over() bool {
	return decimal.RequireFromString(d.Payable).GreaterThan(decimal.RequireFromString(d.Open))
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s %s open, %s payable (%s)", d.Number, d.Open, d.Currency, d.Payable, d.Stripe)
}

// Proof is what the comparison came to.
type Proof struct {
	Invoices    int          // in Acumatica, released
	Compared    int          // all that are in Acumatica, drafts too
	Differences []Difference // by number
	Customers   int          // of Acumatica in Stripe
	Twice       []string     // customers, documents and charges that stand more than once, or not at all, in words
	Open        string       // the sum of what is open, by currency
}

// Prove compares everything.
func Prove(ctx context.Context, s Sources) (*Proof, error) {
	b, err := readBooks(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("acumatica: %w", err)
	}
	shown, err := readStripe(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("stripe: %w", err)
	}
	p := &Proof{Differences: []Difference{}, Twice: []string{}}
	p.invoices(b, shown, s.Reviewed)
	p.customers(b, shown)
	p.payments(b, shown)
	slices.Sort(p.Twice)
	return p, nil
}

// invoices compares each document with the sum of what Stripe lets pay for it.
func (p *Proof) invoices(b books, shown stripe, reviewed map[string]bool) {
	sums, seen := map[string]decimal.Decimal{}, map[string]bool{}
	for _, d := range b.invoices {
		if d.Type != "Invoice" && d.Type != "Debit Memo" {
			continue
		}
		p.Compared++
		seen[d.Number] = true
		open := decimal.Zero
		switch d.Status {
		case "Open":
			open = d.Balance
			fallthrough
		case "Closed", "Voided", "Reserved": // Acumatica applies nothing to what is reserved, so nothing may be paid for it
			p.Invoices++
		}
		sums[d.Currency] = sums[d.Currency].Add(open)
		payable, story := shown.payable(d.Number, d.Currency)
		if !payable.Equal(open) {
			diff := Difference{Number: d.Number, Currency: d.Currency, Open: open.String(), Payable: payable.String(), Stripe: story}
			diff.Debit = shown.debited(d.Number)
			diff.Review = !diff.Over() && reviewed[d.Number] && shown.paidByCharge(d.Number)
			p.Differences = append(p.Differences, diff)
		}
	}
	for number := range shown.byNumber {
		if payable, story := shown.payable(number, ""); !seen[number] && payable.IsPositive() {
			p.Differences = append(p.Differences, Difference{Number: number, Open: "0", Payable: payable.String(), Stripe: story})
		}
	}
	slices.SortFunc(p.Differences, func(a, b Difference) int { return strings.Compare(a.Number, b.Number) })
	var texts []string
	for currency, sum := range sums {
		texts = append(texts, sum.StringFixed(places(currency))+" "+currency)
	}
	slices.Sort(texts)
	p.Open = strings.Join(texts, ", ")
}

// customers: each active one once.
func (p *Proof) customers(b books, shown stripe) {
	times := map[string]int{}
	for _, c := range shown.customers {
		if id := c.Metadata[metaCustomer]; id != "" {
			times[id]++
		}
	}
	for _, c := range b.customers {
		switch n := times[c.id]; {
		case n == 1:
			p.Customers++
		case n > 1 || c.active:
			p.Twice = append(p.Twice, fmt.Sprintf("customer %s stands %d times in Stripe", c.id, n))
		}
		delete(times, c.id)
	}
	for id, n := range times {
		p.Twice = append(p.Twice, fmt.Sprintf("customer %s stands %d times in Stripe and is not in Acumatica", id, n))
	}
}

// payments: the money of each charge stands once.
func (p *Proof) payments(b books, shown stripe) {
	times := map[string]decimal.Decimal{}
	for _, x := range b.payments {
		if x.Type == "Payment" || x.Type == "Prepayment" {
			times[x.Ref] = times[x.Ref].Add(x.Amount)
		}
	}
	for _, c := range shown.charges {
		want := decimal.New(c.Amount, -places(strings.ToUpper(c.Currency)))
		if got := times[c.ID]; c.Status == "succeeded" && !got.Equal(want) {
			p.Twice = append(p.Twice, fmt.Sprintf("charge %s over %s stands in Acumatica as %s", c.ID, want, got))
		}
	}
}

// places of an amount in a currency.
func places(currency string) int32 {
	if currency == "JPY" {
		return 0
	}
	return 2
}
