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
	TaxRates                                 []string
	Sub, SubItem                             string // of a subscription
	Proration                                bool
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
		by("unbilled", func(it *item) string {
			if it.Invoice != "" {
				return ""
			}
			return "true"
		}),
	}
}

// price is what the item costs per unit. Stripe: an amount that was given
// without a price has an inactive one of its own.
func (t *Twin) priceOf(it *item) object {
	p := t.s.Prices.get(it.Price)
	if p == nil {
		p = &price{head: head{ID: it.Price, Created: it.Created}, Currency: it.Currency, Inactive: true, Product: it.Product, TaxBehavior: "unspecified", Unit: it.Unit}
	}
	return p.render()
}

func (t *Twin) renderItem(it *item) object {
	o := object{
		"id": it.ID, "object": "invoiceitem", "livemode": false, "amount": it.Amount, "currency": it.Currency,
		"customer": it.Customer, "date": it.Created, "description": orNull(it.Description), "discountable": it.Discountable,
		"discounts": []any{}, "invoice": orNull(it.Invoice), "metadata": metadataOf(it.Metadata),
		"period": object{"start": it.Start, "end": it.End}, "price": t.priceOf(it), "proration": it.Proration, "quantity": it.Quantity,
		"subscription": orNull(it.Sub), "tax_rates": t.renderRates(it.TaxRates), "test_clock": nil, "unit_amount": wholeUnit(it.Unit), "unit_amount_decimal": it.Unit,
	}
	if it.SubItem != "" {
		o["subscription_item"] = it.SubItem
	}
	return o
}

// line is the item as a line of its invoice. Stripe: rates of its own replace
// those of the invoice.
func (t *Twin) line(inv *invoice, it *item) object {
	taxes := t.taxes(it.ratesOn(inv), it.Amount)
	_, inside := split(taxes)
	unit := decimal.RequireFromString(it.Unit)
	if inside != 0 && it.Quantity > 0 {
		unit = decimal.NewFromInt(it.Amount-inside).DivRound(decimal.NewFromInt(it.Quantity), 12)
	}
	o := object{
		"id": it.Line, "object": "line_item", "livemode": false, "amount": it.Amount, "amount_excluding_tax": it.Amount - inside,
		"currency": it.Currency, "description": orNull(it.Description), "discount_amounts": []any{},
		"discountable": it.Discountable, "discounts": []any{}, "invoice": orNull(it.Invoice),
		"metadata": metadataOf(it.Metadata), "period": object{"start": it.Start, "end": it.End}, "price": t.priceOf(it),
		"proration": it.Proration, "proration_details": object{"credited_items": nil}, "quantity": it.Quantity,
		"subscription": orNull(it.Sub), "tax_amounts": renderTaxes(taxes), "tax_rates": t.renderRates(it.TaxRates), "type": "invoiceitem",
		"unit_amount_excluding_tax": unit.String(),
	}
	if it.SubItem != "" {
		o["subscription_item"] = it.SubItem
	}
	if it.ofCycle() {
		o["type"] = "subscription"
	} else {
		o["invoice_item"] = it.ID
	}
	return o
}

// ofCycle reports whether the line is a subscription's own; no invoice item
// stands behind such a line.
func (it *item) ofCycle() bool { return it.ID == it.Line }

func (it *item) ratesOn(inv *invoice) []string {
	if len(it.TaxRates) > 0 || inv == nil {
		return it.TaxRates
	}
	return inv.TaxRates
}

// fields reads amount, or unit_amount(_decimal) or a price times quantity.
// Stripe: amount may be negative, quantity not.
func (t *Twin) itemFields(c *call, it *item) error {
	f := c.form
	f.set(&it.Description, "description", 5000)
	it.Metadata = f.metadata(it.Metadata)
	if f.has("tax_rates") {
		it.TaxRates = t.rates(f, "tax_rates")
	}
	if p := f.sub("period"); p != nil {
		p.only("start", "end")
		it.Start, it.End = p.integer("start", c.now), p.integer("end", c.now)
	}
	var given []string
	for _, p := range []string{"amount", "unit_amount", "unit_amount_decimal", "price", "price_data"} {
		if f.has(p) {
			given = append(given, p)
		}
	}
	fresh := it.ID == ""
	switch {
	case len(given) == 0 && fresh:
		return missingParam("amount")
	case len(given) > 1 || f.has("amount") && f.has("quantity"):
		return invalid("parameters_exclusive", given[0], "You may only specify one of these parameters: amount, unit_amount with quantity, unit_amount_decimal with quantity.")
	case len(given) > 0 || f.has("quantity"):
		if err := t.itemAmount(c, it, given); err != nil {
			return err
		}
	}
	it.Discountable = f.boolean("discountable", it.Discountable || fresh && it.Amount >= 0)
	if f.err != nil {
		return f.err
	}
	return nil
}

