package stripetwin

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// An invoice. Stripe: draft, then open, then paid, void or uncollectible;
// amounts, lines and customer are frozen when it leaves draft.
type invoice struct {
	head
	Customer, Currency, Status        string
	Number, Description, Footer       string
	Collection, Statement             string
	Fields                            [][2]string // custom fields: name, value
	DueDate, DaysUntilDue             int64
	AutoAdvance, OutOfBand, Attempted bool
	Attempts                          int64
	EffectiveAt                       int64
	Items                             []string // ids in the order of the lines
	StartingBalance                   int64
	EndingBalance                     *int64 // nil until finalised
	Total, Due, Paid                  int64  // frozen when finalised; see amounts
	PreNotes, PostNotes, Notes        int64  // sums of its valid credit notes; how many it ever had
	Intent, Charge                    string
	FinalizedAt, PaidAt, VoidedAt     int64
	Buyer                             buyer  // as it was when finalised
	Method                            string // default_payment_method
	TaxRates                          []string
	Reason, Sub                       string // billing_reason; the subscription
	Start, End                        int64  // period
	FinalizeAt, AttemptAt, LostAt     int64
}

func invoiceColumns() []column[invoice] {
	return []column[invoice]{
		by("customer", func(inv *invoice) string { return inv.Customer }),
		by("status", func(inv *invoice) string { return inv.Status }),
		by("subscription", func(inv *invoice) string { return inv.Sub }),
		dueAt((*invoice).due),
		searchable(map[string]func(*invoice) string{
			"customer": func(inv *invoice) string { return inv.Customer }, "number": func(inv *invoice) string { return inv.Number },
		}),
		by("collection_method", func(inv *invoice) string { return inv.Collection }),
	}
}

// A buyer is the copy of the customer that an invoice keeps.
type buyer struct {
	Name, Email, Phone, TaxExempt string
	Address                       *address
	Shipping                      *shipping
}

func freeze(cu *customer) buyer {
	return buyer{Name: cu.Name, Email: cu.Email, Phone: cu.Phone, TaxExempt: cu.TaxExempt, Address: cu.Address, Shipping: cu.Shipping}
}

// sums are what the lines of an invoice amount to.
type sums struct {
	subtotal, onTop, inside int64 // onTop and inside are taxes
	taxes                   []taxed
}

// sumsOf adds up the lines. Stripe: taxes are rounded line by line.
func (t *Twin) sumsOf(inv *invoice) sums {
	var s sums
	for _, id := range inv.Items {
		it := t.s.Items.get(id)
		s.subtotal += it.Amount
		for _, x := range t.taxes(it.ratesOn(inv), it.Amount) {
			i := slices.IndexFunc(s.taxes, func(y taxed) bool { return y.rate == x.rate })
			if i < 0 {
				s.taxes = append(s.taxes, x)
				continue
			}
			s.taxes[i].amount += x.amount
			s.taxes[i].onWhat += x.onWhat
		}
	}
	s.onTop, s.inside = split(s.taxes)
	return s
}

// amounts returns the total and what of it is due; a draft computes them anew
// each time.
func (t *Twin) amounts(inv *invoice) (total, due int64) {
	if inv.Status != "draft" {
		return inv.Total, inv.Due
	}
	s := t.sumsOf(inv)
	total = s.subtotal + s.onTop
	return total, max(0, total)
}

