package acumaticatwin

import (
	"fmt"
	"slices"
)

const (
	partCharges = "Charges"

	// SeedFeeEntryType is the entry type for processing fees, allowed on both
	// clearing accounts.
	SeedFeeEntryType = "STRIPEFEE"
	accountFees      = "61000"
)

// An entryType says where a finance charge of a cash account goes.
type entryType struct {
	Account      string   `json:"account"`
	Description  string   `json:"description"`
	CashAccounts []string `json:"cash_accounts"`
}

// charges checks and completes the finance charges of a payment. They are
// posted with it and do not change what it has left to apply.
func (x *tx) charges(r *record, bad *problems) {
	for i, l := range r.Many[partCharges] {
		l.set("LineNbr", fmt.Sprint(i+1))
		l.set("DocType", r.get("Type"))
		l.set("RefNbr", r.get("ReferenceNbr"))
		name := l.get("EntryTypeID")
		t, ok := x.st.Setup.EntryTypes[name]
		switch {
		case name == "":
			bad.add(l, "EntryTypeID", "'Entry Type' cannot be empty.")
			continue
		case !ok, !slices.Contains(t.CashAccounts, r.get("CashAccount")):
			bad.add(l, "EntryTypeID", "Entry Type '%s' cannot be found in the system.", name)
			continue
		}
		l.setDefault("Description", t.Description)
		l.set("AccountID", t.Account)
		l.set("SubID", seedSubaccount)
		l.setDec("Amount", x.round(l.dec("Amount"), r.get("CurrencyID")))
		if l.dec("Amount").IsNegative() {
			bad.add(l, "Amount", "Incorrect value. The value to be entered must be greater than or equal to 0.")
		}
	}
}
