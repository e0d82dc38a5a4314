package acumaticatwin

import "slices"

const (
	// SeedFeeEntryType is the entry type for processing fees, a disbursement
	// of the clearing and bank accounts.
	SeedFeeEntryType = "STRIPEFEE"
	// SeedFeeReturnEntryType is the receipt for fees that are given back.
	SeedFeeReturnEntryType = "FEERETURN"

	drReceipt      = "Receipt"
	crDisbursement = "Disbursement"
)

// An entryType says where cash transactions and the charges of payments and
// deposits go, and which cash accounts may use it.
type entryType struct {
	Account      string   `json:"account"`
	Description  string   `json:"description"`
	CashAccounts []string `json:"cash_accounts"`
	Receipt      bool     `json:"receipt"` // else a disbursement
}

func (t entryType) direction() string {
	if t.Receipt {
		return drReceipt
	}
	return crDisbursement
}

// entryTypeOf finds an entry type that the cash account may use; the text says
// why there is none.
func (x *tx) entryTypeOf(name, cashAccount string) (t entryType, text string) {
	t, ok := x.st.Setup.EntryTypes[name]
	switch {
	case name == "":
		return t, "'Entry Type' cannot be empty."
	case !ok, !slices.Contains(t.CashAccounts, cashAccount):
		return t, "Entry Type '" + name + "' cannot be found in the system."
	}
	return t, ""
}

// chargeTypeOf is entryTypeOf for charges, which are always disbursements.
func (x *tx) chargeTypeOf(name, cashAccount string) (t entryType, text string) {
	t, text = x.entryTypeOf(name, cashAccount)
	if text == "" && t.Receipt {
		return t, "Entry Type '" + name + "' cannot be found in the system."
	}
	return t, text
}
