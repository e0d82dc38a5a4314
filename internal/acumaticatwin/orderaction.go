package acumaticatwin

import "github.com/shopspring/decimal"

const backOrdered = "back ordered" // set by a partial shipment, until the order is opened again

// settleOrder brings lines and status of an order up to date.
func (x *tx) settleOrder(r *record) {
	kind, _ := orderTypeOf(r.get("OrderType"))
	shipping, goodsOpen, toBill, lines := false, false, false, 0
	for _, l := range r.Many["Details"] {
		open := l.dec("Qty").Sub(l.dec(confirmedQty))
		if !kind.ships || !goods(l) {
			open = l.dec("Qty").Sub(l.dec(billedQty))
			l.setBool("Completed", !l.dec("Qty").IsZero() && !open.IsPositive())
			toBill = toBill || !l.yes("Completed")
		} else {
			lines++
			l.setBool("Completed", l.yes("Completed") || (!l.dec("Qty").IsZero() && !open.IsPositive()))
			shipping = shipping || l.dec("QtyOnShipments").GreaterThan(l.dec(confirmedQty))
			goodsOpen = goodsOpen || !l.yes("Completed")
		}
		if l.yes("Completed") {
			open = decimal.Zero
		}
		l.setDec("OpenQty", open)
	}
	r.set("Status", orderStatus(r, kind, shipping, goodsOpen || (lines == 0 && toBill) || len(r.Many["Details"]) == 0))
}

func orderStatus(r *record, kind orderType, shipping, open bool) string {
	switch {
	case r.One[partTotals].yes("Canceled"):
		return statusCanceled
	case r.yes("Hold"):
		return statusHold
	case r.yes("CreditHold"):
		return statusCreditHold
	case shipping:
		return statusShipping
	case open && r.yes(backOrdered):
		return statusBackOrder
	case open:
		return statusOpen
	case !kind.ships && !billsReleased(r):
		return statusInvoiced
	}
	return statusCompleted
}

// billsReleased reports whether every invoice of an order is released.
func billsReleased(r *record) bool {
	for _, s := range r.Many[partOrderShipments] {
		if !s.yes("released") {
			return false
		}
	}
	return true
}

// openOrder brings a back order to the top again.
func openOrder(x *tx, r *record) *failure {
	if r.get("Status") != statusBackOrder {
		return buttonDisabled("Open Order")
	}
	r = x.edit(entitySalesOrder, r)
	r.setBool(backOrdered, false)
	return x.resettle(r)
}

func (x *tx) resettle(r *record) *failure {
	x.settleOrder(r)
	x.sumOrder(r)
	r.touch(x.now)
	return nil
}

// cancelOrder ends an order that nothing came of yet.
func cancelOrder(x *tx, r *record) *failure {
	switch r.get("Status") {
	case statusHold, statusOpen, statusCreditHold:
	default:
		return buttonDisabled("Cancel Order")
	}
	if len(r.Many[partOrderShipments]) > 0 {
		return operationFailed("The order has shipments and cannot be canceled.")
	}
	if !reserved(r).IsZero() {
		return operationFailed("The order has payments and cannot be canceled.")
	}
	r = x.edit(entitySalesOrder, r)
	r.One[partTotals].setBool("Canceled", true)
	return x.resettle(r)
}

// reopenOrder undoes a cancellation, also that of the rest of a line.
func reopenOrder(x *tx, r *record) *failure {
	kind, _ := orderTypeOf(r.get("OrderType"))
	again := r.get("Status") == statusCanceled
	for _, l := range r.Many["Details"] {
		again = again || (r.get("Status") == statusCompleted && kind.ships && goods(l) && l.dec("Qty").GreaterThan(l.dec(confirmedQty)))
	}
	if !again {
		return buttonDisabled("Reopen Order")
	}
	r = x.edit(entitySalesOrder, r)
	r.One[partTotals].setBool("Canceled", false)
	for _, l := range r.Many["Details"] {
		l.setBool("Completed", false)
	}
	return x.resettle(r)
}

// releaseFromCreditHold needs a customer who is off credit hold by now.
func releaseFromCreditHold(x *tx, r *record) *failure {
	if r.get("Status") != statusCreditHold {
		return buttonDisabled("Remove Credit Hold")
	}
	if c := x.byKey(entityCustomer, r.get("Customer")); c == nil || c.get("Status") == statusCreditHold {
		return operationFailed("The customer status is '" + statusCreditHold + "'.")
	}
	r = x.edit(entitySalesOrder, r)
	r.setBool("CreditHold", false)
	return x.resettle(r)
}

// recalculateDiscounts applies the automatic discounts. There are none, and
// manual ones stay.
func recalculateDiscounts(_ *tx, r *record) *failure {
	if !editable(r) {
		return buttonDisabled("Recalculate Discounts")
	}
	return nil
}

// recalculatePrices takes prices from the items again, and drops manual
// discounts where it is told to: no automatic ones would replace them.
func recalculatePrices(x *tx, r *record) *failure {
	if !editable(r) {
		return buttonDisabled("Recalculate Prices")
	}
	old := r
	r = r.clone()
	for _, l := range r.Many["Details"] {
		if x.param("RecalcUnitPrices") == "true" && (!l.yes("ManualPrice") || x.param("OverrideManualPrices") == "true") {
			delete(l.Fields, "UnitPrice")
			l.setBool("ManualPrice", false)
		}
		if x.param("RecalcDiscounts") == "true" && x.param("OverrideManualDiscounts") == "true" {
			l.set("DiscountPercent", "0")
			l.set("DiscountAmount", "0")
			l.setBool("ManualDiscount", false)
		}
	}
	if x.param("RecalcDiscounts") == "true" && x.param("OverrideManualDocGroupDiscounts") == "true" {
		delete(r.Many, partDiscounts)
	}
	if bad := saveOrder(x, old, r); !bad.empty() {
		return operationFailed(bad.err().Error())
	}
	r.touch(x.now)
	x.save(entitySalesOrder, r)
	return nil
}
