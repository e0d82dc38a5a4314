package acumaticatwin

import (
	"fmt"

	"github.com/shopspring/decimal"
)

const (
	statusCanceled   = "Canceled"
	statusCreditHold = "Credit Hold"
	statusShipping   = "Shipping"
	statusBackOrder  = "Back Order"
	statusInvoiced   = "Invoiced"
	statusCompleted  = "Completed"

	lineCharge = "Misc. Charge"

	ruleCancel   = "Cancel Remainder"
	ruleBack     = "Back Order Allowed"
	ruleComplete = "Ship Complete"

	// What the twin remembers of an order line besides its fields.
	confirmedQty = "confirmed"
	billedQty    = "billed"
)

func saveOrder(x *tx, old, r *record) *problems {
	bad := newProblems()
	kind, ok := orderTypeOf(r.get("OrderType"))
	if !ok {
		bad.add(r, "OrderType", "This stand-in does not model orders of the type '%s' yet.", r.get("OrderType"))
		return bad
	}
	if old != nil && !editable(old) {
		refuseOrderChanges(old, r, bad)
		return bad
	}
	c := x.orderCustomer(r, bad)
	if c == nil {
		return bad
	}
	x.rateDocument(r, "Date", c.get("CurrencyRateType"), bad)
	r.setDec("CurrencyRate", rateOfDocument(r))
	if rate := r.dec("CurrencyRate"); rate.IsPositive() {
		r.setDec("ReciprocalRate", decimal.NewFromInt(1).DivRound(rate, 8))
	}
	x.addressOrder(c, r)
	x.orderLines(old, r, kind, bad)
	totals := r.One[partTotals]
	if !totals.yes("OverrideFreightAmount") {
		totals.set("Freight", "0") // no carrier computes one
	}
	r.setDec("FreightPrice", x.round(totals.dec("Freight").Add(totals.dec("PremiumFreight")), r.get(curyID)))
	notNegative(totals, "Freight", bad)
	if r.dec("FreightPrice").IsNegative() {
		bad.add(totals, "PremiumFreight", "The freight of the order cannot be negative.")
	}
	x.total(c, old, r, bad)
	if r.dec("Amount").IsNegative() {
		bad.add(r, "Amount", "The document is out of the balance.")
	}
	x.credit(c, r)
	r.setBool("Approved", !r.yes("Hold"))
	x.settleOrder(r)
	if old == nil && bad.empty() {
		r.set("OrderNbr", fmt.Sprintf("%06d", x.next("SOOrder "+r.get("OrderType"))))
	}
	x.savePaymentsOf(old, r, bad)
	if reserved(r).GreaterThan(decimal.Max(r.dec("Amount"), decimal.Zero)) {
		bad.add(r, "Amount", "The payments applied to the order exceed its total.")
	}
	if old == nil && !bad.empty() {
		r.set("OrderNbr", unsavedKey)
	}
	x.sumOrder(r)
	return bad
}

// orderCustomer checks the customer and takes terms, tax zone and currency
// from it. Acumatica: a customer on credit hold may order, the order waits.
func (x *tx) orderCustomer(r *record, bad *problems) *record {
	c := x.byKey(entityCustomer, r.get("Customer"))
	if c == nil || c.get("Status") != statusCreditHold {
		c = x.customerOf(r, "Customer", bad)
	}
	if c == nil {
		return nil
	}
	r.set("Customer", c.get("CustomerID"))
	r.setDefault(curyID, c.get("CurrencyID"))
	if r.get(curyID) != c.get("CurrencyID") && !c.yes("EnableCurrencyOverride") {
		bad.add(r, curyID, "The currency of the document cannot differ from the currency of the customer, %s.", c.get("CurrencyID"))
	}
	f := r.One["FinancialSettings"]
	f.setDefault("Terms", c.get("Terms"))
	f.setDefault("CustomerTaxZone", c.get("TaxZone"))
	if _, ok := x.st.Setup.Terms[f.get("Terms")]; f.get("Terms") != "" && !ok {
		bad.add(f, "Terms", "Terms '%s' cannot be found in the system.", f.get("Terms"))
	}
	switch rule := r.One[partTotals].get("ShippingRule"); rule {
	case ruleCancel, ruleBack, ruleComplete:
	default:
		bad.add(r.One[partTotals], "ShippingRule", "The list value '%s' is not allowed for the 'Shipping Rule' field.", rule)
	}
	return c
}

// credit puts the order of a customer on credit hold into that status.
func (x *tx) credit(c, r *record) {
	if c.get("Status") == statusCreditHold && !r.yes("Hold") {
		r.setBool("CreditHold", true)
	}
}

