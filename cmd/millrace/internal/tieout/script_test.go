package tieout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// An act is one thing that somebody does. Numbers say which and how much; what
// they mean is decided when it is done, by what is there then.
type act struct {
	do     string
	which  int
	amount int64 // minor units
	how    int
	kind   string // of a movement of Stripe's own
}

func (a act) String() string {
	return fmt.Sprintf("%s %s(%d, %d, %d)", a.do, a.kind, a.which, a.amount, a.how)
}

// A script is what happens, day by day.
type script struct {
	start      time.Time
	days       [][]act
	settle     []string // currencies with a balance in the beginning
	refundFees bool     // a refund gives its share of the fee back
	feeTax     int64    // per mille
	daily      bool     // Stripe pays out each night
}

// weights say how often things are done.
func weights() map[string]int {
	return map[string]int{
		"charge": 30, "guest": 6, "bank debit": 6, "failing debit": 3, "partial capture": 5, "invoice": 14, "declined": 2,
		"refund": 12, "partial refund": 12, "refund fails": 5,
		"dispute": 5, "inquiry": 6, "escalate": 7, "dispute lost": 3, "dispute won": 3, "dispute won with its fee": 3,
		"movement": 24, "pay out": 10, "payout by hand": 4, "instant payout": 4, "payout fails": 4, "payout cancelled": 3,
		"top-up": 3, "top-up fails": 2, "bank account abroad": 1,
	}
}

// movementTypes are all of Stripe's that have no object of their own behind
// them here, and some that nobody knows.
func movementTypes() []string {
	return []string{
		"adjustment", "advance", "advance_funding", "anticipation_repayment", "application_fee", "application_fee_refund", "charge",
		"climate_order_purchase", "climate_order_refund", "connect_collection_transfer", "contribution", "financing_paydown",
		"issuing_authorization_hold", "issuing_authorization_release", "issuing_dispute", "issuing_transaction",
		"obligation_outbound", "obligation_reversal_inbound", "payment", "payment_failure_refund", "payment_network_reserve_hold",
		"payment_network_reserve_release", "payment_refund", "payment_reversal", "payment_unreconciled", "payout", "payout_cancel", "payout_failure",
		"refund", "refund_failure", "reserve_transaction", "reserved_funds", "stripe_fee", "stripe_fx_fee", "tax_fee", "topup", "topup_reversal",
		"transfer", "transfer_cancel", "transfer_failure", "transfer_refund", unknown, unknown,
	}
}

// unknown stands for a type that Stripe does not have yet.
const unknown = "orbital_levy"

// draw makes the script of a seed. Types of movements come in their order,
// from a place of the seed's, so that a few scripts have all of them.
func draw(seed uint64) script {
	dice := rand.New(rand.NewPCG(seed, 5))
	s := script{
		start:      time.Date(2026, 1, 16, 9, 0, 0, 0, time.UTC).AddDate(0, 0, dice.IntN(8)),
		days:       make([][]act, 18+dice.IntN(6)),
		settle:     [][]string{{"usd"}, {"usd", "eur"}, {"usd", "eur", "gbp"}, {"usd", "eur", "gbp"}}[dice.IntN(4)],
		refundFees: dice.IntN(2) == 0, feeTax: []int64{0, 0, 200}[dice.IntN(3)], daily: dice.IntN(4) == 0,
	}
	var bag []string
	names := make([]string, 0, len(weights()))
	for name := range weights() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for range weights()[name] {
			bag = append(bag, name)
		}
	}
	kinds := movementTypes()
	next := int(seed * 11 % uint64(len(kinds)))
	for d := range s.days {
		for range 2 + dice.IntN(3) {
			a := act{do: bag[dice.IntN(len(bag))], which: dice.IntN(1000), amount: 60 + dice.Int64N(900_00), how: dice.IntN(1000)}
			if a.do == "movement" {
				a.kind, next = kinds[next%len(kinds)], next+1
			}
			s.days[d] = append(s.days[d], a)
		}
	}
	return s
}
