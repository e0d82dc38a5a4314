package acusink

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// Names of the Payment entity, screen AR302000.
const (
	paymentEntity  = "Payment"
	paymentRelease = "ReleasePayment"
	// Acumatica: PaymentRef is nvarchar(40).
	maxPaymentRef = 40
)

// payment is an AR payment or prepayment to be posted, its amounts parsed.
type payment struct {
	schemas.AcumaticaPayment
	amount  decimal.Decimal
	applied []decimal.Decimal // of DocumentsToApply, same order
	total   decimal.Decimal   // sum of applied
}

func (s *Sink) payment(ctx context.Context, c Connection, m *bus.Message, in schemas.Intent, out schemas.Outcome) (schemas.Outcome, error) {
	pay, err := decodePayment(in.Fields)
	if err != nil {
		return out, fault.Newf("acumatica.intent_malformed", "intent %s: %w", in.ID, err)
	}
	w := &work{sink: s, conn: c, in: in, pay: pay, seq: m.Seq, stored: m.Stored}
	return w.post(ctx, out)
}

var exactAmount = regexp.MustCompile(`^\d{1,15}(\.\d{1,6})?$`)

// amountOf accepts plain decimals above zero only (Invariant 6).
func amountOf(field, s string) (decimal.Decimal, error) {
	if !exactAmount.MatchString(s) {
		return decimal.Zero, fmt.Errorf("%s %q is not a plain decimal", field, s)
	}
	d, err := decimal.NewFromString(s)
	if err != nil || !d.IsPositive() {
		return decimal.Zero, fmt.Errorf("%s %q is not above zero", field, s)
	}
	return d, nil
}

func decodePayment(fields json.RawMessage) (payment, error) {
	var p payment
	if err := decodeStrict(fields, &p.AcumaticaPayment); err != nil {
		return p, fmt.Errorf("fields: %w", err)
	}
	if p.Type != "Payment" && p.Type != "Prepayment" {
		return p, fmt.Errorf("type %q is neither Payment nor Prepayment", p.Type)
	}
	for name, v := range map[string]string{
		"CustomerID": p.CustomerID, "PaymentMethod": p.PaymentMethod, "CashAccount": p.CashAccount,
		"CurrencyID": p.CurrencyID, "PaymentRef": p.PaymentRef,
	} {
		if strings.TrimSpace(v) == "" {
			return p, fmt.Errorf("%s is empty", name)
		}
	}
	if p.PaymentRef != strings.TrimSpace(p.PaymentRef) || len([]rune(p.PaymentRef)) > maxPaymentRef {
		return p, fmt.Errorf("PaymentRef %q has blanks around it or is longer than %d characters", p.PaymentRef, maxPaymentRef)
	}
	if _, err := time.Parse(time.DateOnly, p.ApplicationDate); err != nil {
		return p, fmt.Errorf("ApplicationDate: %w", err)
	}
	var err error
	if p.amount, err = amountOf("PaymentAmount", p.PaymentAmount); err != nil {
		return p, err
	}
	for _, d := range p.DocumentsToApply {
		a, err := amountOf("AmountPaid", d.AmountPaid)
		if err != nil {
			return p, err
		}
		if d.DocType == "" || d.ReferenceNbr == "" {
			return p, fmt.Errorf("a document to apply has no type or number")
		}
		p.applied = append(p.applied, a)
		p.total = p.total.Add(a)
	}
	if p.total.GreaterThan(p.amount) {
		return p, fmt.Errorf("applies %s of a payment of %s", p.total, p.amount)
	}
	return p, nil
}

// body is the document as it is put: not on hold, and unreleased, so that it
// has no effect on the ledger yet.
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
	var rows []any
	for _, d := range p.DocumentsToApply {
		rows = append(rows, map[string]any{
			"DocType": v(d.DocType), "ReferenceNbr": v(d.ReferenceNbr), "AmountPaid": v(json.Number(d.AmountPaid)),
		})
	}
	if rows != nil {
		body["DocumentsToApply"] = rows
	}
	return body
}

