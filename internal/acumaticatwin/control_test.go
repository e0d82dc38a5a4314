package acumaticatwin

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestControlListsWhatItHas(t *testing.T) {
	c := start(t, testOptions(newClock()))
	routes, _ := at(c.do("GET", "/_twin", "", nil).wantStatus(t, 200).body, "routes").([]any)
	if len(routes) < 16 {
		t.Errorf("routes: got %d", len(routes))
	}
	for _, r := range routes {
		method, path, _ := strings.Cut(r.(string), " ")
		path, _, _ = strings.Cut(path, " ")
		if status := c.do(method, path, "", nil).status; status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d", r, status)
		}
	}
	c.do("GET", "/_twin/nothing", "", nil).wantStatus(t, 404).wantText(t, "GET /_twin lists them")
}

// What the control interface does not know it must not leave out silently: an
// amount that is not read makes an invoice over nothing.
func TestControlRefusesNamesItDoesNotKnow(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for path, body := range map[string]string{
		"customers":     `{"CustomerName":"Northwind"}`,
		"invoices":      `{"customer_id":"C000001","amount":"100"}`,
		"rates":         `{"currency":"EUR","day":"2026-05-14","rate":"1.1"}`,
		"periods/close": `{"period":"2026-05","modul":"AR"}`,
		"notifications": `{"uri":"http://127.0.0.1:1"}`,
	} {
		a := c.do("POST", "/_twin/"+path, body, nil).wantStatus(t, 400)
		a.wantText(t, "unknown field")
		a.wantText(t, "GET /_twin shows")
	}
	c.do("POST", "/_twin/invoices", `{"customer_id":"C000001"}`, nil).wantStatus(t, 422).wantText(t, "lines")
	c.do("GET", "/_twin", "", nil).wantText(t, `unit_price`)
}

// A log-out without a length is refused by the web server.
func TestLogoutNeedsALength(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for header, status := range map[string]string{"": "411", "Content-Length: 0\r\n": "204"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write([]byte("POST /entity/auth/logout HTTP/1.1\r\nHost: x\r\n" + header + "Connection: close\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, len("HTTP/1.1 204"))
		if _, err := conn.Read(line); err != nil {
			t.Fatal(err)
		}
		want(t, "with "+header, string(line[len("HTTP/1.1 "):]), status)
	}
}

func TestAdHocSchemaHasTheFieldsOutsideOfTheContract(t *testing.T) {
	c := start(t, testOptions(newClock()))
	a := c.get("Invoice/$adHocSchema").wantStatus(t, 200)
	want(t, "type", a.text("custom", "Document", "CuryID", "type"), "CustomStringField")
	want(t, "no value", at(a.body, "custom", "Document", "CuryID", "value"), nil)
	want(t, "contract", at(a.body, "ReferenceNbr") != nil, true)
}

func TestEveryAnswerSetsItsCookies(t *testing.T) {
	c := start(t, testOptions(newClock()))
	names := func(a answer) string {
		var list []string
		for _, line := range a.header.Values("Set-Cookie") {
			list = append(list, line[:strings.IndexByte(line, '=')])
		}
		return strings.Join(list, " ")
	}
	want(t, "read", names(c.get("Customer")), "Locale UserBranch")
	put := c.put("Customer?$expand=MainContact", `{"CustomerName":{"value":"New"}}`)
	want(t, "write", names(put), "Locale UserBranch requestid requeststat")
	if line := put.header.Values("Set-Cookie")[3]; !strings.Contains(line, "+sc:~/entity/default/24.200.001/customer?$expand=maincontact+start:6391") {
		t.Errorf("requeststat: got %s", line)
	}
	want(t, "line without a note", at(c.put("Invoice?$expand=Details", `{"Customer":{"value":"C000001"},"Details":[{"Qty":{"value":1}}]}`).body, "Details", 0, "note"), nil)
	want(t, "control", names(c.do("GET", "/_twin", "", nil)), "")
}
