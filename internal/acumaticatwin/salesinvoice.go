package acumaticatwin

const (
	entitySalesInvoice = "SalesInvoice"

	partDiscounts = "DiscountDetails"
)

// salesInvoiceEntity is the other view of the table of invoices and memos.
// Acumatica: its form finds only what was made on it or by an order, and the
// form of Invoice finds those only once they are released.
func salesInvoiceEntity(b *builder) *entity {
	applications := b.shape(`AdjustedDocReferenceNbr:S! AdjustingDocReferenceNbr:S15 AdjustmentNbr:I! AmountPaid:D4 Balance:D4! CashDiscountTaken:D4!
		Currency:S! Customer:S! Description:S! DocType:S DocumentType:S! PaymentDate:A! PaymentPeriod:S! PaymentRef:S! Status:S!`)
	memos := b.shape(`AmountPaid:D4 Balance:D4! Currency:S! Customer:S! CustomerOrder:S! Date:A! Description:S! DocType:S PostPeriod:S!
		ReferenceNbr:S15 Status:S!`)
	applications.alias("DocType", b.docCodes())
	memos.alias("DocType", b.docCodes())
	details := b.shape(`Amount:D4! BranchID=Branch:S CalculateDiscountsOnImport:B~ CostCode:S Description:S! DiscountAmount:D4 DiscountPercent:D6
		ExpirationDate:A InventoryDocType:S! InventoryID:S30 InventoryRefNbr:S15! LineNbr:I! Location:S LotSerialNbr:S100 ManualDiscount:B
		OrderLineNbr:I! OrderNbr:S15! OrderType:S! OrigInvLineNbr:I OrigInvNbr:S15 OrigInvType:S ProjectTask:S Qty:D6 ShipmentNbr:S15! Subitem:S
		TaxCategory:S15 TransactionDescr=TransactionDescription:S256 UnitPrice:D6 UOM:S6 WarehouseID:S Account:S+24 ExternalRef:S~+24
		ManualPrice:B+24 NoteID:G!+24 SubAccount=Subaccount:S+24`)
	return &entity{
		name: entitySalesInvoice, table: entityInvoice, display: "Invoices", screen: "SO303000", graph: "PX.Objects.SO.SOInvoiceEntry", view: "Document",
		keys: []string{"Type", "ReferenceNbr"},
		shape: b.shape(`Amount:D4! Balance:D4! CashDiscount:D4! CreditHold:B! Currency=Document.CuryID:S5 CustomerID=Customer:S30 CustomerOrder:S40
			Date:A Description:S512 DetailTotal:D4! DiscountTotal:D4! DueDate:A IsTaxValid:B FreightPrice:D6 Hold:B PaymentTotal:D4! Project:S
			ReferenceNbr:S15 Status:S! TaxTotal:D4! Type:S VATExemptTotal:D4! VATTaxableTotal:D4! LastModifiedDateTime:T!+23
			BillToAddressOverride:B~+24 BillToContactOverride:B~+24 CreatedDate=CreatedDateTime:T!+24 ExternalRef:S~+24
			LastModifiedDate=LastModifiedDateTime:T!+24 ShipToAddressOverride:B+24 ShipToContactOverride:B+24 TaxCalcMode:S+24`,
			part{name: partMemoTo, many: true, keys: []string{"DocType", "ReferenceNbr"}, rows: memoTo, shape: memos},
			part{name: partPaidBy, many: true, keys: []string{"DocType", "AdjustingDocReferenceNbr"}, rows: paidBy, shape: applications},
			part{name: "BillingSettings", shape: b.shape(`BillToAddressOverride:B BillToContactOverride:B CustomerLocation:S`,
				part{name: "BillToAddress", shape: b.shape(`AddressLine1:S AddressLine2:S City:S Country:S PostalCode:S State:S Validated:B~`)},
				part{name: "BillToContact", shape: b.shape(`Attention:S BusinessName:S Email:S Phone1:S`)})},
			part{name: "Commissions", readOnly: true, shape: b.shape(`CommissionAmount:D4 TotalCommissionableAmount:D4`,
				part{name: "SalesPersons", many: true, shape: b.shape(`CommissionableAmount:D4 CommissionAmount:D4 CommissionPercent:D6 SalespersonID:S`)})},
			part{name: "Details", many: true, keys: []string{"LineNbr"}, shape: details},
			part{name: partDiscounts, many: true, shape: b.shape(discountFields + " FreeItem:S FreeItemQty:D6 OrderNbr:S! OrderType:S!")},
			part{name: "FinancialDetails", shape: b.shape(`BatchNbr:S15! Branch:S! CustomerTaxZone:S10!`)},
			part{name: "FreightDetails", many: true, readOnly: true, shape: b.shape(`Description:S FreightAmount:D4 FreightCost:D6 LineTotal:D4
				PremiumFreightAmount:D4 ShipmentNbr:S ShipmentType:S TotalFreightAmount:D4 Volume:D6 Weight:D6`)},
			part{name: "TaxDetails", many: true, readOnly: true, shape: b.shape(`TaxableAmount:D4 TaxAmount:D4 TaxID:S`)},
			part{name: "BillToAddress", since: 24, shape: b.shape(addresses24)},
			part{name: "BillToContact", since: 24, shape: b.shape(`Attention:S+24 BusinessName:S+24 Email:S+24 Phone1:S+24`)},
			part{name: "ShipToAddress", since: 24, shape: b.shape(addresses24)},
			part{name: "ShipToContact", since: 24, shape: b.shape(`Attention:S+24 BusinessName:S+24 Email:S+24 Phone1:S+24`)}),
		custom: b.shape(`Document.DocDesc:S512! Document.OrigModule:S2! Document.Released:B!`),
		shows:  ofSales,
		fresh:  freshSalesInvoice, save: saveSalesInvoice, remove: removeSalesInvoice,
		actions: map[string]action{"ReleaseSalesInvoice": releaseInvoice, "Release": releaseInvoice},
	}
}

