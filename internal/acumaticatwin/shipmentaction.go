package acumaticatwin

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// confirmShipment says that the goods left, or came back. What of a line is
// missing then is cancelled or ordered back, as its shipping rule says.
func confirmShipment(x *tx, r *record) *failure {
	if r.get("Status") != statusOpen {
		return buttonDisabled("Confirm Shipment")
	}
	if r.dec("ShippedQty").IsZero() {
		return operationFailed("Unable to confirm zero shipment " + r.get("ShipmentNbr") + ".")
	}
	o := x.edit(entitySalesOrder, x.orderOf(r))
	r = x.edit(entityShipment, r)
	for _, l := range r.Many["Details"] {
		ol := lineNbr(o, l.get("OrderLineNbr"))
		ol.setDec(confirmedQty, ol.dec(confirmedQty).Add(l.dec("Qty")))
		missing := ol.dec("Qty").Sub(ol.dec("QtyOnShipments")).IsPositive()
		switch {
		case !missing:
		case ol.get("ShippingRule") == ruleComplete:
			return operationFailed(fmt.Sprintf("Shipment cannot be confirmed because the quantity of the item for the line '%s' "+
				"with the Ship Complete setting is less than the ordered quantity.", l.get("InventoryID")))
		case ol.get("ShippingRule") == ruleCancel:
			ol.setBool("Completed", true)
		default:
			o.setBool(backOrdered, true)
		}
	}
	r.set("Status", statusConfirmed)
	r.touch(x.now)
	return x.resettle(o)
}

// correctShipment opens a confirmed shipment again that was not billed.
func correctShipment(x *tx, r *record) *failure {
	row := r.Many[partShipmentOrders][0]
	if r.get("Status") != statusConfirmed || row.get("InvoiceNbr") != "" || row.get("InventoryRefNbr") != "" {
		return buttonDisabled("Correct Shipment")
	}
	o := x.edit(entitySalesOrder, x.orderOf(r))
	r = x.edit(entityShipment, r)
	for _, l := range r.Many["Details"] {
		ol := lineNbr(o, l.get("OrderLineNbr"))
		ol.setDec(confirmedQty, ol.dec(confirmedQty).Sub(l.dec("Qty")))
		ol.setBool("Completed", false)
	}
	o.setBool(backOrdered, false)
	r.set("Status", statusOpen)
	r.touch(x.now)
	return x.resettle(o)
}

// updateInventory notes the inventory document. Its costs are not modelled,
// so it posts nothing.
func updateInventory(x *tx, r *record) *failure {
	row := r.Many[partShipmentOrders][0]
	switch r.get("Status") {
	case statusConfirmed, statusInvoiced, statusCompleted:
	default:
		return buttonDisabled("Update IN")
	}
	if row.get("InventoryRefNbr") != "" {
		return buttonDisabled("Update IN")
	}
	r = x.edit(entityShipment, r)
	row = r.Many[partShipmentOrders][0]
	row.set("InventoryDocType", r.get("Operation"))
	row.set("InventoryRefNbr", fmt.Sprintf("%06d", x.next("INDocument")))
	r.touch(x.now)
	return nil
}

// invoiceShipment bills one confirmed shipment.
func invoiceShipment(x *tx, r *record) *failure {
	if r.get("Status") != statusConfirmed {
		return buttonDisabled("Prepare Invoice")
	}
	return x.bill(x.orderOf(r), []*record{r})
}

// prepareOrderInvoice bills all confirmed shipments of an order and what
// needs none.
func prepareOrderInvoice(x *tx, o *record) *failure {
	switch o.get("Status") {
	case statusOpen, statusBackOrder, statusShipping, statusCompleted:
	default:
		return buttonDisabled("Prepare Invoice")
	}
	var shipments []*record
	for _, row := range o.Many[partOrderShipments] {
		if s := x.byKey(entityShipment, row.get("ShipmentNbr")); s != nil && s.get("Status") == statusConfirmed {
			shipments = append(shipments, s)
		}
	}
	return x.bill(o, shipments)
}

// billing is one invoice line to be: qty of an order line.
type billing struct {
	line     *record
	qty      decimal.Decimal
	shipment string
}

// billings are the shipped lines, and those that need no shipment.
func billings(o *record, shipments []*record) []billing {
	kind, _ := orderTypeOf(o.get("OrderType"))
	var due []billing
	for _, s := range shipments {
		for _, l := range s.Many["Details"] {
			if l.dec("Qty").IsPositive() {
				due = append(due, billing{lineNbr(o, l.get("OrderLineNbr")), l.dec("Qty"), s.get("ShipmentNbr")})
			}
		}
	}
	for _, l := range o.Many["Details"] {
		if qty := l.dec("Qty").Sub(l.dec(billedQty)); (!kind.ships || !goods(l)) && qty.IsPositive() {
			due = append(due, billing{l, qty, ""})
		}
	}
	return due
}
