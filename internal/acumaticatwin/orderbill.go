package acumaticatwin

import (
	"slices"

	"github.com/shopspring/decimal"
)

// noShipment stands as the shipment number of what was billed without one.
const noShipment = "<NEW>"

// bill makes the invoice, or the credit memo, of the lines of an order that
// are due, and hands its payments on to it.
func (x *tx) bill(o *record, shipments []*record) *failure {
	o = x.edit(entitySalesOrder, o)
	due := billings(o, shipments)
	if len(due) == 0 {
		return operationFailed("There is nothing to invoice for the order " + o.get("OrderType") + " " + o.get("OrderNbr") + ".")
	}
	kind, _ := orderTypeOf(o.get("OrderType"))
	r := newRecord(x.newID())
	freshSalesInvoice(x, r)
	for name, v := range map[string]string{
		"Type": kind.invoice, "Customer": o.get("Customer"), curyID: o.get(curyID), "Hold": "false", "CustomerOrder": o.get("CustomerOrder"),
		"Description": o.get("Description"), "Terms": o.One["FinancialSettings"].get("Terms"), "Project": o.get("Project"),
	} {
		delete(r.Fields, name)
		r.setDefault(name, v)
	}
	for _, b := range due {
		r.Many["Details"] = append(r.Many["Details"], x.billedLine(o, b))
		b.line.setDec(billedQty, b.line.dec(billedQty).Add(b.qty))
	}
	x.billFreight(o, r, shipments)
	if wholly(o, due) {
		for _, d := range o.Many[partDiscounts] {
			d = d.clone()
			d.ID = x.newID()
			d.set("OrderType", o.get("OrderType"))
			d.set("OrderNbr", o.get("OrderNbr"))
			r.Many[partDiscounts] = append(r.Many[partDiscounts], d)
		}
	}
	if bad := saveSalesInvoice(x, nil, r); !bad.empty() {
		return operationFailed(bad.err().Error())
	}
	x.handOn(o, r)
	r.touch(x.now)
	x.save(entityInvoice, r)
	x.noteInvoice(o, r, shipments, due)
	return x.resettle(o)
}

func (x *tx) billedLine(o *record, b billing) *record {
	l := x.line("OrderType", o.get("OrderType"), "OrderNbr", o.get("OrderNbr"), "OrderLineNbr", b.line.get("LineNbr"), "Qty", b.qty.String(),
		"ShipmentNbr", b.shipment)
	for _, name := range []string{
		"InventoryID", "TransactionDescription", "UOM", "UnitPrice", "DiscountPercent", "TaxCategory", "Account", "Subaccount", "Branch", "WarehouseID",
		"OrigInvType", "OrigInvNbr", "OrigInvLineNbr", "ManualPrice", "ManualDiscount",
	} {
		l.setDefault(name, b.line.get(name))
	}
	return l
}

// billFreight charges the freight of the shipments, or of the order when
// nothing is shipped.
func (x *tx) billFreight(o, r *record, shipments []*record) {
	sum := decimal.Zero
	for _, s := range shipments {
		price := s.dec("FreightPrice")
		r.Many["FreightDetails"] = append(r.Many["FreightDetails"], x.line("ShipmentNbr", s.get("ShipmentNbr"), "ShipmentType", s.get("Type"),
			"FreightAmount", price.String(), "FreightCost", "0", "PremiumFreightAmount", "0", "TotalFreightAmount", price.String()))
		sum = sum.Add(price)
	}
	if !shippedBefore(o) {
		sum = o.dec("FreightPrice")
	}
	r.setDec("FreightPrice", sum)
}

// wholly reports whether an invoice bills all of an order. Acumatica: manual
// discounts are not divided among partial invoices, those have none.
func wholly(o *record, due []billing) bool {
	for _, l := range o.Many["Details"] {
		qty := decimal.Zero
		for _, b := range due {
			if b.line == l {
				qty = qty.Add(b.qty)
			}
		}
		if !qty.Equal(l.dec("Qty")) {
			return false
		}
	}
	return true
}

// handOn moves what payments reserved for the order to its invoice, as far as
// that needs it.
func (x *tx) handOn(o, r *record) {
	rest := r.dec("Amount")
	for _, row := range slices.Clone(o.Many[partOrderPayments]) {
		amount := decimal.Min(rest, row.dec("AppliedToOrder"))
		p := x.byKey(entityPayment, row.get("DocType"), row.get("ReferenceNbr"))
		if !amount.IsPositive() || p == nil {
			continue
		}
		rest = rest.Sub(amount)
		row.setDec("TransferredtoInvoice", row.dec("TransferredtoInvoice").Add(amount))
		x.reserve(x.edit(entityPayment, p), o, row.dec("AppliedToOrder").Sub(amount))
		l := x.line("DocType", row.get("DocType"), "AdjustingDocReferenceNbr", row.get("ReferenceNbr"), "AmountPaid", amount.String(), "from order", "true")
		describePayer(l, p)
		r.Many[partPaidBy] = append(r.Many[partPaidBy], l)
	}
	r.setDec("PaymentTotal", applied(r.Many[partPaidBy]))
}

