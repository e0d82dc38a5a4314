package doctor_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"millrace/ingest/sweep"
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

// TestWhatIsReadInsideOthers: a restricted key may read invoices and not what is
// expanded in them.
func TestWhatIsReadInsideOthers(t *testing.T) {
	p := newPatient(t)
	next := p.stripe.Handler()
	p.conn.Stripe.APIBase = p.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, member := range r.URL.Query()["expand[0]"] {
			if member == "data.payment_intent" || member == "data.tax_ids" {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","message":"The provided key does not have the required permissions for this endpoint."}}`)
				return
			}
		}
		next.ServeHTTP(w, r)
	}))
	if list := p.examine(); doctor.Count(list, doctor.Wrong) != 1 {
		t.Errorf("what nobody wants is asked for:\n%s", text(list))
	}
	p.conn.Invoices.WriteBack.Note = true
	got := text(p.examine())
	for _, want := range []string{"wrong | stripe | read invoices with payment_intent | stripe.permission", "wrong | stripe | read customers with tax_ids | stripe.permission"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestEventsThatNoSweepBrings: a customer that is deleted is told by the webhook
// alone.
func TestEventsThatNoSweepBrings(t *testing.T) {
	p := newPatient(t)
	next := p.stripe.Handler()
	p.conn.Stripe.APIBase = p.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/webhook_endpoints" {
			next.ServeHTTP(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"object":"list","has_more":false,"data":[{"id":"we_1","object":"webhook_endpoint","status":"enabled","url":"https://x","enabled_events":["`+
			strings.Join(sweep.Needed(), `","`)+`"]}]}`)
	}))
	if got := text(p.examine()); !strings.Contains(got, "doctor.webhook_events | https://x: not sent: customer.deleted\n") {
		t.Errorf("findings:\n%s", got)
	}
}
