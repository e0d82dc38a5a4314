package acumaticatwin

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

const (
	typeInvoice    = "Invoice"
	typeCreditMemo = "Credit Memo"
	typeDebitMemo  = "Debit Memo"

	statusHold     = "On Hold"
	statusBalanced = "Balanced"
	statusOpen     = "Open"
	statusClosed   = "Closed"

	origModule = "Document.OrigModule" // SO for documents of SO303000
	moduleSO   = "SO"

	curyID = "Document.CuryID" // Acumatica: Invoice has no currency field in Default; $custom reads this one
)

func invoiceEntity(b *builder) *entity {
	return &entity{
		name: entityInvoice, display: "AR Invoice/Memo", screen: "AR301000", graph: "PX.Objects.AR.ARInvoiceEntry", view: "Document",
		keys: []string{"Type", "ReferenceNbr"}, indexed: []string{"Customer", "CustomerOrder", "Details/InventoryID", "Details/OrigInvNbr"},
		shape: b.shape(`Amount:D4! Balance:D4! BillingPrinted:B BillToContactOverride:B CreatedDateTime:T! Customer:S30 CustomerOrder:S40 Date:A
			Description:S512 DueDate:A Hold:B LastModifiedDateTime:T! LinkARAccount:S LinkBranch:S LocationID:S PostPeriod:S! Project:S
			ReferenceNbr:S15 ShipToContactOverride:B Status:S! TaxTotal:D4! Terms:S10 Type:S IsTaxValid:B`,
			part{name: "Details", many: true, shape: b.shape(`Account:S Amount:D4 Branch:S CalculateDiscountsOnImport:B~ CostCode:S DiscountAmount:D4
				ExtendedPrice:D4 InventoryID:S30 LastModifiedDateTime:T! LineNbr:I! ProjectTask:S Qty:D6 Subaccount:S Subitem:S
				TransactionDescription:S256 UnitPrice:D6 UOM:S6 TaxCategory:S15`)},
			part{name: "TaxDetails", many: true, readOnly: true, shape: b.shape(`TaxableAmount:D4 TaxAmount:D4 TaxID:S60 TaxRate:D6`)},
			part{name: "ApplicationsDefault", from: partPaidBy, many: true, keys: []string{"DocType", "ReferenceNbr"}, rows: paidBy, shape: b.shape(
				`AmountPaid:D4 Balance:D4! CashDiscountTaken:D4! DocType:S PaymentDate:A! ReferenceNbr=AdjustingDocReferenceNbr:S15 Status:S!`)},
			part{name: partMemoTo, many: true, keys: []string{"DocType", "ReferenceNbr"}, rows: memoTo, shape: b.shape(`AmountPaid:D4 Balance:D4!
				Customer:S! CustomerOrder:S! Description:S! DocType:S PostPeriod:S! ReferenceNbr:S15 Status:S!`)},
			part{name: "DiscountDetails", many: true, unmodelled: true, shape: b.shape(`Description:S DiscountableAmount:D4 DiscountableQty:D6
				DiscountAmount:D4 DiscountCode:S DiscountPercent:D6 ExternalDiscountCode:S ManualDiscount:B OrderNbr:S OrderType:S RetainedDiscount:D4
				SequenceID:S SkipDiscount:B Type:S`)},
			part{name: "BillToContact", shape: b.shape(`Attention:S255 BusinessName:S255 Email:S255 Phone1:S50`)},
			part{name: "ShipToContact", shape: b.shape(`Attention:S255 BusinessName:S255 Email:S255 Phone1:S50`)}),
		custom: b.shape(`Document.CuryID:S5 Document.CuryRoundDiff:D4! Document.DocDesc:S512! Document.OrigModule:S2! Document.Released:B!`),
		shows:  func(r *record) bool { return !ofSales(r) || released(r) },
		fresh:  freshInvoice, save: saveInvoice, remove: removeUnreleased,
		actions: map[string]action{"ReleaseInvoice": releaseInvoice, "Release": releaseInvoice},
	}
}

func freshInvoice(x *tx, r *record) {
	r.set("Type", typeInvoice)
	r.set("Date", x.today())
	r.setBool("Hold", true) // Acumatica: "Hold Documents on Entry" is on by default
	r.set("LocationID", "MAIN")
	r.set("LinkBranch", SeedBranch)
	r.set("LinkARAccount", accountAR)
	r.set(origModule, moduleAR)
}

// ofSales reports whether a document was made on the sales form.
func ofSales(r *record) bool { return r.get(origModule) == moduleSO }

// receivable reports whether documents of a type are paid by others.
func receivable(kind string) bool { return kind == typeInvoice || kind == typeDebitMemo }

func released(r *record) bool {
	switch r.get("Status") {
	case statusOpen, statusReserved, statusClosed, statusVoided:
		return true
	}
	return false
}

func saveInvoice(x *tx, old, r *record) *problems {
	bad := newProblems()
	x.checkInvoice(old, r, bad)
	x.numberInvoice(old, r, bad)
	return bad
}