func (t *Twin) renderInvoice(inv *invoice) object {
	total, due := t.amounts(inv)
	sum := t.sumsOf(inv)
	var tax any
	if len(sum.taxes) > 0 {
		tax = sum.onTop + sum.inside
	}
	cust := inv.Buyer
	if inv.Status == "draft" {
		cust = freeze(t.s.Customers.get(inv.Customer))
	}
	o := object{
		"id": inv.ID, "object": "invoice", "livemode": false, "created": inv.Created, "currency": inv.Currency, "status": inv.Status,
		"customer": inv.Customer, "customer_email": orNull(cust.Email), "customer_name": orNull(cust.Name),
		"customer_phone": orNull(cust.Phone), "customer_tax_exempt": cust.TaxExempt, "customer_tax_ids": []any{},
		"customer_address": cust.Address.render(), "customer_shipping": cust.Shipping.render(),
		"amount_due": due, "amount_paid": inv.Paid, "amount_remaining": due - inv.Paid, "amount_shipping": int64(0),
		"subtotal": sum.subtotal, "subtotal_excluding_tax": sum.subtotal - sum.inside, "total": total, "total_excluding_tax": total - sum.onTop - sum.inside,
		"tax": tax, "total_tax_amounts": renderTaxes(sum.taxes), "default_tax_rates": t.renderRates(inv.TaxRates),
		"starting_balance": inv.StartingBalance, "ending_balance": nil,
		"pre_payment_credit_notes_amount": inv.PreNotes, "post_payment_credit_notes_amount": inv.PostNotes,
		"attempt_count": inv.Attempts, "attempted": inv.Attempted, "auto_advance": inv.AutoAdvance,
		"billing_reason": orElse(inv.Reason, "manual"), "collection_method": inv.Collection, "due_date": timeOrNull(inv.DueDate),
		"effective_at": timeOrNull(inv.EffectiveAt), "description": orNull(inv.Description), "footer": orNull(inv.Footer),
		"number": orNull(inv.Number), "statement_descriptor": orNull(inv.Statement), "custom_fields": renderFields(inv.Fields),
		"charge": orNull(inv.Charge), "payment_intent": orNull(inv.Intent),
		"paid": inv.Status == "paid", "paid_out_of_band": inv.OutOfBand,
		"metadata": metadataOf(inv.Metadata), "period_start": inv.Start, "period_end": inv.End,
		"default_payment_method": orNull(inv.Method), "next_payment_attempt": timeOrNull(inv.nextAttempt()), "subscription": orNull(inv.Sub),
		"subscription_details": object{"metadata": t.subMetadata(inv)}, "webhooks_delivered_at": timeOrNull(inv.FinalizedAt),
		"hosted_invoice_url": nil, "invoice_pdf": nil,
		"status_transitions": object{
			"finalized_at": timeOrNull(inv.FinalizedAt), "marked_uncollectible_at": timeOrNull(inv.LostAt),
			"paid_at": timeOrNull(inv.PaidAt), "voided_at": timeOrNull(inv.VoidedAt),
		},
		"lines": t.embeddedLines(inv),
	}
	if inv.EndingBalance != nil {
		o["ending_balance"] = *inv.EndingBalance
		o["hosted_invoice_url"] = t.baseURL + "/i/" + inv.ID
	}
	maps.Copy(o, invoiceConstants())
	return o
}

// invoiceConstants are the members that nothing in the twin changes yet.
func invoiceConstants() object {
	return object{
		"account_country": "US", "account_name": "Millrace test account", "account_tax_ids": nil,
		"application": nil, "application_fee_amount": nil,
		"automatic_tax":  object{"enabled": false, "liability": nil, "status": nil},
		"default_source": nil,
		"discount":       nil, "discounts": []any{}, "from_invoice": nil, "issuer": object{"type": "self"},
		"last_finalization_error": nil, "latest_revision": nil, "on_behalf_of": nil,
		"payment_settings": object{"default_mandate": nil, "payment_method_options": nil, "payment_method_types": nil},
		"quote":            nil, "receipt_number": nil, "rendering": nil, "shipping_cost": nil, "shipping_details": nil,
		"test_clock": nil, "total_discount_amounts": []any{}, "transfer_data": nil,
	}
}

func renderFields(fields [][2]string) any {
	if len(fields) == 0 {
		return nil
	}
	out := make([]any, 0, len(fields))
	for _, f := range fields {
		out = append(out, object{"name": f[0], "value": f[1]})
	}
	return out
}

