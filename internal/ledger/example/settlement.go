package example

import (
	"time"

	"millrace/internal/ledger"
)

// settlements are the examples about payouts, periods and the start.
func settlements() []Example {
	paid := func(charge string, n int) *builder {
		return move("charge", "charge", 10_000).from("charge", charge, "cus_1", 10_000, "USD").processing(320).on(n)
	}
	return []Example{
		{
			Title: "A payout arrives", Text: "The payout's own movement is a journal of its own, dated with the arrival. Until then the amount is in transit: out of the balance, not yet at the bank.",
			Movements: moves(paid("ch_1", 5), move("payout", "payout", -9_680).of("payout", "po_1").on(6).arrives(9)),
		},
		{
			Title: "An instant payout", Text: "Stripe's fee for it is on the payout's own movement and in the same journal.",
			Movements: moves(move("payout", "payout", -50_000).of("payout", "po_2").fee("stripe_fee", "Instant payout fee", 500).arrives(5)),
		},
		{
			Title: "A payout fails and is paid again", Text: "The first payout's journal stays. What comes back is a movement of the next payout, against the bank: the bank account shows the failed payout coming and going. (What the first payout was made of is left out here, so clearing is short of it.)",
			Movements: moves(
				move("payout", "payout", -9_680).of("payout", "po_1").on(2).arrives(4),
				move("payout_failure", "payout_reversal", 9_680).of("payout", "po_1").on(6),
				paid("ch_1", 7),
				move("payout", "payout", -19_360).of("payout", "po_2").on(9).arrives(11)),
			Unit: "po_2",
		},
		{
			Title: "A payout that Stripe collects", Text: "More went back to customers than came in: Stripe debits the bank. The same lines with the sides flipped.",
			Movements: moves(
				move("refund", "refund", -10_000).from("refund", "re_1", "cus_1", 10_000, "USD"),
				move("payout", "payout", 10_000).of("payout", "po_1").on(6).arrives(10)),
		},
		{
			Title: "A payout over the end of a month", Text: "One journal per month, dated with the last day that has a movement, so that each month ties out by itself.",
			Movements: moves(paid("ch_1", -1), paid("ch_2", 0), paid("ch_3", 2)),
		},
		{
			Title: "A payout in euros", Text: "Each currency that Stripe holds has its own clearing account, payouts and bank account. Nothing is exchanged.",
			Movements: moves(
				move("charge", "charge", 10_000).in("EUR").from("charge", "ch_1", "cus_1", 10_000, "EUR").processing(290),
				move("payout", "payout", -9_710).in("EUR").of("payout", "po_1").on(6).arrives(9)),
		},
		{
			Title: "A day of an account that is paid out by hand", Text: "With payouts: manual the unit is the day, because Stripe cannot say what such a payout is made of.",
			Unit: "2026-03-05", Movements: moves(paid("ch_1", 5), paid("ch_2", 5)),
		},
		{
			Title: "Fee by fee", Text: "With fees: per_transaction each movement is a unit of its own.",
			Unit: "txn_1", Rules: func(r *ledger.Rules) { r.Fees = ledger.FeesPerTransaction }, Movements: moves(paid("ch_1", 5)),
		},
		{
			Title: "Summary mode", Text: "No documents for customers: everything is in journals, one for each day.",
			Rules:     func(r *ledger.Rules) { r.Mode = ledger.Summary },
			Movements: moves(paid("ch_1", 5), paid("ch_2", 5), move("refund", "refund", -2_500).from("refund", "re_1", "cus_1", 2_500, "USD").on(6)),
		},
		{
			Title: "Summary mode from a day on", Text: "Movements of before keep their documents, those from that day on have lines.",
			Rules:     func(r *ledger.Rules) { r.SummaryFrom = time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC) },
			Movements: moves(paid("ch_1", 5), paid("ch_2", 6)),
		},
		{
			Title: "The start", Text: "What Stripe held at the start is one journal for each currency. Movements from before are in it and are not posted again, though a payout of after may be made of them.",
			Rules:     func(r *ledger.Rules) { r.Start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) },
			Opening:   9_680,
			Movements: moves(paid("ch_1", -1), paid("ch_2", 2)),
		},
	}
}

// All lists the examples in the order of the page.
func All() []Chapter {
	return []Chapter{
		{"Customers pay", charges()},
		{"Money goes back to customers", returns()},
		{"Payouts, periods, modes", settlements()},
		{"Fees, bank and connected accounts", stripes()},
		{"Other products", others()},
	}
}

// A Chapter is a group of examples.
type Chapter struct {
	Title    string
	Examples []Example
}
