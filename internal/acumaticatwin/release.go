package acumaticatwin

import (
	"fmt"

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
	r = x.edit(entityPayment, r)
	sum := applied(r.Many[partApply])
	if sum.Add(applied(r.Many[partHistory])).GreaterThan(r.dec("PaymentAmount")) {
		return operationFailed("The document is out of the balance.")
	}
	batch, fail := x.postPayment(r, sum, first)
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
	left := r.dec("PaymentAmount").Sub(applied(r.Many[partHistory]))
	r.setDec("AppliedToDocuments", decimal.Zero)
	r.setDec("AvailableBalance", left)
	r.setDec("Document.CuryDocBal", left)
	settleStatus(r, "AvailableBalance")
	r.touch(x.now)
	return nil
}

// postPayment debits the cash account and credits what the customer owes; a
// prepayment is owed to the customer until it is applied.
func (x *tx) postPayment(r *record, applied decimal.Decimal, first bool) (string, *failure) {
	var lines []Line
	prepaid := r.get("Type") == typePrepayment
	if first {
		owed := accountAR
		if prepaid {
			owed = accountPrepayment
		}
		cash := x.st.Setup.CashAccounts[r.get("CashAccount")]
		lines = append(lines, debit(cash.Account, r.dec("PaymentAmount")), credit(owed, r.dec("PaymentAmount")))
	}
	if prepaid {
		lines = append(lines, debit(accountPrepayment, applied), credit(accountAR, applied))
	}
	return x.post(r.day("ApplicationDate"), r.get("CurrencyID"), r.get("Type")+" "+r.get("ReferenceNbr"), lines...)
}

// settleLine moves one application from the lines to the history and takes it
// off the invoice.
func (x *tx) settleLine(r, l *record, batch string) *failure {
	inv, _, text := x.applicable(r, l)
	if inv == nil {
		return operationFailed(text)
	}
	amount := l.dec("AmountPaid")
	if text := tooMuch(amount, inv); text != "" {
		return operationFailed(text)
	}
	inv = x.edit(entityInvoice, inv)
	inv.setDec("Balance", inv.dec("Balance").Sub(amount))
	settleStatus(inv, "Balance")
	inv.touch(x.now)
	h := newRecord(l.ID)
	h.set("AdjustedDocType", inv.get("Type"))
	h.set("AdjustedRefNbr", inv.get("ReferenceNbr"))
	h.set("AdjustingDocType", r.get("Type"))
	h.set("AdjustingRefNbr", r.get("ReferenceNbr"))
	h.set("AdjustmentNbr", fmt.Sprint(len(r.Many[partHistory])+1))
	h.setDec("AmountPaid", amount)
	h.set("Balance", inv.get("Balance"))
	h.setDefault("BatchNbr", batch)
	h.set("CurrencyID", inv.get(curyID))
	h.set("Customer", inv.get("Customer"))
	h.setDefault("CustomerOrder", inv.get("CustomerOrder"))
	h.setDefault("Description", inv.get("Description"))
	h.set("DisplayDocType", inv.get("Type"))
	h.set("DisplayRefNbr", inv.get("ReferenceNbr"))
	h.set("Date", r.get("ApplicationDate"))
	h.setDefault("DueDate", inv.get("DueDate"))
	h.set("ApplicationPeriod", r.get("Document.AdjFinPeriodID"))
	h.set("PostPeriod", r.get("Document.AdjFinPeriodID"))
	r.Many[partHistory] = append(r.Many[partHistory], h)
	return nil
}

// creditMemosAsPayments are the rows that the payment list shows besides
// payments. Acumatica: one table holds both, so a list must filter by Type.
func creditMemosAsPayments(x *tx) []*record {
	var rows []*record
	for _, m := range x.all(entityInvoice) {
		if m.get("Type") != typeCreditMemo || !released(m) {
			continue
		}
		r := newRecord(m.ID)
		for to, from := range map[string]string{
			"Type": "Type", "ReferenceNbr": "ReferenceNbr", "Status": "Status", "CustomerID": "Customer", "Description": "Description",
			"ApplicationDate": "Date", "CurrencyID": curyID, "PaymentAmount": "Amount", "AvailableBalance": "Balance", "Hold": "Hold",
			"LastModifiedDateTime": "LastModifiedDateTime",
		} {
			r.setDefault(to, m.get(from))
		}
		r.set("AppliedToDocuments", "0")
		rows = append(rows, r)
	}
	return rows
}
