package stripetwin

import "net/http"

func createIntent(t *Twin, c *call) (object, error) {
	f := c.form
	cust, amount, cur := f.str("customer", 255), f.integer("amount", 0), f.currency("")
	manual := f.choice("capture_method", "automatic", "automatic", "automatic_async", "manual") == "manual"
	description, method, meta := f.str("description", 1000), f.str("payment_method", 255), f.metadata(nil)
	confirm := f.boolean("confirm", false)
	f.boolean("off_session", false)
	f.str("return_url", 5000)
	if m := f.sub("mandate_data"); m != nil { // what the buyer agreed to, which nothing shows
		m.only("customer_acceptance")
	}
	f.choice("confirmation_method", "", "automatic", "manual")
	later := f.choice("setup_future_usage", "", "on_session", "off_session")
	sh := shippingFrom(f)
	switch {
	case f.err != nil:
		return nil, f.err
	case !f.has("amount"):
		return nil, missingParam("amount")
	case cur == "":
		return nil, missingParam("currency")
	case cust != "" && t.customer(cust) == nil:
		return nil, missing("customer", cust, "customer", http.StatusBadRequest)
	case confirm && method == "":
		return nil, missingParam("payment_method")
	}
	if err := payableAmount("amount", amount, cur); err != nil {
		return nil, err
	}
	if method != "" {
		if err := t.usable(method, cust); err != nil {
			return nil, err
		}
	}
	pi := t.newIntentWith(c, &intent{Customer: cust, Currency: cur, Description: description, Amount: amount, Manual: manual, Types: f.list("payment_method_types"), Shipping: sh, Later: later, ConfirmManual: f.str("confirmation_method", 20) == "manual"}, meta)
	if confirm {
		if _, err := t.pay(c, pi, method); err != nil {
			return nil, err
		}
	} else if method != "" {
		pi.Status, pi.Method = "requires_confirmation", t.use(c, method).ID
		t.touch(&pi.head)
	}
	return pi.render(), nil
}

func (t *Twin) intent(c *call) (*intent, error) {
	pi := t.s.Intents.get(c.id)
	if pi == nil {
		return nil, missing("payment_intent", c.id, "intent", http.StatusNotFound)
	}
	return pi, nil
}

func unexpected(pi *intent, verb string) error {
	return refused("payment_intent_unexpected_state", "You cannot %s this PaymentIntent because it has a status of %s.", verb, pi.Status)
}

func confirmIntent(t *Twin, c *call) (object, error) {
	pi, err := t.intent(c)
	if err != nil {
		return nil, err
	}
	method := orElse(c.form.str("payment_method", 255), pi.Method)
	c.form.boolean("off_session", false)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case pi.Status != "requires_payment_method" && pi.Status != "requires_confirmation" && pi.Status != "requires_action":
		return nil, unexpected(pi, "confirm")
	case pi.Invoice != "":
		return nil, notImplemented("confirming the PaymentIntent of an invoice (pay the invoice)")
	case method == "":
		return nil, unexpected(pi, "confirm")
	}
	if err := t.usable(method, pi.Customer); err != nil {
		return nil, err
	}
	if _, err := t.pay(c, pi, method); err != nil {
		return nil, err
	}
	return pi.render(), nil
}

func captureIntent(t *Twin, c *call) (object, error) {
	pi, err := t.intent(c)
	if err != nil {
		return nil, err
	}
	amount := c.form.integer("amount_to_capture", pi.Amount)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case pi.Status != "requires_capture":
		return nil, unexpected(pi, "capture")
	case amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount_to_capture", "This value must be greater than or equal to 1.")
	case amount > pi.Amount:
		return nil, refused("amount_too_large", "The amount to capture is greater than the amount that can be captured, %d.", pi.Amount)
	}
	t.capture(c, pi, amount)
	return pi.render(), nil
}

func cancelIntentCall(t *Twin, c *call) (object, error) {
	pi, err := t.intent(c)
	if err != nil {
		return nil, err
	}
	reason := c.form.choice("cancellation_reason", "", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case pi.Status == "succeeded" || pi.Status == "canceled" || pi.Status == "processing" || pi.Invoice != "":
		return nil, unexpected(pi, "cancel")
	}
	if ch := t.s.Charges.get(pi.Charge); ch != nil && pi.Status == "requires_capture" { // Stripe: the hold ends as a refund without money
		before := ch.render()
		ch.Refunded = ch.Amount
		t.touch(&ch.head)
		t.emitUpdate(c, "charge.refunded", before, ch.render())
	}
	t.cancel(c, pi, reason)
	return pi.render(), nil
}
