package acumaticatwin

const (
	typeVoidedPayment = "Voided Payment"
	typeVoidedRefund  = "Voided Refund"

	statusVoided = "Voided"
)

func isVoid(r *record) bool {
	return r.get("Type") == typeVoidedPayment || r.get("Type") == typeVoidedRefund
}

// voidType is the type of the document that voids a payment of type kind.
func voidType(kind string) string {
	if refundKind(kind) {
		return typeVoidedRefund
	}
	return typeVoidedPayment
}

// voidPayment makes the document that reverses a released payment. It has the
// same number, and does nothing until it is released itself.
func voidPayment(x *tx, r *record) *failure {
	kind := r.get("Type")
	voidable := kind == typePayment || kind == typePrepayment || isRefund(r)
	if !voidable || (r.get("Status") != statusOpen && r.get("Status") != statusClosed) {
		return buttonDisabled("Void")
	}
	if refunded(r) {
		return operationFailed("The payment has been refunded and cannot be voided.")
	}
	if x.byKey(entityPayment, voidType(kind), r.get("ReferenceNbr")) != nil {
		return nil // the form opens the one that is there
	}
	from, fail := x.voidFrom(r)
	if fail != nil {
		return fail
	}
	v := r.clone()
	v.ID, v.Note = x.newID(), ""
	v.Many = map[string][]*record{}
	for _, name := range []string{baseBalance, depositNbr, depositDate, deposited} {
		delete(v.Fields, name)
	}
	v.set("Type", voidType(kind))
	v.set("CashAccount", from)
	v.set("Status", statusBalanced)
	v.set("ApplicationDate", x.today())
	v.setDec("PaymentAmount", r.dec("PaymentAmount").Neg())
	for _, name := range []string{"AppliedToDocuments", "AvailableBalance", "Document.CuryDocBal"} {
		v.set(name, "0")
	}
	x.datePayment(v)
	delete(v.Fields, "LastModifiedDateTime")
	v.touch(x.now)
	x.save(entityPayment, v)
	return nil
}

// saveVoid lets date, description and hold of a void change until its release.
func (x *tx) saveVoid(old, r *record) *problems {
	bad := newProblems()
	if old == nil {
		bad.add(r, "Type", "Documents of the type '%s' are made by voiding a payment.", r.get("Type"))
		return bad
	}
	if released(old) {
		refuseChanges(old, r, bad)
		return bad
	}
	frozen := old.clone()
	for _, name := range []string{"ApplicationDate", "Description", "Hold"} {
		delete(frozen.Fields, name)
		frozen.setDefault(name, r.get(name))
	}
	refuseChanges(frozen, r, bad)
	if len(r.Many[partApply]) > 0 {
		bad.add(r, "", "The applications of this document cannot be changed.")
	}
	if text := x.checkPeriod(r.day("ApplicationDate")); text != "" {
		bad.add(r, "ApplicationDate", "%s", text)
	}
	x.datePayment(r)
	r.set("Status", statusBalanced)
	if r.yes("Hold") {
		r.set("Status", statusHold)
	}
	return bad
}

// original is the payment that a void reverses.
func (x *tx) original(void *record) *record {
	kinds := []string{typePayment, typePrepayment}
	if void.get("Type") == typeVoidedRefund {
		kinds = []string{x.refundLabel}
	}
	for _, kind := range kinds {
		if r := x.byKey(entityPayment, kind, void.get("ReferenceNbr")); r != nil {
			return r
		}
	}
	return nil
}

// releaseVoid reverses the ledger entries of the original and all of its
// applications as they stand now.
func (x *tx) releaseVoid(v *record) *failure {
	r := x.original(v)
	if r == nil || (r.get("Status") != statusOpen && r.get("Status") != statusClosed) {
		return buttonDisabled("Release")
	}
	if refunded(r) {
		return operationFailed("The payment has been refunded and cannot be voided.")
	}
	from, fail := x.voidFrom(r)
	if fail != nil {
		return fail
	}
	r, v = x.edit(entityPayment, r), x.edit(entityPayment, v)
	v.set("CashAccount", from)
	dated := r.clone()
	dated.set("ApplicationDate", v.get("ApplicationDate"))
	dated.set("CashAccount", from)
	batch, fail := x.postPayment(dated, ownHistory(r), true, -1)
	if fail != nil {
		return fail
	}
	for _, h := range ownHistory(r) {
		x.giveBack(v, h, batch)
	}
	delete(r.Many, partApply)
	x.giveUpOrders(r)
	for _, name := range []string{"AppliedToDocuments", "AppliedToOrders", "AvailableBalance", "Document.CuryDocBal"} {
		r.set(name, "0")
	}
	delete(r.Fields, baseBalance)
	r.set("Status", statusVoided)
	v.set("Status", statusClosed)
	r.touch(x.now)
	v.touch(x.now)
	return nil
}

// giveBack undoes one released application.
func (x *tx) giveBack(v, h *record, batch string) {
	from := entityPayment
	if receivable(h.get("AdjustedDocType")) {
		from = entityInvoice
	}
	doc := x.byKey(from, h.get("AdjustedDocType"), h.get("AdjustedRefNbr"))
	if doc == nil {
		return
	}
	undo := converted(h).neg()
	doc = x.takeOff(doc, undo)
	row := x.history(v, doc, undo)
	row.ID = x.newID()
	row.setDefault("BatchNbr", batch)
	addHistory(v, row)
	if from == entityPayment {
		back := row.clone()
		back.ID = x.newID()
		back.set("DisplayDocType", v.get("Type"))
		back.set("DisplayRefNbr", v.get("ReferenceNbr"))
		x.used(doc, back)
	}
}
