package acumaticatwin

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

const (
	typePayment    = "Payment"
	typePrepayment = "Prepayment"

	// DefaultRefundLabel is how newer builds show the type of refunds.
	DefaultRefundLabel = "Refund"
	// OldRefundLabel is how older builds show it.
	OldRefundLabel = "Customer Refund"

	partApply   = "DocumentsToApply"
	partHistory = "ApplicationHistory"
)

// refundKind reports whether a type is that of refunds, under either label.
func refundKind(kind string) bool { return kind == DefaultRefundLabel || kind == OldRefundLabel }

func isRefund(r *record) bool { return refundKind(r.get("Type")) }

func paymentEntity(b *builder) *entity {
	apply := b.shape(`AmountPaid:D4 BalanceWriteOff:D4! CashDiscountTaken:D4! CustomerOrder:S! Description:S! DocLineNbr:I DocType:S ReferenceNbr:S15
		WriteOffReasonCode:S20`)
	apply.alias("DocType", b.docCodes())
	return &entity{
		name: entityPayment, display: "AR Payment", screen: "AR302000", graph: "PX.Objects.AR.ARPaymentEntry", view: "Document",
		keys: []string{"Type", "ReferenceNbr"}, indexed: []string{"PaymentRef", "CustomerID", partHistory + "/AdjustedRefNbr"},
		shape: b.shape(`ApplicationDate:A AppliedToDocuments:D4! Branch:S CardAccountNbr:I CashAccount:S CurrencyID:S5 CustomerID:S30 Description:S512
			Hold:B PaymentAmount:D4 PaymentMethod:S10 PaymentRef:S40 ReferenceNbr:S15 Status:S! Type:S LastModifiedDateTime:T! ProcessingCenterID:S10
			SaveCard:B ExternalRef:S~ OrigTransaction:S50 BranchID:S! CustomerLocationID:S IsNewCard:B NoteID:G! AvailableBalance:D4!-
			AppliedToOrders:D4! IsCCPayment:B!+23`,
			part{name: partApply, many: true, keys: []string{"DocType", "ReferenceNbr", "DocLineNbr"}, shape: apply},
			part{name: partHistory, many: true, readOnly: true, view: "Adjustments_History", shape: b.shape(`AdjustedDocType:S AdjustedRefNbr:S15
				AdjustingDocType:S AdjustingRefNbr:S15 AdjustmentNbr:I AdjustsVAT:B AmountPaid:D4 ApplicationPeriod:S Balance:D4 BalanceWriteOff:D4
				BatchNbr:S15 CashDiscountBalance:D4 CashDiscountDate:A CashDiscountTaken:D4 CurrencyID:S Customer:S CustomerOrder:S Date:A
				Description:S DisplayDocType:S DisplayRefNbr:S DueDate:A PostPeriod:S VATCreditMemo:S`)},
			part{name: partOrders, many: true, keys: []string{"OrderType", "OrderNbr"}, shape: b.shape(`AppliedToOrder:D4 OrderNbr:S15 OrderType:S2`)},
			part{name: "CreditCardProcessingInfo", many: true, unmodelled: true, shape: b.shape(`TransactionAmount:D4 TransactionStatus:S`)},
			part{name: "CreditCardTransactionInfo", many: true, unmodelled: true, shape: b.shape(`TranNbr:S50 TranType:S50 AuthNbr:S50 TranDate:T
				ExtProfileId:S NeedValidation:B OrigTranNbr:S ExpirationDate:A CardType:S`)},
			part{name: partCharges, many: true, since: 23, shape: b.shape(`AccountID:S! Amount:D4 Description:S60
				DocType:S! EntryTypeID:S10 LineNbr:I! RefNbr:S! SubID:S!`)}),
		custom: b.shape(`CurrentDocument.DocDate:A! CurrentDocument.FinPeriodID:S! Document.AdjFinPeriodID:S! Document.CuryDocBal:D4!
			CurrentDocument.DepositAsBatch:B CurrentDocument.Deposited:B! CurrentDocument.DepositNbr:S! CurrentDocument.DepositDate:A! Document.DepositAfter:A`),
		fresh: freshPayment, save: savePayment, remove: removePayment,
		actions: map[string]action{
			"ReleasePayment": releasePayment, "Release": releasePayment, "VoidPayment": voidPayment, "VoidCheck": voidPayment,
		},
	}
}

