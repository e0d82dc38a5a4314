package stripetwin

import (
	"fmt"
	"time"
)

// yearObjects is how many objects the scenario year has when nobody says.
const yearObjects = 10_000

// objectsPerCustomer: a customer with a bill each month leaves about half as
// many; shops make the other half.
const objectsPerCustomer = 200

// A patron is a customer of the scenario.
type patron struct {
	id, currency string
	day          int   // of the month on which it is billed
	amount       int64 // of a usual bill, minor units
	bank         bool  // pays from a bank account
}

// A company is the year of one account.
type company struct {
	*builder
	patrons []patron
	chores  map[int][]func() // by day
	today   int
}

// year builds a year of an account that settles in three currencies: invoices
// each month, payments in a shop, some of them in currencies that are
// exchanged, declines, refunds, disputes, payouts each day. It has about as
// many objects as asked for.
func (b *builder) year(size int) error {
	co := &company{builder: b, chores: map[int][]func(){}}
	co.found(max(50, size/objectsPerCustomer))
	start := b.at
	days := int(b.end.Sub(start) / (24 * time.Hour))
	pace := 12 * time.Hour / time.Duration(size/days/3+1)
	for co.today = 0; co.today < days && b.err == nil; co.today++ {
		b.until(start.Add(time.Duration(co.today)*24*time.Hour + time.Hour))
		for _, do := range co.chores[co.today] {
			do()
		}
		delete(co.chores, co.today)
		for i := range co.patrons {
			if co.patrons[i].day == b.at.Day() {
				co.invoice(&co.patrons[i])
				b.pass(pace)
			}
		}
		quota := size * (co.today + 1) / days
		for b.err == nil && b.t.s.len() < quota {
			co.sell()
			b.pass(pace)
		}
	}
	return b.err
}

// pass lets some time of the day pass.
func (b *builder) pass(d time.Duration) {
	if next := b.at.Add(d); next.Day() == b.at.Day() && next.Before(b.end) {
		b.at = next
	}
}

func (co *company) found(n int) {
	first := []string{"Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper", "Kauri", "Larch", "Maple"}
	second := []string{"Works", "Labs", "Foods", "Press", "Studio", "Marine", "Optics", "Tools", "Trading", "Partners", "Motors"}
	cities := map[string][3]string{
		"usd": {"Portland", "US", "97201"}, "eur": {"Utrecht", "NL", "3511"}, "gbp": {"Leeds", "GB", "LS1"},
	}
	for i := range n {
		p := patron{currency: "usd", day: 1 + co.random.IntN(28), amount: 20_00 + co.random.Int64N(2_500_00)}
		switch {
		case i%5 == 3:
			p.currency = "eur"
		case i%10 == 4:
			p.currency = "gbp"
		default:
			p.bank = i%4 == 0
		}
		a, z := first[i%len(first)], second[i/len(first)%len(second)]
		city := cities[p.currency]
		p.id = str(co.do("POST /v1/customers", "", fmt.Sprintf(
			"name=%s+%s&email=ap%d%%40%s-%s.example&metadata[erp_id]=C%06d&address[city]=%s&address[country]=%s&address[postal_code]=%s",
			a, z, i+1, a, z, i+1, city[0], city[1], city[2])), "id")
		co.patrons = append(co.patrons, p)
	}
}

// later has something done on another day of the year, if that comes.
func (co *company) later(days int, do func()) {
	co.chores[co.today+days] = append(co.chores[co.today+days], do)
}

// invoice bills a customer and lets it pay, late, elsewhere, or never.
func (co *company) invoice(p *patron) {
	for range 1 + co.random.IntN(3) {
		quantity := 1 + co.random.IntN(4)
		co.do("POST /v1/invoiceitems", "", fmt.Sprintf("customer=%s&currency=%s&quantity=%d&unit_amount=%d&description=Services",
			p.id, p.currency, quantity, max(1_00, (p.amount+co.random.Int64N(50_00))/int64(2*quantity))))
	}
	inv := str(co.do("POST /v1/invoices", "", fmt.Sprintf(
		"customer=%s&currency=%s&pending_invoice_items_behavior=include&collection_method=send_invoice&days_until_due=30", p.id, p.currency)), "id")
	co.do("POST /v1/invoices/{id}/finalize", inv, "")
	switch {
	case co.chance(20):
		co.later(5, func() { co.do("POST /v1/invoices/{id}/void", inv, "") })
	case co.chance(30): // never
	case co.chance(40):
		co.later(10, func() { co.do("POST /v1/invoices/{id}/pay", inv, "paid_out_of_band=true") })
	case p.bank && co.chance(50):
		co.do("POST /v1/invoices/{id}/pay", inv, "payment_method=pm_usBankAccount_insufficientFunds")
		co.later(9, func() { co.do("POST /v1/invoices/{id}/pay", inv, "payment_method=pm_card_visa") })
	case p.bank:
		co.later(co.random.IntN(20), func() { co.do("POST /v1/invoices/{id}/pay", inv, "payment_method=pm_usBankAccount_success") })
	case co.chance(60):
		co.do("POST /v1/invoices/{id}/pay", inv, "payment_method=pm_card_chargeDeclined")
		co.later(3, func() { co.do("POST /v1/invoices/{id}/pay", inv, "payment_method=pm_card_visa") })
	default:
		co.later(co.random.IntN(30), func() { co.do("POST /v1/invoices/{id}/pay", inv, "payment_method=pm_card_visa") })
	}
}

// sell takes a payment in the shop.
func (co *company) sell() {
	p := co.patrons[co.random.IntN(len(co.patrons))]
	if co.chance(50) {
		p.currency = []string{"chf", "cad", "jpy"}[co.random.IntN(3)] // exchanged
	}
	if co.chance(100) {
		p.id = "" // a guest
	}
	method := "pm_card_visa"
	switch {
	case co.chance(5) && p.currency != "jpy":
		method = "pm_card_createDispute"
	case co.chance(30):
		method = "pm_card_chargeDeclinedInsufficientFunds"
	}
	form := fmt.Sprintf("amount=%d&currency=%s&confirm=true&payment_method=%s&description=Order", 5_00+co.random.Int64N(200_00), p.currency, method)
	if p.id != "" {
		form += "&customer=" + p.id
	}
	charge := str(co.do("POST /v1/payment_intents", "", form), "latest_charge")
	switch {
	case charge == "":
	case method == "pm_card_createDispute":
		co.answer(charge)
	case co.chance(40):
		co.later(1+co.random.IntN(20), func() { co.giveBack(charge) })
	}
}

// answer hands in evidence that decides a dispute of a charge, or lets the
// deadline pass.
func (co *company) answer(charge string) {
	text := []string{"winning_evidence", "losing_evidence", ""}[co.random.IntN(3)]
	dispute := str(co.do("GET /v1/charges/{id}", charge, ""), "dispute")
	if text != "" && dispute != "" {
		co.later(5, func() { co.do("POST /v1/disputes/{id}", dispute, "evidence[uncategorized_text]="+text) })
	}
}

// giveBack refunds a charge, in full or in part.
func (co *company) giveBack(charge string) {
	form := "charge=" + charge
	if co.chance(400) {
		form += fmt.Sprintf("&amount=%d", 1_00+co.random.IntN(4_00))
	}
	co.do("POST /v1/refunds", "", form)
}
