package acumaticatwin

import "fmt"

const (
	partCharges = "Charges"
	accountFees = "61000"
)

// charges checks and completes the finance charges of a payment. They are
// posted with it and do not change what it has left to apply.
func (x *tx) charges(r *record, bad *problems) {
	for i, l := range r.Many[partCharges] {
		l.set("LineNbr", fmt.Sprint(i+1))
		l.set("DocType", r.get("Type"))
		l.set("RefNbr", r.get("ReferenceNbr"))
		t, text := x.chargeTypeOf(l.get("EntryTypeID"), r.get("CashAccount"))
		if text != "" {
			bad.add(l, "EntryTypeID", "%s", text)
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
