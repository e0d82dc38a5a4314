package acumaticatwin

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// returnedLines expands the lines of a credit memo that point to an invoice:
// without a line number to all of its lines, without a quantity to all of it.
func (x *tx) returnedLines(r *record, bad *problems) {
	var lines []*record
	for _, l := range r.Many["Details"] {
		if l.get("OrigInvNbr") == "" || l.get("InventoryID") != "" { // an own line, or expanded before
			lines = append(lines, l)
			continue
		}
		lines = append(lines, x.returnOf(r, l, bad)...)
	}
	r.Many["Details"] = lines
	for _, l := range lines {
		x.checkReturn(r, l, bad)
	}
}

func (x *tx) returnOf(r, l *record, bad *problems) []*record {
	l.setDefault("OrigInvType", typeInvoice)
	if r.get("Type") != typeCreditMemo {
		bad.add(l, "OrigInvNbr", "Only lines of a credit memo refer to an invoice.")
		return []*record{l}
	}
	o := x.byKey(entityInvoice, l.get("OrigInvType"), l.get("OrigInvNbr"))
	if o == nil || !ofSales(o) || !released(o) || fold(o.get("Customer")) != fold(r.get("Customer")) ||
		o.get(curyID) != r.get(curyID) {
		bad.add(l, "OrigInvNbr", "Reference Nbr. '%s' cannot be found in the system.", l.get("OrigInvNbr"))
		return []*record{l}
	}
	var lines []*record
	for _, from := range o.Many["Details"] {
		if n := l.get("OrigInvLineNbr"); n != "" && n != from.get("LineNbr") {
			continue
		}
		to := l.clone()
		if len(lines) > 0 {
			to.ID = x.newID()
		}
		to.set("OrigInvLineNbr", from.get("LineNbr"))
		rest, _ := x.returnable(r, to, from)
		if to.get("Qty") == "" && !rest.IsPositive() {
			continue // all of it came back
		}
		to.setDefault("Qty", rest.String())
		for _, name := range []string{
			"InventoryID", "TransactionDescription", "UOM", "UnitPrice", "DiscountPercent", "TaxCategory", "Account", "Subaccount", "WarehouseID",
		} {
			to.setDefault(name, from.get(name))
		}
		lines = append(lines, to)
	}
	if len(lines) == 0 {
		bad.add(l, "OrigInvLineNbr", "The original invoice has no such line, or nothing of it is left to return.")
		return []*record{l}
	}
	return lines
}

// returnable is what of an invoice line is left to return, apart from line l
// of the memo r, and which other documents took of it.
func (x *tx) returnable(r, l, from *record) (rest decimal.Decimal, others []string) {
	rest = from.dec("Qty")
	take := func(doc *record) (took bool) {
		for _, d := range doc.Many["Details"] {
			same := fold(d.get("OrigInvNbr")) == fold(l.get("OrigInvNbr")) && d.get("OrigInvType") == l.get("OrigInvType")
			if same && d.ID != l.ID && d.get("OrigInvLineNbr") == from.get("LineNbr") {
				rest, took = rest.Sub(d.dec("Qty")), true
			}
		}
		return took
	}
	take(r)
	for doc := range x.with(entityInvoice, "Details/OrigInvNbr", l.get("OrigInvNbr")) {
		if doc.ID != r.ID && take(doc) {
			others = append(others, doc.get("ReferenceNbr"))
		}
	}
	return rest, others
}

// checkReturn refuses to take back more than was sold.
func (x *tx) checkReturn(r, l *record, bad *problems) {
	o := x.byKey(entityInvoice, l.get("OrigInvType"), l.get("OrigInvNbr"))
	if o == nil || l.get("OrigInvLineNbr") == "" {
		return
	}
	rest, others := x.returnable(r, l, lineNbr(o, l.get("OrigInvLineNbr")))
	if l.dec("Qty").GreaterThan(rest) {
		bad.add(l, "Qty", "%s", fmt.Sprintf("The return quantity exceeds the quantity available for return for the related invoice line %s, %s. "+
			"Decrease the quantity in the current line, or in the corresponding line of another return document or documents %s that exist for the invoice line.",
			o.get("ReferenceNbr"), l.get("InventoryID"), strings.Join(others, ", ")))
	}
}
