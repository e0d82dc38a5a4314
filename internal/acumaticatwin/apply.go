package acumaticatwin

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"
)

func applied(lines []*record) decimal.Decimal {
	sum := decimal.Zero
	for _, l := range lines {
		sum = sum.Add(l.dec("AmountPaid"))
	}
	return sum
}

// applications checks and completes the lines that are not released yet.
// Without an amount a line takes what the document and the payment have left.
func (x *tx) applications(r *record, bad *problems) {
	rest := left(r)
	standard := typeInvoice
	if isRefund(r) {
		standard = typePayment
	}
	for _, l := range r.Many[partApply] {
		l.setDefault("DocType", standard)
		l.setDefault("DocLineNbr", "0")
		doc, field, text := x.applicable(r, l)
		if doc == nil {
			bad.add(l, field, "%s", text)
			continue
		}
		if documentDate(doc) > r.get("ApplicationDate") {
			bad.add(l, "ReferenceNbr", "%s", dateTooEarly)
		}
		l.set("ReferenceNbr", doc.get("ReferenceNbr"))
		l.setDefault("CustomerOrder", doc.get("CustomerOrder"))
		l.setDefault("Description", doc.get("Description"))
		cross, text := x.crossRate(docCurrency(doc), docCurrency(r), r.day("ApplicationDate"))
		if text != "" {
			bad.add(l, "ReferenceNbr", "%s", text)
			continue
		}
		open := x.round(openBalance(doc).Mul(cross), docCurrency(r))
		l.setDefault("AmountPaid", decimal.Max(decimal.Zero, decimal.Min(rest, open)).String())
		amount := x.round(l.dec("AmountPaid"), docCurrency(r))
		l.setDec("AmountPaid", amount)
		l.set("BalanceWriteOff", "0")
		l.set("CashDiscountTaken", "0")
		if text := tooMuch(amount, open); text != "" {
			bad.add(l, "AmountPaid", "%s", text)
		}
		x.adjust(l, doc, open, cross, docCurrency(r))
		rest = rest.Sub(amount)
	}
}

// dateTooEarly is said of a payment that is applied to a document that is
// younger than the application.
const dateTooEarly = "Application Date cannot be less than Document Date."

// documentDate is the date of an invoice, or of a payment.
func documentDate(doc *record) string {
	return cmp.Or(doc.get("Date"), doc.get("CurrentDocument.DocDate"))
}

func tooMuch(amount, open decimal.Decimal) string {
	switch {
	case amount.IsNegative():
		return "Incorrect value. The value to be entered must be greater than or equal to 0."
	case amount.GreaterThan(open):
		return "Incorrect value. The value to be entered must be less than or equal to " + open.StringFixed(2) + "."
	}
	return ""
}

// openBalance is what can be applied to an invoice, or refunded of a payment.
func openBalance(doc *record) decimal.Decimal {
	if receivable(doc.get("Type")) {
		return doc.dec("Balance")
	}
	return left(doc).Sub(forOrders(doc))
}

// applicable finds the document of a line among the customer's open ones;
// anything else is not on offer and so "cannot be found". Payments,
// prepayments and credit memos pay invoices; refunds give those three back.
func (x *tx) applicable(r, l *record) (doc *record, field, text string) {
	ref, kind := l.get("ReferenceNbr"), l.get("DocType")
	if ref == "" {
		return nil, "ReferenceNbr", "'Reference Nbr.' cannot be empty."
	}
	from, customer := entityInvoice, "Customer"
	if isRefund(r) {
		from, customer = entityPayment, "CustomerID"
	}
	offered := receivable(kind)
	if from == entityPayment {
		offered = kind == typePayment || kind == typePrepayment || kind == typeCreditMemo
	}
	if !offered {
		return nil, "DocType", "This stand-in does not model applications to documents of the type '" + kind + "' yet."
	}
	doc = x.byKey(from, kind, ref)
	if doc == nil || doc.get("Status") != statusOpen || fold(doc.get(customer)) != fold(r.get("CustomerID")) {
		return nil, "ReferenceNbr", "Reference Nbr. '" + ref + "' cannot be found in the system."
	}
	if isRefund(r) && docCurrency(doc) != docCurrency(r) {
		return nil, "ReferenceNbr", "This stand-in does not model refunds across currencies: " + docCurrency(doc) + " and " + docCurrency(r) + "."
	}
	return doc, "", ""
}