// fields applies the parameters that create and update share. Stripe: number
// up to 26 characters, description 1500, at most four custom fields;
// send_invoice needs to know when it is due.
func (inv *invoice) fields(c *call) error {
	f := c.form
	f.set(&inv.Description, "description", 1500)
	f.set(&inv.Footer, "footer", 5000)
	f.set(&inv.Number, "number", 26)
	f.set(&inv.Statement, "statement_descriptor", 22)
	inv.AutoAdvance = f.boolean("auto_advance", inv.AutoAdvance)
	inv.EffectiveAt = f.integer("effective_at", inv.EffectiveAt)
	inv.Collection = f.choice("collection_method", inv.Collection, "charge_automatically", "send_invoice")
	inv.Metadata = f.metadata(inv.Metadata)
	f.set(&inv.Method, "default_payment_method", 255)
	if f.has("days_until_due") && f.has("due_date") {
		return invalid("parameters_exclusive", "", "You may only specify one of these parameters: days_until_due, due_date.")
	}
	if f.has("due_date") {
		inv.DueDate, inv.DaysUntilDue = f.integer("due_date", 0), 0
		if f.err == nil && inv.DueDate < c.now {
			return invalid("", "due_date", "The due_date must be in the future.")
		}
	}
	if f.has("days_until_due") {
		inv.DaysUntilDue = f.integer("days_until_due", 0)
		inv.DueDate = inv.Created + inv.DaysUntilDue*24*3600
		if inv.DaysUntilDue < 0 {
			return invalid("parameter_invalid_integer", "days_until_due", "This value must be greater than or equal to 0 (it currently is '%d').", inv.DaysUntilDue)
		}
	}
	if f.has("custom_fields") {
		inv.customFields(f)
	}
	switch {
	case f.err != nil:
		return f.err
	case inv.Collection == "send_invoice" && inv.DueDate == 0 && inv.DaysUntilDue == 0:
		return missingParam("days_until_due")
	case inv.Collection != "send_invoice" && (f.has("due_date") || f.has("days_until_due")):
		return invalid("", "due_date", "You can only set a due date when collection_method is send_invoice.")
	}
	return nil
}

func (inv *invoice) customFields(f *form) {
	inv.Fields = nil
	list := f.sub("custom_fields")
	for _, i := range list.keys {
		el := list.sub(i)
		el.only("name", "value")
		inv.Fields = append(inv.Fields, [2]string{el.str("name", 30), el.str("value", 30)})
	}
	if len(inv.Fields) > 4 {
		f.fail(invalid("", "custom_fields", "You can specify up to 4 custom fields."))
	}
}

// invoiceFields applies also the parameters that name other objects, and says
// when the invoice goes on by itself.
func (t *Twin) invoiceFields(c *call, inv *invoice) error {
	if err := inv.fields(c); err != nil {
		return err
	}
	if c.form.has("default_tax_rates") {
		inv.TaxRates = t.rates(c.form, "default_tax_rates")
	}
	if c.form.err != nil {
		return c.form.err
	}
	if c.form.has("default_payment_method") && inv.Method != "" {
		if err := t.usable(inv.Method, inv.Customer); err != nil {
			return err
		}
	}
	inv.schedule(c.now)
	return nil
}

func createInvoice(t *Twin, c *call) (object, error) {
	cu, err := t.customerParam(c)
	if err != nil {
		return nil, err
	}
	inv := &invoice{Customer: cu.ID, Status: "draft", Collection: "charge_automatically"}
	inv.Created, inv.Start, inv.End = c.now, c.now, c.now
	inv.Currency = c.form.currency(orElse(cu.Currency, t.fx.home()))
	include := c.form.choice("pending_invoice_items_behavior", "exclude", "exclude", "include") == "include"
	if err := t.invoiceFields(c, inv); err != nil {
		return nil, err
	}
	meta := inv.Metadata
	inv.head = t.newHead(c, t.newID("in_1", 23))
	inv.Metadata = meta
	if include {
		t.takePending(inv)
	}
	return t.addInvoice(c, inv), nil
}

