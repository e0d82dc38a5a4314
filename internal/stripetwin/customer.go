package stripetwin

import (
	"net/http"
	"strings"
)

// A customer of the account.
type customer struct {
	head
	Email, Name, Phone, Description string
	Address                         *address
	Shipping                        *shipping
	Balance                         int64  // minor units; negative is credit that the next invoice takes
	Currency                        string // of the first invoice; "" before that
	TaxExempt                       string
	Locales                         []string
	InvoicePrefix                   string
	NextSequence                    int64
	Gone                            bool   // deleted; invoices still name it
	Method                          string // invoice_settings.default_payment_method
}

type address struct{ City, Country, Line1, Line2, PostalCode, State string }

func (a *address) render() any {
	if a == nil {
		return nil
	}
	return object{
		"city": orNull(a.City), "country": orNull(a.Country), "line1": orNull(a.Line1),
		"line2": orNull(a.Line2), "postal_code": orNull(a.PostalCode), "state": orNull(a.State),
	}
}

type shipping struct {
	Name, Phone string
	Address     *address
}

func (s *shipping) render() any {
	if s == nil {
		return nil
	}
	return object{"name": orNull(s.Name), "phone": orNull(s.Phone), "address": s.Address.render()}
}

func (cu *customer) render() object {
	return object{
		"id": cu.ID, "object": "customer", "address": cu.Address.render(), "balance": cu.Balance, "created": cu.Created,
		"currency": orNull(cu.Currency), "default_source": nil, "delinquent": false, "description": orNull(cu.Description),
		"discount": nil, "email": orNull(cu.Email), "invoice_prefix": cu.InvoicePrefix,
		"invoice_settings": object{
			"custom_fields": nil, "default_payment_method": orNull(cu.Method), "footer": nil, "rendering_options": nil,
		},
		"livemode": false, "metadata": metadataOf(cu.Metadata), "name": orNull(cu.Name),
		"next_invoice_sequence": cu.NextSequence, "phone": orNull(cu.Phone), "preferred_locales": strList(cu.Locales),
		"shipping": cu.Shipping.render(), "tax_exempt": cu.TaxExempt, "test_clock": nil,
	}
}

func customerColumns() []column[customer] {
	email := func(cu *customer) string { return cu.Email }
	return []column[customer]{
		by("email", email), // Stripe: case-sensitive
		searchable(map[string]func(*customer) string{
			"email": email, "name": func(cu *customer) string { return cu.Name }, "phone": func(cu *customer) string { return cu.Phone },
		}),
	}
}

func addressFrom(f *form) *address {
	if f == nil || f.leaf {
		return nil // absent, or emptied with address=
	}
	f.only("city", "country", "line1", "line2", "postal_code", "state")
	return &address{
		City: f.str("city", 5000), Country: f.str("country", 5000), Line1: f.str("line1", 5000),
		Line2: f.str("line2", 5000), PostalCode: f.str("postal_code", 5000), State: f.str("state", 5000),
	}
}

// shippingFrom reads shipping, which is nil when absent or emptied.
func shippingFrom(f *form) *shipping {
	sh := f.sub("shipping")
	if sh == nil || sh.leaf {
		return nil
	}
	sh.only("address", "carrier", "name", "phone", "tracking_number")
	return &shipping{Name: sh.str("name", 5000), Phone: sh.str("phone", 5000), Address: addressFrom(sh.sub("address"))}
}

// fields applies the parameters of create and update. Stripe: name up to 256
// characters, email 512, phone 20.
func (cu *customer) fields(f *form) error {
	f.set(&cu.Name, "name", 256)
	f.set(&cu.Email, "email", 512)
	f.set(&cu.Phone, "phone", 20)
	f.set(&cu.Description, "description", 5000)
	if err := settingsRefused(f); err != nil {
		return err
	}
	if cu.Email != "" && f.has("email") && !strings.Contains(cu.Email, "@") {
		return invalid("email_invalid", "email", "Invalid email address: %s", cu.Email)
	}
	if f.has("address") {
		cu.Address = addressFrom(f.sub("address"))
	}
	if f.has("shipping") {
		cu.Shipping = shippingFrom(f)
	}
	if f.has("preferred_locales") {
		cu.Locales = f.list("preferred_locales")
	}
	cu.Balance = f.integer("balance", cu.Balance)
	cu.TaxExempt = f.choice("tax_exempt", cu.TaxExempt, "none", "exempt", "reverse")
	cu.NextSequence = f.integer("next_invoice_sequence", cu.NextSequence)
	if p := f.str("invoice_prefix", 12); p != "" {
		if len(p) < 3 || strings.ToUpper(p) != p {
			return invalid("", "invoice_prefix", "The invoice prefix must be 3 to 12 uppercase letters or numbers.")
		}
		cu.InvoicePrefix = p
	}
	cu.Metadata = f.metadata(cu.Metadata)
	if f.err != nil {
		return f.err
	}
	return nil
}

