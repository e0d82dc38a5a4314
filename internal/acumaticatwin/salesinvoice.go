package acumaticatwin

const entitySalesInvoice = "SalesInvoice"

// salesInvoiceEntity is the other view of the table of invoices and memos; it
// is only read here.
func salesInvoiceEntity(b *builder) *entity {
	return &entity{
		name: entitySalesInvoice, display: "Invoices", screen: "SO303000", graph: "PX.Objects.SO.SOInvoiceEntry", view: "Document",
		keys: []string{"Type", "ReferenceNbr"}, readOnly: true, also: salesInvoices,
		shape: b.shape(`Amount:D4 Balance:D4 CashDiscount:D4 CreditHold:B Currency:S5 CustomerID:S CustomerOrder:S40 Date:A Description:S512
			DetailTotal:D4 DiscountTotal:D4 DueDate:A IsTaxValid:B FreightPrice:D6 Hold:B PaymentTotal:D4 Project:S ReferenceNbr:S15
			Status:S TaxTotal:D4 Type:S VATExemptTotal:D4 VATTaxableTotal:D4 LastModifiedDateTime:T!+23 BillToAddressOverride:B~+24
			BillToContactOverride:B~+24 CreatedDate:T!+24 ExternalRef:S+24 LastModifiedDate:T!+24 ShipToAddressOverride:B+24
			ShipToContactOverride:B+24 TaxCalcMode:S+24`,
			part{name: "ApplicationsCreditMemo", many: true, shape: b.shape(`AmountPaid:D4 Balance:D4 Currency:S Customer:S CustomerOrder:S Date:A Description:S DocType:S PostPeriod:S ReferenceNbr:S
				Status:S`)},
			part{name: "ApplicationsInvoice", many: true, shape: b.shape(`AdjustedDocReferenceNbr:S AdjustingDocReferenceNbr:S AdjustmentNbr:I AmountPaid:D4 Balance:D4 CashDiscountTaken:D4
				Currency:S Customer:S Description:S DocType:S DocumentType:S PaymentDate:A PaymentPeriod:S PaymentRef:S Status:S`)},
			part{name: "BillingSettings", shape: b.shape(`BillToAddressOverride:B BillToContactOverride:B CustomerLocation:S`,
				part{name: "BillToAddress", shape: b.shape(`AddressLine1:S AddressLine2:S City:S Country:S PostalCode:S State:S Validated:B`)},
				part{name: "BillToContact", shape: b.shape(`Attention:S BusinessName:S Email:S Phone1:S`)})},
			part{name: "Commissions", shape: b.shape(`CommissionAmount:D4 TotalCommissionableAmount:D4`,
				part{name: "SalesPersons", many: true, shape: b.shape(`CommissionableAmount:D4 CommissionAmount:D4 CommissionPercent:D6 SalespersonID:S`)})},
			part{name: "Details", many: true, shape: b.shape(`Amount:D4 BranchID:S CalculateDiscountsOnImport:B CostCode:S Description:S DiscountAmount:D4 DiscountPercent:D6
				ExpirationDate:A InventoryDocType:S InventoryID:S InventoryRefNbr:S LineNbr:I Location:S LotSerialNbr:S ManualDiscount:B
				OrderLineNbr:I OrderNbr:S OrderType:S OrigInvLineNbr:I OrigInvNbr:S OrigInvType:S ProjectTask:S Qty:D6 ShipmentNbr:S
				Subitem:S TaxCategory:S TransactionDescr:S UnitPrice:D6 UOM:S WarehouseID:S Account:S+24 ExternalRef:S+24
				ManualPrice:B+24 NoteID:G!+24 SubAccount:S+24`)},
			part{name: "DiscountDetails", many: true, shape: b.shape(`Description:S DiscountableAmount:D4 DiscountableQty:D6 DiscountAmount:D4 DiscountCode:S DiscountPercent:D6
				ExternalDiscountCode:S FreeItem:S FreeItemQty:D6 ManualDiscount:B OrderNbr:S OrderType:S SequenceID:S SkipDiscount:B
				Type:S`)},
			part{name: "FinancialDetails", shape: b.shape(`BatchNbr:S15 Branch:S CustomerTaxZone:S10`)},
			part{name: "FreightDetails", many: true, shape: b.shape(`Description:S FreightAmount:D4 FreightCost:D6 LineTotal:D4 PremiumFreightAmount:D4 ShipmentNbr:S ShipmentType:S
				TotalFreightAmount:D4 Volume:D6 Weight:D6`)},
			part{name: "TaxDetails", many: true, shape: b.shape(`TaxableAmount:D4 TaxAmount:D4 TaxID:S`)},
			part{name: "BillToAddress", since: 24, shape: b.shape(`AddressLine1:S2500+24 AddressLine2:S2500+24 City:S2500+24 Country:S2500+24 PostalCode:S2500+24 State:S2500+24`)},
			part{name: "BillToContact", since: 24, shape: b.shape(`Attention:S+24 BusinessName:S+24 Email:S+24 Phone1:S+24`)},
			part{name: "ShipToAddress", since: 24, shape: b.shape(`AddressLine1:S2500+24 AddressLine2:S2500+24 City:S2500+24 Country:S2500+24 PostalCode:S2500+24 State:S2500+24`)},
			part{name: "ShipToContact", since: 24, shape: b.shape(`Attention:S+24 BusinessName:S+24 Email:S+24 Phone1:S+24`)}),
	}
}

// salesInvoices shows invoices and memos under the names of this screen.
func salesInvoices(x *tx) []*record {
	var rows []*record
	for _, m := range x.all(entityInvoice) {
		r := newRecord(m.ID)
		r.Note = m.Note
		for to, from := range map[string]string{
			"Amount": "Amount", "Balance": "Balance", "Currency": curyID, "CustomerID": "Customer", "CustomerOrder": "CustomerOrder",
			"Date": "Date", "Description": "Description", "DueDate": "DueDate", "Hold": "Hold", "IsTaxValid": "IsTaxValid", "Project": "Project",
			"ReferenceNbr": "ReferenceNbr", "Status": "Status", "TaxTotal": "TaxTotal", "Type": "Type",
			"LastModifiedDateTime": "LastModifiedDateTime", "LastModifiedDate": "LastModifiedDateTime", "CreatedDate": "CreatedDateTime",
		} {
			r.setDefault(to, m.get(from))
		}
		r.setDec("DetailTotal", m.dec("Amount").Sub(m.dec("TaxTotal")))
		for _, l := range m.Many["Details"] {
			line := l.clone()
			line.setDefault("TransactionDescr", l.get("TransactionDescription"))
			line.setDefault("BranchID", l.get("Branch"))
			r.Many["Details"] = append(r.Many["Details"], line)
		}
		r.Many["TaxDetails"] = m.Many["TaxDetails"]
		rows = append(rows, r)
	}
	return rows
}
