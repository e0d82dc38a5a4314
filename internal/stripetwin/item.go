package stripetwin

import (
	"net/http"
	"slices"

	"github.com/shopspring/decimal"
)

// maxItems on one invoice. Stripe: 250.
const maxItems = 250

// embeddedLineCount is how many lines an invoice shows without asking for
// more.
const embeddedLineCount = 10

// An item is an invoice item, and also the line that it is on its invoice.
type item struct {
	head
	Customer, Invoice, Currency, Description string
	Amount, Quantity                         int64
	Unit                                     string // decimal minor units
	Discountable                             bool
	Start, End                               int64 // period
	Line, Price, Product                     string
}

func itemColumns() []column[item] {
	return []column[item]{
		by("invoice", func(it *item) string { return it.Invoice }),
		by("pending", func(it *item) string { // whose next invoice it waits for
			if it.Invoice != "" {
				return ""
			}
			return it.Customer
		}),
		by("customer", func(it *item) string { return it.Customer }),
	}
}

// unitAmount is the whole-number unit price, or nil when it has a fraction.
func (it *item) unitAmount() any {
	d, err := decimal.NewFromString(it.Unit)
	if err != nil || !d.IsInteger() {
		return nil
	}
	return d.IntPart()
}

func (it *item) price() object {
	return object{
		"id": it.Price, "object": "price", "active": false, "billing_scheme": "per_unit", "created": it.Created,
		"currency": it.Currency, "custom_unit_amount": nil, "livemode": false, "lookup_key": nil, "metadata": object{},
		"nickname": nil, "product": it.Product, "recurring": nil, "tax_behavior": "unspecified", "tiers_mode": nil,
		"transform_quantity": nil, "type": "one_time", "unit_amount": it.unitAmount(), "unit_amount_decimal": it.Unit,
	}
}

func (it *item) render() object {
	return object{
		"id": it.ID, "object": "invoiceitem", "livemode": false, "amount": it.Amount, "currency": it.Currency,
		"customer": it.Customer, "date": it.Created, "description": orNull(it.Description), "discountable": it.Discountable,
		"discounts": []any{}, "invoice": orNull(it.Invoice), "metadata": metadataOf(it.Metadata),
		"period": object{"start": it.Start, "end": it.End}, "price": it.price(), "proration": false, "quantity": it.Quantity,
		"subscription": nil, "tax_rates": []any{}, "test_clock": nil, "unit_amount": it.unitAmount(), "unit_amount_decimal": it.Unit,
	}
}

func (it *item) line() object {
	return object{
		"id": it.Line, "object": "line_item", "livemode": false, "amount": it.Amount, "amount_excluding_tax": it.Amount,
		"currency": it.Currency, "description": orNull(it.Description), "discount_amounts": []any{},
		"discountable": it.Discountable, "discounts": []any{}, "invoice": it.Invoice, "invoice_item": it.ID,
		"metadata": metadataOf(it.Metadata), "period": object{"start": it.Start, "end": it.End}, "price": it.price(),
		"proration": false, "proration_details": object{"credited_items": nil}, "quantity": it.Quantity,
		"subscription": nil, "tax_amounts": []any{}, "tax_rates": []any{}, "type": "invoiceitem",
		"unit_amount_excluding_tax": it.Unit,
	}
}

// fields reads amount, or unit_amount(_decimal) times quantity. Stripe: amount
// may be negative, quantity not.
func (it *item) fields(c *call) error {
	f := c.form
	f.set(&it.Description, "description", 5000)
	it.Metadata = f.metadata(it.Metadata)
	it.Quantity = f.integer("quantity", 1)
	var given []string
	for _, p := range []string{"amount", "unit_amount", "unit_amount_decimal"} {
		if f.has(p) {
			given = append(given, p)
		}
	}
	switch {
	case len(given) == 0:
		return missingParam("amount")
	case len(given) > 1 || given[0] == "amount" && f.has("quantity"):
		return invalid("parameters_exclusive", given[0], "You may only specify one of these parameters: amount, unit_amount with quantity, unit_amount_decimal with quantity.")
	case it.Quantity < 0:
		return invalid("parameter_invalid_integer", "quantity", "This value must be greater than or equal to 0 (it currently is '%d').", it.Quantity)
	}
	raw := f.str(given[0], 40)
	unit, err := decimal.NewFromString(raw)
	if err != nil || given[0] != "unit_amount_decimal" && !unit.IsInteger() || unit.Exponent() < -12 {
		return invalid("parameter_invalid_integer", given[0], "Invalid integer: %s", raw)
	}
	sum := unit.Mul(decimal.NewFromInt(it.Quantity)).Round(0)
	if sum.Abs().GreaterThan(decimal.NewFromInt(99_999_999)) { // Stripe: eight digits at this version
		return invalid("amount_too_large", given[0], "Amount must be no more than 99999999")
	}
	it.Unit, it.Amount = unit.String(), sum.IntPart()
	it.Discountable = f.boolean("discountable", it.Amount >= 0)
	it.Start, it.End = c.now, c.now
	if p := f.sub("period"); p != nil {
		p.only("start", "end")
		it.Start, it.End = p.integer("start", c.now), p.integer("end", c.now)
	}
	if f.err != nil {
		return f.err
	}
	return nil
}