// customer returns the customer with the id, or nil; deleted ones are nil too.
func (t *Twin) customer(id string) *customer {
	cu := t.s.Customers.get(id)
	if cu == nil || cu.Gone {
		return nil
	}
	return cu
}

// payWith applies payment_method and invoice_settings. Stripe: the first is
// attached; a default must be attached.
func (t *Twin) payWith(c *call, cu *customer) error {
	test := c.form.str("payment_method", 255)
	var m *paymentMethod
	if test != "" {
		var err error
		if m, err = t.attach(c, test, cu); err != nil {
			return err
		}
	}
	set := c.form.sub("invoice_settings")
	if set == nil || !set.has("default_payment_method") {
		return nil
	}
	id := set.str("default_payment_method", 255)
	if m != nil && id == test {
		id = m.ID
	}
	if m := t.s.Methods.get(id); id != "" && (m == nil || m.Customer != cu.ID) {
		return refused("resource_missing", "No such PaymentMethod: '%s'; It's possible this PaymentMethod exists on one of your connected accounts, in which case you should retry this request on that connected account. The payment method must be attached to the customer.", id)
	}
	cu.Method = id
	return nil
}

// settingsRefused names the invoice settings that the twin has not.
func settingsRefused(f *form) error {
	set := f.sub("invoice_settings")
	if set == nil {
		return nil
	}
	for _, k := range set.keys {
		if k != "default_payment_method" {
			return notImplemented("parameter %q", set.name(k))
		}
	}
	return nil
}

// newCustomer starts a customer.
func (t *Twin) newCustomer(c *call) *customer {
	return &customer{head: t.newHead(c, t.newID("cus_", 14)), TaxExempt: "none", NextSequence: 1, InvoicePrefix: strings.ToUpper(t.newID("", 8))}
}

func createCustomer(t *Twin, c *call) (object, error) {
	draft := &customer{}
	if err := draft.fields(c.form); err != nil { // before it takes an id
		return nil, err
	}
	cu := t.newCustomer(c)
	if err := cu.fields(c.form); err != nil {
		return nil, err
	}
	if err := t.payWith(c, cu); err != nil {
		return nil, err
	}
	t.s.Customers.put(cu)
	t.noteBalance(c, cu, 0, balanceChange{Type: "initial"})
	o := cu.render()
	t.emit(c, "customer.created", o)
	return o, nil
}

func updateCustomer(t *Twin, c *call) (object, error) {
	cu := t.customer(c.id)
	if cu == nil {
		return nil, missing("customer", c.id, "id", http.StatusNotFound)
	}
	changed := *cu
	if err := changed.fields(c.form); err != nil {
		return nil, err
	}
	if err := t.payWith(c, &changed); err != nil {
		return nil, err
	}
	before, was := cu.render(), cu.Balance
	*cu = changed
	t.touch(&cu.head)
	t.noteBalance(c, cu, was, balanceChange{Type: "adjustment"})
	after := cu.render()
	t.emitUpdate(c, "customer.updated", before, after)
	return after, nil
}

func getCustomer(t *Twin, c *call) (object, error) {
	cu := t.s.Customers.get(c.id)
	if cu == nil {
		return nil, missing("customer", c.id, "id", http.StatusNotFound)
	}
	return cu.show(), nil
}

// show is render, or the little that is left of a deleted customer.
func (cu *customer) show() object {
	if cu.Gone {
		return object{"id": cu.ID, "object": "customer", "deleted": true}
	}
	return cu.render()
}

// deleteCustomer: for good, with its subscriptions; what happened stays.
func deleteCustomer(t *Twin, c *call) (object, error) {
	cu := t.customer(c.id)
	if cu == nil {
		return nil, missing("customer", c.id, "id", http.StatusNotFound)
	}
	for s := range t.s.Subs.find(eq{"customer": cu.ID}, always, nil).newest() {
		if !s.ended() {
			t.endSub(c, s, "cancellation_requested")
		}
	}
	cu.Gone = true
	t.touch(&cu.head)
	t.emit(c, "customer.deleted", cu.render())
	return cu.show(), nil
}

func listCustomers(t *Twin, c *call) (object, error) {
	email, created := c.form.str("email", 512), createdFilter(c)
	return page(c, t.s.Customers.find(eq{"email": email}, created, func(cu *customer) bool { return !cu.Gone }), "customer", (*customer).render)
}

func searchCustomers(t *Twin, c *call) (object, error) {
	return search(t, c, t.s.Customers, (*customer).render, func(cu *customer) bool { return !cu.Gone })
}

// customerParam resolves a required customer parameter.
func (t *Twin) customerParam(c *call) (*customer, error) {
	id := c.form.str("customer", 255)
	if id == "" {
		return nil, missingParam("customer")
	}
	cu := t.customer(id)
	if cu == nil {
		return nil, missing("customer", id, "customer", http.StatusBadRequest)
	}
	return cu, nil
}

func strList(v []string) []any {
	out := make([]any, 0, len(v))
	for _, s := range v {
		out = append(out, s)
	}
	return out
}
