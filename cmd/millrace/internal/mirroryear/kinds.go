package mirroryear

import (
	"context"
	"slices"
)

// Kinds are the names of everything that must happen in a year.
func Kinds() []string {
	var names []string
	for _, c := range (&office{}).cards() {
		names = append(names, c.name)
	}
	return append(names, weathers()...)
}

// A card is a kind with how often it is in a deck.
type card struct {
	name  string
	times int
	do    func(ctx context.Context) error
}

func (f *office) cards() []card {
	return []card{
		{"customer created", 1, f.newCustomer},
		{"customer renamed", 1, f.rename},
		{"customer moved", 1, f.move},
		{"customer inactive, and active again", 1, f.retire},
		{"invoice released", 8, f.invoice},
		{"invoice on hold", 4, f.draft},
		{"invoice corrected before its release", 2, f.correct},
		{"invoice on hold released", 3, f.release},
		{"invoice deleted before its release", 1, f.discard},
		{"debit memo released", 2, f.debitMemo},
		{"sales invoice with freight, discount and tax", 2, f.sale},
		{"credited in part", 2, f.creditPart},
		{"credited over the whole", 2, f.creditAll},
		{"reversed", 1, f.reverse},
		{"released invoice on hold, and off again", 2, f.hold},
		{"paid by cheque in part", 2, f.chequePart},
		{"paid by cheque in full", 2, f.chequeAll},
		{"several paid by one cheque", 1, f.chequeSeveral},
		{"cheque over more than is open", 1, f.chequeOver},
		{"rest of a cheque applied", 1, f.applyRest},
		{"cheque bounced", 2, f.bounce},
		{"written off", 1, f.writeOff},
		{"written off in part", 1, f.writeOffPart},
		{"payment from Stripe voided in Acumatica", 1, f.voidStripes},
		{"paid in Stripe by card", 4, f.card},
		{"declined in Stripe", 1, f.decline},
		{"paid in Stripe although it is written off", 1, f.payWrittenOff},
		{"credit note in Stripe after payment", 1, f.noteAfter},
		{"refunded in Stripe", 1, f.refund},
		{"bank debit in Stripe", 2, f.debit},
		{"bank debit in Stripe that fails", 1, f.debitFails},
		{"paid in Stripe and by cheque at once", 1, f.twice},
		{"credited while it is paid in Stripe", 1, f.creditAndPay},
	}
}

// shuffled is a new deck.
func (f *office) shuffled() []kind {
	var deck []kind
	for _, c := range f.cards() {
		for range c.times {
			deck = append(deck, kind{c.name, c.do})
		}
	}
	f.dice.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return slices.Clip(deck)
}
