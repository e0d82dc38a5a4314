package acumaticatwin

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
	settleStatus(m, "Balance")
	m.touch(x.now)
}

// applicationsTo lists released applications to r; fill completes a row and
// says whether it belongs there.
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
			row.set("AmountPaid", h.get("AmountPaid"))
			row.setDefault("Balance", p.get("AvailableBalance"))
			if fill(p, h, row) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
