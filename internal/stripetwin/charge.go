package stripetwin

import (
	"maps"
	"net/http"
	"strings"
)

// A charge is one try to take the money of an intent.
type charge struct {
	head
	Intent, Invoice, Customer, Currency, Description, Method string
	Amount                                                   int64
	Move                                                     string // its balance transaction
	Name, Email, Phone                                       string // of the payer
	Address                                                  *address
	Shipping                                                 *shipping
	Test                                                     string // what its payment method was made of
	Status                                                   string // "" is succeeded
	Uncaptured                                               int64  // part of Amount that was not taken
	FailureCode, FailureText, FailureMove                    string // the first two also while a payment that will fail is pending
	DueAt                                                    int64  // when a pending payment ends
	Instant                                                  bool   // available at once when captured
	Dispute                                                  string
	Refunded                                                 int64 // sum of the refunds that did not fail
}

func chargeColumns() []column[charge] {
	customer := func(ch *charge) string { return ch.Customer }
	return []column[charge]{
		by("payment_intent", func(ch *charge) string { return ch.Intent }),
		by("customer", customer),
		searchable(map[string]func(*charge) string{"customer": customer}),
		dueAt(func(ch *charge) int64 {
			if ch.Status != "pending" {
				return 0
			}
			return ch.DueAt
		}),
	}
}

func (ch *charge) captured() int64 { return ch.Amount - ch.Uncaptured }

// moveType picks the type of a balance transaction. Stripe: methods that are
// not cards make objects py_… and pyr_… with types of their own.
func (ch *charge) moveType(card, other string) string {
	if strings.HasPrefix(ch.ID, "py_") {
		return other
	}
	return card
}

func (t *Twin) newCharge(c *call, pi *intent, m *paymentMethod, instant bool) *charge {
	ch := t.baseCharge(c, pi, t.newID("ch_3", 23), m)
	ch.Move = t.newChargeMove(c, ch, instant).ID
	t.touch(&ch.head)
	return ch
}

// baseCharge makes a charge that has moved no money yet.
func (t *Twin) baseCharge(c *call, pi *intent, id string, m *paymentMethod) *charge {
	ch := &charge{
		head: t.newHead(c, id), Intent: pi.ID, Invoice: pi.Invoice, Customer: pi.Customer,
		Currency: pi.Currency, Description: pi.Description, Method: m.ID, Test: m.Test, Amount: pi.Amount, Shipping: pi.Shipping,
	}
	if cu := t.s.Customers.get(pi.Customer); cu != nil {
		ch.Name, ch.Email, ch.Phone = cu.Name, cu.Email, cu.Phone
	}
	ch.Name, ch.Email, ch.Phone, ch.Address = orElse(m.Name, ch.Name), orElse(m.Email, ch.Email), orElse(m.Phone, ch.Phone), m.Address
	t.s.Charges.put(ch)
	return ch
}

// render leaves out refunds. Stripe: absent unless expanded.
func (ch *charge) render() object {
	authorised := ch.Status == "" && ch.Move == "" // but not captured
	failed := ch.Status == "failed"
	var code, text string
	if failed {
		code, text = ch.FailureCode, ch.FailureText
	}
	return object{
		"id": ch.ID, "object": "charge", "livemode": false, "created": ch.Created, "currency": ch.Currency,
		"amount": ch.Amount, "amount_captured": ch.captured(), "amount_refunded": ch.Refunded, "captured": !authorised && (!failed || ch.Move != ""), "paid": ch.Status == "",
		"refunded": ch.Refunded == ch.Amount, "disputed": ch.Dispute != "", "dispute": orNull(ch.Dispute), "status": orElse(ch.Status, "succeeded"),
		"balance_transaction": orNull(ch.Move), "customer": orNull(ch.Customer), "invoice": orNull(ch.Invoice),
		"payment_intent": ch.Intent, "payment_method": ch.Method, "description": orNull(ch.Description),
		"application": nil, "application_fee": nil, "application_fee_amount": nil,
		"billing_details": object{
			"address": orBlank(ch.Address), "email": orNull(ch.Email), "name": orNull(ch.Name), "phone": orNull(ch.Phone),
		},
		"calculated_statement_descriptor": "MILLRACE", "failure_balance_transaction": orNull(ch.FailureMove), "failure_code": orNull(code),
		"failure_message": orNull(text), "fraud_details": object{}, "metadata": metadataOf(ch.Metadata), "on_behalf_of": nil,
		"outcome":                outcome(failed),
		"payment_method_details": ch.methodDetails(),
		"receipt_email":          nil, "receipt_number": nil, "receipt_url": nil, "review": nil, "shipping": ch.Shipping.render(),
		"source_transfer": nil, "statement_descriptor": nil, "statement_descriptor_suffix": nil,
		"transfer_data": nil, "transfer_group": nil,
	}
}

// cardDetails adds to what is known of a card what only a charge has.
func cardDetails(f face, amount int64) object {
	o := f.details()
	maps.Copy(o, object{
		"amount_authorized":         amount,
		"extended_authorization":    object{"status": "disabled"},
		"incremental_authorization": object{"status": "unavailable"},
		"installments":              nil,
		"mandate":                   nil,
		"multicapture":              object{"status": "unavailable"},
		"network":                   f.brand,
		"network_token":             object{"used": false},
		"overcapture":               object{"maximum_amount_capturable": amount, "status": "unavailable"},
		"three_d_secure":            nil,
	})
	return o
}

func getCharge(t *Twin, c *call) (object, error) {
	ch := t.s.Charges.get(c.id)
	if ch == nil {
		return nil, missing("charge", c.id, "id", http.StatusNotFound)
	}
	return ch.render(), nil
}

func listCharges(t *Twin, c *call) (object, error) {
	cust, pi, created := c.form.str("customer", 255), c.form.str("payment_intent", 255), createdFilter(c)
	return page(c, t.s.Charges.find(eq{"payment_intent": pi, "customer": cust}, created, nil), "charge", (*charge).render)
}

func outcome(failed bool) object {
	o := object{
		"network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "risk_score": int64(20),
		"seller_message": "Payment complete.", "type": "authorized",
	}
	if failed {
		o["network_status"], o["reason"], o["type"] = "declined_by_network", "generic_decline", "issuer_declined"
		o["seller_message"] = "The bank did not return any further details with this decline."
	}
	return o
}

func (ch *charge) methodDetails() object {
	f, _ := faces(ch.Test)
	if f.typ == "card" {
		return object{"type": f.typ, f.typ: cardDetails(f, ch.Amount)}
	}
	o := object{"type": f.typ, f.typ: f.details()}
	if f.typ == "sepa_debit" {
		o[f.typ].(object)["mandate"] = nil //nolint:forcetypeassert // made one line above
	}
	return o
}

func searchCharges(t *Twin, c *call) (object, error) {
	return search(t, c, t.s.Charges, (*charge).render)
}
