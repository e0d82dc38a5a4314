package acumaticatwin

import (
	"slices"

	"github.com/shopspring/decimal"
)

const (
	// partPaidBy are the payments that are applied to an invoice on its own
	// form; until its release they are only noted there.
	partPaidBy = "ApplicationsInvoice"
	// partMemoTo are the invoices that a credit memo is applied to on its form.
	partMemoTo = "ApplicationsCreditMemo"
)

// checkPaidBy checks and completes the payments noted on an invoice. Without
// an amount a line takes what the payment and the invoice have left.
func (x *tx) checkPaidBy(r *record, bad *problems) {
	rest := r.dec("Amount")
	for _, l := range r.Many[partPaidBy] {
		l.setDefault("DocType", typePayment)
		p := x.payer(r, l)
		if p == nil {
			bad.add(l, "AdjustingDocReferenceNbr", "Reference Nbr. '%s' cannot be found in the system.", l.get("AdjustingDocReferenceNbr"))
			continue
		}
		open := decimal.Max(p.dec("AvailableBalance"), decimal.Zero)
		l.set("AdjustingDocReferenceNbr", p.get("ReferenceNbr"))
		l.setDefault("AmountPaid", decimal.Max(decimal.Zero, decimal.Min(rest, open)).String())
		l.setDec("AmountPaid", x.round(l.dec("AmountPaid"), r.get(curyID)))
		rest = rest.Sub(l.dec("AmountPaid"))
		notNegative(l, "AmountPaid", bad)
		atMost(l, "AmountPaid", open, bad)
		l.setDec("Balance", open.Sub(l.dec("AmountPaid")))
		describePayer(l, p)
	}
	if rest.IsNegative() {
		bad.add(r, "PaymentTotal", "The document is out of the balance.")
	}
	if len(r.Many[partPaidBy]) > 0 {
		r.setDec("PaymentTotal", applied(r.Many[partPaidBy]))
	}
}

// payer is the payment, prepayment or credit memo of a line, if it can pay r.
func (x *tx) payer(r, l *record) *record {
	kind := l.get("DocType")
	if !pays(kind, r.get("Type")) && (!receivable(r.get("Type")) || kind != typeCreditMemo) {
		return nil
	}
	p := x.byKey(entityPayment, kind, l.get("AdjustingDocReferenceNbr"))
	if p == nil || fold(p.get("CustomerID")) != fold(r.get("Customer")) || p.get("CurrencyID") != r.get(curyID) {
		return nil
	}
	switch p.get("Status") {
	case statusOpen, statusBalanced, statusHold:
		return p
	}
	return nil
}

func describePayer(l, p *record) {
	l.set("Status", p.get("Status"))
	l.set("Customer", p.get("CustomerID"))
	l.set("Currency", p.get("CurrencyID"))
	l.set("PaymentDate", p.get("ApplicationDate"))
	l.set("CashDiscountTaken", "0")
	l.setDefault("PaymentRef", p.get("PaymentRef"))
	l.setDefault("Description", p.get("Description"))
	l.setDefault("PaymentPeriod", p.get("CurrentDocument.FinPeriodID"))
}

// checkMemoTo checks the invoices noted on a credit memo the way its row among
// the payments will have them.
func (x *tx) checkMemoTo(r *record, bad *problems) {
	rest := r.dec("Amount")
	for _, l := range r.Many[partMemoTo] {
		l.setDefault("DocType", typeInvoice)
		doc := x.byKey(entityInvoice, l.get("DocType"), l.get("ReferenceNbr"))
		if r.get("Type") != typeCreditMemo || doc == nil || !receivable(doc.get("Type")) || doc.get("Status") != statusOpen ||
			fold(doc.get("Customer")) != fold(r.get("Customer")) || doc.get(curyID) != r.get(curyID) {
			bad.add(l, "ReferenceNbr", "Reference Nbr. '%s' cannot be found in the system.", l.get("ReferenceNbr"))
			continue
		}
		l.set("ReferenceNbr", doc.get("ReferenceNbr"))
		l.setDefault("AmountPaid", decimal.Max(decimal.Zero, decimal.Min(rest, doc.dec("Balance"))).String())
		l.setDec("AmountPaid", x.round(l.dec("AmountPaid"), r.get(curyID)))
		if text := tooMuch(l.dec("AmountPaid"), doc.dec("Balance")); text != "" {
			bad.add(l, "AmountPaid", "%s", text)
		}
		rest = rest.Sub(l.dec("AmountPaid"))
		l.setDec("Balance", doc.dec("Balance").Sub(l.dec("AmountPaid")))
		l.set("Status", doc.get("Status"))
		l.set("Customer", doc.get("Customer"))
	}
	if rest.IsNegative() {
		bad.add(r, "Amount", "The document is out of the balance.")
	}
}

