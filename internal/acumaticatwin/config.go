package acumaticatwin

// The names that every twin is configured with. Nothing else in the product
// may assume them: they belong into the configuration of a connection.
const (
	// SeedPaymentMethod has means of payment Cash/Check and no integrated
	// card processing, so its documents need no capture.
	SeedPaymentMethod = "STRIPE"
	// SeedCashAccountUSD and its siblings are the clearing accounts that
	// SeedPaymentMethod may use.
	SeedCashAccountUSD = "10250ST"
	SeedCashAccountEUR = "10251ST"
	SeedCashAccountGBP = "10252ST"
	// SeedCashAccountCHF and the two after it are of currencies that customers
	// pay in and that no bank account is kept in: Stripe exchanges them.
	SeedCashAccountCHF = "10253ST"
	SeedCashAccountCAD = "10254ST"
	SeedCashAccountJPY = "10255ST"
	// SeedBankCashAccount is in USD and open to SeedCheckMethod only.
	SeedBankCashAccount = "10200"
	// SeedBankCashAccountEUR is the same in euros.
	SeedBankCashAccountEUR = "10201"
	// SeedBankCashAccountGBP is the same in pounds.
	SeedBankCashAccountGBP = "10202"
	// SeedCheckMethod is the payment method of the bank account.
	SeedCheckMethod = "CHECK"
	// SeedBranch is the only branch.
	SeedBranch = "MAIN"
	// SeedTaxZone taxes the lines of category SeedTaxCategory at 8.875 %.
	SeedTaxZone = "NYC"
	// SeedTaxCategory marks taxable lines; all others are exempt.
	SeedTaxCategory = "TAXABLE"
	// SeedQuick is the scenario for demos and first tries.
	SeedQuick = "quick"
)

const (
	entityCustomer = "Customer"
	entityInvoice  = "Invoice"
	entityPayment  = "Payment"
	entityMethod   = "PaymentMethod"
	entityCurrency = "Currency"
	entityPeriod   = "FinancialPeriod"
	entityAccount  = "Account"

	accountAR         = "11000"
	accountPrepayment = "24000"
	accountTax        = "22000"
	accountSales      = "40000"
	accountFreight    = "41000"
	accountDiscount   = "49000"
	// Acumatica: every currency names accounts for what exchange and rounding
	// win and lose; here all share these.
	accountGain     = "71100"
	accountLoss     = "71200"
	accountRounding = "71300"

	baseCurrency = "USD"
)

// setup is the configuration that Default has no entity for.
type setup struct {
	CashAccounts map[string]cashAccount `json:"cash_accounts"`
	Zones        map[string]taxZone     `json:"tax_zones"`
	Terms        map[string]int         `json:"terms"` // days
	Branches     []string               `json:"branches"`
	EntryTypes   map[string]entryType   `json:"entry_types"`
	// Projects have their tasks.
	Projects map[string]map[string]bool `json:"projects"`
}

