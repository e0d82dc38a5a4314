package acumaticatwin

import "strconv"

// firstSettlementID keeps the numbers of these accounts apart from those of
// the chart.
const firstSettlementID = 200

// seedSettlementAccounts adds what a connection that settles posts to beside
// the clearing and bank accounts.
func (x *tx) seedSettlementAccounts() {
	for i, a := range [][3]string{
		{"12500", "Stripe disputes receivable", "Asset"},
		{"12600", "Stripe reserves", "Asset"},
		{"14500", "Input tax on Stripe fees", "Asset"},
		{"19900", "Stripe suspense", "Asset"},
		{"25500", "Owed to customers for failed refunds", "Liability"},
		{"26000", "Stripe financing", "Liability"},
		{"27000", "Due to connected accounts", "Liability"},
		{"39000", "Opening balances", "Liability"},
		{"40500", "Refunds", "Income"},
		{"42000", "Application fees earned", "Income"},
		{"61100", "Dispute fees", "Expense"},
		{"61200", "Fees of other Stripe products", "Expense"},
		{"62500", "Climate contributions", "Expense"},
		{"65000", "Disputes lost", "Expense"},
		{"71500", "Exchange differences of Stripe", "Expense"},
	} {
		x.row(entityAccount, "AccountCD", a[0], "AccountID", strconv.Itoa(firstSettlementID+i), "Description", a[1], "Type", a[2],
			"CashAccount", "false", "CurrencyID", "", "Active", "true", "PostOption", "Detail", "RequireUnits", "false", "Secured", "false")
	}
}

// SeedClearing has, by currency, the ledger account behind the clearing cash
// account of every seeded tenant.
func SeedClearing() map[string]string {
	return map[string]string{"USD": "10250", "EUR": "10251", "GBP": "10252", "CHF": "10253", "CAD": "10254", "JPY": "10255"}
}

// SeedCashAccounts has, by currency, the clearing cash account of every seeded
// tenant: of every currency that customers pay in, those that Stripe exchanges
// included (ADR 4, items 2 and 3).
func SeedCashAccounts() map[string]string {
	return map[string]string{
		"USD": SeedCashAccountUSD, "EUR": SeedCashAccountEUR, "GBP": SeedCashAccountGBP,
		"CHF": SeedCashAccountCHF, "CAD": SeedCashAccountCAD, "JPY": SeedCashAccountJPY,
	}
}

// SeedBanks has, by currency, the ledger account of the bank: of the currencies
// that are paid out.
func SeedBanks() map[string]string {
	return map[string]string{"USD": "10200", "EUR": "10201", "GBP": "10202"}
}

// SeedAccounts has the accounts of every seeded tenant by the names of the
// posting rules: what belongs into books.accounts, the bank excepted.
func SeedAccounts() map[string]string {
	return map[string]string{
		"sales": accountSales, "refund": "40500", "refund_failure": "25500",
		"fee": accountFees, "fee.dispute": "61100", "fee.billing": "61200", "fee.product": "61200", "tax": "14500",
		"dispute": "12500", "dispute_lost": "65000", "write_off": "65000",
		"reserve": "12600", "transfer": "27000", "platform": "42000", "financing": "26000", "climate": "62500",
		"fx": "71500", "opening": "39000", "suspense": "19900",
	}
}