func (x *tx) orderLines(old, r *record, kind orderType, bad *problems) {
	for _, l := range r.Many["Details"] {
		was := lineWas(old, "Details", l)
		x.itemOf(was, l, bad)
		x.lineDiscount(was, l, r.get(curyID), bad)
		l.set("LineType", x.lineType(l))
		l.set("Operation", "Issue")
		if kind.receipt {
			l.set("Operation", "Receipt")
		}
		for name, v := range map[string]string{
			"Branch": r.get("LinkBranch"), "WarehouseID": seedWarehouse, "ShippingRule": r.One[partTotals].get("ShippingRule"), "RequestedOn": r.get("RequestedOn"),
			"ShipOn": r.get("RequestedOn"), "UndershipThreshold": "100", "OvershipThreshold": "100", "FreeItem": "false", "MarkForPO": "false",
			"AutoCreateIssue": "false", "Commissionable": "true", "UnitCost": "0", "Completed": "false", "QtyOnShipments": "0", confirmedQty: "0", billedQty: "0",
		} {
			l.setDefault(name, v)
		}
		if l.get("WarehouseID") != seedWarehouse {
			bad.add(l, "WarehouseID", "'Warehouse' cannot be found in the system.")
		}
		if least := decimal.Max(l.dec("QtyOnShipments"), l.dec(billedQty)); l.dec("Qty").LessThan(least) {
			bad.add(l, "Qty", "Incorrect value. The value to be entered must be greater than or equal to %s.", least)
		}
		l.set("DiscountedUnitPrice", l.get("UnitPrice"))
		if q := l.dec("Qty"); !q.IsZero() {
			l.setDec("DiscountedUnitPrice", l.dec("ExtendedPrice").Sub(l.dec("DiscountAmount")).DivRound(q, 6))
		}
		l.set("LastModifiedDate", x.now.Format("01/02/2006 15:04:05"))
	}
	if old == nil {
		return
	}
	kept := map[string]bool{}
	for _, l := range r.Many["Details"] {
		kept[l.ID] = true
	}
	for _, l := range old.Many["Details"] {
		if !kept[l.ID] && (!l.dec("QtyOnShipments").IsZero() || !l.dec(billedQty).IsZero()) {
			bad.add(r, "", "Cannot delete line with shipment.")
		}
	}
}

// lineType is how a line with its item is handled. A service that needs no
// shipment is a charge.
func (x *tx) lineType(l *record) string {
	if x.byKey(entityStockItem, l.get("InventoryID")) != nil {
		return "Goods for Inventory"
	}
	if item := x.byKey(entityNonStockItem, l.get("InventoryID")); item != nil && item.yes("RequireShipment") {
		return "Non-Inventory Goods"
	}
	return lineCharge
}

func goods(l *record) bool { return l.get("LineType") != lineCharge }

// sumOrder completes the totals that depend on shipments, bills and payments.
func (x *tx) sumOrder(r *record) {
	totals := r.One[partTotals]
	line, misc, ordered, unbilledQty, unbilled := decimal.Zero, decimal.Zero, decimal.Zero, decimal.Zero, decimal.Zero
	for _, l := range r.Many["Details"] {
		if goods(l) {
			line = line.Add(l.dec("Amount"))
		} else {
			misc = misc.Add(l.dec("Amount"))
		}
		ordered = ordered.Add(l.dec("Qty"))
		due := l.dec("Qty").Sub(l.dec(billedQty))
		if l.yes("Completed") {
			due = decimal.Max(decimal.Zero, l.dec(confirmedQty).Sub(l.dec(billedQty)))
		}
		l.setDec("UnbilledAmount", x.share(l, "Amount", due, r.get(curyID)))
		unbilledQty, unbilled = unbilledQty.Add(due), unbilled.Add(l.dec("UnbilledAmount"))
	}
	r.setDec("OrderedQty", ordered)
	for name, d := range map[string]decimal.Decimal{
		"LineTotalAmount": line, "MiscTotalAmount": misc, "UnbilledQty": unbilledQty, "UnbilledAmount": unbilled, "DiscountTotal": r.dec("DiscountTotal"),
		"TaxTotal": r.dec("TaxTotal"), "UnpaidBalance": r.dec("Amount").Sub(reserved(r)),
	} {
		totals.setDec(name, d)
	}
}

// share is the part of a line's amount that falls to qty of its units.
func (x *tx) share(l *record, name string, qty decimal.Decimal, currency string) decimal.Decimal {
	if l.dec("Qty").IsZero() {
		return decimal.Zero
	}
	return x.round(l.dec(name).Mul(qty).Div(l.dec("Qty")), currency)
}

// editable reports whether clients may still change the order.
func editable(r *record) bool {
	switch r.get("Status") {
	case statusCompleted, statusCanceled, statusInvoiced, statusShipping:
		return false
	}
	return true
}

// refuseOrderChanges lets only the references of a closed order change.
func refuseOrderChanges(old, r *record, bad *problems) {
	frozen := old.clone()
	for _, name := range []string{"Description", "CustomerOrder", "ExternalRef"} {
		delete(frozen.Fields, name)
		frozen.setDefault(name, r.get(name))
	}
	for name := range r.Fields {
		if frozen.get(name) != r.get(name) {
			bad.add(r, name, "The order is %s and cannot be changed.", old.get("Status"))
		}
	}
	if !r.same(frozen) && bad.empty() {
		bad.add(r, "", "The order is %s and cannot be changed.", old.get("Status"))
	}
}

// orderTaxes are the taxes with the columns that only an order has.
func orderTaxes(_ *tx, r *record) []*record {
	var rows []*record
	for i, d := range r.Many["TaxDetails"] {
		row := d.clone()
		row.set("OrderType", r.get("OrderType"))
		row.set("OrderNbr", r.get("OrderNbr"))
		row.set("LineNbr", fmt.Sprint(i+1))
		row.set("RecordID", fmt.Sprint(i+1))
		row.set("TaxType", "Sales")
		row.setDefault("CustomerTaxZone", r.One["FinancialSettings"].get("CustomerTaxZone"))
		rows = append(rows, row)
	}
	return rows
}

func removeOrder(x *tx, r *record) *failure {
	if len(r.Many[partOrderShipments]) > 0 {
		return pxError("Cannot delete the order: it has shipments or invoices.")
	}
	if !reserved(r).IsZero() {
		return pxError("Cannot delete the order: a payment is applied to it.")
	}
	if !editable(r) && r.get("Status") != statusCanceled {
		return buttonDisabled("Delete")
	}
	return nil
}
