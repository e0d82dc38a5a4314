package stripetwin

import "net/http"

// A decline is why a payment method does not pay.
type decline struct{ code, reason, message string }

// declines are Stripe's test cards that are declined.
func declines(method string) (decline, bool) {
	d, ok := map[string]decline{
		"pm_card_chargeDeclined":                  {"card_declined", "generic_decline", "Your card was declined."},
		"pm_card_visa_chargeDeclined":             {"card_declined", "generic_decline", "Your card was declined."},
		"pm_card_chargeCustomerFail":              {"card_declined", "generic_decline", "Your card was declined."},
		"pm_card_chargeDeclinedInsufficientFunds": {"card_declined", "insufficient_funds", "Your card has insufficient funds."},
		"pm_card_chargeDeclinedExpiredCard":       {"expired_card", "", "Your card has expired."},
		"pm_card_chargeDeclinedIncorrectCvc":      {"incorrect_cvc", "", "Your card's security code is incorrect."},
		"pm_card_chargeDeclinedProcessingError":   {"processing_error", "", "An error occurred while processing your card. Try again in a little bit."},
	}[method]
	return d, ok
}

// delayed are Stripe's test bank accounts: their payments are pending for
// days, and then succeed (an empty code) or fail.
func delayed(method string) (decline, bool) {
	d, ok := map[string]decline{
		"pm_usBankAccount_success":           {},
		"pm_usBankAccount_accountClosed":     {"account_closed", "", "The customer's bank account has been closed."},
		"pm_usBankAccount_insufficientFunds": {"insufficient_funds", "", "The customer's account has insufficient funds to cover this payment."},
		"pm_sepaDebit_success":               {},
		"pm_sepaDebit_failed":                {"generic_could_not_process", "", "The bank could not process the payment."},
		"pm_usBankAccount_noAccount":         {"no_account", "", "The customer's bank account could not be located."},
	}[method]
	return d, ok
}

// delayDays is how long a payment from a bank account is pending.
const delayDays = 4

// pay tries to pay an intent. What it answers is kept also when it is a
// decline: error 402.
func (t *Twin) pay(c *call, pi *intent, method string) (*charge, error) {
	m := t.use(c, method)
	if d, bad := declines(m.Test); bad {
		return nil, t.declineCard(c, pi, d, m)
	}
	if challenged(m.Test) {
		t.challenge(c, pi, m)
		return nil, nil
	}
	return t.takePayment(c, pi, m), nil
}

// takePayment begins or makes the payment with a method that is not declined.
func (t *Twin) takePayment(c *call, pi *intent, m *paymentMethod) *charge {
	t.spend(c, pi, m)
	if d, slow := delayed(m.Test); slow {
		return t.startDelayed(c, pi, d, m)
	}
	if pi.Manual {
		return t.authorize(c, pi, m)
	}
	return t.settle(c, pi, m)
}

// refusal is the answer for a card that is declined without a charge.
func (d decline) refusal() *apiError {
	code := d.code
	e := &apiError{status: http.StatusPaymentRequired, typ: "card_error", code: code, msg: d.message, executed: true, extra: object{}}
	if d.reason != "" {
		e.extra["decline_code"] = d.reason
	}
	return e
}

func (t *Twin) declineCard(c *call, pi *intent, d decline, m *paymentMethod) error {
	ch := t.baseCharge(c, pi, t.newID("ch_3", 23), m)
	ch.Status, ch.Uncaptured, ch.FailureCode, ch.FailureText = "failed", ch.Amount, d.code, d.message
	pi.Status, pi.Charge, pi.Failure = "requires_payment_method", ch.ID, &failure{Cause: d.code, Reason: d.reason, Text: d.message, Charge: ch.ID}
	t.touch(&pi.head)
	t.emit(c, "charge.failed", ch.render())
	t.emit(c, "payment_intent.payment_failed", pi.render())
	e := d.refusal()
	e.extra["charge"], e.extra["payment_intent"] = ch.ID, pi.render()
	return e
}

// startDelayed begins a payment from a bank account. Stripe: its balance
// transaction exists from the start, and is pending.
func (t *Twin) startDelayed(c *call, pi *intent, d decline, m *paymentMethod) *charge {
	ch := t.baseCharge(c, pi, t.newID("py_3", 23), m)
	ch.Status, ch.DueAt, ch.FailureCode, ch.FailureText = "pending", midnight(c.now, delayDays), d.code, d.message
	ch.Move = t.newChargeMove(c, ch, false).ID
	t.touch(&ch.head)
	pi.Status, pi.Method, pi.Charge, pi.Failure = "processing", ch.Method, ch.ID, nil
	t.touch(&pi.head)
	t.emit(c, "charge.pending", ch.render())
	t.emit(c, "payment_intent.processing", pi.render())
	return ch
}

// endDelayed says how a pending payment ended.
func (t *Twin) endDelayed(c *call, ch *charge) {
	pi, inv := t.s.Intents.get(ch.Intent), t.s.Invoices.get(ch.Invoice)
	ch.Status = ""
	t.touch(&ch.head)
	t.touch(&pi.head)
	if ch.FailureCode == "" {
		pi.Status, pi.Received = "succeeded", ch.Amount
		t.emit(c, "charge.succeeded", ch.render())
		t.emit(c, "payment_intent.succeeded", pi.render())
		t.sessionPaid(c, pi, true)
		if inv != nil && (inv.Status == "open" || inv.Status == "uncollectible") {
			inv.Charge = ch.ID
			t.markPaid(c, inv)
		}
		return
	}
	pi.Status = "requires_payment_method"
	pi.Failure = &failure{Cause: ch.FailureCode, Text: ch.FailureText, Charge: ch.ID}
	t.failCharge(c, ch)
	t.emit(c, "payment_intent.payment_failed", pi.render())
	t.sessionPaid(c, pi, false)
	if inv != nil && inv.Status == "open" {
		t.invoiceFailed(c, inv, t.renderInvoice(inv))
	}
}

// authorize holds the amount on the card. Stripe: no balance transaction
// before the capture.
func (t *Twin) authorize(c *call, pi *intent, m *paymentMethod) *charge {
	ch := t.baseCharge(c, pi, t.newID("ch_3", 23), m)
	ch.Uncaptured, ch.Instant = ch.Amount, m.Test == "pm_card_bypassPending"
	pi.Status, pi.Method, pi.Charge, pi.Failure = "requires_capture", ch.Method, ch.ID, nil
	t.touch(&pi.head)
	t.emit(c, "charge.succeeded", ch.render())
	t.emit(c, "payment_intent.amount_capturable_updated", pi.render())
	return ch
}

// capture takes what was authorised, or a part of it. Stripe: the charge is
// booked in full and the rest goes back as a refund of its own category.
func (t *Twin) capture(c *call, pi *intent, amount int64) {
	ch := t.s.Charges.get(pi.Charge)
	before := ch.render()
	ch.Uncaptured = ch.Amount - amount
	ch.Move = t.newChargeMove(c, ch, ch.Instant).ID
	t.touch(&ch.head)
	if ch.Uncaptured > 0 {
		t.newRefund(c, ch, ch.Uncaptured, "partial_capture_reversal", nil, t.s.Moves.get(ch.Move).AvailableOn)
	}
	pi.Status, pi.Received = "succeeded", amount
	t.touch(&pi.head)
	t.emitUpdate(c, "charge.captured", before, ch.render())
	t.emit(c, "payment_intent.succeeded", pi.render())
}
