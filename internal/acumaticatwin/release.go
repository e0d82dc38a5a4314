package acumaticatwin

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
	if unbalanced(r) || (isRefund(r) && forOrders(r).IsPositive()) { // the order's credit memo comes first
		return operationFailed("The document is out of the balance.")
	}
	if text := x.rateMissing(r); text != "" {
		return operationFailed(text)
	}
	if first && r.get(docRate) != "" {
		r.setDec(baseBalance, x.inBase(r, r.dec("PaymentAmount")))
	}
	if fail := x.releaseLines(r, r, r.Many[partApply], first); fail != nil {
		return fail
	}
	// Released applications leave the lines: what remains there is what the
	// next release would apply.
	delete(r.Many, partApply)
	x.settlePayment(r)
	return nil
}

// releaseLines settles applications of r and posts them, with r itself the
// first time; dated has the date of the batch.
func (x *tx) releaseLines(r, dated *record, lines []*record, first bool) *failure {
	var own, rows []*record
	for _, l := range lines {
		wrote, fail := x.settleLine(r, l)
		if fail != nil {
			return fail
		}
		own, rows = append(own, wrote[0]), append(rows, wrote...)
	}
	batch, fail := x.postPayment(dated, own, first, 1)
	if fail != nil {
		return fail
	}
	for _, h := range rows {
		h.setDefault("BatchNbr", batch)
	}
	return nil
}

// rateMissing says why a document in a foreign currency cannot be released.
func (x *tx) rateMissing(r *record) string {
	if docCurrency(r) == baseCurrency || r.get(docRate) != "" {
		return ""
	}
	return "The currency rate of the document is not defined."
}

// postPayment debits the cash account and credits what the customer owes; a
// prepayment is owed to the customer until it is applied. A refund goes the
// other way, and charges are taken off the cash account. The applications are
// rows of the history. sign -1 reverses, in a batch of the void.
func (x *tx) postPayment(r *record, applications []*record, first bool, sign int64) (string, *failure) {
	var legs []leg
	amount, kind := r.dec("PaymentAmount"), r.get("Type")
	cash := x.st.Setup.CashAccounts[r.get("CashAccount")].Account
	if first && kind != typeCreditMemo {
		switch {
		case isRefund(r):
			legs = append(legs, credit(cash, amount))
		case kind == typePrepayment:
			legs = append(legs, debit(cash, amount), credit(accountPrepayment, amount))
		default:
			legs = append(legs, debit(cash, amount), credit(accountAR, amount))
		}
		for _, c := range r.Many[partCharges] {
			legs = append(legs, credit(cash, c.dec("Amount")), debit(c.get("AccountID"), c.dec("Amount")))
		}
	}
	for _, h := range applications {
		legs = append(legs, applicationLines(kind, h)...)
	}
	document := kind
	if sign < 0 {
		document = voidType(kind)
		for i, l := range legs {
			legs[i].Debit, legs[i].Credit = l.Credit, l.Debit
			legs[i].BaseDebit, legs[i].BaseCredit = l.BaseCredit, l.BaseDebit
		}
	}
	return x.postAt(posting{
		day: r.day("ApplicationDate"), currency: r.get("CurrencyID"), rate: rateOfDocument(r), description: document + " " + r.get("ReferenceNbr"),
		ref: r.get("ReferenceNbr"), customer: customerOf(r),
	}, legs...)
}

// docType is the type of the document that a line, released or not, applies to.
func docType(l *record) string {
	if t := l.get("DocType"); t != "" {
		return t
	}
	return l.get("AdjustedDocType")
}
