package stripetwin

import (
	"context"
	"net/http"
)

// challenged are the test cards whose payments wait until the buyer has
// proved at the bank who he is.
func challenged(test string) bool {
	return test == "pm_card_authenticationRequired" || test == "pm_card_threeDSecure2Required"
}

// challenge makes an intent wait for its buyer. Stripe: no charge before that.
func (t *Twin) challenge(c *call, pi *intent, m *paymentMethod) {
	pi.Status, pi.Method, pi.Failure = "requires_action", m.ID, nil
	t.touch(&pi.head)
	t.emit(c, "payment_intent.requires_action", pi.render())
}

func (pi *intent) nextAction() any {
	if pi.Status != "requires_action" {
		return nil
	}
	return object{"type": "use_stripe_sdk", "use_stripe_sdk": object{}}
}

// spend notes who uses a payment method. Stripe: with setup_future_usage the
// customer keeps it, and without a customer it cannot be used again.
func (t *Twin) spend(c *call, pi *intent, m *paymentMethod) {
	if m.Customer != "" {
		return
	}
	if cu := t.s.Customers.get(pi.Customer); cu != nil && pi.Later != "" {
		if _, err := t.attach(c, m.ID, cu); err == nil {
			return
		}
	}
	m.Spent = true
	t.touch(&m.head)
}

// Authenticate lets the buyer pass or fail the challenge that an intent waits
// for.
func (t *Twin) Authenticate(ctx context.Context, intentID string, passed bool) error {
	return t.as(ctx, func(c *call) error {
		pi := t.s.Intents.get(intentID)
		switch {
		case pi == nil:
			return missing("payment_intent", intentID, "intent", http.StatusNotFound)
		case pi.Status != "requires_action":
			return unexpected(pi, "authenticate")
		}
		inv, m := t.s.Invoices.get(pi.Invoice), t.s.Methods.get(pi.Method)
		if !passed {
			_ = t.declineCard(c, pi, unauthenticated(), m) // that it fails is what was asked for
			if inv != nil {
				t.invoiceFailed(c, inv, t.renderInvoice(inv))
			}
			return nil
		}
		ch := t.takePayment(c, pi, m)
		if inv != nil {
			inv.Charge = ch.ID
			t.markPaid(c, inv)
		}
		return nil
	})
}

func unauthenticated() decline {
	return decline{
		code:    "payment_intent_authentication_failure",
		message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
	}
}

// actionRequired is the answer of an invoice whose payment waits for its
// buyer.
func actionRequired(inv *invoice) error {
	return &apiError{
		status: http.StatusPaymentRequired, typ: "card_error", code: "invoice_payment_intent_requires_action", executed: true,
		msg: "Payment for this invoice requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with invoice '" + inv.ID + "'.",
	}
}

func (t *Twin) controlAuthenticate(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Intent string `json:"payment_intent"`
		Fail   bool   `json:"fail"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	if err := t.Authenticate(req.Context(), in.Intent, !in.Fail); err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"payment_intent": in.Intent})
}
