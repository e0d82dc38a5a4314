package acusink

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/schemas"
)

// maxRef is how long an external reference may be. Acumatica: PaymentRef and
// CustomerOrder are nvarchar(40).
const maxRef = 40

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

// checkHead refuses a document without one of the fields, or with a reference
// or a date that would not come back as it was sent.
func checkHead(required map[string]string, refField, dateField, date string) error {
	for name, v := range required {
		if strings.TrimSpace(v) == "" {
			return fmt.Errorf("%s is empty", name)
		}
	}
	if ref := required[refField]; ref != strings.TrimSpace(ref) || len([]rune(ref)) > maxRef {
		return fmt.Errorf("%s %q has blanks around it or is longer than %d characters", refField, ref, maxRef)
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return fmt.Errorf("%s: %w", dateField, err)
	}
	return nil
}

// application is one document that another one is applied to.
type application struct {
	schemas.AcumaticaApplication
	amount decimal.Decimal
}

// applications are those of one document.
type applications []application

func decodeApplications(rows []schemas.AcumaticaApplication) (applications, error) {
	var list applications
	for _, row := range rows {
		amount, err := amountOf("AmountPaid", row.AmountPaid)
		if err != nil {
			return nil, err
		}
		if row.DocType == "" || row.ReferenceNbr == "" {
			return nil, errors.New("a document to apply has no type or number")
		}
		list = append(list, application{row, amount})
	}
	return list, nil
}

func (l applications) total() decimal.Decimal {
	sum := decimal.Zero
	for _, a := range l {
		sum = sum.Add(a.amount)
	}
	return sum
}

// put adds them to a body under that name.
func (l applications) put(body map[string]any, name string) {
	var rows []any
	for _, a := range l {
		rows = append(rows, map[string]any{
			"DocType": acumatica.Value(a.DocType), "ReferenceNbr": acumatica.Value(a.ReferenceNbr), "AmountPaid": acumatica.Value(json.Number(a.AmountPaid)),
		})
	}
	if rows != nil {
		body[name] = rows
	}
}

// exact compares them with the rows of an unreleased document.
func (l applications) exact(r acumatica.Record, name string) string {
	rows := r.Rows(name)
	if s := l.among(rows, "DocType", "ReferenceNbr", false); s != "" {
		return s
	}
	if len(rows) != len(l) {
		return fmt.Sprintf("%s: sent %d rows, saved %d", name, len(l), len(rows))
	}
	return ""
}

// among looks for each of them in rows; with more, a larger amount is fine
// too.
func (l applications) among(rows []acumatica.Record, typeField, numberField string, more bool) string {
	for _, want := range l {
		got := decimal.Zero
		for _, row := range rows {
			if sameDocType(row.String(typeField), want.DocType) && strings.TrimSpace(row.String(numberField)) == want.ReferenceNbr {
				paid, _ := row.Decimal("AmountPaid")
				got = got.Add(paid)
			}
		}
		if got.LessThan(want.amount) || !more && got.GreaterThan(want.amount) {
			return fmt.Sprintf("applied to %s %s: sent %s, saved %s", want.DocType, want.ReferenceNbr, want.AmountPaid, got)
		}
	}
	return ""
}

func (l applications) String() string {
	names := make([]string, len(l))
	for i, a := range l {
		names[i] = a.DocType + " " + a.ReferenceNbr
	}
	return strings.Join(names, ", ")
}

// refs are the documents, under the entity that has them.
func (l applications) refs(entity string) []schemas.Ref {
	var refs []schemas.Ref
	for _, a := range l {
		refs = append(refs, schemas.Ref{System: schemas.Acumatica, Kind: entity, ID: a.DocType + " " + a.ReferenceNbr})
	}
	return refs
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
	case "PMT":
		return "PAYMENT"
	case "PPM":
		return "PREPAYMENT"
	default:
		return s
	}
}
