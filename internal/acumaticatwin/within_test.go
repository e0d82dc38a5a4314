package acumaticatwin

import (
	"net/http"
	"net/url"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestHeadersSetDateAndBranchOfOneRequest(t *testing.T) {
	c := start(t, testOptions(newClock()))
	const body = `{"CustomerID":{"value":"C000001"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},"PaymentAmount":{"value":5},"Hold":{"value":false}}`
	for _, date := range []string{"2026/04/30", "2026-04-30", "4/30/2026", "April 30, 2026", "2026-04-30T23:00:00-05:00", "Thu, 30 Apr 2026 10:00:00 GMT"} {
		a := c.do("PUT", root+"Payment", body, http.Header{"Px-Cbapibusinessdate": {date}, "Px-Cbapibranch": {"main"}}).wantStatus(t, 200)
		want(t, date, a.text("ApplicationDate", "value"), "2026-04-30T00:00:00+00:00")
		want(t, "branch", a.text("Branch", "value"), SeedBranch)
	}
	a := c.put("Payment", body).wantStatus(t, 200)
	want(t, "the next request", a.text("ApplicationDate", "value"), "2026-05-15T00:00:00+00:00")
	c.do("GET", root+"Payment", "", http.Header{"Px-Cbapibranch": {"SOUTH"}}).wantStatus(t, 500).wantText(t, "Branch 'SOUTH' cannot be found")
	c.do("GET", root+"Payment", "", http.Header{"Px-Cbapibusinessdate": {"soon"}}).wantStatus(t, 500).wantText(t, "System.FormatException")
	want(t, "unreadable headers changed nothing", len(c.get("Payment").rows()), 7)
}

func TestActionsSeeTheBusinessDateToo(t *testing.T) {
	clk := newClock()
	o := testOptions(clk)
	o.ReleaseDelay = time.Second
	c := start(t, o)
	c.put("Payment", paymentBody("C000002", "AR000005", "100", `,"ApplicationDate":{"value":"2026-05-12"}`)).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 202)
	clk.advance(time.Second)
	c.do("POST", root+"Payment/VoidPayment", releaseBody("Payment", "000001"), http.Header{"Px-Cbapibusinessdate": {"2026-05-14"}}).wantStatus(t, 202)
	clk.advance(time.Second)
	a := c.get("Payment/Voided%20Payment/000001").wantStatus(t, 200)
	want(t, "void", a.text("ApplicationDate", "value"), "2026-05-14T00:00:00+00:00")
}

func TestTimesCarryTheServersOffset(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	clk := newClock()
	clk.advance(-8 * time.Hour) // 02:30 in UTC is still the day before in New York
	o := testOptions(clk)
	o.Location = zone
	c := start(t, o)
	a := c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 200)
	want(t, "business date", a.text("ApplicationDate", "value"), "2026-05-14T00:00:00-04:00")
	want(t, "stamp", a.text("LastModifiedDateTime", "value"), "2026-05-14T22:30:00.123-04:00")
	winter := c.put("Payment", `{"CustomerID":{"value":"C000002"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},"PaymentAmount":{"value":5},
		"ApplicationDate":{"value":"2026-01-20T23:00:00+09:00"}}`).wantStatus(t, 200)
	want(t, "the literal date, with winter's offset", winter.text("ApplicationDate", "value"), "2026-01-20T00:00:00-05:00")
	for filter, rows := range map[string]int{
		"LastModifiedDateTime eq datetimeoffset'2026-05-15T02:30:00.123Z'":      2,
		"LastModifiedDateTime eq datetimeoffset'2026-05-14T22:30:00.123'":       2,
		"LastModifiedDateTime gt datetimeoffset'2026-05-14T22:30:00.123-04:00'": 0,
		"ApplicationDate eq date'2026-05-14'":                                   1,
		"ApplicationDate eq datetimeoffset'2026-01-20'":                         1,
		"ApplicationDate eq datetimeoffset'2026-01-20T05:00:00Z'":               1,
		"ApplicationDate lt datetimeoffset'2026-01-20T00:00:00Z'":               0,
	} {
		want(t, filter, len(c.get("Payment?$filter="+url.QueryEscape(filter)).wantStatus(t, 200).rows()), rows)
	}
}