// docCodes are the internal codes of document types that clients send.
func (b *builder) docCodes() map[string]string {
	return map[string]string{
		"INV": typeInvoice, "CRM": typeCreditMemo, "DRM": typeDebitMemo, "PMT": typePayment, "PPM": typePrepayment, "REF": b.refundLabel,
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
	if isVoid(r) {
		return x.saveVoid(old, r)
	}
	if old != nil && released(old) {
		x.refusePaymentChanges(old, r, bad)
		orders := !slices.EqualFunc(r.Many[partOrders], old.Many[partOrders], (*record).same)
		if old.get("Status") != statusOpen && (orders || len(r.Many[partApply]) > 0) {
			bad.add(r, "", "The document has been released and cannot be changed.")
		}
		if !bad.empty() {
			return bad
		}
	} else if !x.paymentHeader(r, bad) {
		return bad
	}
	x.applications(r, bad)
	x.orderLinesOf(old, r, bad)
	rebalance(r)
	if unbalanced(r) && !r.yes("Hold") {
		bad.add(r, "PaymentAmount", "The document is out of the balance.")
	}
	if old != nil && released(old) {
		x.mirrorOrders(old, r)
		return bad
	}
	x.charges(r, bad)
	r.set("Status", statusBalanced)
	if r.yes("Hold") {
		r.set("Status", statusHold)
	}
	if old == nil && bad.empty() {
		r.set("ReferenceNbr", fmt.Sprintf("%06d", x.next("ARPayment")))
		for _, l := range r.Many[partCharges] {
			l.set("RefNbr", r.get("ReferenceNbr"))
		}
	}
	if bad.empty() {
		x.mirrorOrders(old, r)
	}
	return bad
}

// refusePaymentChanges lets the date of the next applications of an open
// payment change, which is not that of the payment itself.
func (x *tx) refusePaymentChanges(old, r *record, bad *problems) {
	day := r.get("ApplicationDate")
	if old.get("Status") != statusOpen || day == old.get("ApplicationDate") {
		refuseChanges(old, r, bad)
		return
	}
	frozen := old.clone()
	frozen.set("ApplicationDate", day)
	refuseChanges(frozen, r, bad)
	if day < documentDate(old) {
		bad.add(r, "ApplicationDate", "%s", dateTooEarly)
	}
	if text := x.checkPeriod(r.day("ApplicationDate")); text != "" {
		bad.add(r, "ApplicationDate", "%s", text)
	}
	r.set("Document.AdjFinPeriodID", r.day("ApplicationDate").Format(periodLayout))
}

// removePayment takes an unreleased payment out of its orders too.
func removePayment(x *tx, r *record) *failure {
	if fail := removeUnreleased(x, r); fail != nil {
		return fail
	}
	x.giveUpOrders(r.clone())
	return nil
}

// left is what of a payment no released application has used.
func left(r *record) decimal.Decimal { return r.dec("PaymentAmount").Sub(applied(r.Many[partHistory])) }

// rebalance computes what a payment has left, with and without the lines that
// are not released.
func rebalance(r *record) {
	sum := applied(r.Many[partApply])
	r.setDec("AppliedToDocuments", sum)
	r.setDec("AppliedToOrders", forOrders(r))
	r.setDec("AvailableBalance", left(r).Sub(sum).Sub(forOrders(r)))
	r.setDec("Document.CuryDocBal", left(r))
}

// unbalanced reports applications that exceed the document. A refund must be
// applied in full: it cannot have a balance of its own.
func unbalanced(r *record) bool {
	sum := applied(r.Many[partApply]).Add(forOrders(r))
	return sum.GreaterThan(left(r)) || (isRefund(r) && !sum.Equal(left(r)))
}

// paymentHeader checks everything but the lines; false means that the lines
// cannot be judged.
func (x *tx) paymentHeader(r *record, bad *problems) bool {
	if t := r.get("Type"); t != typePayment && t != typePrepayment && t != x.refundLabel {
		bad.add(r, "Type", "This stand-in does not model documents of the type '%s' yet.", t)
	}
	if b := r.get("Branch"); !slices.Contains(x.st.Setup.Branches, b) {
		bad.add(r, "Branch", "Branch '%s' cannot be found in the system.", b)
	}
	r.set("BranchID", r.get("Branch"))
	if text := x.checkPeriod(r.day("ApplicationDate")); text != "" {
		bad.add(r, "ApplicationDate", "%s", text)
	}
	x.datePayment(r)
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
	x.rateDocument(r, "ApplicationDate", "", bad)
	if account.Clearing {
		r.setDefault(asBatch, "true")
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
