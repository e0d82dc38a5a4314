package acumaticatwin

import (
	"github.com/shopspring/decimal"
)

// releasePayment posts the payment once, and its applications as often as
// there are new ones: a released payment with money left can be applied and
// released again. Everything is checked again, because balances and periods
// may have changed since the save.
func releasePayment(x *tx, r *record) *failure {
	first := r.get("Status") == statusBalanced
	again := r.get("Status") == statusOpen && len(r.Many[partApply]) > 0
	if !first && !again {
		return buttonDisabled("Release")
	}
	if text := x.checkPeriod(r.day("ApplicationDate")); text != "" {
		return operationFailed(text)
	}
	if isVoid(r) {
		return x.releaseVoid(r)
	}
	r = x.edit(entityPayment, r)
	if unbalanced(r) {
		return operationFailed("The document is out of the balance.")
	}
	batch, fail := x.postPayment(r, r.Many[partApply], first, 1)
	if fail != nil {
		return fail
	}
	for _, l := range r.Many[partApply] {
		if fail := x.settleLine(r, l, batch); fail != nil {
			return fail
		}
	}
	// Released applications leave the lines: what remains there is what the
	// next release would apply.
	delete(r.Many, partApply)
	x.settlePayment(r)
	return nil
}

// postPayment debits the cash account and credits what the customer owes; a
// prepayment is owed to the customer until it is applied. A refund goes the
// other way, and charges are taken off the cash account. sign -1 reverses.
func (x *tx) postPayment(r *record, applications []*record, first bool, sign int64) (string, *failure) {
	var lines []Line
	amount, s := r.dec("PaymentAmount"), decimal.New(sign, 0)
	kind := r.get("Type")
	cash := x.st.Setup.CashAccounts[r.get("CashAccount")].Account
	if first && kind != typeCreditMemo {
		toCash := amount
		if kind == typeRefund {
			toCash = amount.Neg()
		}
		lines = append(lines, debit(cash, toCash.Mul(s)))
		for _, c := range r.Many[partCharges] {
			lines = append(lines, credit(cash, c.dec("Amount").Mul(s)), debit(c.get("AccountID"), c.dec("Amount").Mul(s)))
		}
	}
	switch {
	case first && kind == typePayment:
		lines = append(lines, credit(accountAR, amount.Mul(s)))
	case first && kind == typePrepayment:
		lines = append(lines, credit(accountPrepayment, amount.Mul(s)))
	}
	for _, l := range applications {
		paid := l.dec("AmountPaid").Mul(s)
		switch {
		case kind == typePrepayment && docType(l) == typeInvoice:
			lines = append(lines, debit(accountPrepayment, paid), credit(accountAR, paid))
		case kind == typeRefund && docType(l) == typePrepayment:
			lines = append(lines, debit(accountPrepayment, paid))
		case kind == typeRefund:
			lines = append(lines, debit(accountAR, paid))
		}
	}
	return x.post(r.day("ApplicationDate"), r.get("CurrencyID"), kind+" "+r.get("ReferenceNbr"), lines...)
}

// docType is the type of the document that a line, released or not, applies to.
func docType(l *record) string {
	if t := l.get("DocType"); t != "" {
		return t
	}
	return l.get("AdjustedDocType")
}
