package acumaticatwin

const (
	entityStockItem = "StockItem"
)

func stockItemEntity(b *builder) *entity {
	return &entity{
		name: entityStockItem, display: "Stock Items", screen: "IN202500", graph: "PX.Objects.IN.InventoryItemMaint", view: "Item",
		keys: []string{"InventoryID"}, typedKey: true,
		shape: b.shape(`ABCCode:S AutoIncrementalValue:S AverageCost:D6 BaseUOM:S6 COGSAccount:S COGSSubaccount:S Content:S CountryOfOrigin:S2
			CurrentStdCost:D6 DefaultIssueLocationID:S DefaultPrice:D6 DefaultReceiptLocationID:S DefaultSubitem:S
			DefaultWarehouseID:S DeferralAccount:S DeferralSubaccount:S Description:S256 DimensionVolume:D6 DimensionWeight:D6
			DiscountAccount:S DiscountSubaccount:S ImageUrl:S255 InventoryAccount:S InventoryID:S30 InventorySubaccount:S IsAKit:B
			ItemClass:S ItemStatus:S ItemType:S LandedCostVarianceAccount:S LandedCostVarianceSubaccount:S LastCost:D6
			LastModified=LastModifiedDateTime:T! LastStdCost:D6 LotSerialClass:S10 Markup:D4 MaxCost:D6 MinCost:D6 MinMarkup:D4 MSRP:D4 PackagingOption:S
			PackSeparately:B PendingStdCost:D6 POAccrualAccount:S POAccrualSubaccount:S PostingClass:S10 PriceClass:S10
			PriceManager:S PriceWorkgroup:S ProductManager:S ProductWorkgroup:S PurchasePriceVarianceAccount:S
			PurchasePriceVarianceSubaccount:S PurchaseUOM:S6 ReasonCodeSubaccount:S SalesAccount:S SalesSubaccount:S SalesUOM:S6
			StandardCostRevaluationAccount:S StandardCostRevaluationSubaccount:S StandardCostVarianceAccount:S
			StandardCostVarianceSubaccount:S SubjectToCommission:B TaxCategory:S15 TariffCode:S30 UseOnEntry:B ValuationMethod:S
			VolumeUOM:S6 WeightUOM:S6 CurySpecificMSRP:D4 CurySpecificPrice:D6 Availability:S CustomURL:S ExportToExternal:B
			MetaDescription:S MetaKeywords:S NoteID:G! PageTitle:S SearchKeywords:S TemplateItemID:S Visibility:S NotAvailable:S
			LastModifiedDateTime:T!+24`,
			part{name: "Attributes", many: true, unmodelled: true, shape: b.shape(`AttributeID:S AttributeDescription:S RefNoteID:G! Required:B Value:S ValueDescription:S IsActive:B+24`)},
			part{name: "Boxes", many: true, unmodelled: true, shape: b.shape(`BoxID:S Description:S MaxQty:D6 MaxVolume:D6 MaxWeight:D6 Qty:D6 UOM:S`)},
			part{name: "Categories", many: true, unmodelled: true, shape: b.shape(`CategoryID:I`)},
			part{name: "CrossReferences", many: true, shape: b.shape(`AlternateID:S AlternateType:S Description:S Subitem:S VendorOrCustomer:S UOM:S`)},
			part{name: "ReplenishmentParameters", many: true, unmodelled: true, shape: b.shape(`DemandForecastModel:S ForecastPeriodType:S LaunchDate:A MaxQty:D6 MaxShelfLifeInDays:I Method:S PeriodsToAnalyze:I
				ReorderPoint:D4 ReplenishmentClass:S ReplenishmentWarehouse:S SafetyStock:D4 Seasonality:S ServiceLevel:D4 Source:S
				TerminationDate:A TransferERQ:D4`)},
			part{name: "SubItems", many: true, unmodelled: true, until: 23, shape: b.shape(`Active:B Description:S SegmentID:I Value:S`)},
			part{name: "UOMConversions", many: true, unmodelled: true, shape: b.shape(`ConversionFactor:D4 FromUOM:S MultiplyOrDivide:S ToUOM:S`)},
			part{name: "VendorDetails", many: true, unmodelled: true, shape: b.shape(`Active:B AddLeadTimeDays:I CurrencyID:S Default:B EOQ:D4 LastVendorPrice:D6 LeadTimeDays:I Location:S LotSize:D4
				MaxOrderQty:D6 MinOrderFrequencyInDays:I MinOrderQty:D6 Override:B PurchaseUnit:S RecordID:I Subitem:S VendorID:S
				VendorName:S Warehouse:S`)},
			part{name: "WarehouseDetails", many: true, unmodelled: true, shape: b.shape(`DailyDemandForecast:D4 DailyDemandForecastErrorSTDEV:D4 DefaultIssueLocationID:S DefaultReceiptLocationID:S
				InventoryAccount:S InventorySubaccount:S IsDefault:B LastForecastDate:A Override:B OverridePreferredVendor:B
				OverrideReplenishmentSettings:B OverrideStdCost:B PreferredVendor:S PriceOverride:B ProductManager:S ProductWorkgroup:S
				QtyOnHand:D6 ReplenishmentSource:S ReplenishmentWarehouse:S Seasonality:S ServiceLevel:D4 Status:S WarehouseID:S`)},
			part{name: "FileURLs", many: true, unmodelled: true, shape: b.shape(`FileType:S FileURL:S NoteID:G!`)}),
		fresh: freshStockItem, save: saveItem, remove: removeItem,
	}
}

// freshStockItem has the defaults that are recorded. Of a posting class it has
// no accounts for stock: the twin keeps none.
func freshStockItem(x *tx, r *record) {
	freshItem(r, "Finished Good")
	for name, v := range map[string]string{"PackagingOption": "Manual", "PackSeparately": "false", "SubjectToCommission": "false", "ValuationMethod": "Average", "LotSerialClass": "DEFAULT"} {
		r.set(name, v)
	}
	for _, name := range []string{
		"AverageCost", "CurrentStdCost", "DimensionVolume", "DimensionWeight", "LastCost", "LastStdCost", "Markup", "MaxCost", "MinCost",
		"MinMarkup", "MSRP", "PendingStdCost",
	} {
		r.set(name, "0")
	}
	r.touch(x.now)
}
