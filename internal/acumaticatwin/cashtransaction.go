package acumaticatwin

import (
	"fmt"

	"github.com/shopspring/decimal"
)

const (
	entityCashTransaction = "CashTransaction"

	statusReleased = "Released"

	// cashRef is the key of a cash transaction. The contract has no field for
	// it, nor for the hold; $custom and the body's "custom" reach them.
	cashRef  = "CAAdjRecords.AdjRefNbr"
	cashHold = "CAAdjRecords.Hold"
)

func cashTransactionEntity(b *builder) *entity {
	return &entity{
		name: entityCashTransaction, display: "Cash Transactions", screen: "CA304000", graph: "PX.Objects.CA.CATranEntry", view: "CAAdjRecords",
		keys: []string{cashRef}, since: 24,
		shape: b.shape(`Approved:B CashAccountCD:S30 Description:S512 EntryTypeCD:S10 ExternalReferenceNumber:S40 PostedDate:A`,
			part{name: "Details", many: true, shape: b.shape(`Amount:D4 AmountDescription:S512`)}),
		custom: b.shape(`CAAdjRecords.AdjRefNbr:S15! CAAdjRecords.Hold:B CAAdjRecords.Status:S! CAAdjRecords.CuryID:S5! CAAdjRecords.DrCr:S!
			CAAdjRecords.CuryTranAmt:D4! CAAdjRecords.FinPeriodID:S! CAAdjRecords.Released:B!`),
		fresh: freshCashTransaction, save: saveCashTransaction, remove: removeCashTransaction,
		actions: map[string]action{"ReleaseCashTransaction": releaseCashTransaction, "release": releaseCashTransaction},
	}
}

func freshCashTransaction(x *tx, r *record) {
	r.set("PostedDate", x.today())
	r.setBool("Approved", true)
	r.setBool(cashHold, true) // Acumatica: "Hold Transactions on Entry" is on by default
	r.setBool("CAAdjRecords.Released", false)
}

func saveCashTransaction(x *tx, old, r *record) *problems {
	bad := newProblems()
	if old != nil && old.yes("CAAdjRecords.Released") {
		refuseChanges(old, r, bad)
		return bad
	}
	account, ok := x.st.Setup.CashAccounts[r.get("CashAccountCD")]
	switch {
	case r.get("CashAccountCD") == "":
		bad.add(r, "CashAccountCD", "'Cash Account' cannot be empty.")
	case !ok:
		bad.add(r, "CashAccountCD", "Cash Account '%s' cannot be found in the system.", r.get("CashAccountCD"))
	}
	if !ok {
		return bad
	}
	t, text := x.entryTypeOf(r.get("EntryTypeCD"), r.get("CashAccountCD"))
	if text != "" {
		bad.add(r, "EntryTypeCD", "%s", text)
	}
	if text := x.checkPeriodIn(moduleCA, r.day("PostedDate")); text != "" {
		bad.add(r, "PostedDate", "%s", text)
	}
	r.set(curyID, account.Currency)
	r.set("CAAdjRecords.CuryID", account.Currency)
	x.rateDocument(r, "PostedDate", "", bad)
	r.set("CAAdjRecords.DrCr", t.direction())
	r.set("CAAdjRecords.FinPeriodID", r.day("PostedDate").Format(periodLayout))
	sum := decimal.Zero
	for _, l := range r.Many["Details"] {
		l.setDec("Amount", x.round(l.dec("Amount"), account.Currency))
		l.setDefault("AmountDescription", t.Description)
		sum = sum.Add(l.dec("Amount"))
	}
	r.setDec("CAAdjRecords.CuryTranAmt", sum)
	if sum.IsNegative() {
		bad.add(r, "", "The document is out of the balance.")
	}
	r.set("CAAdjRecords.Status", statusBalanced)
	if r.yes(cashHold) {
		r.set("CAAdjRecords.Status", statusHold)
	}
	if old == nil && bad.empty() {
		r.set(cashRef, fmt.Sprintf("%06d", x.next("CATran")))
	}
	return bad
}

// releaseCashTransaction posts a receipt to the cash account, or a
// disbursement off it, against the account of its entry type.
func releaseCashTransaction(x *tx, r *record) *failure {
	if r.get("CAAdjRecords.Status") != statusBalanced {
		return buttonDisabled("Release")
	}
	if text := x.checkPeriodIn(moduleCA, r.day("PostedDate")); text != "" {
		return operationFailed(text)
	}
	t, text := x.entryTypeOf(r.get("EntryTypeCD"), r.get("CashAccountCD"))
	if text != "" {
		return operationFailed(text)
	}
	r = x.edit(entityCashTransaction, r)
	amount := r.dec("CAAdjRecords.CuryTranAmt")
	if !t.Receipt {
		amount = amount.Neg()
	}
	p := posting{
		module: moduleCA, day: r.day("PostedDate"), currency: r.get(curyID), rate: rateOfDocument(r),
		description: "Cash Transaction " + r.get(cashRef),
	}
	if _, fail := x.postAt(p, debit(x.st.Setup.CashAccounts[r.get("CashAccountCD")].Account, amount), credit(t.Account, amount)); fail != nil {
		return fail
	}
	r.set("CAAdjRecords.Status", statusReleased)
	r.setBool("CAAdjRecords.Released", true)
	r.touch(x.now)
	return nil
}

func removeCashTransaction(_ *tx, r *record) *failure {
	if r.yes("CAAdjRecords.Released") {
		return buttonDisabled("Delete")
	}
	return nil
}