// differs names the first field in which what Acumatica saved is not what was
// sent, with both values; empty if none. Acumatica ignores fields it does not
// know, and lets business logic override others, both without an error.
func (p payment) differs(r acumatica.Record) string {
	for _, f := range [][2]string{
		{"Type", p.Type},
		{"CustomerID", p.CustomerID},
		{"PaymentMethod", p.PaymentMethod},
		{"CashAccount", p.CashAccount},
		{"CurrencyID", p.CurrencyID},
	} {
		if got := r.String(f[0]); !strings.EqualFold(strings.TrimSpace(got), strings.TrimSpace(f[1])) {
			return fmt.Sprintf("%s: sent %q, saved %q", f[0], f[1], got)
		}
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

// misapplied compares the applications of an unreleased document.
func (p payment) misapplied(r acumatica.Record) string {
	rows := r.Rows("DocumentsToApply")
	if s := p.rowsDiffer(rows, "DocType", "ReferenceNbr", false); s != "" {
		return s
	}
	if len(rows) != len(p.DocumentsToApply) {
		return fmt.Sprintf("DocumentsToApply: sent %d rows, saved %d", len(p.DocumentsToApply), len(rows))
	}
	if got, ok := r.Decimal("AppliedToDocuments"); ok && !got.Equal(p.total) {
		return fmt.Sprintf("AppliedToDocuments: sent %s, saved %s", p.total, got)
	}
	return ""
}

// rowsDiffer looks for each application we want among the rows; with more, a
// larger amount is fine too.
func (p payment) rowsDiffer(rows []acumatica.Record, typeField, numberField string, more bool) string {
	for i, want := range p.DocumentsToApply {
		got := decimal.Zero
		for _, row := range rows {
			if sameDocType(row.String(typeField), want.DocType) && strings.TrimSpace(row.String(numberField)) == want.ReferenceNbr {
				paid, _ := row.Decimal("AmountPaid")
				got = got.Add(paid)
			}
		}
		if got.LessThan(p.applied[i]) || !more && got.GreaterThan(p.applied[i]) {
			return fmt.Sprintf("applied to %s %s: sent %s, saved %s", want.DocType, want.ReferenceNbr, want.AmountPaid, got)
		}
	}
	return ""
}

// sameDocType knows both spellings. Acumatica: responses carry the display
// text, application rows sometimes the internal code.
func sameDocType(a, b string) bool { return docType(a) == docType(b) }

func docType(s string) string {
	switch s = strings.ToUpper(strings.TrimSpace(s)); s {
	case "INV":
		return "INVOICE"
	case "DRM":
		return "DEBIT MEMO"
	case "CRM":
		return "CREDIT MEMO"
	default:
		return s
	}
}

// unproven checks that a released document is applied as it should be
// (Invariant 10). Once released, an application moves from DocumentsToApply
// to ApplicationHistory; without rows, the balance and the status tell. A
// bookkeeper, or Acumatica itself, may have applied more of it since.
func (p payment) unproven(r acumatica.Record) string {
	if !isReleased(r) {
		return fmt.Sprintf("Status: is %s, which is not in the ledger", r.String("Status"))
	}
	done, planned := r.Rows("ApplicationHistory"), r.Rows("DocumentsToApply")
	history := p.rowsDiffer(done, "DisplayDocType", "DisplayRefNbr", true)
	if history == "" || p.rowsDiffer(done, "AdjustedDocType", "AdjustedRefNbr", true) == "" {
		return ""
	}
	if p.rowsDiffer(planned, "DocType", "ReferenceNbr", true) == "" {
		return p.closedAsExpected(r)
	}
	if len(done)+len(planned) > 0 {
		return history
	}
	if available, ok := r.Decimal("AvailableBalance"); ok && available.LessThanOrEqual(p.amount.Sub(p.total)) {
		return p.closedAsExpected(r)
	}
	if applied, ok := r.Decimal("AppliedToDocuments"); ok && applied.GreaterThanOrEqual(p.total) {
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
	if got == "Closed" || p.total.LessThan(p.amount) {
		return ""
	}
	return fmt.Sprintf("Status: want Closed with %s of %s applied, is %s", p.total, p.amount, got)
}
