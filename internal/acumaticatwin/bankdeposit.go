package acumaticatwin

import (
	"cmp"
	"fmt"

	"github.com/shopspring/decimal"
)

const (
	entityDeposit = "BankDeposit"
	typeDeposit   = "CA Deposit"

	// What a payment or cash sale knows of its deposit.
	depositNbr  = "CurrentDocument.DepositNbr"
	depositDate = "CurrentDocument.DepositDate"
	deposited   = "CurrentDocument.Deposited"
	asBatch     = "CurrentDocument.DepositAsBatch"
	// depositAfter is the first day on which it may be deposited; without one
	// that is the day of the document.
	depositAfter = "Document.DepositAfter"
)

// depositEntity is CA305000 on the custom endpoint: payments go from a
// clearing account to the bank in one sum, less what the bank charges. Its
// fields have the names of the columns.
func depositEntity(b *builder) *entity {
	shape := b.shape(`TranType:S RefNbr:S15 CashAccountID:S30 CuryID:S5! TranDate:A FinPeriodID:S! ExtRefNbr:S40 TranDesc:S256 Hold:B Status:S!
		CuryDetailTotal:D4! CuryChargeTotal:D4! CuryTranAmt:D4! LastModifiedDateTime:T!`,
		part{name: "Details", many: true, keys: []string{"OrigModule", "OrigDocType", "OrigRefNbr"}, shape: b.shape(`OrigModule:S2 OrigDocType:S
			OrigRefNbr:S15 PaymentMethodID:S! AccountID:S! DrCr:S! CuryOrigAmt:D4! CuryTranAmt:D4! OrigCuryID:S!`)},
		part{name: partCharges, many: true, shape: b.shape(`EntryTypeID:S10 AccountID:S! CuryChargeableAmt:D4 ChargeRate:D6 CuryChargeAmt:D4`)})
	shape.alias("TranType", map[string]string{"CDT": typeDeposit})
	for i := range shape.parts {
		shape.parts[i].shape.alias("OrigDocType", b.docCodes())
	}
	return &entity{
		name: entityDeposit, display: "Bank Deposits", screen: "CA305000", graph: "PX.Objects.CA.CADepositEntry", view: "Document",
		keys: []string{"TranType", "RefNbr"}, on: onCustom, shape: shape,
		fresh: freshDeposit, save: saveDeposit, remove: removeDeposit,
		actions: map[string]action{"ReleaseBankDeposit": releaseDeposit, "Release": releaseDeposit},
	}
}

func freshDeposit(x *tx, r *record) {
	r.set("TranType", typeDeposit)
	r.set("TranDate", x.today())
	r.setBool("Hold", true) // Acumatica: "Hold Transactions on Entry" is on by default
}

func saveDeposit(x *tx, old, r *record) *problems {
	bad := newProblems()
	if old != nil && old.get("Status") == statusReleased {
		refuseChanges(old, r, bad)
		return bad
	}
	if t := r.get("TranType"); t != typeDeposit {
		bad.add(r, "TranType", "This stand-in does not model documents of the type '%s' yet.", t)
	}
	account, ok := x.st.Setup.CashAccounts[r.get("CashAccountID")]
	switch {
	case r.get("CashAccountID") == "":
		bad.add(r, "CashAccountID", "'Cash Account' cannot be empty.")
	case !ok, account.Clearing:
		bad.add(r, "CashAccountID", "Cash Account '%s' cannot be found in the system.", r.get("CashAccountID"))
	}
	if text := x.checkPeriodIn(moduleCA, r.day("TranDate")); text != "" {
		bad.add(r, "TranDate", "%s", text)
	}
	if !bad.empty() {
		return bad
	}
	r.set("CuryID", account.Currency)
	r.set(curyID, account.Currency)
	x.rateDocument(r, "TranDate", "", bad)
	r.set("FinPeriodID", r.day("TranDate").Format(periodLayout))
	x.totalDeposit(r, bad)
	r.set("Status", statusBalanced)
	if r.yes("Hold") {
		r.set("Status", statusHold)
	}
	if !bad.empty() {
		return bad
	}
	if old == nil {
		r.set("RefNbr", fmt.Sprintf("%06d", x.next("CADeposit")))
	} else {
		x.freeDeposited(old)
	}
	for _, l := range r.Many["Details"] {
		doc := x.depositable(l)
		doc.set(depositNbr, r.get("RefNbr"))
	}
	return bad
}

func (x *tx) totalDeposit(r *record, bad *problems) {
	sum, charges := decimal.Zero, decimal.Zero
	for _, l := range r.Many["Details"] {
		l.setDefault("OrigModule", moduleAR)
		l.setDefault("OrigDocType", typePayment)
		if !x.completeDetail(r, l) {
			bad.add(l, "OrigRefNbr", "Reference Nbr. '%s' cannot be found in the system.", l.get("OrigRefNbr"))
		}
		sum = sum.Add(l.dec("CuryTranAmt"))
	}
	for _, l := range r.Many[partCharges] {
		t, text := x.chargeTypeOf(l.get("EntryTypeID"), r.get("CashAccountID"))
		if text != "" {
			bad.add(l, "EntryTypeID", "%s", text)
		}
		l.set("AccountID", t.Account)
		l.setDefault("CuryChargeableAmt", sum.String())
		l.setDefault("CuryChargeAmt", l.dec("CuryChargeableAmt").Mul(l.dec("ChargeRate")).Shift(-2).String())
		l.setDec("CuryChargeAmt", x.round(l.dec("CuryChargeAmt"), r.get("CuryID")))
		if l.dec("CuryChargeAmt").IsNegative() {
			bad.add(l, "CuryChargeAmt", "Incorrect value. The value to be entered must be greater than or equal to 0.")
		}
		charges = charges.Add(l.dec("CuryChargeAmt"))
	}
	r.setDec("CuryDetailTotal", sum)
	r.setDec("CuryChargeTotal", charges)
	r.setDec("CuryTranAmt", sum.Sub(charges))
}