// createItem adds a line to a draft, or leaves it pending for the customer's
// next invoice when no invoice is named.
func createItem(t *Twin, c *call) (object, error) {
	cu, err := t.customerParam(c)
	if err != nil {
		return nil, err
	}
	it := &item{Customer: cu.ID, Invoice: c.form.str("invoice", 255), Currency: orElse(cu.Currency, t.fx.home())}
	inv := t.s.Invoices.get(it.Invoice)
	if it.Invoice != "" {
		if inv == nil {
			return nil, missing("invoice", it.Invoice, "invoice", http.StatusBadRequest)
		}
		it.Currency = inv.Currency
	}
	it.Currency = c.form.currency(it.Currency)
	if err := it.fields(c); err != nil {
		return nil, err
	}
	if inv != nil {
		if err := fits(inv, it); err != nil {
			return nil, err
		}
	}
	meta := it.Metadata
	it.head = t.newHead(c, t.newID("ii_1", 23))
	it.Metadata = meta
	it.Line, it.Price, it.Product = t.newID("il_1", 23), t.newID("price_1", 23), t.newID("prod_", 14)
	var before object
	if inv != nil {
		before = t.renderInvoice(inv)
		inv.Items = append(inv.Items, it.ID)
	}
	t.s.Items.put(it)
	o := it.render()
	t.emit(c, "invoiceitem.created", o)
	t.itemsChanged(c, inv, before)
	return o, nil
}

// fits reports why an item cannot go onto an invoice.
func fits(inv *invoice, it *item) error {
	switch {
	case inv.Status != "draft":
		return refused("invoice_not_editable", "The invoice %s is no longer editable; it is %s.", inv.ID, inv.Status)
	case inv.Customer != it.Customer:
		return refused("", "The invoice %s belongs to another customer.", inv.ID)
	case inv.Currency != it.Currency:
		return refused("", "The currency of the invoice item (%s) must be that of the invoice (%s).", it.Currency, inv.Currency)
	case len(inv.Items) >= maxItems:
		return refused("", "An invoice can have at most %d items.", maxItems)
	}
	return nil
}

func (t *Twin) itemsChanged(c *call, inv *invoice, before object) {
	if inv == nil {
		return
	}
	t.touch(&inv.head)
	t.emitUpdate(c, "invoice.updated", before, t.renderInvoice(inv))
}

func (t *Twin) item(c *call) (*item, error) {
	it := t.s.Items.get(c.id)
	if it == nil {
		return nil, missing("invoiceitem", c.id, "invoiceitem", http.StatusNotFound)
	}
	return it, nil
}

func getItem(t *Twin, c *call) (object, error) {
	it, err := t.item(c)
	if err != nil {
		return nil, err
	}
	return it.render(), nil
}

func deleteItem(t *Twin, c *call) (object, error) {
	it, err := t.item(c)
	if err != nil {
		return nil, err
	}
	inv := t.s.Invoices.get(it.Invoice)
	var before object
	if inv != nil {
		if inv.Status != "draft" {
			return nil, refused("invoice_not_editable", "The invoice %s is no longer editable; it is %s.", inv.ID, inv.Status)
		}
		before = t.renderInvoice(inv)
		inv.Items = slices.DeleteFunc(slices.Clone(inv.Items), func(id string) bool { return id == it.ID })
	}
	o := it.render()
	t.s.Items.delete(it.ID)
	t.emit(c, "invoiceitem.deleted", o)
	t.itemsChanged(c, inv, before)
	return object{"id": it.ID, "object": "invoiceitem", "deleted": true}, nil
}

func listItems(t *Twin, c *call) (object, error) {
	cust, inv, created := c.form.str("customer", 255), c.form.str("invoice", 255), createdFilter(c)
	all, pending := !c.form.has("pending"), c.form.boolean("pending", false)
	rows := t.s.Items.find(eq{"invoice": inv, "customer": cust}, created, func(it *item) bool { return all || pending == (it.Invoice == "") })
	return page(c, rows, "invoiceitem", (*item).render)
}

func (t *Twin) lines(inv *invoice) []*item {
	rows := make([]*item, 0, len(inv.Items))
	for _, id := range inv.Items {
		rows = append(rows, t.s.Items.get(id))
	}
	return rows
}

func (t *Twin) embeddedLines(inv *invoice) object {
	rows := t.lines(inv)
	data := []any{}
	for _, it := range rows[:min(len(rows), embeddedLineCount)] {
		data = append(data, it.line())
	}
	return object{
		"object": "list", "data": data, "has_more": len(rows) > embeddedLineCount, "total_count": int64(len(rows)),
		"url": "/v1/invoices/" + inv.ID + "/lines",
	}
}

func listLines(t *Twin, c *call) (object, error) {
	inv, err := t.invoice(c)
	if err != nil {
		return nil, err
	}
	rows := t.lines(inv)
	return pageOf(c, inOrder(rows, func(it *item) string { return it.Line }), "line item", (*item).line)
}