type cashAccount struct {
	Account     string `json:"account"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
	// Clearing accounts hold payments until a deposit takes them to the bank.
	Clearing bool `json:"clearing"`
}

type taxZone struct {
	TaxID string `json:"tax_id"`
	Rate  string `json:"rate"` // percent
}

func defaultSetup() setup {
	return setup{
		CashAccounts: map[string]cashAccount{
			SeedCashAccountUSD:     {Account: "10250", Currency: "USD", Description: "Stripe clearing USD", Clearing: true},
			SeedCashAccountEUR:     {Account: "10251", Currency: "EUR", Description: "Stripe clearing EUR", Clearing: true},
			SeedCashAccountGBP:     {Account: "10252", Currency: "GBP", Description: "Stripe clearing GBP", Clearing: true},
			SeedCashAccountCHF:     {Account: "10253", Currency: "CHF", Description: "Stripe clearing CHF", Clearing: true},
			SeedCashAccountCAD:     {Account: "10254", Currency: "CAD", Description: "Stripe clearing CAD", Clearing: true},
			SeedCashAccountJPY:     {Account: "10255", Currency: "JPY", Description: "Stripe clearing JPY", Clearing: true},
			SeedBankCashAccount:    {Account: "10200", Currency: "USD", Description: "Operating bank account"},
			SeedBankCashAccountEUR: {Account: "10201", Currency: "EUR", Description: "Bank account in euros"},
			SeedBankCashAccountGBP: {Account: "10202", Currency: "GBP", Description: "Bank account in pounds"},
		},
		Zones:    map[string]taxZone{SeedTaxZone: {TaxID: "NYCSALES", Rate: "8.875"}},
		Terms:    map[string]int{"NET30": 30, "NET15": 15, "DUE": 0},
		Branches: []string{SeedBranch},
		Projects: map[string]map[string]bool{SeedProject: {SeedTask: true}},
		EntryTypes: map[string]entryType{
			SeedFeeEntryType: {Account: accountFees, Description: "Processing fee", CashAccounts: []string{
				SeedCashAccountUSD, SeedCashAccountEUR, SeedCashAccountGBP, SeedBankCashAccount, SeedBankCashAccountEUR,
			}},
			SeedFeeReturnEntryType: {Account: accountFees, Description: "Fee given back", Receipt: true, CashAccounts: []string{
				SeedCashAccountUSD, SeedCashAccountEUR, SeedCashAccountGBP,
			}},
		},
	}
}

func paymentMethodEntity(b *builder) *entity {
	return &entity{
		name: entityMethod, display: "Payment Methods", screen: "CA204000", graph: "PX.Objects.CA.PaymentMethodMaint", view: "PaymentMethod",
		keys: []string{"PaymentMethodID"}, readOnly: true,
		shape: b.shape(`Active:B CreatedDateTime:T Description:S60 IntegratedProcessing:B LastModifiedDateTime:T MeansOfPayment:S
			PaymentMethodID:S10 RequireRemittanceInformationforCashAccount:B UseInAP:B UseInAR:B UseInPR:B SetPaymentDatetoBankTransactionDate:B`,
			part{name: "AllowedCashAccounts", many: true, shape: b.shape(`APDefault:B APLastRefNbr:S APSuggestNextNbr:B ARDefault:B
				ARDefaultForRefund:B ARLastRefNbr:S ARSuggestNextNbr:B BatchLastRefNbr:S Branch:S CashAccount:S Description:S PaymentMethod:S
				UseInAP:B UseInAR:B LastModifiedDateTime:T! UseInPR:B`)},
			part{name: "SettingsForPR", shape: b.shape(`ExportScenario:S PRProcessing:S Report:S8`)},
			part{name: "ProcessingCenters", many: true, shape: b.shape(`Active:B Default:B PaymentMethod:S ProcCenterID:S`)}),
	}
}

func currencyEntity(b *builder) *entity {
	return &entity{
		name: entityCurrency, display: "Currencies", screen: "CM202000", graph: "PX.Objects.CM.CurrencyMaint", view: "CuryListRecords",
		keys: []string{"CurrencyID"}, readOnly: true,
		shape: b.shape(`Active:B CreatedDateTime:T CurrencyID:S5 CurrencySymbol:S DecimalPrecision:I Description:S LastModifiedDateTime:T UseForAccounting:B`),
	}
}

func periodEntity(b *builder) *entity {
	return &entity{
		name: entityPeriod, display: "Master Financial Calendar", screen: "GL201000", graph: "PX.Objects.GL.MasterFinPeriodMaint", view: "FiscalYear",
		keys: []string{"FinancialYear"}, readOnly: true,
		shape: b.shape(`CreatedDateTime:T FinancialYear:S LastModifiedDateTime:T NbrOfPeriods:I StartDate:A UserDefinedPeriods:B`,
			part{name: "Details", many: true, shape: b.shape(`AdjustmentPeriod:B ClosedInAP:B ClosedInAR:B ClosedInCA:B ClosedInFA:B ClosedInIN:B
				Description:S EndDate:A FinancialPeriodID:S LengthInDays:I PeriodNbr:S StartDate:A Status:S`)}),
	}
}

func accountEntity(b *builder) *entity {
	return &entity{
		name: entityAccount, display: "Chart of Accounts", screen: "GL202500", graph: "PX.Objects.GL.AccountMaint", view: "AccountRecords",
		keys: []string{"AccountCD"}, readOnly: true,
		shape: b.shape(`AccountCD:S AccountClass:S AccountGroup:S AccountID:I Active:B CashAccount:B ChartOfAccountsOrder:I ConsolidationAccount:S
			CreatedDateTime:T CurrencyID:S Description:S LastModifiedDateTime:T PostOption:S RequireUnits:B RevaluationRateType:S Secured:B
			TaxCategory:S Type:S UseDefaultSubaccount:B`),
	}
}
