package acumaticatwin

import (
	"strings"
	"testing"
)

// A payment cannot be applied to a document that is younger than the
// application; the date of an open payment's next application can be moved.
func TestApplicationIsNotOlderThanItsDocument(t *testing.T) {
	c := start(t, testOptions(newClock()))
	ref := c.twin.AddInvoice(Invoice{CustomerID: "C000002", Date: "2026-05-12", Lines: []InvoiceLine{item("x", 1, 100)}})
	early := func(day string) string {
		return paymentBody("C000002", ref, "1", `,"ApplicationDate":{"value":"`+day+`"}`)
	}
	a := c.put("Payment?$expand=DocumentsToApply", early("2026-05-11")).wantStatus(t, 422)
	want(t, "told at the line", a.text("DocumentsToApply", 0, "ReferenceNbr", "error"), dateTooEarly)
	c.put("Payment", early("2026-05-12")).wantStatus(t, 200)

	c.put("Payment", `{"CustomerID":{"value":"C000002"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},"PaymentAmount":{"value":1},"Hold":{"value":false},
		"ApplicationDate":{"value":"2026-05-10"}}`).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000002")).wantStatus(t, 204)
	apply := func(day string) answer {
		return c.put("Payment?$custom=CurrentDocument.DocDate", `{"ReferenceNbr":{"value":"000002"},"ApplicationDate":{"value":"`+day+`"},
			"DocumentsToApply":[{"ReferenceNbr":{"value":"`+ref+`"}}]}`)
	}
	apply("2026-05-11").wantStatus(t, 422).wantText(t, dateTooEarly)
	apply("2026-05-09").wantStatus(t, 422)
	apply("2031-05-13").wantStatus(t, 422).wantText(t, "does not exist in the")
	a = apply("2026-05-13").wantStatus(t, 200)
	want(t, "the payment itself keeps its date", a.text("custom", "CurrentDocument", "DocDate", "value"), "2026-05-10T00:00:00+00:00")
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000002")).wantStatus(t, 204)
	a = c.get("Payment/Payment/000002?$expand=ApplicationHistory").wantStatus(t, 200)
	want(t, "date of the application", a.text("ApplicationHistory", 0, "Date", "value"), "2026-05-13T00:00:00+00:00")
	apply("2026-05-14").wantStatus(t, 422) // closed
	balanced(t, c.twin)
}

func TestOneDocumentStandsInOneLine(t *testing.T) {
	c := customTwin(t, nil)
	const other = `{"ReferenceNbr":{"value":"AR000005"},"AmountPaid":{"value":1}},` // DocType is Invoice by default
	twice := strings.Replace(paymentBody("C000002", "AR000005", "1", ""), `"DocumentsToApply":[`, `"DocumentsToApply":[`+other, 1)
	c.put("Payment", twice).wantStatus(t, 422).wantText(t, "duplicate entry")

	c.paid(typePayment, "300", "227.25", "")
	const line = `{"OrigRefNbr":{"value":"000001"}}`
	body := strings.Replace(depositBody(SeedBankCashAccount, "", "Payment/000001"), `"Details":[`, `"Details":[`+line+",", 1)
	c.deposit(body).wantStatus(t, 422).wantText(t, "duplicate entry")
	c.deposit(strings.Replace(body, line+",", line, 1)).wantStatus(t, 400) // not JSON: nothing was saved by the one before
	a := c.deposit(depositBody(SeedBankCashAccount, "", "Payment/000001")).wantStatus(t, 200)
	want(t, "total", a.text("CuryTranAmt", "value"), "300.0")
}