// noteInvoice writes the number of an invoice into shipments and order.
func (x *tx) noteInvoice(o, r *record, shipments []*record, due []billing) {
	for _, s := range shipments {
		s = x.edit(entityShipment, s)
		s.set("Status", statusInvoiced)
		s.touch(x.now)
		s.Many[partShipmentOrders][0].set("InvoiceType", r.get("Type"))
		s.Many[partShipmentOrders][0].set("InvoiceNbr", r.get("ReferenceNbr"))
	}
	direct := decimal.Zero
	for _, b := range due {
		if b.shipment == "" {
			direct = direct.Add(b.qty)
		}
	}
	if direct.IsPositive() {
		o.Many[partOrderShipments] = append(o.Many[partOrderShipments], x.line("ShipmentNbr", noShipment, "ShipmentType", typeInvoice, "InvoiceType", r.get("Type"),
			"InvoiceNbr", r.get("ReferenceNbr"), "ShippedQty", direct.String(), "ShipmentDate", r.get("Date"), "Status", statusInvoiced))
	}
}

// ordersOf calls f with every order of a sales invoice.
func (x *tx) ordersOf(r *record, f func(o *record)) {
	seen := map[string]bool{}
	for _, l := range r.Many["Details"] {
		key := foldKey([]string{l.get("OrderType"), l.get("OrderNbr")})
		o := x.byKey(entitySalesOrder, l.get("OrderType"), l.get("OrderNbr"))
		if l.get("OrderNbr") == "" || seen[key] || o == nil {
			continue
		}
		seen[key] = true
		f(x.edit(entitySalesOrder, o))
	}
}

// completeOrders tells orders and shipments that their invoice is released.
func (x *tx) completeOrders(r *record) {
	x.ordersOf(r, func(o *record) {
		for _, row := range o.Many[partOrderShipments] {
			s := x.byKey(entityShipment, row.get("ShipmentNbr"))
			switch {
			case row.get("InvoiceNbr") == r.get("ReferenceNbr") && row.get("InvoiceType") == r.get("Type"):
				row.setBool("released", true)
				row.set("Status", statusCompleted)
			case s != nil && s.Many[partShipmentOrders][0].get("InvoiceNbr") == r.get("ReferenceNbr"):
				s = x.edit(entityShipment, s)
				s.set("Status", statusCompleted)
				s.touch(x.now)
				row.setBool("released", true)
			}
		}
		x.settleOrder(o)
		o.touch(x.now)
	})
}

// unbill undoes bill when the invoice is deleted.
func (x *tx) unbill(r *record) {
	x.ordersOf(r, func(o *record) {
		for _, l := range r.Many["Details"] {
			if l.get("OrderType") == o.get("OrderType") && l.get("OrderNbr") == o.get("OrderNbr") {
				ol := lineNbr(o, l.get("OrderLineNbr"))
				ol.setDec(billedQty, ol.dec(billedQty).Sub(l.dec("Qty")))
			}
		}
		o.Many[partOrderShipments] = slices.DeleteFunc(slices.Clone(o.Many[partOrderShipments]), func(row *record) bool {
			return row.get("InvoiceNbr") == r.get("ReferenceNbr") && row.get("InvoiceType") == r.get("Type")
		})
		for _, row := range o.Many[partOrderShipments] {
			if s := x.byKey(entityShipment, row.get("ShipmentNbr")); s != nil && s.Many[partShipmentOrders][0].get("InvoiceNbr") == r.get("ReferenceNbr") {
				s = x.edit(entityShipment, s)
				s.set("Status", statusConfirmed)
				s.touch(x.now)
				delete(s.Many[partShipmentOrders][0].Fields, "InvoiceNbr")
				delete(s.Many[partShipmentOrders][0].Fields, "InvoiceType")
			}
		}
		x.takeBack(o, r)
		x.settleOrder(o)
		x.sumOrder(o)
		o.touch(x.now)
	})
}

// takeBack gives the payments of a deleted invoice back to its order, as far as
// they have not been applied to something else since.
func (x *tx) takeBack(o, r *record) {
	for _, l := range r.Many[partPaidBy] {
		p := x.byKey(entityPayment, l.get("DocType"), l.get("AdjustingDocReferenceNbr"))
		if p == nil || !l.yes("from order") {
			continue
		}
		if row := paymentRowOf(o, p); row != nil {
			row.setDec("TransferredtoInvoice", row.dec("TransferredtoInvoice").Sub(l.dec("AmountPaid")))
			free := decimal.Max(decimal.Zero, left(p).Sub(applied(p.Many[partApply])).Sub(forOrders(p)))
			x.reserve(x.edit(entityPayment, p), o, row.dec("AppliedToOrder").Add(decimal.Min(l.dec("AmountPaid"), free)))
		}
	}
}
