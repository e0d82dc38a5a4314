package acumaticatwin

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// fault scripts a fault.
func (c *client) fault(f Fault) {
	c.t.Helper()
	if err := c.twin.AddFault(f); err != nil {
		c.t.Fatal(err)
	}
}

func TestFaults(t *testing.T) {
	const deadlock, limit, denied = "chosen as the deadlock victim", "API Login Limit", "Authorization has been denied"
	pay := paymentBody("C000002", "AR000005", "100", "")
	for _, tc := range []struct {
		mode   string
		status int // 0 = the connection breaks
		text   string
		kind   string
		saved  int
	}{
		{"status:500", 500, deadlock, "application/json", 0},
		{"status:500:deadlock", 500, deadlock, "application/json", 0},
		{"status:500:login_limit", 500, limit, "application/json", 0},
		{"status:429", 429, "The custom error module", "text/plain", 0},
		{"status:429:text", 429, "The custom error module", "text/plain", 0},
		{"status:429:json", 429, limit, "application/json", 0},
		{"status:401", 401, denied, "application/json", 0},
		{"status:503", 503, "The service is unavailable.", "text/html", 0},
		{"status:504", 504, "504 Gateway Timeout", "text/html", 0},
		{"status:302", 302, "", "", 0},
		{"status_after_commit:500", 500, deadlock, "application/json", 1},
		{"status_after_commit:502", 502, "502 Bad Gateway", "text/html", 1},
		{"bad_gateway", 502, "502 Bad Gateway", "text/html", 0},
		{"cut_before", 0, "", "", 0},
		{"cut_after_commit", 0, "", "", 1},
		{"cut_body", 0, "", "", 1},
		{"slow_body:20ms", 200, "000001", "application/json", 1},
		{"delay:1ms", 200, "000001", "application/json", 1},
		{"expire_token", 401, denied, "application/json", 0},
	} {
		t.Run(tc.mode, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			c.fault(Fault{Method: "PUT", PathPrefix: root + "Payment", Count: 1, Mode: tc.mode})
			c.get("Payment").wantStatus(t, 200)
			a, err := c.try("PUT", root+"Payment", pay, nil)
			want(t, "broken", err != nil, tc.status == 0)
			if err == nil {
				want(t, "status", a.status, tc.status)
				a.wantText(t, tc.text)
				want(t, "kind", strings.HasPrefix(a.header.Get("Content-Type"), tc.kind), true)
			}
			want(t, "saved", len(c.twin.Payments()), tc.saved)
			requests := c.twin.Requests()
			if tc.mode != "cut_body" { // its head was sent
				want(t, "recorded", requests[len(requests)-1].Status, tc.status)
			}
			if tc.mode == "expire_token" {
				c.get("Payment").wantStatus(t, 401)
				want(t, "signed in again", c.login(testPassword), 204)
			}
			c.put("Payment", pay).wantStatus(t, 200)
		})
	}
}

func TestUnavailableForAWindow(t *testing.T) {
	clk := newClock()
	c := start(t, testOptions(clk))
	c.fault(Fault{From: time.Minute, For: 30 * time.Second, RetryAfter: 20 * time.Second, Mode: "unavailable"})
	c.get("Payment").wantStatus(t, 200)
	clk.advance(time.Minute)
	for range 2 {
		a := c.get("Payment").wantStatus(t, 503)
		want(t, "Retry-After", a.header.Get("Retry-After"), "20")
	}
	clk.advance(30 * time.Second)
	c.get("Payment").wantStatus(t, 200)
}

// TestATokenExpiresInTheMiddle: the access token is dead for good, the refresh
// token brings the next.
func TestATokenExpiresInTheMiddle(t *testing.T) {
	c := start(t, testOptions(newClock()))
	signIn := "grant_type=password&username=api&password=" + testPassword + "&scope=api+offline_access"
	first := c.token(signIn).wantStatus(t, 200)
	bearer := func(a answer) http.Header { return http.Header{"Authorization": {"Bearer " + a.text("access_token")}} }
	c.http.Jar = nil
	get := func(h http.Header) int { return c.do("GET", root+"Payment", "", h).status }
	c.fault(Fault{After: 1, Count: 1, Mode: "expire_token"})
	want(t, "before", get(bearer(first)), 200)
	want(t, "in the middle", get(bearer(first)), 401)
	want(t, "and then", get(bearer(first)), 401)
	second := c.token("grant_type=refresh_token&refresh_token="+first.text("refresh_token")).wantStatus(t, 200)
	want(t, "refreshed", get(bearer(second)), 200)
}

func TestAnExpiredTokenIsDeadAfterARestartAndGivesItsSlotBack(t *testing.T) {
	o := testOptions(newClock())
	o.StateFile, o.Limits = t.TempDir()+"/state", Limits{Sessions: 1}
	twin, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, twin)
	signIn := "grant_type=password&username=api&password=correct+horse&scope=api:concurrent_access"
	first, second := c.token(signIn).text("access_token"), c.token(signIn).text("access_token")
	c.do("GET", root+"Payment", "", bearer(first)).wantStatus(t, 200)
	c.do("GET", root+"Payment", "", bearer(second)).wantStatus(t, 302)
	c.fault(Fault{Count: 1, Mode: "expire_token"})
	c.do("GET", root+"Payment", "", bearer(first)).wantStatus(t, 401)
	c.do("GET", root+"Payment", "", bearer(second)).wantStatus(t, 200)
	if twin, err = New(o); err != nil {
		t.Fatal(err)
	}
	c = serve(t, twin)
	c.do("GET", root+"Payment", "", bearer(first)).wantStatus(t, 401)
	c.do("GET", root+"Payment", "", bearer(second)).wantStatus(t, 200)
}

func TestDelayedRequestIsWorkedOnAfterTheClientHasGone(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.fault(Fault{Method: "PUT", Count: 1, Mode: "delay:100ms"})
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
	dir := t.TempDir() + "/gone"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	o.StateFile = dir + "/state.json"
	c := start(t, o)
	file := c.twin.st.file
	if err := file.Close(); err != nil { // it must be written anew, and cannot
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 500)
	want(t, "saved", len(c.twin.Payments()), 0)
	c.twin.st.file = nil
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
	c.do("POST", "/_twin/faults", `[{"method":"PUT","path_prefix":"/entity","count":1,"mode":"status:503"},{"mode":"cut_before"}]`, nil).wantStatus(t, 200)
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 503)
	want(t, "fired", c.do("GET", "/_twin/faults", "", nil).text("faults", 0, "fired"), "1")
	c.do("POST", "/_twin/faults", `{"mode":"explode"}`, nil).wantStatus(t, 400)
	c.do("DELETE", "/_twin/faults", "", nil).wantStatus(t, 200)
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 200)
	a = c.do("GET", "/_twin/payments", "", nil).wantStatus(t, 200)
	want(t, "payment", a.text(0, "payment_ref"), "pi_1")
	want(t, "batches", len(c.do("GET", "/_twin/ledger", "", nil).wantStatus(t, 200).rows()), 7)
	c.do("GET", "/_twin/requests", "", nil).wantStatus(t, 200)
	c.do("GET", "/_twin/nothing", "", http.Header{}).wantStatus(t, 404)
}