// takePending moves onto an invoice what waits for the customer's next one.
// Stripe: newest first; a subscription's prorations wait for its own invoice.
func (t *Twin) takePending(inv *invoice) {
	fits := func(it *item) bool {
		return it.Currency == inv.Currency && (it.Sub == "" || inv.Sub == "" || it.Sub == inv.Sub)
	}
	for it := range t.s.Items.find(eq{"pending": inv.Customer}, always, fits).newest() {
		it.Invoice = inv.ID
		t.touch(&it.head)
		inv.Items = append(inv.Items, it.ID)
	}
}

// addInvoice stores a new draft. Stripe: the customer's first invoice decides
// on its currency.
func (t *Twin) addInvoice(c *call, inv *invoice) object {
	if cu := t.s.Customers.get(inv.Customer); cu.Currency == "" {
		cu.Currency = inv.Currency
		t.s.mark(cu.ID)
	}
	t.s.Invoices.put(inv)
	o := t.renderInvoice(inv)
	t.emit(c, "invoice.created", o)
	return o
}

func orElse(s, dflt string) string {
	if s == "" {
		return dflt
	}
	return s
}

func (t *Twin) invoice(c *call) (*invoice, error) {
	inv := t.s.Invoices.get(c.id)
	if inv == nil {
		return nil, missing("invoice", c.id, "invoice", http.StatusNotFound)
	}
	return inv, nil
}

func getInvoice(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	if err != nil {
		return nil, err
	}
	return t.renderInvoice(inv), nil
}

// updateInvoice: once finalised only metadata and what is written on the
// invoice can change.
func updateInvoice(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	if err != nil {
		return nil, err
	}
	free := []string{"auto_advance", "description", "expand", "footer", "metadata"}
	if inv.Status != "draft" {
		for _, k := range c.form.keys {
			if !slices.Contains(free, k) {
				return nil, refused("invoice_not_editable", "Finalized invoices can't be updated in this way")
			}
		}
	}
	changed := *inv
	if err := t.invoiceFields(c, &changed); err != nil {
		return nil, err
	}
	before := t.renderInvoice(inv)
	*inv = changed
	t.touch(&inv.head)
	after := t.renderInvoice(inv)
	t.emitUpdate(c, "invoice.updated", before, after)
	return after, nil
}

// deleteInvoice removes a draft together with its items.
func deleteInvoice(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	if err != nil {
		return nil, err
	}
	if inv.Status != "draft" {
		return nil, refused("invoice_not_editable", "You can only delete draft invoices.")
	}
	o := t.renderInvoice(inv)
	for _, id := range inv.Items {
		t.s.Items.delete(id)
	}
	t.s.Invoices.delete(inv.ID)
	t.emit(c, "invoice.deleted", o)
	return object{"id": inv.ID, "object": "invoice", "deleted": true}, nil
}

func listInvoices(t *Twin, c *call) (object, error) {
	cust, created := c.form.str("customer", 255), createdFilter(c)
	status := c.form.choice("status", "", "draft", "open", "paid", "uncollectible", "void")
	method := c.form.choice("collection_method", "", "charge_automatically", "send_invoice")
	rows := t.s.Invoices.find(eq{"customer": cust, "subscription": c.form.str("subscription", 255), "status": status, "collection_method": method}, created, nil)
	return page(c, rows, "invoice", t.renderInvoice)
}

func searchInvoices(t *Twin, c *call) (object, error) {
	return search(t, c, t.s.Invoices, t.renderInvoice)
}

// nextNumber gives the customer's next invoice number, such as A1B2C3D4-0001.
func nextNumber(cu *customer) string {
	n := strconv.FormatInt(cu.NextSequence, 10)
	cu.NextSequence++
	for len(n) < 4 {
		n = "0" + n
	}
	return cu.InvoicePrefix + "-" + n
}
