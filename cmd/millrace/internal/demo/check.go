package demo

import (
	"context"
	"fmt"
	"strings"

	"millrace/internal/acumaticatwin"
	"millrace/internal/money"
)

// A picture is what the two systems hold, read from themselves.
type picture struct {
	invoices []acumaticatwin.InvoiceView
	payments []acumaticatwin.PaymentView
	journals []acumaticatwin.JournalView
	sales    []stripeInvoice
	charges  []stripeCharge
}

func (d *Demo) look(ctx context.Context) (p picture, err error) {
	p.invoices, p.payments, p.journals = d.erp.Invoices(), d.erp.Payments(), d.erp.Journals()
	if p.sales, err = listAll[stripeInvoice](ctx, d, "/v1/invoices"); err != nil {
		return p, err
	}
	p.charges, err = listAll[stripeCharge](ctx, d, "/v1/charges")
	return p, err
}

// Metadata keys under which Stripe's invoices carry Acumatica's numbers.
const (
	metaInvoice = "acumatica_ref_nbr"
	metaPayment = "acumatica_payment_ref"
)

// missing lists in words what is not as it should be in the end. Empty: every
// released invoice is closed and stands once in Stripe, every charge is
// exactly one released payment of the same amount, and the numbers are on both
// sides.
func (p picture) missing() []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	sales := make(map[string]int)
	for _, s := range p.sales {
		sales[s.Metadata[metaInvoice]]++
		if s.Status != "paid" {
			say("Stripe invoice %s is %s", s.ID, s.Status)
		} else if s.Metadata[metaPayment] == "" {
			say("Stripe invoice %s does not carry the number of its payment", s.ID)
		}
	}
	open := 0
	for _, i := range p.invoices {
		if i.Type != "Invoice" || i.Status != "Open" && i.Status != "Closed" {
			continue // not released, or not for a buyer to pay
		}
		if i.Status != "Closed" || !i.Balance.IsZero() {
			open++
			say("Acumatica invoice %s is %s with %s open", i.ReferenceNbr, i.Status, i.Balance)
		}
		if n := sales[i.ReferenceNbr]; n != 1 {
			say("Acumatica invoice %s stands %d times in Stripe", i.ReferenceNbr, n)
		}
	}
	deposit := false
	byRef := make(map[string][]acumaticatwin.PaymentView)
	for _, pay := range p.payments {
		byRef[pay.PaymentRef] = append(byRef[pay.PaymentRef], pay)
	}
	for _, c := range p.charges {
		deposit = deposit || c.Description == chargeText
		if c.Status == "succeeded" {
			p.checkCharge(c, byRef[c.ID], say)
		}
	}
	if !deposit {
		say("the charge without an invoice was not made")
	}
	return out
}

func (p picture) checkCharge(c stripeCharge, payments []acumaticatwin.PaymentView, say func(string, ...any)) {
	if len(payments) != 1 {
		say("Stripe charge %s stands %d times in Acumatica", c.ID, len(payments))
		return
	}
	pay, want := payments[0], "Payment"
	if c.Invoice == "" {
		want = "Prepayment"
	}
	if pay.Type != want || pay.Status != "Open" && pay.Status != "Closed" {
		say("%s %s of charge %s is %s, want a released %s", pay.Type, pay.ReferenceNbr, c.ID, pay.Status, want)
	}
	amount, err := money.New(c.Amount, c.Currency)
	if err != nil {
		say("charge %s: %v", c.ID, err)
		return
	}
	d, err := amount.Decimal()
	if err != nil || !d.Equal(pay.PaymentAmount) || !strings.EqualFold(c.Currency, pay.CurrencyID) {
		say("%s %s is %s %s, its charge %s is %s", pay.Type, pay.ReferenceNbr, pay.PaymentAmount, pay.CurrencyID, c.ID, amount)
	}
}
