package acusink

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/link"
	"millrace/schemas"
)

// paymentEntity is the form AR302000: payments, prepayments and refunds.
const paymentEntity = "Payment"

// paymentKind is a payment or prepayment of a customer.
func paymentKind() kind {
	return kind{
		entity: paymentEntity, action: "ReleasePayment", keys: [2]string{"Type", "ReferenceNbr"},
		types:  []string{"Payment", "Prepayment"},
		ledger: []string{"Open", "Closed", "Reserved"}, // Acumatica: Payments and Applications, AR302000
		link:   link.Payment, subject: "charge",
		ref: "PaymentRef", filter: func(find map[string]string) string {
			return paymentFilter(find) + " and (Type eq 'Payment' or Type eq 'Prepayment')"
		},
		decode: func(fields json.RawMessage) (document, error) { return decodePayment(fields) },
	}
}

// paymentFilter is what every search on the form begins with.
func paymentFilter(find map[string]string) string {
	return "PaymentRef eq " + acumatica.Quote(find["PaymentRef"]) + " and CustomerID eq " + acumatica.Quote(find["CustomerID"])
}

// payment is a document of the form to be posted, its amounts parsed.
type payment struct {
	schemas.AcumaticaPayment
	amount  decimal.Decimal
	applied applications
	charges charges
}

func decodePayment(fields json.RawMessage) (payment, error) {
	var p payment
	if err := decodeStrict(fields, &p.AcumaticaPayment); err != nil {
		return p, fmt.Errorf("fields: %w", err)
	}
	if p.Type != "Payment" && p.Type != "Prepayment" {
		return p, fmt.Errorf("type %q is neither Payment nor Prepayment", p.Type)
	}
	if err := p.parse(); err != nil {
		return p, err
	}
	var err error
	if p.applied, err = decodeApplications(p.DocumentsToApply); err != nil {
		return p, err
	}
	if total := p.applied.total(); total.GreaterThan(p.amount) {
		return p, fmt.Errorf("applies %s of a payment of %s", total, p.amount)
	}
	p.charges, err = decodeCharges(p.Charges)
	return p, err
}

// parse checks what all documents of the form have in common.
func (p *payment) parse() error {
	err := checkHead(map[string]string{
		"CustomerID": p.CustomerID, "PaymentMethod": p.PaymentMethod, "CashAccount": p.CashAccount,
		"CurrencyID": p.CurrencyID, "PaymentRef": p.PaymentRef,
	}, "PaymentRef", "ApplicationDate", p.ApplicationDate)
	if err != nil {
		return err
	}
	p.amount, err = amountOf("PaymentAmount", p.PaymentAmount)
	return err
}

func (p payment) find() map[string]string {
	return map[string]string{"PaymentRef": p.PaymentRef, "CustomerID": p.CustomerID}
}

func (p payment) details(released bool) []string {
	var list []string
	if released {
		list = append(list, "ApplicationHistory")
	}
	list = append(list, "DocumentsToApply")
	if len(p.charges) > 0 { // older endpoints do not have them
		list = append(list, "Charges")
	}
	return list
}

func (p payment) body() map[string]any {
	v := acumatica.Value
	body := map[string]any{
		"Type": v(p.Type), "CustomerID": v(p.CustomerID), "PaymentMethod": v(p.PaymentMethod),
		"CashAccount": v(p.CashAccount), "CurrencyID": v(p.CurrencyID), "PaymentRef": v(p.PaymentRef),
		"PaymentAmount": v(json.Number(p.PaymentAmount)), "ApplicationDate": v(p.ApplicationDate), "Hold": v(false),
	}
	if p.Description != "" {
		body["Description"] = v(p.Description)
	}
	if p.Branch != "" {
		body["Branch"] = v(p.Branch)
	}
	p.applied.put(body, "DocumentsToApply")
	p.charges.put(body)
	return body
}

func (p payment) differs(r acumatica.Record) string {
	if s := p.head(r); s != "" {
		return s
	}
	if s := p.applied.exact(r, "DocumentsToApply"); s != "" {
		return s
	}
	if got, ok := r.Decimal("AppliedToDocuments"); ok && !got.Equal(p.applied.total()) {
		return fmt.Sprintf("AppliedToDocuments: sent %s, saved %s", p.applied.total(), got)
	}
	return p.charges.differ(r)
}

// head compares what stays as it was sent for ever.
func (p payment) head(r acumatica.Record) string {
	if s := unlike(r, [][2]string{
		{"Type", p.Type}, {"CustomerID", p.CustomerID}, {"PaymentMethod", p.PaymentMethod}, {"CashAccount", p.CashAccount}, {"CurrencyID", p.CurrencyID},
	}); s != "" {
		return s
	}
	if got := r.String("PaymentRef"); strings.TrimSpace(got) != p.PaymentRef { // Stripe's ids differ by case
		return fmt.Sprintf("PaymentRef: sent %q, saved %q", p.PaymentRef, got)
	}
	if got := r.Date("ApplicationDate"); got != p.ApplicationDate {
		return fmt.Sprintf("ApplicationDate: sent %s, saved %q", p.ApplicationDate, got)
	}
	if got, ok := r.Decimal("PaymentAmount"); !ok || !got.Equal(p.amount) {
		return fmt.Sprintf("PaymentAmount: sent %s, saved %q", p.PaymentAmount, r.String("PaymentAmount"))
	}
	return ""
}

func (p payment) unproven(r acumatica.Record) string {
	return cmp.Or(p.head(r), p.charges.differ(r), p.unapplied(r))
}

// unapplied checks that a released document is applied as it should be. Once
// released, an application moves from DocumentsToApply to ApplicationHistory;
// without rows, the balance and the status tell. A bookkeeper, or Acumatica
// itself, may have applied more of it since.
func (p payment) unapplied(r acumatica.Record) string {
	done, planned := r.Rows("ApplicationHistory"), r.Rows("DocumentsToApply")
	history := p.applied.among(done, "DisplayDocType", "DisplayRefNbr", true)
	if history == "" || p.applied.among(done, "AdjustedDocType", "AdjustedRefNbr", true) == "" {
		return ""
	}
	if p.applied.among(planned, "DocType", "ReferenceNbr", true) == "" {
		return p.closedAsExpected(r)
	}
	if len(done)+len(planned) > 0 {
		return history
	}
	if available, ok := r.Decimal("AvailableBalance"); ok && available.LessThanOrEqual(p.amount.Sub(p.applied.total())) {
		return p.closedAsExpected(r)
	}
	if applied, ok := r.Decimal("AppliedToDocuments"); ok && applied.GreaterThanOrEqual(p.applied.total()) {
		return p.closedAsExpected(r)
	}
	return history
}

// closedAsExpected compares the status where no released application proves
// that the payment is applied. Acumatica: a released payment without money
// left is Closed; one with money left is Open, or Reserved when it was put on
// hold, and becomes Closed once the rest is applied.
func (p payment) closedAsExpected(r acumatica.Record) string {
	got := r.String("Status")
	if total := p.applied.total(); got != "Closed" && !total.LessThan(p.amount) {
		return fmt.Sprintf("Status: want Closed with %s of %s applied, is %s", total, p.amount, got)
	}
	return ""
}

func (p payment) title() string { return p.Type + " of " + p.CustomerID + " " + p.PaymentRef }

func (p payment) effect() string {
	done := "of " + p.PaymentAmount + " " + p.CurrencyID + " released, "
	if len(p.applied) == 0 {
		return done + "not applied to a document"
	}
	return done + "applied to " + p.applied.String()
}

func (p payment) refs() []schemas.Ref { return p.applied.refs("Invoice") }
