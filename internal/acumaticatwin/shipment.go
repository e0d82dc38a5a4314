package acumaticatwin

import (
	"fmt"

	"github.com/shopspring/decimal"
)

const (
	entityShipment = "Shipment"

	statusConfirmed = "Confirmed"

	partShipmentOrders = "Orders"
)

func shipmentEntity(b *builder) *entity {
	return &entity{
		name: entityShipment, display: "Shipment", screen: "SO302000", graph: "PX.Objects.SO.SOShipmentEntry", view: "Document",
		keys: []string{"ShipmentNbr"}, indexed: []string{"Customer"},
		shape: b.shape(`BaseCurrencyID:S5! ControlQty:D6 CreatedDateTime:T! CurrencyRate:D8! CurrencyRateTypeID:S6 CurrencyViewState:B CustomerID=Customer:S!
			CreateNewShipmentForEveryOrder:B~ Description:S256 EffectiveDate:A! FOBPoint:S15 OverrideFreightPrice:B FreightPrice:D4 FreightCost:D4!
			FreightCurrencyID=Document.CuryID:S5! GroundCollect:B Hold:B Insurance:B LastModifiedDateTime:T! LocationID:S! Operation:S! Owner:S
			PackageCount:I! PackageWeight:D6! Picked:B! ReciprocalRate:D8! ResidentialDelivery:B SaturdayDelivery:B ShipmentDate:A ShipmentNbr:S15
			ShippedQty:D6! ShippedVolume:D6! ShippedWeight:D6! ShippingTerms:S10 ShippingZoneID:S15 ShipVia:S15 Status:S! ToWarehouseID:S! Type:S!
			UseCustomersAccount:B WarehouseID:S! WorkgroupID:S NoteID:G! UnlimitedPackages:B+24`,
			part{name: "Details", many: true, keys: []string{"LineNbr"}, shape: b.shape(`Description:S256 ExpirationDate:A FreeItem:B! InventoryID:S! LineNbr:I!
				LocationID:S LotSerialNbr:S100 OpenQty:D6! OrderedQty:D6! OrderLineNbr:I! OrderNbr:S15! OrderType:S! OriginalQty:D6! ReasonCode:S20
				ShippedQty=Qty:D6 Subitem:S UOM:S! WarehouseID:S!`,
				part{name: "Allocations", many: true, unmodelled: true, shape: b.shape(`Description:S ExpirationDate:A InventoryID:S LocationID:S
					LotSerialNbr:S OrderNbr:S OrderType:S Qty:D6 Subitem:S SplitLineNbr:I UOM:S`)})},
			part{name: partShipmentOrders, many: true, readOnly: true, keys: []string{"OrderType", "OrderNbr", "ShipmentNbr"}, shape: b.shape(`InventoryDocType:S
				InventoryRefNbr:S15 InvoiceNbr:S15 InvoiceType:S OrderNbr:S15 OrderType:S ShipmentNbr:S15 ShipmentType:S ShippedQty:D6
				ShippedVolume:D6 ShippedWeight:D6 OrderNoteID:G`)},
			part{name: "Packages", many: true, keys: []string{"LineNbr"}, shape: b.shape(`BoxID:S15 CODAmount:D4 Confirmed:B CustomRefNbr1:S30 CustomRefNbr2:S30
				DeclaredValue:D4 Description:S30 TrackingNbr:S60 Type:S UOM:S Weight:D6 Length:D6 Width:D6 Height:D6 LineNbr:I! NoteID:G!`,
				part{name: "PackageContents", many: true, unmodelled: true, shape: b.shape(`InventoryID:S LotSerialNbr:S OrigOrderNbr:S~ OrigOrderType:S~
					Quantity:D6 ShipmentSplitLineNbr:I Subitem:S UOM:S`)})},
			part{name: "ShippingSettings", shape: b.shape(`ShipToAddressOverride:B ShipToContactOverride:B Validated:B`,
				part{name: "ShipToAddress", shape: b.shape(`AddressLine1:S50 AddressLine2:S50 City:S50 Country:S100 PostalCode:S20 State:S50 Validated:B~`)},
				part{name: "ShipToContact", shape: b.shape(`Attention:S255 BusinessName:S255 Email:S255 Phone1:S50`)})}),
		save: saveShipment, remove: removeShipment,
		actions: map[string]action{
			"ConfirmShipment": confirmShipment, "ConfirmShipmentAction": confirmShipment, "CorrectShipment": correctShipment,
			"CorrectShipmentAction": correctShipment, "UpdateIN": updateInventory, "PrepareInvoice": invoiceShipment, "CreateInvoice": invoiceShipment,
		},
	}
}

