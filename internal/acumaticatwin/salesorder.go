package acumaticatwin

const (
	entitySalesOrder = "SalesOrder"

	partOrderPayments  = "Payments"
	partOrderShipments = "Shipments"
	partTotals         = "Totals"

	seedWarehouse = "MAIN"
)

func salesOrderEntity(b *builder) *entity {
	payments := orderPaymentShape(b)
	actions := map[string]action{
		"PrepareSalesInvoice": prepareOrderInvoice, "PrepareInvoice": prepareOrderInvoice,
		"SalesOrderCreateShipment": createShipment, "CreateShipmentIssue": createShipment,
		"SalesOrderCreateReceipt": createReceipt, "CreateShipmentReceipt": createReceipt,
		"OpenSalesOrder": openOrder, "OpenOrder": openOrder,
		"CancelSalesOrder": cancelOrder, "CancelOrder": cancelOrder,
		"ReopenSalesOrder": reopenOrder, "ReopenOrder": reopenOrder,
		"ReleaseFromCreditHoldSalesOrder": releaseFromCreditHold, "ReleaseFromCreditHold": releaseFromCreditHold,
		"AutoRecalculateDiscounts": recalculateDiscounts, "recalculateDiscountsFromImport": recalculateDiscounts,
		"RecalculatePricesDiscounts": recalculatePrices, "RecalculateDiscountsAction": recalculatePrices,
	}
	return &entity{
		name: entitySalesOrder, display: "Sales Order", screen: "SO301000", graph: "PX.Objects.SO.SOOrderEntry", view: "Document",
		keys: []string{"OrderType", "OrderNbr"}, indexed: []string{"Customer", "CustomerOrder", "ExternalRef", "Details/InventoryID"},
		shape: orderShape(b, payments),
		fresh: freshOrder, save: saveOrder, remove: removeOrder,
		actions: actions,
	}
}

