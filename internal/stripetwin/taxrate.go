package stripetwin

import (
	"encoding/json"
	"net/http"

	"github.com/shopspring/decimal"
)

// A taxRate is a percentage that lines are taxed with. Stripe: percentage and
// inclusive can never change.
type taxRate struct {
	head
	Name, Description, Jurisdiction, Country, State, Type, Percentage string
	Inclusive, Inactive                                               bool
}

func (r *taxRate) render() object {
	return object{
		"id": r.ID, "object": "tax_rate", "active": !r.Inactive, "country": orNull(r.Country), "created": r.Created,
		"description": orNull(r.Description), "display_name": r.Name, "effective_percentage": nil, "inclusive": r.Inclusive,
		"jurisdiction": orNull(r.Jurisdiction), "jurisdiction_level": nil, "livemode": false, "metadata": metadataOf(r.Metadata),
		"percentage": json.Number(r.Percentage), "state": orNull(r.State), "tax_type": orNull(r.Type),
	}
}

// of is the tax on an amount, rounded half up to minor units: on top of it, or
// the part of it that is tax.
func (r *taxRate) of(amount int64) int64 {
	a, pct := decimal.NewFromInt(amount), decimal.RequireFromString(r.Percentage)
	if r.Inclusive {
		hundred := decimal.NewFromInt(100)
		return a.Mul(pct).DivRound(hundred.Add(pct), 0).IntPart()
	}
	return a.Mul(pct).Shift(-2).Round(0).IntPart()
}

// A taxed is the tax of one rate.
type taxed struct {
	rate           *taxRate
	amount, onWhat int64
}

func (x taxed) render() object {
	base := x.onWhat
	if x.rate.Inclusive {
		base -= x.amount
	}
	return object{"amount": x.amount, "inclusive": x.rate.Inclusive, "tax_rate": x.rate.ID, "taxability_reason": nil, "taxable_amount": base}
}

// taxes computes the tax of an amount rate by rate.
func (t *Twin) taxes(rates []string, amount int64) []taxed {
	var out []taxed
	for _, id := range rates {
		if r := t.s.TaxRates.get(id); r != nil {
			out = append(out, taxed{rate: r, amount: r.of(amount), onWhat: amount})
		}
	}
	return out
}

// split sums taxes up: those on top and those inside.
func split(taxes []taxed) (exclusive, inclusive int64) {
	for _, x := range taxes {
		if x.rate.Inclusive {
			inclusive += x.amount
		} else {
			exclusive += x.amount
		}
	}
	return exclusive, inclusive
}

func renderTaxes(taxes []taxed) []any {
	out := []any{}
	for _, x := range taxes {
		out = append(out, x.render())
	}
	return out
}

func (t *Twin) renderRates(ids []string) []any {
	out := []any{}
	for _, id := range ids {
		if r := t.s.TaxRates.get(id); r != nil {
			out = append(out, r.render())
		}
	}
	return out
}

// rates reads a list of tax rates. Stripe: at most five, active ones.
func (t *Twin) rates(f *form, name string) []string {
	ids := f.list(name)
	if len(ids) > 5 {
		f.fail(invalid("", f.name(name), "You can specify up to 5 tax rates."))
	}
	for _, id := range ids {
		switch r := t.s.TaxRates.get(id); {
		case r == nil:
			f.fail(missing("tax rate", id, f.name(name), http.StatusBadRequest))
		case r.Inactive:
			f.fail(invalid("", f.name(name), "The tax rate %s is inactive.", id))
		}
	}
	return ids
}

func (r *taxRate) fields(f *form) {
	f.set(&r.Name, "display_name", 50)
	f.set(&r.Description, "description", 5000)
	f.set(&r.Jurisdiction, "jurisdiction", 50)
	f.set(&r.Country, "country", 2)
	f.set(&r.State, "state", 2)
	r.Type = f.choice("tax_type", r.Type, "amusement_tax", "communications_tax", "gst", "hst", "igst", "jct", "lease_tax", "pst", "qst", "rst", "sales_tax", "vat")
	r.Inactive = !f.boolean("active", !r.Inactive)
	r.Metadata = f.metadata(r.Metadata)
}

func createTaxRate(t *Twin, c *call) (object, error) {
	f := c.form
	for _, k := range []string{"display_name", "inclusive", "percentage"} {
		if !f.has(k) {
			return nil, missingParam(k)
		}
	}
	r := &taxRate{Inclusive: f.boolean("inclusive", false), Percentage: f.str("percentage", 20)}
	r.fields(f)
	pct, ok := readDecimal(r.Percentage)
	switch {
	case f.err != nil:
		return nil, f.err
	case !ok || pct.IsNegative() || pct.GreaterThan(decimal.NewFromInt(100)) || pct.Exponent() < -4:
		return nil, invalid("parameter_invalid_decimal", "percentage", "Invalid decimal: %s; must be between 0 and 100 with at most 4 decimal places.", r.Percentage)
	}
	r.Percentage = pct.String()
	meta := r.Metadata
	r.head = t.newHead(c, t.newID("txr_1", 23))
	r.Metadata = meta
	t.s.TaxRates.put(r)
	o := r.render()
	t.emit(c, "tax_rate.created", o)
	return o, nil
}

func getTaxRate(t *Twin, c *call) (object, error) {
	r := t.s.TaxRates.get(c.id)
	if r == nil {
		return nil, missing("tax rate", c.id, "tax_rate", http.StatusNotFound)
	}
	return r.render(), nil
}

func updateTaxRate(t *Twin, c *call) (object, error) {
	r := t.s.TaxRates.get(c.id)
	if r == nil {
		return nil, missing("tax rate", c.id, "tax_rate", http.StatusNotFound)
	}
	changed := *r
	changed.fields(c.form)
	if c.form.err != nil {
		return nil, c.form.err
	}
	before := r.render()
	*r = changed
	t.touch(&r.head)
	after := r.render()
	t.emitUpdate(c, "tax_rate.updated", before, after)
	return after, nil
}

func listTaxRates(t *Twin, c *call) (object, error) {
	f := c.form
	anyActive, active := !f.has("active"), f.boolean("active", true)
	anyKind, inclusive := !f.has("inclusive"), f.boolean("inclusive", true)
	rows := t.s.TaxRates.find(nil, createdFilter(c), func(r *taxRate) bool {
		return (anyActive || active != r.Inactive) && (anyKind || inclusive == r.Inclusive)
	})
	return page(c, rows, "tax rate", (*taxRate).render)
}

func taxRateRoutes() []route {
	fields := []string{"active", "country", "description", "display_name", "jurisdiction", "metadata", "state", "tax_type"}
	return []route{
		post("/v1/tax_rates", createTaxRate, append([]string{"inclusive", "percentage"}, fields...)...),
		list("/v1/tax_rates", listTaxRates, "active", "created", "inclusive"),
		get("/v1/tax_rates/{id}", getTaxRate),
		post("/v1/tax_rates/{id}", updateTaxRate, fields...),
	}
}
