package simulate

import (
	"slices"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// judge compares the books of both systems with what was done: each movement
// in Stripe has exactly one ledger effect of the right amount, each invoice
// stands once on the other side, the ids agree on both sides, the trial
// balance is zero and the clearing account holds what Stripe charged.
func (p *player) judge(b books) verdict {
	var v verdict
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		v.say(broken, "%s", problem)
	}
	for _, id := range p.customers {
		n := 0
		for _, c := range b.customers {
			if c.Metadata["acumatica_customer_id"] == id {
				n++
			}
		}
		v.once(n, "customer %s in Stripe", id)
	}
	if len(b.customers) > len(p.customers) {
		v.say(doubled, "Stripe has %d customers, Acumatica %d", len(b.customers), len(p.customers))
	}
	for _, nbr := range p.invoices {
		p.judgeInvoice(&v, b, nbr)
	}
	for _, s := range b.sales {
		if nbr := s.Metadata["acumatica_ref_nbr"]; s.Status != "draft" && !slices.Contains(p.invoices, nbr) {
			v.say(wrong, "Stripe has invoice %s for %q, which nobody released", s.ID, nbr)
		}
	}
	p.judgePayments(&v, b)
	judgeLedger(&v, b)
	return v
}

// once: there must be exactly one of it, and more can never be mended.
func (v *verdict) once(n int, what string, args ...any) {
	switch {
	case n == 0:
		v.say(missing, what, args...)
	case n > 1:
		v.say(doubled, what, args...)
	}
}

func (p *player) judgeInvoice(v *verdict, b books, nbr string) {
	var mine []stripeInvoice
	for _, s := range b.sales {
		if s.Metadata["acumatica_ref_nbr"] == nbr && s.Status != "draft" && s.Status != "void" {
			mine = append(mine, s)
		}
	}
	i := slices.IndexFunc(b.invoices, func(i acumaticatwin.InvoiceView) bool { return i.ReferenceNbr == nbr && i.Type == "Invoice" })
	if i < 0 {
		v.say(wrong, "invoice %s has gone from Acumatica", nbr)
		return
	}
	if v.once(len(mine), "invoice %s in Stripe", nbr); len(mine) != 1 {
		return
	}
	inv, sale := b.invoices[i], mine[0]
	if got := v.minor(inv.Amount, "invoice %s", nbr); got != sale.Total {
		v.say(wrong, "invoice %s is %d, in Stripe %d", nbr, got, sale.Total)
	}
	if got := b.acumaticaID(sale.Customer); got != inv.CustomerID {
		v.say(wrong, "invoice %s belongs to %s, in Stripe to %s, who is %q", nbr, inv.CustomerID, sale.Customer, got)
	}
	if p.unpaid[nbr] {
		if sale.Status != "open" || !inv.Balance.Equal(inv.Amount) {
			v.say(wrong, "invoice %s, which nobody pays, is %s in Stripe, %s with %s open in Acumatica", nbr, sale.Status, inv.Status, inv.Balance)
		}
		return
	}
	if sale.Status != "paid" || !inv.Balance.IsZero() {
		v.say(missing, "payment of invoice %s: it is %s in Stripe, %s with %s open in Acumatica", nbr, sale.Status, inv.Status, inv.Balance)
		return
	}
	if got := b.states[nbr]; got != sale.Status {
		v.say(missing, "invoice %s shows %q, in Stripe it is %s", nbr, got, sale.Status)
	}
	b.judgeLink(v, inv, sale)
}

// judgeLink: the payment in Acumatica names the charge, pays this invoice, and
// is named by the invoice in Stripe.
func (b books) judgeLink(v *verdict, inv acumaticatwin.InvoiceView, sale stripeInvoice) {
	posted := b.posted()
	for _, pay := range b.payments {
		if pay.PaymentRef != sale.Charge || posted[pay.Type+" "+pay.ReferenceNbr] == 0 {
			continue
		}
		if !slices.ContainsFunc(pay.AppliedTo, func(a acumaticatwin.AppliedTo) bool {
			return a.ReferenceNbr == inv.ReferenceNbr && a.Amount.Equal(inv.Amount)
		}) {
			v.say(wrong, "%s %s of charge %s is not applied to invoice %s", pay.Type, pay.ReferenceNbr, sale.Charge, inv.ReferenceNbr)
		}
		switch got, want := sale.Metadata["acumatica_payment_ref"], pay.ReferenceNbr; got {
		case want:
		case "":
			v.say(missing, "payment on Stripe invoice %s of charge %s: want %q", sale.ID, sale.Charge, want)
		default:
			v.say(wrong, "Stripe invoice %s names payment %q, that of charge %s is %q", sale.ID, got, sale.Charge, want)
		}
	}
}

