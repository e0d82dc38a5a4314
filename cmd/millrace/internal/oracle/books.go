package oracle

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// Get reads a path of Stripe's API into a JSON object.
type Get func(ctx context.Context, path string, into any) error

// Sources are where the books are.
type Sources struct {
	Stripe Get
	ERP    *acumaticatwin.Twin
	// Clearing has, by currency, the account that stands for Stripe's balance.
	Clearing map[string]string
	// Connection is the name under which results are shown.
	Connection string
	// Documents tells whether the charge of a customer that moved then has a
	// document, or its refund; nil: all have.
	Documents func(moved time.Time, refund bool) bool
	// ByDay: movements are in journals of their days, which no payout names.
	ByDay bool
}

// What the oracle reads of Stripe's objects, in Stripe's names.
type (
	movement struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Category string `json:"reporting_category"`
		Amount   int64  `json:"amount"`
		Fee      int64  `json:"fee"`
		Net      int64  `json:"net"`
		Currency string `json:"currency"`
		Created  int64  `json:"created"`
		Source   string `json:"source"`
		Fees     []struct {
			Type   string `json:"type"`
			Amount int64  `json:"amount"`
		} `json:"fee_details"`
	}
	payout struct {
		ID        string `json:"id"`
		Amount    int64  `json:"amount"`
		Currency  string `json:"currency"`
		Created   int64  `json:"created"`
		Arrival   int64  `json:"arrival_date"`
		Automatic bool   `json:"automatic"`
		Status    string `json:"status"`
		Method    string `json:"method"`
		Own       string `json:"balance_transaction"`
	}
	charge struct {
		ID       string `json:"id"`
		Customer string `json:"customer"`
		Status   string `json:"status"`
		Currency string `json:"currency"`
		Amount   int64  `json:"amount"`
		Captured int64  `json:"amount_captured"`
		Invoice  string `json:"invoice"`
		Own      string `json:"balance_transaction"`
		Failure  string `json:"failure_balance_transaction"`
	}
	refund struct {
		ID       string `json:"id"`
		Charge   string `json:"charge"`
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
		Own      string `json:"balance_transaction"`
	}
	dispute struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	note struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	}
	balance struct {
		Available []sum `json:"available"`
		Pending   []sum `json:"pending"`
	}
	sum struct {
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
	}
)

func (m movement) id() string { return m.ID }
func (p payout) id() string   { return p.ID }
func (c charge) id() string   { return c.ID }
func (r refund) id() string   { return r.ID }
func (d dispute) id() string  { return d.ID }
func (n note) id() string     { return n.ID }

// books are both books as they are in the end.
type books struct {
	movements map[string]movement
	payouts   []payout
	parts     map[string][]movement // by payout, its own movement left out
	charges   map[string]charge
	refunds   map[string]refund
	disputes  []dispute
	notes     []note
	balance   balance

	batches  []acumaticatwin.Batch
	payments []acumaticatwin.PaymentView
	trial    []acumaticatwin.AccountBalance
}

func read(ctx context.Context, s Sources) (*books, error) {
	b := &books{movements: map[string]movement{}, parts: map[string][]movement{}, charges: map[string]charge{}, refunds: map[string]refund{}}
	moves, err := list[movement](ctx, s.Stripe, "/v1/balance_transactions")
	if err != nil {
		return nil, err
	}
	file(b.movements, moves)
	charges, err := list[charge](ctx, s.Stripe, "/v1/charges")
	if err != nil {
		return nil, err
	}
	file(b.charges, charges)
	refunds, err := list[refund](ctx, s.Stripe, "/v1/refunds")
	if err != nil {
		return nil, err
	}
	file(b.refunds, refunds)
	if b.payouts, err = list[payout](ctx, s.Stripe, "/v1/payouts"); err != nil {
		return nil, err
	}
	if b.disputes, err = list[dispute](ctx, s.Stripe, "/v1/disputes"); err != nil {
		return nil, err
	}
	if b.notes, err = list[note](ctx, s.Stripe, "/v1/credit_notes"); err != nil {
		return nil, err
	}
	for _, p := range b.payouts {
		if !p.Automatic {
			continue
		}
		moves, err := list[movement](ctx, s.Stripe, "/v1/balance_transactions?payout="+p.ID)
		if err != nil {
			return nil, err
		}
		for _, m := range moves {
			if m.ID != p.Own {
				b.parts[p.ID] = append(b.parts[p.ID], m)
			}
		}
	}
	if err := s.Stripe(ctx, "/v1/balance", &b.balance); err != nil {
		return nil, err
	}
	b.batches, b.payments, b.trial = s.ERP.Ledger(), s.ERP.Payments(), s.ERP.TrialBalance()
	return b, nil
}

func file[T interface{ id() string }](into map[string]T, all []T) {
	for _, x := range all {
		into[x.id()] = x
	}
}

// list reads a list of Stripe's API to its end. Stripe: at most 100 a page.
func list[T interface{ id() string }](ctx context.Context, get Get, path string) ([]T, error) {
	var all []T
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	for after := ""; ; {
		var page struct {
			Data    []T  `json:"data"`
			HasMore bool `json:"has_more"`
		}
		if err := get(ctx, path+join+"limit=100"+after, &page); err != nil {
			return nil, fmt.Errorf("list %s: %w", path, err)
		}
		all = append(all, page.Data...)
		if !page.HasMore || len(page.Data) == 0 {
			return all, nil
		}
		after = "&starting_after=" + all[len(all)-1].id()
	}
}

// money is minor units of a currency with two decimals, as all are that Stripe
// keeps a balance in here.
func money(minor int64) decimal.Decimal { return decimal.New(minor, -2) }

// moved is what a batch did to an account.
func moved(b acumaticatwin.Batch, account string) decimal.Decimal {
	net := decimal.Zero
	for _, l := range b.Lines {
		if l.Account == account {
			net = net.Add(l.Debit).Sub(l.Credit)
		}
	}
	return net
}