// saveShipment lets an open shipment change; orders make them.
func saveShipment(x *tx, old, r *record) *problems {
	bad := newProblems()
	if old == nil {
		bad.add(r, "", "This stand-in makes shipments by the action SalesOrderCreateShipment only.")
		return bad
	}
	if s := old.get("Status"); s != statusOpen && s != statusHold {
		if !r.same(old) {
			bad.add(r, "", "The shipment is %s and cannot be changed.", s)
		}
		return bad
	}
	if len(r.Many["Details"]) > len(old.Many["Details"]) {
		bad.add(r, "", "This stand-in adds no lines to a shipment: delete it and create it again from the order.")
		return bad
	}
	numberLines(r.Many["Packages"])
	r.set("PackageCount", fmt.Sprint(len(r.Many["Packages"])))
	if !r.yes("OverrideFreightPrice") {
		r.set("FreightPrice", old.get("FreightPrice"))
	}
	r.setDec("FreightPrice", x.round(r.dec("FreightPrice"), r.get(curyID)))
	notNegative(r, "FreightPrice", bad)
	o := x.edit(entitySalesOrder, x.orderOf(r))
	for _, l := range r.Many["Details"] {
		ol, was := lineNbr(o, l.get("OrderLineNbr")), lineWas(old, "Details", l)
		most := ol.dec("Qty").Sub(ol.dec("QtyOnShipments")).Add(was.dec("Qty"))
		notNegative(l, "Qty", bad)
		atMost(l, "Qty", most, bad)
	}
	onShipment(o, old, -1)
	onShipment(o, r, 1)
	sumShipment(r)
	r.set("Status", statusOpen)
	if r.yes("Hold") {
		r.set("Status", statusHold)
	}
	if fail := x.resettle(o); fail != nil {
		bad.add(r, "", "%s", fail.Error())
	}
	return bad
}

// orderOf is the order that a shipment is for.
func (x *tx) orderOf(r *record) *record {
	row := r.Many[partShipmentOrders][0]
	return x.byKey(entitySalesOrder, row.get("OrderType"), row.get("OrderNbr"))
}

func lineNbr(r *record, nbr string) *record {
	for _, l := range r.Many["Details"] {
		if l.get("LineNbr") == nbr {
			return l
		}
	}
	return newRecord("")
}

// onShipment adds the lines of a shipment to the quantities on shipments of
// its order, or with sign -1 takes them off.
func onShipment(o, r *record, sign int64) {
	for _, l := range r.Many["Details"] {
		ol := lineNbr(o, l.get("OrderLineNbr"))
		ol.setDec("QtyOnShipments", ol.dec("QtyOnShipments").Add(l.dec("Qty").Mul(decimal.NewFromInt(sign))))
	}
}

func sumShipment(r *record) {
	sum := decimal.Zero
	for _, l := range r.Many["Details"] {
		sum = sum.Add(l.dec("Qty"))
	}
	r.setDec("ShippedQty", sum)
	for _, row := range r.Many[partShipmentOrders] {
		row.setDec("ShippedQty", sum)
	}
}

// removeShipment gives the quantities back to the order.
func removeShipment(x *tx, r *record) *failure {
	if s := r.get("Status"); s != statusOpen && s != statusHold {
		return buttonDisabled("Delete")
	}
	o := x.edit(entitySalesOrder, x.orderOf(r))
	onShipment(o, r, -1)
	var rest []*record
	for _, s := range o.Many[partOrderShipments] {
		if s.get("ShipmentNbr") != r.get("ShipmentNbr") {
			rest = append(rest, s)
		}
	}
	o.Many[partOrderShipments] = rest
	return x.resettle(o)
}

func createShipment(x *tx, r *record) *failure { return x.ship(r, "Issue", "Create Shipment") }
func createReceipt(x *tx, r *record) *failure  { return x.ship(r, "Receipt", "Create Receipt") }