// completeDetail fills a line from its payment, unless that is in another
// currency or deposit, or for later, and so not on offer.
func (x *tx) completeDetail(r, l *record) bool {
	doc := x.depositable(l)
	if doc == nil || docCurrency(doc) != r.get("CuryID") || (doc.get(depositNbr) != "" && doc.get(depositNbr) != r.get("RefNbr")) ||
		cmp.Or(doc.get(depositAfter), documentDate(doc)) > r.get("TranDate") {
		return false
	}
	amount, direction := depositAmount(doc), drReceipt
	if amount.IsNegative() {
		direction = crDisbursement
	}
	for name, v := range map[string]string{
		"OrigRefNbr": doc.get("ReferenceNbr"), "PaymentMethodID": doc.get("PaymentMethod"), "AccountID": doc.get("CashAccount"),
		"DrCr": direction, "OrigCuryID": docCurrency(doc),
	} {
		l.set(name, v)
	}
	l.setDec("CuryOrigAmt", amount.Abs())
	l.setDec("CuryTranAmt", amount)
	return true
}

// depositable finds the document of a line, as a copy of this transaction; nil
// when it is not one that can be deposited.
func (x *tx) depositable(l *record) *record {
	from, kind := "", l.get("OrigDocType")
	switch {
	case kind == typePayment, kind == typePrepayment, refundKind(kind):
		from = entityPayment
	case kind == typeCashSale, kind == typeCashReturn:
		from = entityCashSale
	}
	if from == "" || l.get("OrigModule") != moduleAR {
		return nil
	}
	doc := x.byKey(from, kind, l.get("OrigRefNbr"))
	if doc == nil || !released(doc) || doc.get("Status") == statusVoided || !x.st.Setup.CashAccounts[doc.get("CashAccount")].Clearing ||
		doc.get(asBatch) == "false" {
		return nil
	}
	return x.edit(from, doc)
}

// depositAmount is what a document brought to its clearing account, less the
// charges that were taken off there.
func depositAmount(doc *record) decimal.Decimal {
	amount := doc.dec("PaymentAmount").Add(doc.dec("Amount")) // of a payment, of a cash sale
	if isRefund(doc) || doc.get("Type") == typeCashReturn {
		amount = amount.Neg()
	}
	for _, c := range doc.Many[partCharges] {
		amount = amount.Sub(c.dec("Amount"))
	}
	return amount
}

// freeDeposited lets the payments of an unreleased deposit go.
func (x *tx) freeDeposited(r *record) {
	for _, l := range r.Many["Details"] {
		if doc := x.depositable(l); doc != nil && doc.get(depositNbr) == r.get("RefNbr") {
			delete(doc.Fields, depositNbr)
		}
	}
}

func removeDeposit(x *tx, r *record) *failure {
	if r.get("Status") == statusReleased {
		return buttonDisabled("Delete")
	}
	x.freeDeposited(r)
	return nil
}

// releaseDeposit debits the bank and credits the clearing accounts with what
// the payments were worth there; charges are taken off the bank account.
func releaseDeposit(x *tx, r *record) *failure {
	if r.get("Status") != statusBalanced || len(r.Many["Details"]) == 0 {
		return buttonDisabled("Release")
	}
	if text := x.checkPeriodIn(moduleCA, r.day("TranDate")); text != "" {
		return operationFailed(text)
	}
	r = x.edit(entityDeposit, r)
	bank := x.st.Setup.CashAccounts[r.get("CashAccountID")].Account
	legs := []leg{debit(bank, r.dec("CuryDetailTotal"))}
	gain := x.inBase(r, r.dec("CuryDetailTotal"))
	for _, l := range r.Many["Details"] {
		doc := x.depositable(l)
		if doc == nil {
			return operationFailed("Reference Nbr. '" + l.get("OrigRefNbr") + "' cannot be found in the system.")
		}
		amount := l.dec("CuryTranAmt")
		base := x.inBase(doc, amount)
		gain = gain.Sub(base)
		legs = append(legs, worth(x.st.Setup.CashAccounts[l.get("AccountID")].Account, amount.Neg(), base.Neg()))
		doc.setBool(deposited, true)
		doc.set(depositDate, r.get("TranDate"))
		doc.touch(x.now)
	}
	for _, l := range r.Many[partCharges] {
		legs = append(legs, credit(bank, l.dec("CuryChargeAmt")), debit(l.get("AccountID"), l.dec("CuryChargeAmt")))
	}
	p := posting{
		module: moduleCA, day: r.day("TranDate"), currency: r.get("CuryID"), rate: rateOfDocument(r), description: typeDeposit + " " + r.get("RefNbr"),
	}
	if _, fail := x.postAt(p, append(legs, realised(gain))...); fail != nil {
		return fail
	}
	r.set("Status", statusReleased)
	r.touch(x.now)
	return nil
}

// voidFrom is the cash account from which a void takes the money: the bank
// when the payment was deposited. Acumatica: a payment in an unreleased deposit
// cannot be voided.
func (x *tx) voidFrom(r *record) (cashAccount string, fail *failure) {
	if r.get(depositNbr) == "" {
		return r.get("CashAccount"), nil
	}
	d := x.byKey(entityDeposit, typeDeposit, r.get(depositNbr))
	if d == nil || d.get("Status") != statusReleased {
		return "", operationFailed("The payment is included in the unreleased bank deposit " + r.get(depositNbr) + " and cannot be voided.")
	}
	return d.get("CashAccountID"), nil
}
