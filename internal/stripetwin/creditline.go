package stripetwin

import (
	"net/http"
	"strconv"

	"github.com/shopspring/decimal"
)

// A creditLine is what a credit note takes back: a part of an invoice line, or
// an amount of its own.
type creditLine struct {
	ID, InvoiceLine, Description string // InvoiceLine is "" on a line of its own
	Amount, Quantity             int64  // Quantity 0: only the amount was given
	Unit                         string // decimal minor units; "" without quantity
}

func (l *creditLine) render() object {
	typ, quantity, unit := "custom_line_item", any(nil), any(nil)
	var unitAmount any
	if l.Quantity > 0 {
		quantity, unit = l.Quantity, l.Unit
		if d, err := decimal.NewFromString(l.Unit); err == nil && d.IsInteger() {
			unitAmount = d.IntPart()
		}
	}
	o := object{
		"id": l.ID, "object": "credit_note_line_item", "amount": l.Amount, "amount_excluding_tax": l.Amount, "description": orNull(l.Description),
		"discount_amount": int64(0), "discount_amounts": []any{}, "livemode": false, "quantity": quantity, "tax_amounts": []any{},
		"tax_rates": []any{}, "unit_amount": unitAmount, "unit_amount_decimal": unit, "unit_amount_excluding_tax": unit,
	}
	if l.InvoiceLine != "" {
		typ, o["invoice_line_item"] = "invoice_line_item", l.InvoiceLine
	}
	o["type"] = typ
	return o
}

// creditLines reads lines[], or makes the one line of a note of which only the
// amount was given.
func (t *Twin) creditLines(c *call, inv *invoice) ([]creditLine, error) {
	f := c.form
	in := f.sub("lines")
	if in == nil {
		amount := f.integer("amount", 0)
		switch {
		case f.err != nil:
			return nil, f.err
		case !f.has("amount"):
			return nil, invalid("parameter_missing", "", "You must pass one of amount, lines, or shipping_cost.")
		case amount < 1:
			return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
		}
		return []creditLine{{Amount: amount}}, nil
	}
	var lines []creditLine
	for _, i := range in.keys {
		l, err := t.creditLine(in.sub(i), inv, lines)
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	if f.has("amount") {
		var sum int64
		for _, l := range lines {
			sum += l.Amount
		}
		if f.integer("amount", 0) != sum {
			return nil, refused("", "The amount is not the sum of the lines, %d.", sum)
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	return lines, nil
}

func (t *Twin) creditLine(f *form, inv *invoice, before []creditLine) (creditLine, error) {
	for _, k := range []string{"tax_amounts", "tax_rates"} {
		if f.has(k) {
			return creditLine{}, notImplemented("%s of lines of credit notes", k)
		}
	}
	f.only("amount", "description", "invoice_line_item", "quantity", "type", "unit_amount", "unit_amount_decimal")
	typ := f.choice("type", "", "custom_line_item", "invoice_line_item")
	l := creditLine{InvoiceLine: f.str("invoice_line_item", 255), Description: f.str("description", 5000), Quantity: f.integer("quantity", 0)}
	unit, unitGiven, err := unitOf(f)
	switch {
	case f.err != nil:
		return l, f.err
	case err != nil:
		return l, err
	case typ == "":
		return l, missingParam(f.name("type"))
	case f.has("quantity") && l.Quantity < 1:
		return l, invalid("parameter_invalid_integer", f.name("quantity"), "This value must be greater than or equal to 1.")
	case typ == "custom_line_item":
		return l, l.own(f, unit, unitGiven)
	}
	return l, t.ofInvoiceLine(f, inv, &l, before, unit, unitGiven)
}

// unitOf reads unit_amount or unit_amount_decimal.
func unitOf(f *form) (unit decimal.Decimal, given bool, err error) {
	for _, k := range []string{"unit_amount", "unit_amount_decimal"} {
		raw := f.str(k, 40)
		if raw == "" {
			continue
		}
		var ok bool
		unit, ok = readDecimal(raw)
		if !ok || given || k == "unit_amount" && !unit.IsInteger() || unit.Exponent() < -12 {
			return unit, true, invalid("parameter_invalid_integer", f.name(k), "Invalid integer: %s", raw)
		}
		given = true
	}
	return unit, given, nil
}

// own completes a line that stands for itself. Stripe: unit price, quantity
// and description are required.
func (l *creditLine) own(f *form, unit decimal.Decimal, given bool) error {
	switch {
	case l.InvoiceLine != "" || f.has("amount"):
		return invalid("", f.name("type"), "A custom line item takes description, quantity and unit_amount.")
	case !given:
		return missingParam(f.name("unit_amount"))
	case l.Quantity == 0:
		return missingParam(f.name("quantity"))
	case l.Description == "":
		return missingParam(f.name("description"))
	}
	var err error
	l.Unit = unit.String()
	l.Amount, err = lineAmount(f.name("unit_amount"), unit, l.Quantity)
	return err
}

// ofInvoiceLine completes a line that takes back a part of an invoice line, by
// amount or by quantity; before are the lines above it on the same note.
func (t *Twin) ofInvoiceLine(f *form, inv *invoice, l *creditLine, before []creditLine, unit decimal.Decimal, given bool) error {
	var line *item
	for _, it := range t.lines(inv) {
		if it.Line == l.InvoiceLine {
			line = it
		}
	}
	amount := f.integer("amount", 0)
	switch {
	case f.err != nil:
		return f.err
	case l.InvoiceLine == "":
		return missingParam(f.name("invoice_line_item"))
	case line == nil:
		return missing("invoice line item", l.InvoiceLine, f.name("invoice_line_item"), http.StatusBadRequest)
	case f.has("amount") == (l.Quantity > 0):
		return invalid("parameters_exclusive", f.name("amount"), "You must pass one of amount and quantity.")
	case f.has("amount") && (amount < 1 || given):
		return invalid("parameter_invalid_integer", f.name("amount"), "This value must be greater than or equal to 1.")
	case l.Quantity > line.Quantity:
		return refused("", "The quantity must not be more than that of the invoice line, %d.", line.Quantity)
	}
	l.Amount, l.Description = amount, orElse(l.Description, line.Description)
	if l.Quantity > 0 {
		if !given {
			unit = decimal.RequireFromString(orElse(line.Unit, strconv.FormatInt(line.Amount, 10)))
		}
		var err error
		l.Unit = unit.String()
		if l.Amount, err = lineAmount(f.name("unit_amount"), unit, l.Quantity); err != nil {
			return err
		}
	}
	left := line.Amount - t.credited(inv, line.Line)
	for _, other := range before {
		if other.InvoiceLine == line.Line {
			left -= other.Amount
		}
	}
	if l.Amount > left {
		return refused("", "The line %s has %d left to credit, not %d.", line.Line, left, l.Amount)
	}
	return nil
}

// credited is what valid credit notes took back of an invoice line.
func (t *Twin) credited(inv *invoice, line string) (sum int64) {
	for n := range t.s.Notes.find(eq{"invoice": inv.ID}, always, nil).newest() {
		for _, l := range n.Lines {
			if n.Status == "issued" && l.InvoiceLine == line {
				sum += l.Amount
			}
		}
	}
	return sum
}
