package stripetwin

import (
	"net/http"
	"strings"
)

// An intent is a payment intent: the payment of one amount, however many
// charges it takes.
type intent struct {
	head
	Customer, Invoice, Currency, Description string
	Amount, Received                         int64
	Status, Method, Charge                   string
	Secret                                   string // the random part of client_secret
	CanceledAt                               int64
	CancelReason                             string
	Manual                                   bool     // capture_method
	Types                                    []string // payment_method_types; none is card
	Failure                                  *failure
	Shipping                                 *shipping
	Later                                    string // setup_future_usage
	ConfirmManual                            bool   // confirmation_method
	Session                                  string // the checkout session that it pays
}

// A failure is why the last try to pay an intent failed.
type failure struct{ Cause, Reason, Text, Charge string }

func (f *failure) render() any {
	if f == nil {
		return nil
	}
	o := object{
		"code": f.Cause, "message": f.Text, "type": "card_error",
		"doc_url": "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(f.Cause, "_", "-"),
	}
	if f.Reason != "" {
		o["decline_code"] = f.Reason
	}
	if f.Charge != "" {
		o["charge"] = f.Charge
	}
	return o
}

func intentColumns() []column[intent] {
	customer := func(pi *intent) string { return pi.Customer }
	return []column[intent]{by("customer", customer), searchable(map[string]func(*intent) string{"customer": customer})}
}

func (pi *intent) render() object {
	types := []any{}
	for _, typ := range pi.Types {
		types = append(types, typ)
	}
	if len(types) == 0 {
		types = append(types, "card")
	}
	capture, capturable := "automatic", int64(0)
	if pi.Manual {
		capture = "manual"
	}
	confirmation := "automatic"
	if pi.ConfirmManual {
		confirmation = "manual"
	}
	if pi.Status == "requires_capture" {
		capturable = pi.Amount
	}
	return object{
		"id": pi.ID, "object": "payment_intent", "livemode": false, "created": pi.Created, "amount": pi.Amount,
		"amount_capturable": capturable, "amount_received": pi.Received, "amount_details": object{"tip": object{}},
		"application": nil, "application_fee_amount": nil, "automatic_payment_methods": nil,
		"canceled_at": timeOrNull(pi.CanceledAt), "cancellation_reason": orNull(pi.CancelReason),
		"capture_method": capture, "client_secret": pi.ID + "_secret_" + pi.Secret, "confirmation_method": confirmation,
		"currency": pi.Currency, "customer": orNull(pi.Customer), "description": orNull(pi.Description),
		"invoice": orNull(pi.Invoice), "last_payment_error": pi.Failure.render(), "latest_charge": orNull(pi.Charge),
		"metadata": metadataOf(pi.Metadata), "next_action": pi.nextAction(), "on_behalf_of": nil, "payment_method": orNull(pi.Method),
		"payment_method_configuration_details": nil, "payment_method_options": object{},
		"payment_method_types": types, "processing": nil, "receipt_email": nil, "review": nil,
		"setup_future_usage": orNull(pi.Later), "shipping": pi.Shipping.render(), "statement_descriptor": nil, "statement_descriptor_suffix": nil,
		"status": pi.Status, "transfer_data": nil, "transfer_group": nil,
	}
}

func (t *Twin) newIntent(c *call, customerID, invoiceID string, amount int64, currency, description string) *intent {
	return t.newIntentWith(c, &intent{
		Customer: customerID, Invoice: invoiceID, Currency: currency, Description: description, Amount: amount,
	}, nil)
}

func (t *Twin) newIntentWith(c *call, pi *intent, meta map[string]string) *intent {
	pi.head, pi.Status, pi.Secret = t.newHead(c, t.newID("pi_3", 23)), "requires_payment_method", t.newID("", 25)
	pi.Metadata = meta
	t.s.Intents.put(pi)
	t.emit(c, "payment_intent.created", pi.render())
	return pi
}

// settle pays an intent in full with a card that works.
func (t *Twin) settle(c *call, pi *intent, m *paymentMethod) *charge {
	ch := t.newCharge(c, pi, m, m.Test == "pm_card_bypassPending")
	pi.Status, pi.Received, pi.Method, pi.Charge = "succeeded", pi.Amount, ch.Method, ch.ID
	pi.Failure = nil
	t.touch(&pi.head)
	t.emit(c, "charge.succeeded", ch.render())
	t.emit(c, "payment_intent.succeeded", pi.render())
	if m.Test == "pm_card_createDispute" || m.Test == "pm_card_createDisputeInquiry" {
		_, _ = t.openDispute(c, ch, "fraudulent", m.Test == "pm_card_createDisputeInquiry") // a new charge can be disputed
	}
	return ch
}

// cancelIntent ends the intent of an invoice that will not be paid through it.
func (t *Twin) cancelIntent(c *call, inv *invoice, reason string) {
	pi := t.s.Intents.get(inv.Intent)
	if pi != nil && pi.Status != "processing" { // a payment under way ends by itself
		t.cancel(c, pi, reason)
	}
}

func (t *Twin) cancel(c *call, pi *intent, reason string) {
	pi.Status, pi.CanceledAt, pi.CancelReason = "canceled", c.now, reason
	t.touch(&pi.head)
	t.emit(c, "payment_intent.canceled", pi.render())
}

func getIntent(t *Twin, c *call) (object, error) {
	pi := t.s.Intents.get(c.id)
	if pi == nil {
		return nil, missing("payment_intent", c.id, "intent", http.StatusNotFound)
	}
	return pi.render(), nil
}

func listIntents(t *Twin, c *call) (object, error) {
	cust, created := c.form.str("customer", 255), createdFilter(c)
	return page(c, t.s.Intents.find(eq{"customer": cust}, created, nil), "payment_intent", (*intent).render)
}

func searchIntents(t *Twin, c *call) (object, error) {
	return search(t, c, t.s.Intents, (*intent).render)
}