const (
	discountFields = `Description:S256 DiscountableAmount:D4! DiscountableQty:D6! DiscountAmount:D4 DiscountCode:S10 DiscountPercent:D6
		ExternalDiscountCode:S15 ManualDiscount:B! SequenceID:S10! SkipDiscount:B Type:S!`
	addresses24 = `AddressLine1:S2500+24 AddressLine2:S2500+24 City:S2500+24 Country:S2500+24 PostalCode:S2500+24 State:S2500+24`
)

func freshSalesInvoice(x *tx, r *record) {
	freshInvoice(x, r)
	r.set(origModule, moduleSO)
	r.set("CreditHold", "false")
	for _, name := range []string{"CashDiscount", "FreightPrice", "VATExemptTotal", "VATTaxableTotal", "PaymentTotal"} {
		r.set(name, "0")
	}
	r.One["FinancialDetails"] = x.line("Branch", SeedBranch)
}

func saveSalesInvoice(x *tx, old, r *record) *problems {
	bad := newProblems()
	if old == nil || !released(old) {
		c := x.byKey(entityCustomer, r.get("Customer"))
		if c != nil {
			r.setDefault(curyID, c.get("CurrencyID"))
			r.One["FinancialDetails"].setDefault("CustomerTaxZone", c.get("TaxZone"))
		}
		x.returnedLines(r, bad)
		for _, l := range r.Many["Details"] {
			x.itemOf(lineWas(old, "Details", l), l, bad)
			x.lineDiscount(lineWas(old, "Details", l), l, r.get(curyID), bad)
		}
	}
	r.setDec("FreightPrice", x.round(r.dec("FreightPrice"), r.get(curyID)))
	notNegative(r, "FreightPrice", bad)
	x.keepBilled(old, r, bad)
	x.checkInvoice(old, r, bad)
	x.numberInvoice(old, r, bad)
	return bad
}

// keepBilled keeps what an order put on its invoice.
func (x *tx) keepBilled(old, r *record, bad *problems) {
	if old == nil {
		return
	}
	for _, was := range old.Many["Details"] {
		if l := lineWas(r, "Details", was); was.get("OrderNbr") != "" && !l.dec("Qty").Equal(was.dec("Qty")) {
			bad.add(r, "", "Sales Order/Shipment cannot be invoiced partially.")
		}
	}
	for _, was := range old.Many[partPaidBy] {
		if l := lineWas(r, partPaidBy, was); was.yes("from order") && !l.dec("AmountPaid").Equal(was.dec("AmountPaid")) && !released(old) {
			bad.add(r, "", "This stand-in does not change what the payments of an order pay on its invoice.")
		}
	}
}

func removeSalesInvoice(x *tx, r *record) *failure {
	if fail := removeUnreleased(x, r); fail != nil {
		return fail
	}
	x.unbill(r)
	return nil
}