// itemAmount sets quantity, unit and amount of an item from the one parameter
// that says so, or from a new quantity alone.
func (t *Twin) itemAmount(c *call, it *item, given []string) error {
	f := c.form
	it.Quantity = f.integer("quantity", max(it.Quantity, 1))
	if it.Quantity < 0 {
		return invalid("parameter_invalid_integer", "quantity", "This value must be greater than or equal to 0 (it currently is '%d').", it.Quantity)
	}
	raw, name := it.Unit, "quantity"
	if len(given) > 0 {
		name = given[0]
		if name == "amount" {
			it.Quantity = 1
		}
	}
	switch name {
	case "price", "price_data":
		p, err := t.oneTime(c, it)
		if err != nil {
			return err
		}
		it.Price, it.Product, raw = p.ID, p.Product, p.Unit
		if pr := t.s.Products.get(p.Product); pr != nil && it.Description == "" {
			it.Description = pr.Name
		}
	case "amount", "unit_amount", "unit_amount_decimal":
		raw = f.str(name, 40)
		it.Price, it.Product = t.newID("price_1", 23), t.newID("prod_", 14)
	}
	unit, ok := readDecimal(raw)
	if !ok || (name == "amount" || name == "unit_amount") && !unit.IsInteger() || unit.Exponent() < -12 {
		return invalid("parameter_invalid_integer", name, "Invalid integer: %s", raw)
	}
	sum, err := lineAmount(name, unit, it.Quantity)
	if err != nil {
		return err
	}
	it.Unit, it.Amount = unit.String(), sum
	return nil
}

// oneTime reads price or price_data of an item.
func (t *Twin) oneTime(c *call, it *item) (*price, error) {
	var p *price
	var err error
	if data := c.form.sub("price_data"); data != nil {
		p, err = t.priceFrom(c, data, false)
	} else {
		p, err = t.price(c.form.str("price", 255), "price", http.StatusBadRequest)
	}
	switch {
	case err != nil:
		return nil, err
	case p.Interval != "":
		return nil, refused("", "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.")
	case c.form.has("currency") && p.Currency != it.Currency || it.Invoice != "" && p.Currency != it.Currency:
		return nil, refused("", "The currency of the price (%s) must be that of the invoice item (%s).", p.Currency, it.Currency)
	}
	it.Currency = p.Currency
	return p, nil
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
	it.Start, it.End = c.now, c.now
	if err := t.itemFields(c, it); err != nil {
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
	it.Line = t.newID("il_1", 23)
	var before object
	if inv != nil {
		before = t.renderInvoice(inv)
		inv.Items = append(inv.Items, it.ID)
	}
	t.s.Items.put(it)
	o := t.renderItem(it)
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
	if it == nil || it.ofCycle() {
		return nil, missing("invoiceitem", c.id, "invoiceitem", http.StatusNotFound)
	}
	return it, nil
}

func getItem(t *Twin, c *call) (object, error) {
	it, err := t.item(c)
	if err != nil {
		return nil, err
	}
	return t.renderItem(it), nil
}

// updateItem changes a pending item, or one on a draft. Stripe: only the
// invoice tells of it.
func updateItem(t *Twin, c *call) (object, error) {
	it, err := t.item(c)
	if err != nil {
		return nil, err
	}
	inv := t.s.Invoices.get(it.Invoice)
	if inv != nil && inv.Status != "draft" {
		return nil, refused("invoice_not_editable", "The invoice %s is no longer editable; it is %s.", inv.ID, inv.Status)
	}
	var before object
	if inv != nil {
		before = t.renderInvoice(inv)
	}
	changed := *it
	if err := t.itemFields(c, &changed); err != nil {
		return nil, err
	}
	*it = changed
	t.touch(&it.head)
	t.itemsChanged(c, inv, before)
	return t.renderItem(it), nil
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
	o := t.renderItem(it)
	t.s.Items.delete(it.ID)
	t.emit(c, "invoiceitem.deleted", o)
	t.itemsChanged(c, inv, before)
	return object{"id": it.ID, "object": "invoiceitem", "deleted": true}, nil
}

func listItems(t *Twin, c *call) (object, error) {
	cust, inv, created := c.form.str("customer", 255), c.form.str("invoice", 255), createdFilter(c)
	all, pending := !c.form.has("pending"), c.form.boolean("pending", false)
	want := eq{"invoice": inv, "customer": cust}
	if pending {
		want["unbilled"] = "true"
	}
	rows := t.s.Items.find(want, created, func(it *item) bool { return !it.ofCycle() && (all || pending == (it.Invoice == "")) })
	return page(c, rows, "invoiceitem", t.renderItem)
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
		data = append(data, t.line(inv, it))
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
	return pageOf(c, inOrder(rows, func(it *item) string { return it.Line }), "line item", func(it *item) object { return t.line(inv, it) })
}
