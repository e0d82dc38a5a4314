package stripetwin

import "net/http"

// finalize freezes a draft: number, totals, payment intent. Stripe: the
// customer's credit balance is applied, and what is then not above zero is
// paid at once without a payment.
func (t *Twin) finalize(c *call, inv *invoice, advance bool) error {
	if inv.Status != "draft" {
		return refused("", "This invoice is already finalized, you can't re-finalize a non-draft invoice.")
	}
	if len(inv.Items) == 0 {
		return refused("invoice_no_customer_line_items", "Nothing to invoice for customer")
	}
	cu := t.s.Customers.get(inv.Customer)
	before, custBefore := t.renderInvoice(inv), cu.render()
	total, _ := t.amounts(inv)
	if inv.Currency == cu.Currency {
		inv.StartingBalance = cu.Balance
	}
	left := total + inv.StartingBalance
	ending := min(0, left)
	if inv.Currency == cu.Currency {
		cu.Balance = ending
		t.noteBalance(c, cu, inv.StartingBalance, balanceChange{Type: "applied_to_invoice", Invoice: inv.ID})
	}
	if inv.Number == "" {
		inv.Number = nextNumber(cu)
	}
	inv.Status, inv.FinalizedAt, inv.Buyer = "open", c.now, freeze(cu)
	inv.AutoAdvance = advance
	inv.Total, inv.Due, inv.EndingBalance = total, max(0, left), &ending
	if inv.EffectiveAt == 0 {
		inv.EffectiveAt = c.now
	}
	if inv.DaysUntilDue > 0 {
		inv.DueDate = c.now + inv.DaysUntilDue*24*3600
	}
	t.touch(&inv.head)
	if inv.Due > 0 {
		pi := t.newIntent(c, inv.Customer, inv.ID, inv.Due, inv.Currency, "Payment for Invoice")
		inv.Intent = pi.ID
	}
	after := t.renderInvoice(inv)
	t.emit(c, "invoice.finalized", after)
	t.emitUpdate(c, "invoice.updated", before, after)
	t.s.mark(cu.ID) // sequence and balance
	if inv.StartingBalance != ending {
		t.emitUpdate(c, "customer.updated", custBefore, cu.render())
	}
	if inv.Due == 0 {
		t.markPaid(c, inv)
	}
	return nil
}

// markPaid moves an invoice to paid and tells of it. Stripe: invoice.paid
// always, invoice.payment_succeeded only after a payment.
func (t *Twin) markPaid(c *call, inv *invoice) {
	before := t.renderInvoice(inv)
	inv.Status, inv.PaidAt, inv.Attempted, inv.Paid = "paid", c.now, true, inv.Due
	t.touch(&inv.head)
	after := t.renderInvoice(inv)
	t.emitUpdate(c, "invoice.updated", before, after)
	t.emit(c, "invoice.paid", after)
	if inv.Charge != "" {
		t.emit(c, "invoice.payment_succeeded", after)
	}
}

// payInvoice takes the whole amount by card.
func (t *Twin) payInvoice(c *call, inv *invoice, method string) error {
	if err := payable(inv); err != nil {
		return err
	}
	pi := t.s.Intents.get(inv.Intent)
	if pi.Status == "processing" {
		return unexpected(pi, "confirm")
	}
	ch, err := t.pay(c, pi, method)
	inv.Charge, inv.Attempted = pi.Charge, true
	inv.Attempts++
	t.touch(&inv.head)
	switch {
	case err != nil:
		t.emit(c, "invoice.payment_failed", t.renderInvoice(inv))
	case ch.Status == "":
		t.markPaid(c, inv)
	}
	return err
}

func payable(inv *invoice) error {
	switch inv.Status {
	case "open":
		return nil
	case "paid":
		return refused("", "Invoice is already paid")
	case "draft":
		return refused("", "This invoice is a draft; finalize it first.")
	}
	return refused("", "You cannot pay an invoice with status %s.", inv.Status)
}

func finalizeInvoice(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	if err != nil {
		return nil, err
	}
	advance := c.form.boolean("auto_advance", inv.AutoAdvance)
	if c.form.err != nil {
		return nil, c.form.err
	}
	if err := t.finalize(c, inv, advance); err != nil {
		return nil, err
	}
	return t.renderInvoice(inv), nil
}

// payInvoice is POST /v1/invoices/{id}/pay. Stripe: a draft is finalised
// first.
func payInvoice(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	if err != nil {
		return nil, err
	}
	outside := c.form.boolean("paid_out_of_band", false)
	c.form.boolean("off_session", false)
	method := c.form.str("payment_method", 255)
	if c.form.err != nil {
		return nil, c.form.err
	}
	if inv.Status != "draft" {
		if err := payable(inv); err != nil {
			return nil, err
		}
	}
	if !outside {
		if err := usableMethod(method); err != nil {
			return nil, err
		}
	}
	if inv.Status == "draft" {
		if err := t.finalize(c, inv, inv.AutoAdvance); err != nil {
			return nil, err
		}
	}
	switch {
	case inv.Status == "paid": // finalising an invoice of nothing paid it
	case outside:
		inv.OutOfBand = true
		t.cancelIntent(c, inv, "")
		t.markPaid(c, inv)
	default:
		if err := t.payInvoice(c, inv, method); err != nil {
			return nil, err
		}
	}
	return t.renderInvoice(inv), nil
}

// usableMethod accepts the test payment methods that the twin knows. Customers of the
// twin have no stored payment methods.
func usableMethod(id string) error {
	if _, ok := declines(id); ok {
		return nil
	}
	if _, ok := delayed(id); ok {
		return nil
	}
	switch id {
	case "pm_card_visa", "pm_card_mastercard", "pm_card_us", "pm_card_bypassPending",
		"pm_card_createDispute", "pm_card_createDisputeInquiry":
		return nil
	case "":
		return refused("", "There is no `default_payment_method` set on this Customer or Invoice. Please set either `default_payment_method` or `default_source`.")
	}
	if len(id) > 8 && id[:8] == "pm_card_" {
		return notImplemented("the test card %s", id)
	}
	return missing("PaymentMethod", id, "payment_method", http.StatusBadRequest)
}

// unapply gives the customer back the balance that an invoice took, or takes
// back what it gave.
func (t *Twin) unapply(c *call, inv *invoice) {
	cu := t.s.Customers.get(inv.Customer)
	if cu == nil || cu.Currency != inv.Currency || inv.EndingBalance == nil || *inv.EndingBalance == inv.StartingBalance {
		return
	}
	t.addToBalance(c, cu, inv.StartingBalance-*inv.EndingBalance, balanceChange{Type: "unapplied_from_invoice", Invoice: inv.ID})
}

// voidInvoice: open (or uncollectible) only, and final.
func voidInvoice(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	if err != nil {
		return nil, err
	}
	if inv.Status != "open" {
		return nil, refused("", "You can only pass in open invoices. This invoice isn't open.")
	}
	before := t.renderInvoice(inv)
	inv.Status, inv.VoidedAt = "void", c.now
	t.touch(&inv.head)
	t.cancelIntent(c, inv, "void_invoice")
	t.unapply(c, inv)
	after := t.renderInvoice(inv)
	t.emitUpdate(c, "invoice.updated", before, after)
	t.emit(c, "invoice.voided", after)
	return after, nil
}
