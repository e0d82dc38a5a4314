package acumaticatwin

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

const (
	typePayment    = "Payment"
	typePrepayment = "Prepayment"

	partApply   = "DocumentsToApply"
	partHistory = "ApplicationHistory"
)

func paymentEntity(b *builder) *entity {
	apply := b.shape(`AmountPaid:D4 BalanceWriteOff:D4! CashDiscountTaken:D4! CustomerOrder:S! Description:S! DocLineNbr:I DocType:S ReferenceNbr:S15
		WriteOffReasonCode:S20`)
	apply.alias("DocType", map[string]string{"INV": typeInvoice, "CRM": typeCreditMemo, "DRM": "Debit Memo"})
	return &entity{
		name: entityPayment, display: "AR Payment", screen: "AR302000", graph: "PX.Objects.AR.ARPaymentEntry", view: "Document",
		keys: []string{"Type", "ReferenceNbr"},
		shape: b.shape(`ApplicationDate:A AppliedToDocuments:D4! Branch:S CardAccountNbr:I CashAccount:S CurrencyID:S5 CustomerID:S30 Description:S512
			Hold:B PaymentAmount:D4 PaymentMethod:S10 PaymentRef:S40 ReferenceNbr:S15 Status:S! Type:S LastModifiedDateTime:T! ProcessingCenterID:S10
			SaveCard:B ExternalRef:S~ OrigTransaction:S50 BranchID:S! CustomerLocationID:S IsNewCard:B NoteID:G! AvailableBalance:D4!-
			AppliedToOrders:D4! IsCCPayment:B!+23`,
			part{name: partApply, many: true, keys: []string{"DocType", "ReferenceNbr", "DocLineNbr"}, shape: apply},
			part{name: partHistory, many: true, readOnly: true, view: "Adjustments_History", shape: b.shape(`AdjustedDocType:S AdjustedRefNbr:S15
				AdjustingDocType:S AdjustingRefNbr:S15 AdjustmentNbr:I AdjustsVAT:B AmountPaid:D4 ApplicationPeriod:S Balance:D4 BalanceWriteOff:D4
				BatchNbr:S15 CashDiscountBalance:D4 CashDiscountDate:A CashDiscountTaken:D4 CurrencyID:S Customer:S CustomerOrder:S Date:A
				Description:S DisplayDocType:S DisplayRefNbr:S DueDate:A PostPeriod:S VATCreditMemo:S`)},
			part{name: "OrdersToApply", many: true, unmodelled: true, shape: b.shape(`AppliedToOrder:D4 OrderNbr:S15 OrderType:S`)},
			part{name: "CreditCardProcessingInfo", many: true, unmodelled: true, shape: b.shape(`TransactionAmount:D4 TransactionStatus:S`)},
			part{name: "CreditCardTransactionInfo", many: true, unmodelled: true, shape: b.shape(`TranNbr:S50 TranType:S50 AuthNbr:S50 TranDate:T
				ExtProfileId:S NeedValidation:B OrigTranNbr:S ExpirationDate:A CardType:S`)},
			part{name: "Charges", many: true, unmodelled: true, since: 23, shape: b.shape(`AccountID:S! Amount:D4 Description:S60
				DocType:S! EntryTypeID:S10 LineNbr:I! RefNbr:S! SubID:S!`)}),
		custom: b.shape(`CurrentDocument.DocDate:A! CurrentDocument.FinPeriodID:S! Document.AdjFinPeriodID:S! Document.CuryDocBal:D4!`),
		fresh:  freshPayment, save: savePayment, remove: removeUnreleased, also: creditMemosAsPayments,
		actions: map[string]action{"ReleasePayment": releasePayment, "Release": releasePayment},
	}
}

func freshPayment(x *tx, r *record) {
	r.set("Type", typePayment)
	r.set("ApplicationDate", x.today())
	r.setBool("Hold", true) // Acumatica: "Hold Documents on Entry" is on by default
	r.set("Branch", SeedBranch)
	r.set("CustomerLocationID", "MAIN")
	r.set("PaymentAmount", "0")
	r.set("AppliedToOrders", "0")
	for _, name := range []string{"SaveCard", "IsNewCard", "IsCCPayment"} {
		r.setBool(name, false)
	}
}

func savePayment(x *tx, old, r *record) *problems {
	bad := newProblems()
	if old != nil && released(old) {
		refuseChanges(old, r, bad)
		if old.get("Status") == statusClosed && len(r.Many[partApply]) > 0 {
			bad.add(r, "", "The document has been released and cannot be changed.")
		}
		if !bad.empty() {
			return bad
		}
	} else if !x.paymentHeader(r, bad) {
		return bad
	}
	x.applications(r, bad)
	left := r.dec("PaymentAmount").Sub(applied(r.Many[partHistory]))
	sum := applied(r.Many[partApply])
	r.setDec("AppliedToDocuments", sum)
	r.setDec("AvailableBalance", left.Sub(sum))
	r.setDec("Document.CuryDocBal", left)
	if sum.GreaterThan(left) && !r.yes("Hold") {
		bad.add(r, "PaymentAmount", "The document is out of the balance.")
	}
	if old != nil && released(old) {
		return bad
	}
	r.set("Status", statusBalanced)
	if r.yes("Hold") {
		r.set("Status", statusHold)
	}
	if old == nil && bad.empty() {
		r.set("ReferenceNbr", fmt.Sprintf("%06d", x.next("ARPayment")))
	}
	return bad
}

