package example

import (
	"fmt"
	"time"

	"millrace/internal/ledger"
)

// day is noon of a day of March 2026; 0 and less are in February.
func day(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

// builder makes one movement.
type builder struct{ m ledger.Movement }

// move starts a movement of USD on 5 March.
func move(kind, category string, amount int64) *builder {
	return &builder{ledger.Movement{Type: kind, Category: category, Amount: amount, Currency: "USD", Created: day(5)}}
}

// in changes the currency; call it before fee.
func (b *builder) in(currency string) *builder {
	b.m.Currency = currency
	return b
}

func (b *builder) on(n int) *builder {
	b.m.Created = day(n)
	return b
}

// arrives says when a payout is at the bank.
func (b *builder) arrives(n int) *builder {
	b.m.AvailableOn = day(n)
	return b
}

func (b *builder) about(text string) *builder {
	b.m.Description = text
	return b
}

func (b *builder) fee(kind, text string, amount int64) *builder {
	b.m.Fees = append(b.m.Fees, ledger.FeePart{Type: kind, Description: text, Amount: amount, Currency: b.m.Currency})
	return b
}

func (b *builder) processing(amount int64) *builder {
	return b.fee("stripe_fee", "Stripe processing fees", amount)
}

// from says what the movement is about and whose money it is; presented is the
// amount in the currency that the customer sees.
func (b *builder) from(kind, id, customer string, presented int64, currency string) *builder {
	b.m.Source = ledger.Source{Kind: kind, ID: id, Amount: presented, Currency: currency}
	charge := &ledger.Charge{ID: id, Customer: customer, Captured: presented, Currency: currency}
	if kind != "charge" {
		charge.ID, charge.Captured = "ch_1", 0
	}
	b.m.Source.Charge = charge
	return b
}

// captured says that less was captured than the movement is about.
func (b *builder) captured(amount int64) *builder {
	b.m.Source.Charge.Captured = amount
	return b
}

// of names the source of a movement that has no charge.
func (b *builder) of(kind, id string) *builder {
	b.m.Source = ledger.Source{Kind: kind, ID: id}
	return b
}

// moves finishes movements and numbers them.
func moves(bs ...*builder) []ledger.Movement {
	ms := make([]ledger.Movement, len(bs))
	for i, b := range bs {
		ms[i] = b.m
		ms[i].ID = fmt.Sprintf("txn_%d", i+1)
		for _, f := range b.m.Fees {
			ms[i].Fee += f.Amount
		}
		ms[i].Net = ms[i].Amount - ms[i].Fee
	}
	return ms
}