// checkInvoice checks and completes an invoice or memo of either form.
func (x *tx) checkInvoice(old, r *record, bad *problems) {
	if old != nil && released(old) {
		refuseInvoiceChanges(old, r, bad)
		return
	}
	if t := r.get("Type"); !receivable(t) && t != typeCreditMemo {
		bad.add(r, "Type", "This stand-in does not model documents of the type '%s' yet.", t)
	}
	c := x.customerOf(r, "Customer", bad)
	if c == nil {
		return
	}
	r.setDefault("Terms", c.get("Terms"))
	days, ok := x.st.Setup.Terms[r.get("Terms")]
	if !ok && receivable(r.get("Type")) {
		bad.add(r, "Terms", "Terms '%s' cannot be found in the system.", r.get("Terms"))
	}
	if old != nil && old.get("DueDate") == r.get("DueDate") && (old.get("Date") != r.get("Date") || old.get("Terms") != r.get("Terms")) {
		delete(r.Fields, "DueDate") // it follows unless it was sent
	}
	r.setDefault("DueDate", r.day("Date").AddDate(0, 0, days).Format(dayLayout))
	r.setDefault(curyID, c.get("CurrencyID"))
	if r.get(curyID) != c.get("CurrencyID") && !c.yes("EnableCurrencyOverride") {
		bad.add(r, "Customer", "The currency of the document cannot differ from the currency of the customer, %s.", c.get("CurrencyID"))
	}
	if text := x.checkPeriod(r.day("Date")); text != "" {
		bad.add(r, "Date", "%s", text)
	}
	x.rateDocument(r, "Date", c.get("CurrencyRateType"), bad)
	x.totalInvoice(c, old, r, bad)
	draft(r, bad)
	x.checkPaidBy(r, bad)
	x.checkMemoTo(r, bad)
}

// draft gives a document that is not released its status.
func draft(r *record, bad *problems) {
	if r.dec("Amount").IsNegative() {
		bad.add(r, "Amount", "The document is out of the balance.")
	}
	r.set("Status", statusBalanced)
	if r.yes("Hold") {
		r.set("Status", statusHold)
	}
}

// numberInvoice gives a new document that has no errors the next number.
func (x *tx) numberInvoice(old, r *record, bad *problems) {
	if old == nil && bad.empty() {
		seq, format := "ARInvoice", "AR%06d"
		switch r.get("Type") {
		case typeCreditMemo:
			seq, format = "ARCreditMemo", "CM%06d"
		case typeDebitMemo:
			seq, format = "ARDebitMemo", "DM%06d"
		}
		r.set("ReferenceNbr", fmt.Sprintf(format, x.next(seq)))
	}
}

// refuseInvoiceChanges lets the due date of an invoice change as long as
// something of it is open.
func refuseInvoiceChanges(old, r *record, bad *problems) {
	frozen := old
	if receivable(old.get("Type")) && old.get("Status") == statusOpen {
		frozen = old.clone()
		frozen.set("DueDate", r.get("DueDate"))
	}
	refuseChanges(frozen, r, bad)
}

// refuseChanges blames every field of a released document that differs, aside
// from those of a customisation. Its note stays open too.
func refuseChanges(old, r *record, bad *problems) {
	for _, fields := range []map[string]string{old.Fields, r.Fields} {
		for name := range fields {
			if old.get(name) != r.get(name) && !added(name) {
				bad.add(r, name, "The document has been released and cannot be changed.")
			}
		}
	}
	for name, lines := range r.Many {
		if name != partApply && name != partOrders && !slices.EqualFunc(lines, old.Many[name], (*record).same) {
			bad.add(r, "", "The document has been released and cannot be changed.")
		}
	}
	for name, one := range r.One {
		was := old.One[name]
		if was == nil {
			was = newRecord(one.ID)
		}
		if !one.same(was) {
			bad.add(r, "", "The document has been released and cannot be changed.")
		}
	}
}

// releasable says why a document with lines cannot be released now.
func (x *tx) releasable(r *record) *failure {
	if r.get("Status") != statusBalanced {
		return buttonDisabled("Release")
	}
	if text := x.checkPeriod(r.day("Date")); text != "" {
		return operationFailed(text)
	}
	if text := x.rateMissing(r); text != "" {
		return operationFailed(text)
	}
	return nil
}

// releaseInvoice posts receivable against sales, freight, discounts and tax; a
// credit memo the other way round. It cannot be undone.
func releaseInvoice(x *tx, r *record) *failure {
	if fail := x.releasable(r); fail != nil {
		return fail
	}
	r = x.edit(entityInvoice, r)
	if r.get(docRate) != "" {
		r.setDec(baseBalance, x.inBase(r, r.dec("Amount")))
	}
	sign := decimal.NewFromInt(1)
	if r.get("Type") == typeCreditMemo {
		sign = sign.Neg()
	}
	p := posting{day: r.day("Date"), currency: r.get(curyID), rate: rateOfDocument(r), description: r.get("Type") + " " + r.get("ReferenceNbr"), ref: r.get("ReferenceNbr"), customer: customerOf(r)}
	batch, fail := x.postAt(p, append([]leg{debit(r.get("LinkARAccount"), r.dec("Amount").Mul(sign))}, revenue(r, sign)...)...)
	if fail != nil {
		return fail
	}
	if f := r.One["FinancialDetails"]; f != nil {
		f.setDefault("BatchNbr", batch)
	}
	settleStatus(r, "Balance")
	r.setBool("Document.Released", true)
	r.touch(x.now)
	if r.get("Type") == typeCreditMemo {
		x.openCreditMemo(r)
	}
	return x.releaseApplications(r)
}

// settleStatus is Closed when nothing is left, else Open, or Reserved on hold.
func settleStatus(r *record, left string) {
	switch {
	case r.dec(left).IsZero():
		r.set("Status", statusClosed)
	case r.yes("Hold"):
		r.set("Status", statusReserved)
	default:
		r.set("Status", statusOpen)
	}
}

// removeUnreleased lets only documents go that never reached the ledger.
func removeUnreleased(_ *tx, r *record) *failure {
	if released(r) {
		return buttonDisabled("Delete")
	}
	return nil
}