func orderShape(b *builder, payments shape) shape {
	address := func(name string) part {
		return part{name: name, shape: b.shape(`AddressLine1:S50 AddressLine2:S50 City:S50 Country:S100 PostalCode:S20 State:S50 Validated:B~`)}
	}
	contact := func(name string) part {
		return part{name: name, shape: b.shape(`Attention:S255 BusinessName:S255 Email:S255 Phone1:S50`)}
	}
	return b.shape(`Approved:B! BaseCurrencyID:S5! BillToAddressOverride:B BillToAddressValidated:B! BillToContactOverride:B CashAccount:S ContactID:S
		ControlTotal:D4 CreditHold:B! CurrencyID=Document.CuryID:S5 CurrencyRate:D8! CurrencyRateTypeID:S6 CustomerID=Customer:S30 CustomerOrder:S40
		Date:A Description:S256 DestinationWarehouseID:S DisableAutomaticDiscountUpdate:B EffectiveDate:A! ExternalRef:S40 Hold:B IsTaxValid:B!-
		LastModified=LastModifiedDateTime:T! LocationID:S OrderedQty:D6! OrderNbr:S15 OrderTotal=Amount:D4! OrderType:S2 PaymentMethod:S10
		PreferredWarehouseID:S Project:S ReciprocalRate:D8! RequestedOn:A ShipToAddressOverride:B ShipToAddressValidated:B! ShipToContactOverride:B
		ShipVia:S15 Status:S! TaxTotal:D4! VATExemptTotal:D4! VATTaxableTotal:D4! ExternalOrderOriginal:B ExternalRefundRef:S WillCall:B
		PaymentRef:S40 NoteID:G! UsrExternalOrderOriginal:B~ ExternalOrderOrigin:S ExternalOrderSource:S TaxCalcMode:S
		CreatedDate=CreatedDateTime:T! DisableAutomaticTaxCalculation:B Branch=LinkBranch:S+23 MaxRiskScore:D2!+23`,
		address("BillToAddress"), contact("BillToContact"),
		part{name: "Commissions", readOnly: true, shape: b.shape(`DefaultSalesperson:S`,
			part{name: "SalesPersons", many: true, shape: b.shape(`CommissionableAmount:D4 CommissionAmount:D4 CommissionPercent:D6 SalespersonID:S`)})},
		part{name: "Details", many: true, keys: []string{"LineNbr"}, shape: orderLineShape(b)},
		part{name: partDiscounts, many: true, shape: b.shape(discountFields + " FreeItem:S FreeItemQty:D6")},
		part{name: "FinancialSettings", shape: b.shape(`BillSeparately:B Branch:S! CashDiscountDate:A CustomerTaxZone:S10! DueDate:A EntityUsageType:S
			InvoiceDate:A InvoiceNbr:S15! OriginalOrderNbr:S15! OriginalOrderType:S! OverrideTaxZone:B Owner:S PostPeriod:S! Terms:S10`)},
		part{name: partOrderPayments, many: true, keys: []string{"DocType", "ReferenceNbr"}, rows: orderPayments, shape: payments},
		part{name: partOrderShipments, many: true, readOnly: true, rows: orderShipments, shape: b.shape(`InventoryDocType:S InventoryRefNbr:S
			InvoiceNbr:S15 InvoiceType:S ShipmentDate:A ShipmentNbr:S15 ShipmentType:S ShippedQty:D6 ShippedVolume:D6 ShippedWeight:D6 Status:S
			InventoryNoteID:G LastModifiedDateTime:T OrderNoteID:G ShippingNoteID:G`)},
		part{name: "ShippingSettings", from: partTotals, shape: b.shape(`CancelByDate:A Canceled:B! FOBPoint:S15 GroundCollect:B Insurance:B
			PreferredWarehouseID:S Priority:I ResidentialDelivery:B SaturdayDelivery:B ScheduledShipmentDate:A ShippingRule:S ShippingTerms:S10
			ShippingZone:S15 ShipSeparately:B ShipVia:S15 UseCustomersAccount:B FreightPrice=Freight:D4 FreightCost:D4! FreightCostIsuptodate:B!
			FreightTaxCategory:S15 OrderVolume:D6! OrderWeight:D6! OverrideFreightPrice=OverrideFreightAmount:B PackageWeight:D6! PremiumFreight:D4`,
			part{name: "ShopForRates", readOnly: true, shape: b.shape(`IsManualPackage:B OrderWeight:D6 PackageWeight:D6`)})},
		address("ShipToAddress"), contact("ShipToContact"),
		part{name: "TaxDetails", many: true, readOnly: true, rows: orderTaxes, shape: b.shape(`CustomerTaxZone:S10 IncludeInVATExemptTotal:B LineNbr:I
			OrderNbr:S15 OrderType:S PendingVAT:B RecordID:I ReverseVAT:B StatisticalVAT:B TaxableAmount:D4 TaxAmount:D4 TaxID:S60 TaxRate:D6
			TaxType:S`)},
		part{name: partTotals, shape: b.shape(`DiscountTotal:D4! LineTotalAmount:D4! MiscTotalAmount:D4! TaxTotal:D4! UnbilledAmount:D4!
			UnbilledQty:D6! UnpaidBalance:D4! Freight:D4 FreightCost:D4! FreightCostIsuptodate:B! FreightTaxCategory:S15 OrderVolume:D6!
			OrderWeight:D6! PackageWeight:D6! PremiumFreight:D4 OverrideFreightAmount:B`)},
		part{name: "OrderRisks", many: true, since: 23, unmodelled: true, shape: b.shape(`Message:S Recommendation:S Score:D2`)},
		part{name: "Relations", many: true, since: 23, unmodelled: true, shape: b.shape(`Account:S AddToCc:B ContactDisplayName:S ContactID:I
			Document:G DocumentTargetNoteIDDescription:S Email:S Name:S Primary:B RelationID:I Role:S Type:S DocumentDate:T+23`)})
}

