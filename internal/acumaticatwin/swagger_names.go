package acumaticatwin

import "strings"

// partSchemaNames are those of the published contract: the path of a part, and
// the schema that describes it.
const partSchemaNames = `
	BankDeposit/Charges=BankDepositCharge BankDeposit/Details=BankDepositDetail CashAccount/ETDetails=CashAccountEntryType
	CashSale/Details=CashSaleDetail CashTransaction/Details=CashTransactionDetail
	CreditMemo/ApplicationsCreditMemo=InvoiceApplicationsCreditMemo CreditMemo/ApplicationsDefault=InvoiceApplicationsDefault
	CreditMemo/BillToContact=DocContact CreditMemo/Details=InvoiceDetail CreditMemo/DiscountDetails=InvoiceDiscountDetail
	CreditMemo/ShipToContact=DocContact CreditMemo/TaxDetails=InvoiceTaxDetail Customer/Attributes=AttributeValue
	Customer/BillingContact=Contact Customer/BillingContact/Address=Address Customer/Contacts=CustomerContact Customer/Contacts/Contact=Contact
	Customer/Contacts/Contact/Address=Address Customer/CreditVerificationRules=CreditVerificationRules Customer/MainContact=Contact
	Customer/MainContact/Address=Address Customer/PaymentInstructions=BusinessAccountPaymentInstructionDetail Customer/PrimaryContact=Contact
	Customer/PrimaryContact/Address=Address Customer/Salespersons=CustomerSalesPerson Customer/ShippingContact=Contact
	Customer/ShippingContact/Address=Address FinancialPeriod/Details=FinancialPeriodDetail
	Invoice/ApplicationsCreditMemo=InvoiceApplicationsCreditMemo Invoice/ApplicationsDefault=InvoiceApplicationsDefault
	Invoice/BillToContact=DocContact Invoice/Details=InvoiceDetail Invoice/DiscountDetails=InvoiceDiscountDetail
	Invoice/ShipToContact=DocContact Invoice/TaxDetails=InvoiceTaxDetail JournalTransaction/Details=JournalTransactionDetail
	Ledger/Branches=LedgerBranches Ledger/Companies=LedgerCompanies NonStockItem/Attributes=AttributeValue
	NonStockItem/Categories=CategoryStockItem NonStockItem/CrossReferences=InventoryItemCrossReference NonStockItem/FileUrls=InventoryFileUrls
	NonStockItem/SalesCategories=NonStockItemSalesCategory NonStockItem/VendorDetails=NonStockItemVendorDetail
	Payment/ApplicationHistory=PaymentApplicationHistoryDetail Payment/Charges=PaymentCharge
	Payment/CreditCardProcessingInfo=CreditCardProcessingDetail Payment/CreditCardTransactionInfo=CreditCardTransactionDetail
	Payment/DocumentsToApply=PaymentDetail Payment/OrdersToApply=PaymentOrderDetail
	PaymentMethod/AllowedCashAccounts=PaymentMethodAllowedCashAccountDetail PaymentMethod/ProcessingCenters=PaymentMethodProcessingCenterDetail
	PaymentMethod/SettingsForPR=SettingsForPR ProjectTransaction/Details=ProjectTransactionDetail
	SalesInvoice/ApplicationsCreditMemo=SalesInvoiceApplicationCreditMemo SalesInvoice/ApplicationsInvoice=SalesInvoiceApplicationInvoice
	SalesInvoice/BillToAddress=SalesInvoiceAddress SalesInvoice/BillToContact=SalesInvoiceDocContact SalesInvoice/BillingSettings=BillToSettings
	SalesInvoice/BillingSettings/BillToAddress=Address SalesInvoice/BillingSettings/BillToContact=DocContact
	SalesInvoice/Commissions=SalesInvoiceCommissions SalesInvoice/Commissions/SalesPersons=SalesInvoiceSalesPersonDetail
	SalesInvoice/Details=SalesInvoiceDetail SalesInvoice/DiscountDetails=SalesInvoiceDiscountDetails
	SalesInvoice/FinancialDetails=SalesInvoiceFinancialDetails SalesInvoice/FreightDetails=SalesInvoiceFreightDetail
	SalesInvoice/ShipToAddress=SalesInvoiceAddress SalesInvoice/ShipToContact=SalesInvoiceDocContact
	SalesInvoice/TaxDetails=SalesInvoiceTaxDetail SalesOrder/BillToAddress=Address SalesOrder/BillToContact=DocContact
	SalesOrder/Commissions=Commissions SalesOrder/Commissions/SalesPersons=SalesPersonDetail SalesOrder/Details=SalesOrderDetail
	SalesOrder/Details/Allocations=SalesOrderDetailAllocation SalesOrder/Details/PurchasingDetails=PurchasingDetail
	SalesOrder/DiscountDetails=SalesOrdersDiscountDetails SalesOrder/FinancialSettings=FinancialSettings SalesOrder/OrderRisks=OrderRisks
	SalesOrder/Payments=SalesOrderPayment SalesOrder/Payments/CreditCardTransactionInfo=SalesOrderCreditCardTransactionDetail
	SalesOrder/Relations=RelationDetail SalesOrder/ShipToAddress=Address SalesOrder/ShipToContact=DocContact
	SalesOrder/Shipments=SalesOrderShipment SalesOrder/ShippingSettings=ShippingSettings SalesOrder/ShippingSettings/ShopForRates=ShopForRates
	SalesOrder/TaxDetails=TaxDetail SalesOrder/Totals=Totals Shipment/Details=ShipmentDetail
	Shipment/Details/Allocations=ShipmentDetailAllocation Shipment/Orders=ShipmentOrderDetail Shipment/Packages=ShipmentPackage
	Shipment/Packages/PackageContents=ShipmentPackageDetail Shipment/ShippingSettings=ShipToSettings
	Shipment/ShippingSettings/ShipToAddress=Address Shipment/ShippingSettings/ShipToContact=DocContact StockItem/Attributes=AttributeValue
	StockItem/Boxes=BoxStockItem StockItem/Categories=CategoryStockItem StockItem/CrossReferences=InventoryItemCrossReference
	StockItem/FileURLs=InventoryFileUrls StockItem/ReplenishmentParameters=ReplenishmentParameterStockItem StockItem/SubItems=SubItemStockItem
	StockItem/UOMConversions=InventoryItemUOMConversion StockItem/VendorDetails=StockItemVendorDetail
	StockItem/WarehouseDetails=StockItemWarehouseDetail
`

