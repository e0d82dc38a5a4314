package acumaticatwin

// creditMemoEntity is the form of invoices and memos on the custom endpoint,
// narrowed to one type.
func creditMemoEntity(b *builder) *entity {
	e := invoiceEntity(b)
	found, save := e.shows, e.save
	e.name, e.table, e.on = "CreditMemo", entityInvoice, onCustom
	e.shows = func(r *record) bool { return r.get("Type") == typeCreditMemo && found(r) }
	e.fresh = func(x *tx, r *record) {
		freshInvoice(x, r)
		r.set("Type", typeCreditMemo)
	}
	e.save = func(x *tx, old, r *record) *problems {
		bad := newProblems()
		if r.get("Type") != typeCreditMemo {
			bad.add(r, "Type", "The list value '%s' is not allowed for the 'Type' field.", r.get("Type"))
			return bad
		}
		return save(x, old, r)
	}
	e.actions = map[string]action{"ReleaseCreditMemo": releaseInvoice, "Release": releaseInvoice}
	return e
}

// openCreditMemo gives a released credit memo its row among the payments,
// with the same id and number. Acumatica: one table holds both, so a list of
// payments must filter by Type; it is applied to invoices there.
func (x *tx) openCreditMemo(m *record) {
	r := newRecord(m.ID)
	freshPayment(x, r)
	for to, from := range map[string]string{
		"Type": "Type", "ReferenceNbr": "ReferenceNbr", "CustomerID": "Customer", "Description": "Description",
		"ApplicationDate": "Date", "CurrencyID": curyID, "PaymentAmount": "Amount", "PaymentRef": "CustomerOrder",
	} {
		delete(r.Fields, to)
		r.setDefault(to, m.get(from))
	}
	for _, name := range []string{docRate, baseBalance} {
		r.setDefault(name, m.get(name))
	}
	r.setBool("Hold", false)
	r.set("BranchID", r.get("Branch"))
	x.datePayment(r)
	x.save(entityPayment, r)
	x.settlePayment(r)
}

// datePayment derives the periods of a payment from its date.
func (x *tx) datePayment(r *record) {
	r.set("CurrentDocument.DocDate", r.get("ApplicationDate"))
	for _, name := range []string{"CurrentDocument.FinPeriodID", "Document.AdjFinPeriodID"} {
		r.set(name, r.day("ApplicationDate").Format(periodLayout))
	}
}

// mirrorCreditMemo keeps the balance of the memo itself in step with its row
// among the payments.
func (x *tx) mirrorCreditMemo(r *record) {
	if r.get("Type") != typeCreditMemo {
		return
	}
	m := x.get(entityInvoice, r.ID)
	if m == nil {
		return
	}
	m = x.edit(entityInvoice, m)
	m.setDec("Balance", left(r))
	if v := r.get(baseBalance); v != "" {
		m.set(baseBalance, v)
	}
	settleStatus(m, "Balance")
	m.touch(x.now)
}

// applicationsTo lists released applications to r, in its own currency
// (Acumatica: AmountPaid is CuryAdjdAmt there); fill completes a row and says
// whether it belongs there.
func (x *tx) applicationsTo(r *record, fill func(p, h, row *record) bool) []*record {
	var rows []*record
	for _, p := range x.where(entityPayment, partHistory+"/AdjustedRefNbr", r.get("ReferenceNbr")) {
		for _, h := range p.Many[partHistory] {
			if h.get("AdjustedDocType") != r.get("Type") || fold(h.get("AdjustedRefNbr")) != fold(r.get("ReferenceNbr")) {
				continue
			}
			row := newRecord(h.ID)
			row.set("DocType", p.get("Type"))
			row.set("ReferenceNbr", p.get("ReferenceNbr"))
			row.set("Status", p.get("Status"))
			row.setDec("AmountPaid", converted(h).adjusted)
			row.setDefault("Balance", p.get("AvailableBalance"))
			if fill(p, h, row) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
