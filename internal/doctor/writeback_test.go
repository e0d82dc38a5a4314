package doctor_test

import (
	"strings"
	"testing"

	"millrace/internal/doctor"
)

func TestFieldsOfWriteBackAreRead(t *testing.T) {
	p := newPatient(t)
	p.conn.Invoices.WriteBack.Fields.HostedInvoiceURL = "Document.UsrStripeURL"
	p.conn.Customers.WriteBack.Note = true
	list := p.examine()
	if got := text(list); doctor.Count(list, doctor.Wrong) > 0 || !strings.Contains(got, "ok | acumatica | invoices.write_back |  | 1 fields of Invoice can be read") {
		t.Errorf("findings:\n%s", got)
	}
	p.conn.Invoices.WriteBack.Fields.PaymentState = "Document.UsrNone"
	list = p.examine()
	got := text(list)
	if doctor.Count(list, doctor.Wrong) != 1 || !strings.Contains(got, "wrong | acumatica | invoices.write_back | doctor.write_back_field | payment_state: Document.UsrNone") {
		t.Errorf("findings:\n%s", got)
	}
}
