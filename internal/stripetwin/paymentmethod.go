package stripetwin

import (
	"net/http"
	"slices"
	"strings"
)

// A paymentMethod is a way to pay. What it does is what the test payment
// method does that it was made of. Stripe: without a customer it pays once.
type paymentMethod struct {
	head
	Test               string // pm_card_visa, …
	Customer           string
	Spent              bool // used without a customer, or detached
	Name, Email, Phone string
	Address            *address
}

func methodColumns() []column[paymentMethod] {
	return []column[paymentMethod]{by("customer", func(m *paymentMethod) string { return m.Customer })}
}

func (m *paymentMethod) face() face {
	f, _ := faces(m.Test)
	return f
}

func (m *paymentMethod) billing() object {
	return object{"address": orBlank(m.Address), "email": orNull(m.Email), "name": orNull(m.Name), "phone": orNull(m.Phone)}
}

func orBlank(a *address) any {
	if a == nil {
		a = &address{}
	}
	return a.render()
}

func (m *paymentMethod) render() object {
	f := m.face()
	details := f.details()
	switch f.typ {
	case "card":
		details["generated_from"] = nil
		details["networks"] = object{"available": []any{f.brand}, "preferred": nil}
		details["three_d_secure_usage"] = object{"supported": true}
	case "us_bank_account":
		details["financial_connections_account"] = nil
		details["networks"] = object{"preferred": "ach", "supported": []any{"ach", "us_domestic_wire"}}
		details["status_details"] = object{}
	case "sepa_debit":
		details["generated_from"] = object{"charge": nil, "setup_attempt": nil}
	}
	return object{
		"id": m.ID, "object": "payment_method", "billing_details": m.billing(), "created": m.Created, "customer": orNull(m.Customer),
		"livemode": false, "metadata": metadataOf(m.Metadata), "type": f.typ, f.typ: details,
	}
}

// billingFrom reads billing_details.
func (m *paymentMethod) billingFrom(f *form) {
	b := f.sub("billing_details")
	if b == nil {
		return
	}
	b.only("address", "email", "name", "phone")
	b.set(&m.Name, "name", 5000)
	b.set(&m.Email, "email", 512)
	b.set(&m.Phone, "phone", 5000)
	if b.has("address") {
		m.Address = addressFrom(b.sub("address"))
	}
}

