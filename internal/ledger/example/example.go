// Package example shows the posting rules at work: one worked example for each
// of Stripe's reporting categories and for each choice of the configuration.
// The page docs/accounting.md is made of them.
package example

import (
	"slices"
	"strings"
	"time"

	"millrace/internal/ledger"
)

// An Example is a story that an accountant can follow.
type Example struct {
	Title     string
	Text      string              // what happened, and why it is posted like that
	Rules     func(*ledger.Rules) // what is configured otherwise; nil: nothing
	Unit      string              // what the movements are settled as; empty: the payout po_1
	Prepaid   bool                // the charge has no invoice: its payment is a prepayment
	Unmade    bool                // the payment is never made, and so never voided
	Movements []ledger.Movement
	Lost      *Lost
	Opening   int64 // Stripe's balance in USD at the start
}

// Lost is a dispute that was lost.
type Lost struct {
	Dispute string
	Amount  int64 // in minor units of USD
	At      time.Time
}

// Result is what an example comes to.
type Result struct {
	Rules     ledger.Rules
	Prepaid   bool
	Documents []ledger.Document // what the flows of the customers post, a credit memo before the refund of it
	Journals  []ledger.Journal
	Flags     []ledger.Flag
	Net       map[string]int64 // what the movements did to Stripe's balance, by currency
}

// Run applies the rules.
func (e *Example) Run() (*Result, error) {
	res := &Result{Rules: rules(), Prepaid: e.Prepaid, Net: map[string]int64{}}
	if e.Rules != nil {
		e.Rules(&res.Rules)
	}
	var err error
	take := func(js []ledger.Journal, failed error) {
		res.Journals = append(res.Journals, js...)
		if err == nil {
			err = failed
		}
	}
	take(ledger.Opening(res.Rules, e.Opening, "USD"))
	res.Net["USD"] += e.Opening
	units := map[string]*ledger.Unit{}
	var order []string
	var own []*ledger.Movement
	for i := range e.Movements {
		m := &e.Movements[i]
		parts, failed := res.Rules.Parts(m)
		if failed != nil {
			return nil, failed
		}
		if !m.Created.Before(res.Rules.Start) {
			res.Net[m.Currency] += m.Net
		}
		for _, p := range parts {
			if p.Cover == ledger.ByDocument && !e.Unmade {
				res.Documents = append(res.Documents, e.documents(p.Document)...)
			}
		}
		if m.Type == "payout" {
			own = append(own, m)
			continue
		}
		if units[m.Currency] == nil {
			id := e.Unit
			if id == "" {
				id = "po_1"
			}
			units[m.Currency] = ledger.NewUnit(res.Rules, id, m.Currency)
			order = append(order, m.Currency)
		}
		if failed := units[m.Currency].Add(m); failed != nil {
			return nil, failed
		}
	}
	for _, currency := range order {
		take(units[currency].Journals())
		res.Flags = append(res.Flags, units[currency].Flags()...)
	}
	for _, m := range own {
		take(ledger.Bank(res.Rules, m, m.AvailableOn))
	}
	if e.Lost != nil {
		take(ledger.DisputeLost(res.Rules, e.Lost.Dispute, e.Lost.Amount, "USD", e.Lost.At))
	}
	slices.SortStableFunc(res.Journals, func(a, b ledger.Journal) int { return strings.Compare(a.Date, b.Date) })
	return res, err
}

// creditMemo is what an invoice that was paid gets before its money is given
// back: a payment that is applied in full has nothing left to refund.
const creditMemo ledger.DocumentKind = "credit_memo"

// documents are what the customer's flow makes of one that the rules name.
func (e *Example) documents(d ledger.Document) []ledger.Document {
	if d.Kind != ledger.Refund || e.Prepaid {
		return []ledger.Document{d}
	}
	memo := d
	memo.Kind = creditMemo
	return []ledger.Document{memo, d}
}

// rules are what the examples are configured with, unless they say otherwise.
func rules() ledger.Rules {
	r := ledger.Rules{
		Location: time.UTC,
		Clearing: map[string]ledger.Account{"USD": {Account: "10250"}, "EUR": {Account: "10251"}},
		Accounts: map[string]map[string]ledger.Account{"bank": {"USD": {Account: "10200"}, "EUR": {Account: "10201"}}},
	}
	for name, account := range map[string]string{
		"dispute": "12500", "dispute_lost": "65000", "fee": "61000", "fee.dispute": "61100", "fee.billing": "61200", "fee.product": "61200",
		"financing": "26000", "fx": "71500", "issuing": "19500", "opening": "39000", "platform": "42000", "refund": "40500",
		"refund_failure": "25500", "reserve": "12600", "sales": "40000", "suspense": "19900", "tax": "14500", "transfer": "27000", "climate": "62500",
	} {
		r.Accounts[name] = map[string]ledger.Account{"": {Account: account}}
	}
	return r
}

// Names of the accounts that the examples use, for the page.
var accountTitles = map[string]string{
	"10200": "Bank USD", "10201": "Bank EUR", "10250": "Stripe clearing USD", "10251": "Stripe clearing EUR",
	"11000": "Accounts receivable", "12500": "Disputes receivable", "12600": "Stripe reserves", "14500": "Input tax", "19500": "Card spending",
	"19900": "Suspense", "24000": "Customer prepayments", "25500": "Owed to customers", "26000": "Stripe financing", "27000": "Due to connected accounts", "39000": "Opening balances",
	"40000": "Sales", "40500": "Refunds", "42000": "Platform earnings", "61000": "Fees", "61100": "Dispute fees", "61200": "Stripe product fees",
	"62500": "Climate", "65000": "Disputes lost", "71500": "Exchange",
}

// receivable, prepayments and feeAccount are the other side of the documents:
// Acumatica's choice, by the customer and the entry type, not that of the rules.
const (
	receivable  = "11000"
	prepayments = "24000"
	feeAccount  = "61000"
)