// ship makes a shipment of all that an order still has to ship.
func (x *tx) ship(o *record, operation, button string) *failure {
	kind, _ := orderTypeOf(o.get("OrderType"))
	open := o.get("Status") == statusOpen || o.get("Status") == statusBackOrder
	if !kind.ships || kind.receipt != (operation == "Receipt") || !open {
		return buttonDisabled(button)
	}
	day := x.today()
	if at, ok := parseInstant(x.param("ShipmentDate")); ok {
		day = at.Format(dayLayout)
	}
	o = x.edit(entitySalesOrder, o)
	s := x.line("Customer", o.get("Customer"), "Description", o.get("Description"), "Operation", operation, "Type", entityShipment, "ShipmentDate", day,
		"EffectiveDate", day, "WarehouseID", seedWarehouse, "LocationID", o.get("LocationID"), "Hold", "false", "Status", statusOpen,
		"BaseCurrencyID", o.get("BaseCurrencyID"), curyID, o.get(curyID), "CurrencyRate", o.get("CurrencyRate"),
		"ReciprocalRate", o.get("ReciprocalRate"), "PackageCount", "0", "Picked", "false",
		"ControlQty", "0", "FreightPrice", "0", "FreightCost", "0", "OverrideFreightPrice", "false", "ShipVia", o.get("ShipVia"))
	for _, l := range o.Many["Details"] {
		qty := l.dec("Qty").Sub(l.dec("QtyOnShipments"))
		elsewhere := x.param("WarehouseID") != "" && fold(x.param("WarehouseID")) != fold(l.get("WarehouseID"))
		if !goods(l) || l.yes("Completed") || !qty.IsPositive() || elsewhere {
			continue
		}
		d := x.line("InventoryID", l.get("InventoryID"), "Description", l.get("TransactionDescription"), "UOM", l.get("UOM"), "WarehouseID", l.get("WarehouseID"),
			"OrderType", o.get("OrderType"), "OrderNbr", o.get("OrderNbr"), "OrderLineNbr", l.get("LineNbr"), "FreeItem", "false",
			"LineNbr", fmt.Sprint(len(s.Many["Details"])+1), "OrderedQty", l.get("Qty"), "OpenQty", qty.String(), "OriginalQty", qty.String(), "Qty", qty.String())
		s.Many["Details"] = append(s.Many["Details"], d)
	}
	if len(s.Many["Details"]) == 0 {
		verb := map[string]string{"Issue": "shipment", "Receipt": "receipt"}[operation]
		at, _ := parseInstant(day)
		return operationFailed(fmt.Sprintf("Order %s %s does not contain any items planned for %s on '%s'.",
			o.get("OrderType"), o.get("OrderNbr"), verb, at.Format("1/2/2006")))
	}
	s.set("ShipmentNbr", fmt.Sprintf("%06d", x.next("SOShipment")))
	s.Many[partShipmentOrders] = []*record{x.line("OrderType", o.get("OrderType"), "OrderNbr", o.get("OrderNbr"), "ShipmentNbr", s.get("ShipmentNbr"),
		"ShipmentType", s.get("Type"), "ShippedVolume", "0", "ShippedWeight", "0", "OrderNoteID", o.ID)}
	if !shippedBefore(o) {
		s.set("FreightPrice", o.get("FreightPrice")) // the first shipment carries all of it
	}
	o.Many[partOrderShipments] = append(o.Many[partOrderShipments], x.line("ShipmentNbr", s.get("ShipmentNbr")))
	onShipment(o, s, 1)
	sumShipment(s)
	s.touch(x.now)
	x.save(entityShipment, s)
	return x.resettle(o)
}

// shippedBefore reports whether a shipment of the order carries its freight.
func shippedBefore(o *record) bool { return len(o.Many[partOrderShipments]) > 0 }

// orderShipments are the shipments and direct invoices of an order.
func orderShipments(x *tx, r *record) []*record {
	var rows []*record
	for _, l := range r.Many[partOrderShipments] {
		row := l.clone()
		row.set("OrderNoteID", r.ID)
		if s := x.byKey(entityShipment, l.get("ShipmentNbr")); s != nil {
			for to, from := range map[string]string{
				"ShipmentDate": "ShipmentDate", "ShipmentType": "Type", "ShippedQty": "ShippedQty", "Status": "Status", "LastModifiedDateTime": "LastModifiedDateTime",
			} {
				row.setDefault(to, s.get(from))
			}
			row.set("ShippingNoteID", s.ID)
			for _, name := range []string{"InventoryDocType", "InventoryRefNbr", "InvoiceNbr", "InvoiceType"} {
				row.setDefault(name, s.Many[partShipmentOrders][0].get(name))
			}
		}
		rows = append(rows, row)
	}
	return rows
}
