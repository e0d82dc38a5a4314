package acumaticatwin

import "slices"

// itemOf checks the item of a sales line and fills in what the line does not
// say: text, unit, price, tax category and account.
func (x *tx) itemOf(was, l *record, bad *problems) {
	id := l.get("InventoryID")
	if id == "" {
		bad.add(l, "InventoryID", "'Inventory ID' cannot be empty.")
		return
	}
	item, unit := x.byKey(entityStockItem, id), "SalesUOM"
	if item == nil {
		item, unit = x.byKey(entityNonStockItem, id), "SalesUnit"
	}
	if item == nil {
		bad.add(l, "InventoryID", "'Inventory ID' cannot be found in the system.")
		return
	}
	l.set("InventoryID", item.get("InventoryID"))
	if s := item.get("ItemStatus"); s != statusActive && s != "No Purchases" && s != "No Request" {
		bad.add(l, "InventoryID", "The inventory item is %s.", s)
		return
	}
	units := []string{item.get(unit), item.get("BaseUOM"), item.get("BaseUnit")}
	l.setDefault("UOM", item.get(unit))
	if !slices.Contains(units, l.get("UOM")) { // conversions are not modelled
		bad.add(l, "UOM", "'UOM' cannot be found in the system.")
	}
	l.setDefault("TransactionDescription", item.get("Description"))
	l.setBool("ManualPrice", l.yes("ManualPrice") || l.get("UnitPrice") != was.get("UnitPrice"))
	l.setDefault("UnitPrice", item.get("DefaultPrice"))
	l.setDefault("TaxCategory", item.get("TaxCategory"))
	l.setDefault("Account", item.get("SalesAccount"))
	l.setDefault("Subaccount", item.get("SalesSubaccount"))
	l.setDefault("Qty", "0")
	notNegative(l, "Qty", bad)
}

// lineDiscount computes the discount of a line, which is always a manual one:
// discount tables are not modelled.
func (x *tx) lineDiscount(was, l *record, currency string, bad *problems) {
	l.setDec("ExtendedPrice", x.round(l.dec("Qty").Mul(l.dec("UnitPrice")), currency))
	x.percentAndAmount(was, l, "ExtendedPrice", l.dec("ExtendedPrice"), currency)
	if l.dec("DiscountAmount").Abs().GreaterThan(l.dec("ExtendedPrice").Abs()) {
		bad.add(l, "DiscountAmount", "Incorrect value. The value to be entered must be less than or equal to %s.", l.dec("ExtendedPrice"))
	}
	l.setBool("ManualDiscount", l.yes("ManualDiscount") || !l.dec("DiscountAmount").IsZero())
}