// releaseApplications settles what was noted on the document, which is
// released by now. A payment that is not released itself takes the invoice
// among the documents of its own release.
func (x *tx) releaseApplications(r *record) *failure {
	noted, memoTo := r.Many[partPaidBy], r.Many[partMemoTo]
	delete(r.Many, partPaidBy)
	delete(r.Many, partMemoTo)
	for _, l := range noted {
		if fail := x.releasePaidBy(r, l); fail != nil {
			return fail
		}
	}
	x.completeOrders(r)
	if len(memoTo) == 0 {
		return nil
	}
	p := x.edit(entityPayment, x.byKey(entityPayment, typeCreditMemo, r.get("ReferenceNbr")))
	for _, l := range memoTo {
		p.Many[partApply] = append(p.Many[partApply], x.line("DocType", l.get("DocType"), "ReferenceNbr", l.get("ReferenceNbr"),
			"DocLineNbr", "0", "AmountPaid", l.get("AmountPaid")))
	}
	return releasePayment(x, p)
}

func (x *tx) releasePaidBy(r, l *record) *failure {
	p := x.payer(r, l)
	if p == nil {
		return operationFailed("Reference Nbr. '" + l.get("AdjustingDocReferenceNbr") + "' cannot be found in the system.")
	}
	if p.dec("AvailableBalance").LessThan(l.dec("AmountPaid")) { // something else took it since
		return operationFailed("The document is out of the balance.")
	}
	p = x.edit(entityPayment, p)
	line := x.line("DocType", r.get("Type"), "ReferenceNbr", r.get("ReferenceNbr"), "DocLineNbr", "0", "AmountPaid", l.get("AmountPaid"))
	if p.get("Status") != statusOpen {
		p.Many[partApply] = append(p.Many[partApply], line)
		p.set("ApplicationDate", max(p.get("ApplicationDate"), r.get("Date")))
		x.datePayment(p)
		rebalance(p)
		p.touch(x.now)
		return nil
	}
	dated := p.clone() // the application cannot be older than the invoice
	dated.set("ApplicationDate", max(p.get("ApplicationDate"), r.get("Date")))
	if fail := x.releaseLines(p, dated, []*record{line}, false); fail != nil {
		return fail
	}
	x.settlePayment(p)
	return nil
}

// paidBy are the applications to an invoice, the released ones last.
func paidBy(x *tx, r *record) []*record {
	return append(slices.Clone(r.Many[partPaidBy]), x.applicationsTo(r, func(p, h, row *record) bool {
		row.set("AdjustingDocReferenceNbr", p.get("ReferenceNbr"))
		row.set("AdjustmentNbr", h.get("AdjustmentNbr"))
		row.set("AdjustedDocReferenceNbr", r.get("ReferenceNbr"))
		row.set("DocumentType", r.get("Type"))
		describePayer(row, p)
		return true
	})...)
}

// memoTo are the applications of a credit memo, the released ones last.
func memoTo(x *tx, r *record) []*record {
	rows := slices.Clone(r.Many[partMemoTo])
	p := x.get(entityPayment, r.ID)
	if p == nil || p.get("Type") != typeCreditMemo {
		return rows
	}
	for _, h := range ownHistory(p) {
		row := newRecord(h.ID)
		for to, from := range map[string]string{
			"DocType": "DisplayDocType", "ReferenceNbr": "DisplayRefNbr", "AmountPaid": "AmountPaid", "Balance": "Balance", "Customer": "Customer",
			"CustomerOrder": "CustomerOrder", "Description": "Description", "PostPeriod": "PostPeriod", "Currency": "CurrencyID", "Date": "Date",
		} {
			row.setDefault(to, h.get(from))
		}
		if doc := x.byKey(entityInvoice, h.get("AdjustedDocType"), h.get("AdjustedRefNbr")); doc != nil {
			row.set("Status", doc.get("Status"))
		}
		rows = append(rows, row)
	}
	return rows
}