func orderLineShape(b *builder) shape {
	return b.shape(`Account:S AlternateID:S50 Amount:D4! AutoCreateIssue:B AverageCost:D6! Branch:S CalculateDiscountsOnImport:B~ Commissionable:B
		Completed:B! CostCode:S CustomerOrderNbr:S40 DiscountAmount:D4 DiscountCode:S10 DiscountedUnitPrice:D6! DiscountPercent:D6 ExtendedPrice:D4!
		FreeItem:B InventoryID:S30 InvoiceLineNbr=OrigInvLineNbr:I InvoiceNbr=OrigInvNbr:S15 InvoiceType=OrigInvType:S LastModifiedDate:S!
		LineDescription=TransactionDescription:S256 LineNbr:I! LineType:S! Location:S ManualDiscount:B MarkForPO:B OpenQty:D6! Operation:S!
		OrderQty=Qty:D6 OvershipThreshold:D2! POSource:S ProjectTask:S PurchaseWarehouse:S VendorID:S QtyOnShipments:D6! ReasonCode:S20 RequestedOn:A
		SalespersonID:S SchedOrderDate:A ShipOn:A ShippingRule:S ShipToLocation:S Subitem:S TaxCategory:S15 TaxZone:S10 UnbilledAmount:D4!
		UndershipThreshold:D2! UnitCost:D6! UnitPrice:D6 UOM:S6 WarehouseID:S AssociatedOrderLineNbr:I GiftMessage:S ManualPrice:B LotSerialNbr:S
		NoteID:G! ExternalRef:S`,
		part{name: "Allocations", many: true, unmodelled: true, shape: b.shape(`Allocated:B AllocWarehouseID:S Completed:B CustomerOrderNbr:S
			ExpirationDate:A InventoryID:S LineNbr:I LocationID:S LotSerialNbr:S OrderNbr:S OrderType:S Qty:D6 QtyOnShipments:D6 QtyReceived:D6
			RelatedDocument:S SchedOrderDate:A ShipOn:A SplitLineNbr:I Subitem:S UOM:S`)},
		part{name: "PurchasingDetails", many: true, unmodelled: true, shape: b.shape(`POOrderLineNbr:I POOrderNbr:S POOrderType:S Selected:B`)})
}

// An orderType says how orders of a type go on. Acumatica: these are the
// predefined types that Default's examples use.
type orderType struct {
	ships   bool   // goods go through a shipment
	receipt bool   // the customer returns them
	invoice string // the type of the document that bills the order
}

func orderTypeOf(code string) (orderType, bool) {
	switch code {
	case "SO":
		return orderType{ships: true, invoice: typeInvoice}, true
	case "IN":
		return orderType{invoice: typeInvoice}, true
	case "RC":
		return orderType{ships: true, receipt: true, invoice: typeCreditMemo}, true
	case "CM":
		return orderType{receipt: true, invoice: typeCreditMemo}, true
	}
	return orderType{}, false
}

func freshOrder(x *tx, r *record) {
	for name, v := range map[string]string{
		"OrderType": "SO", "Date": x.today(), "RequestedOn": x.today(), "EffectiveDate": x.today(), "Hold": "true", "Approved": "true",
		"CreditHold": "false", "LinkBranch": SeedBranch, "LocationID": "MAIN", "BaseCurrencyID": baseCurrency, "CurrencyRate": "1",
		"ReciprocalRate": "1", "ControlTotal": "0", "BillToAddressOverride": "false", "BillToAddressValidated": "false",
		"BillToContactOverride": "false", "ShipToAddressOverride": "false", "ShipToAddressValidated": "false", "ShipToContactOverride": "false",
		"DisableAutomaticDiscountUpdate": "false", "DisableAutomaticTaxCalculation": "false", "WillCall": "false", "FreightPrice": "0",
		"VATExemptTotal": "0", "VATTaxableTotal": "0", "IsTaxValid": "false", "Project": "X",
	} {
		r.set(name, v)
	}
	r.One[partTotals] = x.line("Freight", "0", "PremiumFreight", "0", "OverrideFreightAmount", "false", "Canceled", "false", "Priority", "0",
		"ShipSeparately", "false", "ScheduledShipmentDate", x.today(), "ShippingRule", ruleCancel)
	r.One["FinancialSettings"] = x.line("Branch", SeedBranch, "BillSeparately", "false", "OverrideTaxZone", "false")
}