func createMethod(t *Twin, c *call) (object, error) {
	f := c.form
	m := &paymentMethod{}
	m.billingFrom(f)
	meta := f.metadata(nil)
	typ := f.str("type", 100)
	if typ == "" {
		return nil, missingParam("type")
	}
	if typ != "card" && typ != "sepa_debit" && typ != "us_bank_account" {
		return nil, notImplemented("payment methods of type %q", typ)
	}
	details := f.sub(typ)
	if details == nil {
		return nil, missingParam(typ)
	}
	var ok bool
	switch typ {
	case "card":
		details.only("cvc", "exp_month", "exp_year", "number", "token")
		if token := details.str("token", 255); token != "" {
			if m.Test, ok = byToken(token); !ok {
				return nil, missing("token", token, "card[token]", http.StatusBadRequest)
			}
			break
		}
		if m.Test, ok = byNumber(details.str("number", 40)); !ok {
			return nil, refused("incorrect_number", "Your card number is incorrect.")
		}
	case "sepa_debit":
		details.only("iban")
		if m.Test, ok = byNumber(details.str("iban", 40)); !ok {
			return nil, invalid("invalid_bank_account_iban", "sepa_debit[iban]", "The IBAN you provided is invalid.")
		}
	default:
		details.only("account_holder_type", "account_number", "account_type", "routing_number")
		if m.Test, ok = byAccount(details.str("account_number", 40)); !ok {
			return nil, invalid("account_number_invalid", "us_bank_account[account_number]", "The bank account number you provided is not one of the test account numbers.")
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	t.addMethod(c, m, meta)
	return m.render(), nil
}

// byAccount names the test payment method of a US bank account number.
func byAccount(number string) (string, bool) {
	id, ok := map[string]string{
		"000123456789": "pm_usBankAccount_success", "000111111113": "pm_usBankAccount_accountClosed",
		"000111111116": "pm_usBankAccount_noAccount", "000222222227": "pm_usBankAccount_insufficientFunds",
	}[number]
	return id, ok
}

func (t *Twin) addMethod(c *call, m *paymentMethod, meta map[string]string) {
	m.head = t.newHead(c, t.newID("pm_1", 23))
	if meta != nil {
		m.Metadata = meta
	}
	t.s.Methods.put(m)
}

// usable reports why a payment method cannot pay for the customer ("" is a
// guest).
func (t *Twin) usable(id, customer string) error {
	if id == "" {
		return refused("", "There is no `default_payment_method` set on this Customer or Invoice. Please set either `default_payment_method` or `default_source`.")
	}
	if _, ok := faces(id); ok {
		return nil
	}
	m := t.s.Methods.get(id)
	switch {
	case m == nil && strings.HasPrefix(id, "pm_card_"):
		return notImplemented("the test card %s", id)
	case m == nil:
		return missing("PaymentMethod", id, "payment_method", http.StatusBadRequest)
	case m.Spent:
		return refused("", "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.")
	case m.Customer != "" && customer == "":
		return refused("", "The PaymentMethod %s belongs to the Customer %s. Please include the Customer in the `customer` parameter on the PaymentIntent.", id, m.Customer)
	case m.Customer != "" && m.Customer != customer:
		return refused("", "The customer does not have a payment method with the ID %s. The payment method must be attached to the customer.", id)
	}
	return nil
}

// testOf is the test payment method that the one with the id was made of.
func (t *Twin) testOf(id string) string {
	if m := t.s.Methods.get(id); m != nil {
		return m.Test
	}
	return id
}

// use returns the payment method with a usable id, which it makes when the id
// is one of the test payment methods.
func (t *Twin) use(c *call, id string) *paymentMethod {
	m := t.s.Methods.get(id)
	if m == nil {
		m = &paymentMethod{Test: id}
		t.addMethod(c, m, nil)
	}
	return m
}

// attach gives a payment method to a customer, which is tried first. Stripe: a
// card that is always declined cannot be attached.
func (t *Twin) attach(c *call, id string, cu *customer) (*paymentMethod, error) {
	m, test := t.s.Methods.get(id), t.testOf(id)
	if _, ok := faces(test); !ok {
		return nil, t.usable(id, cu.ID)
	}
	if d, bad := declines(test); bad && test != "pm_card_chargeCustomerFail" {
		return nil, d.refusal()
	}
	if m == nil {
		m = &paymentMethod{Test: id}
		t.addMethod(c, m, nil)
	}
	switch {
	case m.Customer == cu.ID:
		return m, nil
	case m.Customer != "":
		return nil, refused("", "The payment method you provided has already been attached to a customer.")
	case m.Spent:
		return nil, t.usable(id, cu.ID)
	}
	m.Customer = cu.ID
	t.touch(&m.head)
	t.emit(c, "payment_method.attached", m.render())
	return m, nil
}

func attachMethod(t *Twin, c *call) (object, error) {
	cu, err := t.customerParam(c)
	if err != nil {
		return nil, err
	}
	m, err := t.attach(c, c.id, cu)
	if err != nil {
		return nil, err
	}
	return m.render(), nil
}

func detachMethod(t *Twin, c *call) (object, error) {
	m, err := t.paymentMethod(c.id)
	if err != nil {
		return nil, err
	}
	if m.Customer == "" {
		return nil, refused("", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	before := m.render()
	if cu := t.s.Customers.get(m.Customer); cu != nil && cu.Method == m.ID {
		was := cu.render()
		cu.Method = ""
		t.touch(&cu.head)
		t.emitUpdate(c, "customer.updated", was, cu.render())
	}
	m.Customer, m.Spent = "", true
	t.touch(&m.head)
	t.emitUpdate(c, "payment_method.detached", before, m.render())
	return m.render(), nil
}

func (t *Twin) paymentMethod(id string) (*paymentMethod, error) {
	m := t.s.Methods.get(id)
	if m == nil {
		return nil, missing("PaymentMethod", id, "payment_method", http.StatusNotFound)
	}
	return m, nil
}

func getMethod(t *Twin, c *call) (object, error) {
	m, err := t.paymentMethod(c.id)
	if err != nil {
		return nil, err
	}
	return m.render(), nil
}

func updateMethod(t *Twin, c *call) (object, error) {
	m, err := t.paymentMethod(c.id)
	if err != nil {
		return nil, err
	}
	changed := *m
	changed.billingFrom(c.form)
	changed.Metadata = c.form.metadata(m.Metadata)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case m.Customer == "":
		return nil, refused("", "You must save this PaymentMethod to a customer before you can update it.")
	}
	before := m.render()
	*m = changed
	t.touch(&m.head)
	t.emitUpdate(c, "payment_method.updated", before, m.render())
	return m.render(), nil
}

// listMethods lists the payment methods of the customer in the path or in the
// parameters.
func listMethods(t *Twin, c *call) (object, error) {
	cust, typ := c.form.str("customer", 255), c.form.str("type", 100)
	status, name := http.StatusBadRequest, "customer"
	if strings.HasPrefix(c.path, "/v1/customers/") {
		cust, status, name = c.id, http.StatusNotFound, "id"
	}
	if cust == "" {
		return nil, missingParam("customer")
	}
	if t.customer(cust) == nil {
		return nil, missing("customer", cust, name, status)
	}
	rows := t.s.Methods.find(eq{"customer": cust}, always, func(m *paymentMethod) bool { return typ == "" || m.face().typ == typ })
	return page(c, rows, "payment method", (*paymentMethod).render)
}

func methodRoutes() []route {
	later := []string{"payment_method", "customer", "radar_options"}
	return []route{
		post("/v1/payment_methods", createMethod, "billing_details", "card", "metadata", "sepa_debit", "type", "us_bank_account").with(later...),
		list("/v1/payment_methods", listMethods, "customer", "type"),
		list("/v1/customers/{id}/payment_methods", listMethods, "type"),
		get("/v1/payment_methods/{id}", getMethod),
		post("/v1/payment_methods/{id}", updateMethod, "billing_details", "metadata").with("card", "link", "us_bank_account"),
		post("/v1/payment_methods/{id}/attach", attachMethod, "customer"),
		post("/v1/payment_methods/{id}/detach", detachMethod),
	}
}

// defaultMethod is what a customer's invoices are paid with: the first of the
// given ids, else the customer's default. "" when there is none.
func (t *Twin) defaultMethod(customerID string, ids ...string) string {
	if i := slices.IndexFunc(ids, func(id string) bool { return id != "" }); i >= 0 {
		return ids[i]
	}
	if cu := t.s.Customers.get(customerID); cu != nil {
		return cu.Method
	}
	return ""
}
