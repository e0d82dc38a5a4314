package acumaticatwin

// freshItem gives a new item the defaults of its class.
func freshItem(r *record, itemType string) {
	for name, v := range map[string]string{
		"ItemType": itemType, "ItemStatus": statusActive, "ItemClass": "DEFAULT", "DefaultPrice": "0", "TaxCategory": "EXEMPT",
		"PostingClass": "DEFAULT", "IsAKit": "false", "SalesAccount": accountSales, "SalesSubaccount": seedSubaccount,
	} {
		r.set(name, v)
	}
	for _, name := range []string{"BaseUOM", "SalesUOM", "PurchaseUOM", "BaseUnit", "SalesUnit", "PurchaseUnit"} {
		r.set(name, "EACH")
	}
}

// saveItem checks an item. Its number is typed by the user, not given out;
// stock and non-stock items share one set of numbers.
func saveItem(x *tx, old, r *record) *problems {
	bad := newProblems()
	id := r.get("InventoryID")
	if id == "" {
		r.set("InventoryID", unsavedKey)
	}
	if old == nil && (x.byKey(entityStockItem, id) != nil || x.byKey(entityNonStockItem, id) != nil) {
		bad.add(r, "InventoryID", "An inventory item with the ID '%s' already exists.", id)
	}
	switch r.get("ItemStatus") {
	case statusActive, statusInactive, "No Sales", "No Purchases", "No Request", "Marked for Deletion":
	default:
		bad.add(r, "ItemStatus", "The list value '%s' is not allowed for the 'Item Status' field.", r.get("ItemStatus"))
	}
	return bad
}

// removeItem keeps items that a document names.
func removeItem(x *tx, r *record) *failure {
	for _, name := range []string{entityInvoice, entityCashSale, entitySalesOrder} {
		for range x.with(name, "Details/InventoryID", r.get("InventoryID")) {
			return pxError("The item '%s' cannot be deleted because it is used in a document.", r.get("InventoryID"))
		}
	}
	return nil
}