// paymentHeader checks everything but the lines; false means that the lines
// cannot be judged.
func (x *tx) paymentHeader(r *record, bad *problems) bool {
	if t := r.get("Type"); t != typePayment && t != typePrepayment {
		bad.add(r, "Type", "This stand-in does not model documents of the type '%s' yet.", t)
	}
	if b := r.get("Branch"); !slices.Contains(x.st.Setup.Branches, b) {
		bad.add(r, "Branch", "Branch '%s' cannot be found in the system.", b)
	}
	r.set("BranchID", r.get("Branch"))
	if text := x.checkPeriod(r.day("ApplicationDate")); text != "" {
		bad.add(r, "ApplicationDate", "%s", text)
	}
	r.set("CurrentDocument.DocDate", r.get("ApplicationDate"))
	for _, name := range []string{"CurrentDocument.FinPeriodID", "Document.AdjFinPeriodID"} {
		r.set(name, r.day("ApplicationDate").Format("012006"))
	}
	customer := x.customerOf(r, "CustomerID", bad)
	account := x.cashAccount(r, bad)
	if account == nil {
		return false
	}
	r.setDefault("CurrencyID", account.Currency)
	if r.get("CurrencyID") != account.Currency {
		bad.add(r, "CurrencyID", "The currency of the document, %s, differs from the currency of the %s cash account, %s.",
			r.get("CurrencyID"), r.get("CashAccount"), account.Currency)
	}
	r.setDec("PaymentAmount", x.round(r.dec("PaymentAmount"), account.Currency))
	if r.dec("PaymentAmount").IsNegative() {
		bad.add(r, "PaymentAmount", "Incorrect value. The value to be entered must be greater than or equal to 0.")
	}
	return customer != nil
}

// cashAccount checks payment method and cash account together: an account
// must be allowed for the method in AR.
func (x *tx) cashAccount(r *record, bad *problems) *cashAccount {
	m := x.byKey(entityMethod, r.get("PaymentMethod"))
	switch {
	case r.get("PaymentMethod") == "":
		bad.add(r, "PaymentMethod", "'Payment Method' cannot be empty.")
		return nil
	case m == nil || !m.yes("Active") || !m.yes("UseInAR"):
		bad.add(r, "PaymentMethod", "Payment Method '%s' cannot be found in the system.", r.get("PaymentMethod"))
		return nil
	}
	var allowed []string
	for _, a := range m.Many["AllowedCashAccounts"] {
		if a.yes("UseInAR") {
			allowed = append(allowed, a.get("CashAccount"))
			if a.yes("ARDefault") {
				r.setDefault("CashAccount", a.get("CashAccount"))
			}
		}
	}
	name := r.get("CashAccount")
	account, ok := x.st.Setup.CashAccounts[name]
	switch {
	case name == "":
		bad.add(r, "CashAccount", "'Cash Account' cannot be empty.")
	case !ok:
		bad.add(r, "CashAccount", "Cash Account '%s' cannot be found in the system.", name)
	case !slices.Contains(allowed, name):
		bad.add(r, "CashAccount", "The %s cash account is not allowed for the %s payment method.", name, r.get("PaymentMethod"))
	default:
		return &account
	}
	return nil
}

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
	left := r.dec("PaymentAmount").Sub(applied(r.Many[partHistory]))
	for _, l := range r.Many[partApply] {
		l.setDefault("DocType", typeInvoice)
		l.setDefault("DocLineNbr", "0")
		inv, field, text := x.applicable(r, l)
		if inv == nil {
			bad.add(l, field, "%s", text)
			continue
		}
		l.set("ReferenceNbr", inv.get("ReferenceNbr"))
		l.setDefault("CustomerOrder", inv.get("CustomerOrder"))
		l.setDefault("Description", inv.get("Description"))
		l.setDefault("AmountPaid", decimal.Max(decimal.Zero, decimal.Min(left, inv.dec("Balance"))).String())
		amount := x.round(l.dec("AmountPaid"), r.get("CurrencyID"))
		l.setDec("AmountPaid", amount)
		l.set("BalanceWriteOff", "0")
		l.set("CashDiscountTaken", "0")
		if text := tooMuch(amount, inv); text != "" {
			bad.add(l, "AmountPaid", "%s", text)
		}
		left = left.Sub(amount)
	}
}

func tooMuch(amount decimal.Decimal, inv *record) string {
	switch {
	case amount.IsNegative():
		return "Incorrect value. The value to be entered must be greater than or equal to 0."
	case amount.GreaterThan(inv.dec("Balance")):
		return "Incorrect value. The value to be entered must be less than or equal to " + inv.dec("Balance").StringFixed(2) + "."
	}
	return ""
}

// applicable finds the invoice of a line among the customer's open documents;
// anything else is not on offer and so "cannot be found".
func (x *tx) applicable(r, l *record) (inv *record, field, text string) {
	ref := l.get("ReferenceNbr")
	if ref == "" {
		return nil, "ReferenceNbr", "'Reference Nbr.' cannot be empty."
	}
	if l.get("DocType") != typeInvoice {
		return nil, "DocType", "This stand-in does not model applications to documents of the type '" + l.get("DocType") + "' yet."
	}
	inv = x.byKey(entityInvoice, typeInvoice, ref)
	if inv == nil || inv.get("Status") != statusOpen || fold(inv.get("Customer")) != fold(r.get("CustomerID")) {
		return nil, "ReferenceNbr", "Reference Nbr. '" + ref + "' cannot be found in the system."
	}
	if inv.get(curyID) != r.get("CurrencyID") {
		return nil, "ReferenceNbr", "This stand-in does not model applications across currencies yet: " + inv.get(curyID) + " and " + r.get("CurrencyID") + "."
	}
	return inv, "", ""
}
