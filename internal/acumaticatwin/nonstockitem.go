package acumaticatwin

const (
	entityNonStockItem = "NonStockItem"
)

func nonStockItemEntity(b *builder) *entity {
	return &entity{
		name: entityNonStockItem, display: "Non-Stock Items", screen: "IN202000", graph: "PX.Objects.IN.NonStockItemMaint", view: "Item",
		keys: []string{"InventoryID"}, typedKey: true,
		shape: b.shape(`BaseUnit:S6 CurrentCost:D6 DefaultPrice:D6 DeferralAccount:S DeferralSubaccount:S Description:S256 EffectiveDate:A
			ExpenseAccount:S ExpenseAccrualAccount:S ExpenseAccrualSubaccount:S ExpenseSubaccount:S InventoryID:S30 IsKit:B
			ItemClass:S ItemStatus:S ItemType:S LastCost:D6 LastModifiedDateTime:T! PendingCost:D6 PendingCostDate:A
			POAccrualAccount:S POAccrualSubaccount:S PostingClass:S10 PriceClass:S10 PurchasePriceVarianceAccount:S
			PurchasePriceVarianceSubaccount:S PurchaseUnit:S6 ReasonCodeSubaccount:S RequireReceipt:B RequireShipment:B
			SalesAccount:S SalesSubaccount:S SalesUnit:S6 TaxCategory:S15 Volume:D6 VolumeUOM:S6 Weight:D6 WeightUOM:S6
			CurySpecificMSRP:D4 CurySpecificPrice:D6 Availability:S ExportToExternal:B Content:S CurrentStdCost:D6 CustomURL:S
			DimensionWeight:D6 MetaDescription:S MetaKeywords:S MSRP:D4 NoteID:G! PageTitle:S SearchKeywords:S TemplateItemID:S
			Visibility:S IsAKit:B+24`,
			part{name: "Attributes", many: true, unmodelled: true, shape: b.shape(`AttributeID:S AttributeDescription:S RefNoteID:G! Required:B Value:S ValueDescription:S IsActive:B+24`)},
			part{name: "CrossReferences", many: true, shape: b.shape(`AlternateID:S AlternateType:S Description:S Subitem:S VendorOrCustomer:S UOM:S`)},
			part{name: "SalesCategories", many: true, unmodelled: true, shape: b.shape(`CategoryID:I`)},
			part{name: "VendorDetails", many: true, unmodelled: true, shape: b.shape(`VendorID:S VendorName:S Default:B RecordID:I+24`)},
			part{name: "Categories", many: true, unmodelled: true, shape: b.shape(`CategoryID:I`)},
			part{name: "FileUrls", many: true, unmodelled: true, shape: b.shape(`FileType:S FileURL:S NoteID:G!`)}),
		fresh: func(_ *tx, r *record) { freshItem(r, "Non-Stock Item") }, save: saveItem, remove: removeItem,
	}
}