func (p *player) judgePayments(v *verdict, b books) {
	posted := b.posted()
	of := map[string]int{} // charge → payments in the ledger
	for _, pay := range b.payments {
		if posted[pay.Type+" "+pay.ReferenceNbr] > 0 {
			of[pay.PaymentRef]++
		}
	}
	for _, c := range b.charges {
		if v.once(of[c.ID], "payment of charge %s", c.ID); of[c.ID] != 1 {
			continue
		}
		for _, pay := range b.payments {
			switch {
			case pay.PaymentRef != c.ID:
			case posted[pay.Type+" "+pay.ReferenceNbr] == 0:
				v.say(copied, "charge %s has %s %s too, which is %s", c.ID, pay.Type, pay.ReferenceNbr, pay.Status)
			default:
				b.judgePayment(v, c, pay)
			}
		}
	}
	for _, pay := range b.payments {
		if !slices.ContainsFunc(b.charges, func(c stripeCharge) bool { return c.ID == pay.PaymentRef }) {
			v.say(wrong, "%s %s is of %q, which is no charge", pay.Type, pay.ReferenceNbr, pay.PaymentRef)
		}
	}
	for _, id := range p.charges {
		if !slices.ContainsFunc(b.charges, func(c stripeCharge) bool { return c.ID == id }) {
			v.say(broken, "charge %s is not in Stripe", id)
		}
	}
}

// judgePayment: one charge and a payment that names it.
func (b books) judgePayment(v *verdict, c stripeCharge, pay acumaticatwin.PaymentView) {
	typ, status := "Payment", "Closed"
	if c.Invoice == "" {
		typ, status = "Prepayment", "Open"
	}
	amount := v.minor(pay.PaymentAmount, "%s %s", pay.Type, pay.ReferenceNbr)
	if pay.Type != typ || pay.Status != status || amount != c.Amount || pay.CurrencyID != "USD" {
		v.say(wrong, "charge %s of %d is %s %s, %s, %s %s", c.ID, c.Amount, pay.Type, pay.ReferenceNbr, pay.Status, pay.PaymentAmount, pay.CurrencyID)
	}
	if got := b.acumaticaID(c.Customer); got != pay.CustomerID {
		v.say(wrong, "charge %s is of %s, who is %q; its payment is of %s", c.ID, c.Customer, got, pay.CustomerID)
	}
}

// posted says how often each document was posted to the ledger.
func (b books) posted() map[string]int {
	n := map[string]int{}
	for _, batch := range b.ledger {
		n[batch.Description]++
	}
	return n
}

// acumaticaID is the customer in Acumatica that Stripe's customer names.
func (b books) acumaticaID(stripeID string) string {
	for _, c := range b.customers {
		if c.ID == stripeID {
			return c.Metadata["acumatica_customer_id"]
		}
	}
	return ""
}

// judgeLedger: every payment was posted once, the books balance, and the
// clearing account holds what Stripe took in.
func judgeLedger(v *verdict, b books) {
	posted := b.posted()
	for _, pay := range b.payments {
		if n := posted[pay.Type+" "+pay.ReferenceNbr]; n > 1 {
			v.say(doubled, "%s %s was posted %d times", pay.Type, pay.ReferenceNbr, n)
		}
	}
	sum, charged := decimal.Zero, int64(0)
	for _, a := range b.trial {
		sum = sum.Add(a.Balance)
	}
	for _, c := range b.charges {
		charged += c.Amount
	}
	if !sum.IsZero() {
		v.say(wrong, "the trial balance is %s", sum)
	}
	if got := v.minor(b.clearing(), "clearing"); got != charged {
		v.say(missing, "clearing holds %d, Stripe charged %d", got, charged)
	}
}

// clearingAccount is the ledger account behind the cash account that payments
// are booked on.
const clearingAccount = "10250"

// clearing is what the clearing account holds.
func (b books) clearing() decimal.Decimal {
	sum := decimal.Zero
	for _, a := range b.trial {
		if a.Account == acumaticatwin.SeedCashAccountUSD || a.Account == clearingAccount {
			sum = sum.Add(a.Balance)
		}
	}
	return sum
}
