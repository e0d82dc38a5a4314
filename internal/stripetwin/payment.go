package stripetwin

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
	inv.AutoAdvance, inv.FinalizeAt = advance, 0
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
	inv.schedule(c.now)
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
	inv.Status, inv.PaidAt, inv.Attempted, inv.Paid, inv.AttemptAt = "paid", c.now, true, inv.Due, 0
	t.touch(&inv.head)
	after := t.renderInvoice(inv)
	t.emitUpdate(c, "invoice.updated", before, after)
	t.emit(c, "invoice.paid", after)
	if ch := t.s.Charges.get(inv.Charge); ch != nil && ch.Status == "" { // not one that failed before
		t.emit(c, "invoice.payment_succeeded", after)
	}
	t.subscriptionPaid(c, inv)
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
	before := t.renderInvoice(inv)
	ch, err := t.pay(c, pi, method)
	inv.Charge, inv.Attempted = pi.Charge, true
	inv.Attempts++
	t.touch(&inv.head)
	switch {
	case err != nil:
		t.invoiceFailed(c, inv, before)
	case ch == nil:
		t.emitUpdate(c, "invoice.updated", before, t.renderInvoice(inv))
		t.emit(c, "invoice.payment_action_required", t.renderInvoice(inv))
		return actionRequired(inv)
	case ch.Status == "":
		t.markPaid(c, inv)
	default: // pending: Stripe trusts a bank account for a new subscription
		t.subscriptionPaid(c, inv)
	}
	return err
}

func payable(inv *invoice) error {
	switch inv.Status {
	case "open", "uncollectible":
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
	method := t.defaultMethod(inv.Customer, c.form.str("payment_method", 255), inv.Method)
	if c.form.err != nil {
		return nil, c.form.err
	}
	if inv.Status != "draft" {
		if err := payable(inv); err != nil {
			return nil, err
		}
	}
	if !outside {
		if err := t.usable(method, inv.Customer); err != nil {
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
	if inv.Status != "open" && inv.Status != "uncollectible" {
		return nil, refused("", "You can only pass in open invoices. This invoice isn't open.")
	}
	t.void(c, inv)
	return t.renderInvoice(inv), nil
}

func (t *Twin) void(c *call, inv *invoice) {
	before := t.renderInvoice(inv)
	inv.Status, inv.VoidedAt, inv.AttemptAt = "void", c.now, 0
	t.touch(&inv.head)
	t.cancelIntent(c, inv, "void_invoice")
	t.unapply(c, inv)
	after := t.renderInvoice(inv)
	t.emitUpdate(c, "invoice.updated", before, after)
	t.emit(c, "invoice.voided", after)
}
