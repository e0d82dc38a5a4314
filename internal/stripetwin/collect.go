package stripetwin

import "slices"

// finalizeAfter is how long, in seconds, a draft that goes on by itself stays
// a draft, and an invoice that was finalised by hand waits for its first try.
const finalizeAfter = 3600

// retryDays are the days from one failed try of a payment to the next one.
func retryDays() []int64 { return []int64{3, 5, 7} }

// schedule says when the invoice goes on by itself, if it does.
func (inv *invoice) schedule(now int64) {
	switch {
	case !inv.AutoAdvance:
		inv.FinalizeAt, inv.AttemptAt = 0, 0
	case inv.Status == "draft" && inv.FinalizeAt == 0:
		inv.FinalizeAt = now + finalizeAfter
	case inv.Status == "open" && inv.AttemptAt == 0 && inv.Attempts == 0 && inv.Collection == "charge_automatically":
		inv.AttemptAt = now + finalizeAfter
	}
}

// due is when the clock has something to do with the invoice.
func (inv *invoice) due() int64 {
	switch inv.Status {
	case "draft":
		return inv.FinalizeAt
	case "open":
		return inv.AttemptAt
	}
	return 0
}

// nextAttempt is what next_payment_attempt shows. Stripe: also for a draft.
func (inv *invoice) nextAttempt() int64 {
	if inv.Status == "draft" && inv.Collection == "charge_automatically" {
		return inv.FinalizeAt
	}
	return inv.due()
}

// advanceInvoice does what is due: a draft is finalised, an open invoice is
// charged. Stripe: what it finalises by itself it charges at once.
func (t *Twin) advanceInvoice(c *call, inv *invoice) {
	if inv.Status == "draft" {
		if err := t.finalize(c, inv, true); err != nil { // nothing on it: it stays a draft
			inv.AutoAdvance, inv.FinalizeAt = false, 0
			t.touch(&inv.head)
			return
		}
	}
	switch {
	case inv.Status != "open":
	case inv.Collection == "send_invoice":
		t.emit(c, "invoice.sent", t.renderInvoice(inv))
	default:
		t.collect(c, inv)
	}
}

// collect tries to charge the customer's default payment method.
func (t *Twin) collect(c *call, inv *invoice) {
	before := t.renderInvoice(inv)
	inv.AttemptAt = 0
	t.touch(&inv.head)
	var subMethod string
	if sub := t.s.Subs.get(inv.Sub); sub != nil {
		subMethod = sub.Method
	}
	method := t.defaultMethod(inv.Customer, inv.Method, subMethod)
	if t.usable(method, inv.Customer) != nil {
		inv.Attempted = true
		inv.Attempts++
		t.invoiceFailed(c, inv, before)
		return
	}
	_ = t.payInvoice(c, inv, method) // a decline is told by events
}

// invoiceFailed tells that a payment failed, and plans the next try.
func (t *Twin) invoiceFailed(c *call, inv *invoice, before object) {
	days := retryDays()
	last := true
	first := t.s.Subs.get(inv.Sub) // Stripe: the first invoice of a subscription is tried once
	if first != nil && first.Status != "incomplete" {
		first = nil
	}
	if first == nil && inv.AutoAdvance && inv.Collection == "charge_automatically" && inv.Status == "open" {
		if n := int(inv.Attempts); n > 0 && n <= len(days) {
			inv.AttemptAt, last = c.now+days[n-1]*24*3600, false
		}
	}
	t.touch(&inv.head)
	after := t.renderInvoice(inv)
	t.emitUpdate(c, "invoice.updated", before, after)
	t.emit(c, "invoice.payment_failed", after)
	t.subscriptionFailed(c, inv, last)
}

// writeOffInvoice is POST /v1/invoices/{id}/mark_uncollectible.
func writeOffInvoice(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	if err != nil {
		return nil, err
	}
	if inv.Status != "open" {
		return nil, refused("", "You can only mark an open invoice as uncollectible; this one is %s.", inv.Status)
	}
	before := t.renderInvoice(inv)
	inv.Status, inv.LostAt, inv.AutoAdvance, inv.AttemptAt = "uncollectible", c.now, false, 0
	t.touch(&inv.head)
	after := t.renderInvoice(inv)
	t.emitUpdate(c, "invoice.updated", before, after)
	t.emit(c, "invoice.marked_uncollectible", after)
	return after, nil
}

// sendInvoice finalises a draft and tells that the buyer has it. The twin
// sends no mail. Stripe: in test mode neither.
func sendInvoice(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	switch {
	case err != nil:
		return nil, err
	case inv.Collection != "send_invoice":
		return nil, refused("", "You can only manually send an invoice if its collection method is 'send_invoice'.")
	case !slices.Contains([]string{"draft", "open"}, inv.Status):
		return nil, refused("", "You can only send an open invoice; this one is %s.", inv.Status)
	}
	if inv.Status == "draft" {
		if err := t.finalize(c, inv, inv.AutoAdvance); err != nil {
			return nil, err
		}
	}
	o := t.renderInvoice(inv)
	t.emit(c, "invoice.sent", o)
	return o, nil
}
