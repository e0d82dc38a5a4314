package acumaticatwin

import (
	"net/http"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	pay := paymentBody("C000002", "AR000005", "100", "")
	for _, tc := range []struct {
		mode   string
		status int // 0 = the connection breaks
		saved  int
	}{
		{"status:500", 500, 0},
		{"status:429", 429, 0},
		{"status:503", 503, 0},
		{"status:302", 302, 0},
		{"cut_before", 0, 0},
		{"cut_after_commit", 0, 1},
		{"slow:1ms", 200, 1},
	} {
		t.Run(tc.mode, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			c.twin.AddFault(Fault{Method: "PUT", PathPrefix: root + "Payment", Count: 1, Mode: tc.mode})
			c.get("Payment").wantStatus(t, 200)
			a, err := c.try("PUT", root+"Payment", pay, nil)
			want(t, "status", a.status, tc.status)
			want(t, "broken", err != nil, tc.status == 0)
			want(t, "saved", len(c.twin.Payments()), tc.saved)
			c.put("Payment", pay).wantStatus(t, 200)
			requests := c.twin.Requests()
			want(t, "recorded", requests[len(requests)-2].Status, tc.status)
		})
	}
}

func TestSlowRequestIsWorkedOnAfterTheClientHasGone(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.twin.AddFault(Fault{Method: "PUT", Count: 1, Mode: "slow:100ms"})
	c.http.Timeout = 20 * time.Millisecond
	if _, err := c.try("PUT", root+"Payment", paymentBody("C000002", "AR000005", "100", ""), nil); err == nil {
		t.Fatal("got an answer, want a timeout")
	}
	deadline := time.After(5 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); len(c.twin.Payments()) == 0; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the payment was not saved")
		}
	}
}

func TestUnwritableStateChangesNothing(t *testing.T) {
	o := testOptions(newClock())
	c := start(t, o)
	c.twin.o.StateFile = t.TempDir() + "/gone/state.json"
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 500)
	want(t, "saved", len(c.twin.Payments()), 0)
	c.twin.o.StateFile = ""
	want(t, "number", c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).text("ReferenceNbr", "value"), "000001")
}

func TestControl(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.do("GET", "/_twin", "", nil).wantStatus(t, 200)
	a := c.do("POST", "/_twin/customers", `{"name":"Northwind","email":"ap@northwind.example"}`, nil).wantStatus(t, 201)
	want(t, "customer", a.text("customer_id"), "C000005")
	a = c.do("POST", "/_twin/invoices", `{"customer_id":"C000005","lines":[{"description":"x","qty":2,"unit_price":"9.99"}]}`, nil).wantStatus(t, 201)
	want(t, "invoice", a.text("reference_nbr"), "AR000007")
	want(t, "released", c.invoice("AR000007").Balance.String(), "19.98")
	c.do("POST", "/_twin/invoices", `{"customer_id":"C9"}`, nil).wantStatus(t, 422)
	c.do("POST", "/_twin/periods/close", `{"period":"2026-05"}`, nil).wantStatus(t, 204)
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 422)
	c.do("POST", "/_twin/periods/open", `{"period":"052026"}`, nil).wantStatus(t, 204)
	c.do("POST", "/_twin/periods/close", `{"period":"1999-05"}`, nil).wantStatus(t, 422)
	c.do("POST", "/_twin/faults", `{"method":"PUT","path_prefix":"/entity","count":1,"mode":"status:503"}`, nil).wantStatus(t, 204)
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 503)
	c.do("POST", "/_twin/faults", `{"mode":"explode"}`, nil).wantStatus(t, 400)
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 200)
	a = c.do("GET", "/_twin/payments", "", nil).wantStatus(t, 200)
	want(t, "payment", a.text(0, "payment_ref"), "pi_1")
	want(t, "batches", len(c.do("GET", "/_twin/ledger", "", nil).wantStatus(t, 200).rows()), 7)
	c.do("GET", "/_twin/requests", "", nil).wantStatus(t, 200)
	c.do("GET", "/_twin/nothing", "", http.Header{}).wantStatus(t, 404)
}
