package stripetwin

import (
	"net/http"
	"slices"

	"github.com/shopspring/decimal"
)

// A price is how much one unit of a product costs, once or every so often.
// Stripe: what costs money about it can never change.
type price struct {
	head
	Product, Currency, Nickname, LookupKey, TaxBehavior string
	Unit                                                string // decimal minor units
	Interval                                            string // day, week, month, year; "" is one time
	Count                                               int64  // intervals
	Inactive                                            bool
}

func priceColumns() []column[price] {
	return []column[price]{
		by("lookup_key", func(p *price) string { return p.LookupKey }),
		by("product", func(p *price) string { return p.Product }),
		by("currency", func(p *price) string { return p.Currency }),
	}
}

// wholeUnit is the unit price when it has no fraction, or nil.
func wholeUnit(unit string) any {
	d, err := decimal.NewFromString(unit)
	if err != nil || !d.IsInteger() {
		return nil
	}
	return d.IntPart()
}

// times is what a quantity costs, rounded half up to minor units.
func (p *price) times(quantity int64) int64 {
	return decimal.RequireFromString(p.Unit).Mul(decimal.NewFromInt(quantity)).Round(0).IntPart()
}

// payable refuses a quantity that costs more than can be paid.
func (p *price) payable(param string, quantity int64) error {
	_, err := lineAmount(param, decimal.RequireFromString(p.Unit), quantity)
	return err
}

func (p *price) render() object {
	typ, recurring := "one_time", any(nil)
	if p.Interval != "" {
		typ = "recurring"
		recurring = object{
			"aggregate_usage": nil, "interval": p.Interval, "interval_count": p.Count, "usage_type": "licensed",
		}
	}
	return object{
		"id": p.ID, "object": "price", "active": !p.Inactive, "billing_scheme": "per_unit", "created": p.Created,
		"currency": p.Currency, "custom_unit_amount": nil, "livemode": false, "lookup_key": orNull(p.LookupKey), "metadata": metadataOf(p.Metadata),
		"nickname": orNull(p.Nickname), "product": p.Product, "recurring": recurring, "tax_behavior": p.TaxBehavior, "tiers_mode": nil,
		"transform_quantity": nil, "type": typ, "unit_amount": wholeUnit(p.Unit), "unit_amount_decimal": p.Unit,
	}
}

// amount reads unit_amount or unit_amount_decimal.
func (p *price) amount(f *form) {
	name := "unit_amount"
	if f.has("unit_amount_decimal") {
		if f.has(name) {
			f.fail(invalid("parameters_exclusive", f.name(name), "You may only specify one of these parameters: unit_amount, unit_amount_decimal."))
		}
		name = "unit_amount_decimal"
	}
	raw := f.str(name, 40)
	if raw == "" {
		f.fail(missingParam(f.name("unit_amount")))
		return
	}
	d, ok := readDecimal(raw)
	switch {
	case !ok || name == "unit_amount" && !d.IsInteger() || d.Exponent() < -12 || d.IsNegative():
		f.fail(invalid("parameter_invalid_integer", f.name(name), "Invalid integer: %s", raw))
		return
	case d.GreaterThan(decimal.NewFromInt(mostCharged)):
		f.fail(invalid("amount_too_large", f.name(name), "Amount must be no more than %d", mostCharged))
		return
	}
	p.Unit = d.String()
}

// terms reads recurring. Stripe: at most three years.
func (p *price) terms(f *form) {
	r := f.sub("recurring")
	if r == nil {
		return
	}
	for _, k := range []string{"aggregate_usage", "meter"} {
		if r.has(k) {
			f.fail(notImplemented("parameter %q", r.name(k)))
		}
	}
	r.only("interval", "interval_count", "usage_type")
	if r.str("usage_type", 40) == "metered" {
		f.fail(notImplemented("metered prices"))
	}
	p.Interval, p.Count = r.choice("interval", "", "day", "week", "month", "year"), r.integer("interval_count", 1)
	longest := map[string]int64{"day": 1095, "week": 156, "month": 36, "year": 3}[p.Interval]
	switch {
	case p.Interval == "":
		f.fail(missingParam(r.name("interval")))
	case p.Count < 1 || p.Count > longest:
		f.fail(invalid("parameter_invalid_integer", r.name("interval_count"), "Invalid interval_count: must be between 1 and %d.", longest))
	}
}

// priceFrom reads price_data of a line: a price that only it uses.
func (t *Twin) priceFrom(c *call, f *form, recurring bool) (*price, error) {
	f.only("currency", "product", "product_data", "recurring", "tax_behavior", "unit_amount", "unit_amount_decimal")
	p := &price{Currency: f.currency(""), Inactive: true, Product: f.str("product", 255), TaxBehavior: f.choice("tax_behavior", "unspecified", "exclusive", "inclusive", "unspecified")}
	p.amount(f)
	p.terms(f)
	data := f.sub("product_data")
	root := f
	if f.root != nil {
		root = f.root
	}
	switch {
	case root.err != nil:
		return nil, root.err
	case p.Currency == "":
		return nil, missingParam(f.name("currency"))
	case recurring && p.Interval == "":
		return nil, missingParam(f.name("recurring"))
	case data == nil && p.Product == "":
		return nil, missingParam(f.name("product"))
	case data == nil && t.s.Products.get(p.Product) == nil:
		return nil, missing("product", p.Product, f.name("product"), http.StatusBadRequest)
	}
	if data != nil {
		data.only("description", "images", "metadata", "name", "tax_code", "unit_label")
		pr := &product{Name: data.str("name", 5000), Description: data.str("description", 40000), Inactive: true}
		pr.Metadata = data.metadata(nil)
		if pr.Name == "" {
			return nil, missingParam(data.name("name"))
		}
		t.addProduct(c, pr, "")
		p.Product = pr.ID
	}
	t.addPrice(c, p)
	return p, nil
}