// settleLine moves one application from the lines to the history and takes it
// off the document. It returns the rows that it wrote, the payment's own first.
func (x *tx) settleLine(r, l *record) ([]*record, *failure) {
	doc, _, text := x.applicable(r, l)
	if doc == nil {
		return nil, operationFailed(text)
	}
	e := x.convert(r, doc, l)
	if text := tooMuch(e.adjusted, openBalance(doc)); text != "" {
		return nil, operationFailed(text)
	}
	doc = x.takeOff(doc, e)
	h := x.history(r, doc, e)
	h.ID = l.ID
	addHistory(r, h)
	lessBase(r, e.from)
	if receivable(doc.get("Type")) {
		return []*record{h}, nil
	}
	back := x.history(r, doc, e)
	back.ID = x.newID()
	back.set("DisplayDocType", r.get("Type"))
	back.set("DisplayRefNbr", r.get("ReferenceNbr"))
	x.used(doc, back)
	return []*record{h, back}, nil
}

// takeOff reduces the balance of an invoice; negative amounts give it back.
// Payments count their history instead, except in the base currency.
func (x *tx) takeOff(doc *record, e conversion) *record {
	if !receivable(doc.get("Type")) {
		doc = x.edit(entityPayment, doc)
		lessBase(doc, e.to)
		return doc
	}
	doc = x.edit(entityInvoice, doc)
	doc.setDec("Balance", doc.dec("Balance").Sub(e.adjusted))
	lessBase(doc, e.to)
	settleStatus(doc, "Balance")
	doc.touch(x.now)
	return doc
}

// used records on a payment that a refund, or its void, took amount from it.
func (x *tx) used(doc, h *record) {
	addHistory(doc, h)
	x.settlePayment(doc)
}

// settlePayment brings balance and status of a released payment up to date.
func (x *tx) settlePayment(r *record) {
	rebalance(r)
	settleStatus(r, "Document.CuryDocBal")
	r.touch(x.now)
	x.mirrorCreditMemo(r)
}

func addHistory(r, h *record) {
	h.setDec("AdjustmentNbr", decimal.New(int64(len(r.Many[partHistory])+1), 0))
	r.Many[partHistory] = append(r.Many[partHistory], h)
}

// history is one released application of r to doc; its batch is filled in when
// there is one.
func (x *tx) history(r, doc *record, e conversion) *record {
	h := newRecord("")
	h.set("AdjustedDocType", doc.get("Type"))
	h.set("AdjustedRefNbr", doc.get("ReferenceNbr"))
	h.set("AdjustingDocType", r.get("Type"))
	h.set("AdjustingRefNbr", r.get("ReferenceNbr"))
	e.keep(h, r, doc)
	open := openBalance(doc)
	if !receivable(doc.get("Type")) {
		open = open.Sub(e.paid) // its history gets the row after this
	}
	h.setDec("Balance", open)
	h.set("CurrencyID", r.get("CurrencyID"))
	h.set("Customer", r.get("CustomerID"))
	h.setDefault("CustomerOrder", doc.get("CustomerOrder"))
	h.setDefault("Description", doc.get("Description"))
	h.set("DisplayDocType", doc.get("Type"))
	h.set("DisplayRefNbr", doc.get("ReferenceNbr"))
	h.set("Date", r.get("ApplicationDate"))
	h.setDefault("DueDate", doc.get("DueDate"))
	h.setDefault("ApplicationPeriod", r.get("Document.AdjFinPeriodID"))
	h.setDefault("PostPeriod", r.get("Document.AdjFinPeriodID"))
	return h
}

// ownHistory are the applications that a payment made itself, without those
// of refunds to it.
func ownHistory(r *record) []*record {
	return slices.DeleteFunc(slices.Clone(r.Many[partHistory]), func(h *record) bool { return h.get("AdjustingDocType") != r.get("Type") })
}

// refunded reports whether a part of a payment went back.
func refunded(r *record) bool { return !applied(r.Many[partHistory]).Equal(applied(ownHistory(r))) }
