package poller

import (
	"millrace/internal/acumatica"
	"millrace/internal/config"
	"millrace/internal/link"
)

// onSale are the statuses in which an item is sold. Acumatica: "No Purchases"
// and "No Request" keep it from being bought or asked for.
const onSale = "(ItemStatus eq 'Active' or ItemStatus eq 'No Purchases' or ItemStatus eq 'No Request')"

// entities are those that the connection has polled.
func (p *Poller) entities() []entity { return append(receivables(p.o.Invoices), items(p.o.Items)...) }

// items are polled where a connection mirrors them. Acumatica: the change time
// of stock items is LastModified in 22.200.001 and 23.200.001, and still there
// in 24.200.001. An item goes by the id of its record, which is also its lane:
// its number can be changed, and orders what comes after.
//
// A row tells all that a product needs, so that none is read by itself.
// Acumatica: the price is kept by currency, CurySpecificPrice is the one in the
// base currency, and DefaultPrice is where it was before. Saving it may leave
// the item's own change time as it is: a full reading sees it.
func items(mirrored config.Items) []entity {
	var list []entity
	if mirrored.Stock {
		list = append(list, item("StockItem", "stockitem", "LastModified", "BaseUOM", mirrored.Currency))
	}
	if mirrored.NonStock {
		list = append(list, item("NonStockItem", "nonstockitem", "LastModifiedDateTime", "BaseUnit", mirrored.Currency))
	}
	return list
}

func item(name, object, changed, unit, currency string) entity {
	return entity{
		name: name, object: object, changed: changed, byID: true, meaning: currency,
		fields:  []string{"InventoryID", "Description", "ItemStatus", "ItemType", "DefaultPrice", "CurySpecificPrice", unit, changed},
		backlog: onSale,
		keys:    []string{"InventoryID"},
		hidden:  func(acumatica.Record) bool { return false },
		kind:    link.Product, closed: func(r acumatica.Record) bool { return !sold(r) }, open: sold,
	}
}

// sold reports an item that is to be in Stripe. One whose status we do not know
// is published when it changes: the flow decides, and says why (Invariant 3).
func sold(r acumatica.Record) bool {
	switch r.String("ItemStatus") {
	case "Active", "No Purchases", "No Request":
		return true
	}
	return false
}