func (t *Twin) addPrice(c *call, p *price) {
	meta := p.Metadata
	p.head = t.newHead(c, t.newID("price_1", 23))
	p.Metadata = meta
	t.s.Prices.put(p)
}

func createPrice(t *Twin, c *call) (object, error) {
	f := c.form
	if f.has("tiers") || f.has("tiers_mode") {
		return nil, notImplemented("tiered prices")
	}
	f.choice("billing_scheme", "per_unit", "per_unit")
	p := &price{
		Currency: f.currency(""), Nickname: f.str("nickname", 5000), LookupKey: f.str("lookup_key", 200), Inactive: !f.boolean("active", true),
		TaxBehavior: f.choice("tax_behavior", "unspecified", "exclusive", "inclusive", "unspecified"), Product: f.str("product", 255),
	}
	p.Metadata = f.metadata(nil)
	p.amount(f)
	p.terms(f)
	data := f.sub("product_data")
	switch {
	case f.err != nil:
		return nil, f.err
	case p.Currency == "":
		return nil, missingParam("currency")
	case data == nil && p.Product == "":
		return nil, missingParam("product")
	case data == nil && t.s.Products.get(p.Product) == nil:
		return nil, missing("product", p.Product, "product", http.StatusBadRequest)
	case p.LookupKey != "" && t.s.Prices.find(eq{"lookup_key": p.LookupKey}, always, nil).first() != nil:
		return nil, refused("", "A price (`%s`) already uses that lookup key.", t.s.Prices.find(eq{"lookup_key": p.LookupKey}, always, nil).first().ID)
	}
	if data != nil {
		data.only("active", "id", "metadata", "name", "statement_descriptor", "tax_code", "unit_label")
		pr := &product{Name: data.str("name", 5000), Statement: data.str("statement_descriptor", 22), UnitLabel: data.str("unit_label", 12)}
		pr.Metadata = data.metadata(nil)
		if pr.Name == "" {
			return nil, missingParam("product_data[name]")
		}
		t.addProduct(c, pr, "")
		t.emit(c, "product.created", pr.render())
		p.Product = pr.ID
	}
	t.addPrice(c, p)
	o := p.render()
	t.emit(c, "price.created", o)
	return o, nil
}

func (t *Twin) price(id, param string, status int) (*price, error) {
	p := t.s.Prices.get(id)
	if p == nil {
		return nil, missing("price", id, param, status)
	}
	return p, nil
}

func getPrice(t *Twin, c *call) (object, error) {
	p, err := t.price(c.id, "price", http.StatusNotFound)
	if err != nil {
		return nil, err
	}
	return p.render(), nil
}

func updatePrice(t *Twin, c *call) (object, error) {
	p, err := t.price(c.id, "price", http.StatusNotFound)
	if err != nil {
		return nil, err
	}
	changed := *p
	changed.Inactive = !c.form.boolean("active", !p.Inactive)
	c.form.set(&changed.Nickname, "nickname", 5000)
	c.form.set(&changed.LookupKey, "lookup_key", 200)
	changed.TaxBehavior = c.form.choice("tax_behavior", p.TaxBehavior, "exclusive", "inclusive", "unspecified")
	changed.Metadata = c.form.metadata(p.Metadata)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case p.TaxBehavior != "unspecified" && changed.TaxBehavior != p.TaxBehavior:
		return nil, refused("", "You cannot change the tax_behavior of a price once it is set.")
	case changed.Inactive && t.isDefault(p):
		return nil, refused("", "This price cannot be archived because it is the default price of its product.")
	}
	before := p.render()
	*p = changed
	t.touch(&p.head)
	after := p.render()
	t.emitUpdate(c, "price.updated", before, after)
	return after, nil
}

func (t *Twin) isDefault(p *price) bool {
	of := t.s.Products.get(p.Product)
	return of != nil && of.DefaultPrice == p.ID
}

// listPrices lists also those that were made for one line; they are inactive.
func listPrices(t *Twin, c *call) (object, error) {
	f := c.form
	all, active, keys := !f.has("active"), f.boolean("active", true), f.list("lookup_keys")
	typ := f.choice("type", "", "one_time", "recurring")
	rows := t.s.Prices.find(eq{"product": f.str("product", 255), "currency": f.currency("")}, createdFilter(c), func(p *price) bool {
		return (all || active != p.Inactive) && (len(keys) == 0 || slices.Contains(keys, p.LookupKey)) &&
			(typ == "" || (typ == "recurring") == (p.Interval != ""))
	})
	return page(c, rows, "price", (*price).render)
}

func priceRoutes() []route {
	return []route{
		post("/v1/prices", createPrice, "active", "billing_scheme", "currency", "lookup_key", "metadata", "nickname", "product", "product_data",
			"recurring", "tax_behavior", "tiers", "tiers_mode", "unit_amount", "unit_amount_decimal").with(
			"currency_options", "custom_unit_amount", "transfer_lookup_key", "transform_quantity"),
		list("/v1/prices", listPrices, "active", "created", "currency", "lookup_keys", "product", "type").with("recurring"),
		get("/v1/prices/search", searchPrices, "query", "limit", "page"),
		get("/v1/prices/{id}", getPrice),
		post("/v1/prices/{id}", updatePrice, "active", "lookup_key", "metadata", "nickname", "tax_behavior").with("currency_options", "transfer_lookup_key"),
	}
}

func searchPrices(t *Twin, c *call) (object, error) { return search(t, c, t.s.Prices, (*price).render) }
