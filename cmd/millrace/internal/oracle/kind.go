package oracle

import "strings"

// Kind is one of the things that move money, or keep it from moving, and how
// often Stripe tells of it.
type Kind struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// kinds are all that a year must have had, in the order of a statement.
func (x *examiner) kinds() []Kind {
	parts := [][]Kind{x.ofPayments(), x.ofRefunds(), x.ofDisputes(), x.ofFees(), x.ofPayouts(), x.ofOthers()}
	var all []Kind
	for _, p := range parts {
		all = append(all, p...)
	}
	for name := range strings.FieldsSeq(movementTypes) {
		all = append(all, Kind{"type " + name, x.p.ByType[name]})
	}
	return all
}

// movementTypes are the 40 of Stripe's API version 2023-10-16.
const movementTypes = `adjustment advance advance_funding anticipation_repayment application_fee application_fee_refund charge
	climate_order_purchase climate_order_refund connect_collection_transfer contribution issuing_authorization_hold
	issuing_authorization_release issuing_dispute issuing_transaction obligation_outbound obligation_reversal_inbound payment
	payment_failure_refund payment_network_reserve_hold payment_network_reserve_release payment_refund payment_reversal
	payment_unreconciled payout payout_cancel payout_failure refund refund_failure reserve_transaction reserved_funds stripe_fee
	stripe_fx_fee tax_fee topup topup_reversal transfer transfer_cancel transfer_failure transfer_refund`

// moves counts the movements that fit.
func (x *examiner) moves(fits func(m movement) bool) (n int) {
	for _, m := range x.movements {
		if fits(m) {
			n++
		}
	}
	return n
}

func (x *examiner) ofPayments() []Kind {
	taken := func(fits func(ch charge, m movement) bool) (n int) {
		for _, ch := range x.charges {
			if m, ok := x.movements[ch.Own]; ok && fits(ch, m) {
				n++
			}
		}
		return n
	}
	documents := x.documents()
	return []Kind{
		{"invoice paid", taken(func(ch charge, _ movement) bool { return ch.Invoice != "" && ch.Status == "succeeded" })},
		{"payment without an invoice", taken(func(ch charge, _ movement) bool {
			return ch.Invoice == "" && ch.Customer != "" && ch.Status == "succeeded"
		})},
		{"payment without a customer", taken(func(ch charge, _ movement) bool { return ch.Customer == "" })},
		{"payment in a currency that Stripe exchanges", taken(func(ch charge, m movement) bool { return ch.Currency != m.Currency })},
		{"payment captured in part", x.moves(func(m movement) bool { return m.Category == "partial_capture_reversal" })},
		{"bank debit", taken(func(_ charge, m movement) bool { return m.Type == "payment" })},
		{"bank debit that fails", taken(func(ch charge, _ movement) bool { return ch.Failure != "" && len(documents[ch.Own]) == 0 })},
		{"bank debit that fails after it was paid", taken(func(ch charge, _ movement) bool { return ch.Failure != "" && len(documents[ch.Own]) > 0 })},
		{"credit note before payment", x.notesOf("pre_payment")},
		{"credit note after payment", x.notesOf("post_payment")},
	}
}

func (x *examiner) notesOf(typ string) (n int) {
	for _, c := range x.notes {
		if c.Type == typ {
			n++
		}
	}
	return n
}

func (x *examiner) ofRefunds() []Kind {
	perCharge := map[string]int{}
	for _, r := range x.refunds {
		if x.movements[r.Own].Category == "refund" {
			perCharge[r.Charge]++
		}
	}
	several := 0
	for _, n := range perCharge {
		if n > 1 {
			several++
		}
	}
	given := func(fits func(r refund, ch charge, m movement) bool) (n int) {
		for _, r := range x.refunds {
			if m := x.movements[r.Own]; m.Category == "refund" && fits(r, x.charges[r.Charge], m) {
				n++
			}
		}
		return n
	}
	return []Kind{
		{"refund, full", given(func(r refund, ch charge, _ movement) bool { return r.Amount == ch.Captured })},
		{"refund, partial", given(func(r refund, ch charge, _ movement) bool { return r.Amount < ch.Captured })},
		{"charge with several refunds", several},
		{"refund of a paid invoice", given(func(_ refund, ch charge, _ movement) bool { return ch.Invoice != "" })},
		{"refund of a payment without an invoice", given(func(_ refund, ch charge, _ movement) bool { return ch.Invoice == "" })},
		{"refund of an exchanged payment", given(func(r refund, _ charge, m movement) bool { return r.Currency != m.Currency })},
		{"refund that gives the fee back", given(func(_ refund, _ charge, m movement) bool { return m.Fee < 0 })},
		{"refund that keeps the fee", given(func(_ refund, _ charge, m movement) bool { return m.Fee == 0 })},
		{"refund that fails", x.moves(func(m movement) bool { return m.Category == "refund_failure" })},
	}
}

func (x *examiner) ofDisputes() []Kind {
	status := map[string]int{}
	for _, d := range x.disputes {
		status[d.Status]++
	}
	return []Kind{
		{"inquiry without money", status["warning_closed"]},
		{"dispute withdrawn", x.moves(func(m movement) bool { return m.Category == "dispute" })},
		{"dispute reinstated without its fee", x.moves(func(m movement) bool { return m.Category == "dispute_reversal" && m.Fee == 0 })},
		{"dispute reinstated with its fee", x.moves(func(m movement) bool { return m.Category == "dispute_reversal" && m.Fee < 0 })},
		{"dispute lost", status["lost"]},
	}
}

func (x *examiner) ofFees() []Kind {
	return []Kind{
		{"fee of a payment", x.moves(func(m movement) bool { return m.Category == "charge" && m.Fee > 0 })},
		{"tax on a fee", x.moves(func(m movement) bool {
			for _, f := range m.Fees {
				if f.Type == "tax" {
					return true
				}
			}
			return false
		})},
		{"fee billed by itself", x.moves(func(m movement) bool { return m.Type == "stripe_fee" && m.Category == "fee" })},
		{"network cost", x.moves(func(m movement) bool { return m.Category == "network_cost" })},
		{"tax billed by itself", x.moves(func(m movement) bool { return m.Category == "tax" })},
	}
}

func (x *examiner) ofPayouts() []Kind {
	made := func(fits func(p payout) bool) (n int) {
		for _, p := range x.payouts {
			if fits(p) {
				n++
			}
		}
		return n
	}
	return []Kind{
		{"payout, automatic", made(func(p payout) bool { return p.Automatic })},
		{"payout, by hand", made(func(p payout) bool { return !p.Automatic && p.Method == "standard" })},
		{"payout, instant", made(func(p payout) bool { return p.Method == "instant" })},
		{"payout, negative", made(func(p payout) bool { return p.Amount < 0 })},
		{"payout that fails", made(func(p payout) bool { return p.Status == "failed" })},
		{"payout cancelled", made(func(p payout) bool { return p.Status == "canceled" })},
	}
}

func (x *examiner) ofOthers() []Kind {
	known := map[string]bool{}
	for name := range strings.FieldsSeq(movementTypes) {
		known[name] = true
	}
	return []Kind{
		{"reserve", x.moves(func(m movement) bool { return m.Category == "risk_reserved_funds" })},
		{"top-up", x.p.ByType["topup"]},
		{"transfer", x.p.ByType["transfer"]},
		{"type that is not among the 40", x.moves(func(m movement) bool { return !known[m.Type] })},
	}
}