// partSchemas are the names by path.
func partSchemas() map[string]string {
	names := map[string]string{}
	for pair := range strings.FieldsSeq(partSchemaNames) {
		path, schema, _ := strings.Cut(pair, "=")
		names[path] = schema
	}
	return names
}

// contractActions are the actions that the published contract names, with the
// first version that does; 0 is all. An entity may have more: those are reached
// by the name of the form itself.
func contractActions() map[string]int {
	return map[string]int{
		"BankDeposit/ReleaseBankDeposit":               0,
		"CreditMemo/ReleaseCreditMemo":                 0,
		"CashSale/ReleaseCashSale":                     0,
		"CashTransaction/ReleaseCashTransaction":       24,
		"Customer/CreateContactFromCustomer":           23,
		"Invoice/ReleaseInvoice":                       0,
		"JournalTransaction/ReleaseJournalTransaction": 0,
		"NonStockItem/UpdateStandardCostNonStockItem":  0,
		"Payment/CaptureCreditCardPayment":             0,
		"Payment/CardOperation":                        0,
		"Payment/ReleasePayment":                       0,
		"Payment/VoidCardPayment":                      0,
		"Payment/VoidPayment":                          0,
		"ProjectTransaction/ReleaseTransactions":       0,
		"SalesInvoice/ReleaseSalesInvoice":             0,
		"SalesOrder/AutoRecalculateDiscounts":          0,
		"SalesOrder/CancelSalesOrder":                  0,
		"SalesOrder/OpenSalesOrder":                    0,
		"SalesOrder/PrepareSalesInvoice":               0,
		"SalesOrder/RecalculatePricesDiscounts":        24,
		"SalesOrder/ReleaseFromCreditHoldSalesOrder":   0,
		"SalesOrder/ReopenSalesOrder":                  0,
		"SalesOrder/SalesOrderCreateReceipt":           0,
		"SalesOrder/SalesOrderCreateShipment":          0,
		"Shipment/ConfirmShipment":                     0,
		"Shipment/CorrectShipment":                     0,
		"Shipment/PrepareInvoice":                      0,
		"Shipment/UpdateIN":                            0,
		"StockItem/UpdateStandardCostStockItem":        0,
	}
}

// actionParameters are the value types of the parameters of actions, where
// they have any.
func actionParameters() map[string]map[string]string {
	shipping := map[string]string{"ShipmentDate": "DateTimeValue", "WarehouseID": "StringValue"}
	return map[string]map[string]string{
		"SalesOrder/SalesOrderCreateShipment": shipping,
		"SalesOrder/SalesOrderCreateReceipt":  shipping,
		"SalesOrder/RecalculatePricesDiscounts": {
			"OverrideManualDiscounts": "BooleanValue", "OverrideManualDocGroupDiscounts": "BooleanValue", "OverrideManualPrices": "BooleanValue",
			"RecalcDiscounts": "BooleanValue", "RecalcUnitPrices": "BooleanValue",
		},
	}
}
