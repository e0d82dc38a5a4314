package acumaticatwin

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A listener is a receiver of notifications; replies are the statuses it
// answers with, then 200.
type listener struct {
	url  string
	got  chan heard
	deny chan int
}

type heard struct {
	header http.Header
	body   map[string]any
}

func listen(t *testing.T, replies ...int) *listener {
	t.Helper()
	l := &listener{got: make(chan heard, 100), deny: make(chan int, 100)}
	for _, status := range replies {
		l.deny <- status
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := heard{header: r.Header}
		raw, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(raw, &h.body) != nil {
			t.Errorf("notification is not JSON: %s", raw)
		}
		select {
		case status := <-l.deny:
			w.WriteHeader(status)
		default:
		}
		l.got <- h
	}))
	t.Cleanup(srv.Close)
	l.url = srv.URL
	return l
}

func (l *listener) next(t *testing.T) heard {
	t.Helper()
	select {
	case h := <-l.got:
		return h
	case <-time.After(5 * time.Second):
		t.Fatal("no notification")
		return heard{}
	}
}

// running starts a twin that delivers, with one destination.
func running(t *testing.T, clk *clock, destination string) *client {
	t.Helper()
	c := start(t, testOptions(clk))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.twin.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	c.do("POST", "/_twin/notifications", destination, nil).wantStatus(t, 204)
	return c
}

func TestChangesArePushed(t *testing.T) {
	l := listen(t)
	c := running(t, newClock(), `{"url":"`+l.url+`","header":"X-Key","value":"k","query":"Customers","entities":["Customer"],
		"fields":["CustomerID","AccountRef","WriteOffLimit","EnableWriteOffs","LastModifiedDateTime"]}`)
	c.put("Customer", `{"CustomerID":{"value":"C000001"},"AccountRef":{"value":"cus_1"}}`).wantStatus(t, 200)
	h := l.next(t)
	want(t, "key", h.header.Get("X-Key"), "k")
	want(t, "type", h.header.Get("Content-Type"), "application/json")
	want(t, "query", at(h.body, "Query"), "Customers")
	want(t, "tenant", at(h.body, "CompanyId"), "U100")
	row := at(h.body, "Inserted", 0)
	want(t, "plain text", at(row, "AccountRef"), "cus_1")
	want(t, "plain number", at(row, "WriteOffLimit"), 30.0)
	want(t, "plain flag", at(row, "EnableWriteOffs"), true)
	want(t, "time without offset", at(row, "LastModifiedDateTime"), "2026-05-15T10:30:00.123")
	want(t, "before", at(h.body, "Deleted", 0, "CustomerID"), "C000001")
	want(t, "null", at(h.body, "Deleted", 0, "AccountRef"), nil)
	want(t, "fields", len(row.(map[string]any)), 5)
	want(t, "ticks", ticks(testStart()), int64(639_144_378_001_234_567))
	want(t, "info", len(at(h.body, "AdditionalInfo").(map[string]any)), 0)

	c.put("Customer", `{"CustomerID":{"value":"C000001"},"Terms":{"value":"NOPE"}}`).wantStatus(t, 422)
	c.put("Customer", `{"CustomerID":{"value":"C000001"},"AccountRef":{"value":"cus_1"}}`).wantStatus(t, 200)
	c.twin.AddInvoice(Invoice{CustomerID: "C000001", Lines: []InvoiceLine{item("x", 1, 900)}})
	c.put("Customer", `{"CustomerName":{"value":"New"}}`).wantStatus(t, 200)
	h = l.next(t)
	want(t, "nothing saved, nothing changed and other entities are silent", at(h.body, "Inserted", 0, "CustomerID"), "C000005")
	want(t, "inserted", len(at(h.body, "Deleted").([]any)), 0)
	c.do("DELETE", root+"Customer/C000005", "", nil).wantStatus(t, 204)
	h = l.next(t)
	want(t, "deleted", at(h.body, "Deleted", 0, "CustomerID"), "C000005")
	want(t, "no row after", len(at(h.body, "Inserted").([]any)), 0)
}

func TestNotificationsOfOneTransactionShareItsID(t *testing.T) {
	l := listen(t)
	c := running(t, newClock(), `{"url":"`+l.url+`","entities":["Payment","Invoice"]}`)
	c.put("Payment", paymentBody("C000002", "AR000005", "227.25", "")).wantStatus(t, 200)
	want(t, "saved", at(l.next(t).body, "Query"), "Payment")
	c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 204)
	a, b := l.next(t).body, l.next(t).body
	want(t, "first", at(a, "Query"), "Invoice")
	want(t, "second", at(b, "Query"), "Payment")
	want(t, "one transaction", at(a, "Id"), at(b, "Id"))
	want(t, "status", at(b, "Inserted", 0, "Status"), "Closed")
}

func TestNotificationIsTriedFiveTimes(t *testing.T) {
	l := listen(t, 500, 302, 404, 503, 500)
	clk := newClock()
	c := running(t, clk, `{"url":"`+l.url+`","entities":["Customer"]}`)
	c.put("Customer", `{"CustomerName":{"value":"New"}}`).wantStatus(t, 200)
	first := at(l.next(t).body, "Id")
	for i := range 4 {
		// The pause doubles; before its end nothing comes.
		c.waitFor(func() bool { return c.twin.queued(func(n *notification) bool { return n.tries == i+1 }) == 1 })
		clk.advance(pushPause<<i - time.Millisecond)
		if due := c.twin.takeDue(); len(due) > 0 {
			t.Fatalf("try %d came too early", i+2)
		}
		clk.advance(time.Millisecond)
		c.twin.poke()
		want(t, "the same transaction", at(l.next(t).body, "Id"), first)
	}
	c.waitFor(func() bool { return len(c.twin.FailedNotifications()) == 1 })
	failed := c.do("GET", "/_twin/notifications/failed", "", nil).wantStatus(t, 200)
	want(t, "listed", failed.text(0, "id"), first)
	want(t, "tries", failed.text(0, "tries"), "5")
	want(t, "why", failed.text(0, "error"), "http 500")
	want(t, "resent", c.do("POST", "/_twin/notifications/resend", "", nil).text("resent"), "1")
	want(t, "sent again", at(l.next(t).body, "Id"), first)
	c.waitFor(func() bool { return c.twin.queued(func(*notification) bool { return true }) == 0 })
	want(t, "no longer listed", len(c.twin.FailedNotifications()), 0)
	want(t, "nothing to send again", c.do("POST", "/_twin/notifications/resend", `{"id":"x"}`, nil).text("resent"), "0")
}

func TestFailedNotificationIsForgottenAfterTwoDays(t *testing.T) {
	l := listen(t, 500, 500, 500, 500, 500)
	clk := newClock()
	c := running(t, clk, `{"url":"`+l.url+`","entities":["Customer"]}`)
	c.put("Customer", `{"CustomerName":{"value":"New"}}`).wantStatus(t, 200)
	c.waitFor(func() bool {
		clk.advance(time.Minute)
		c.twin.poke()
		return len(c.twin.FailedNotifications()) == 1
	})
	clk.advance(48*time.Hour + time.Second)
	c.twin.takeDue()
	want(t, "listed", len(c.twin.FailedNotifications()), 0)
}

func TestDestinationsAreChecked(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for body, status := range map[string]int{
		`{`: 400, `{}`: 422, `{"url":"ftp://x"}`: 422, `{"url":"http://x","header":"X"}`: 422, `{"url":"http://x","entities":["Vendor"]}`: 422,
		`{"url":"http://x","fields":["Status"]}`: 422, `{"url":"http://x","entities":["Invoice"],"fields":["Nope"]}`: 422,
		`{"url":"http://x","header":"X","value":"secret"}`: 204,
	} {
		c.do("POST", "/_twin/notifications", body, nil).wantStatus(t, status)
	}
	list := c.do("GET", "/_twin/notifications", "", nil)
	want(t, "destinations", len(list.rows()), 1)
	want(t, "secret", list.text(0, "value"), "")
	o := testOptions(newClock())
	o.Destinations = []Destination{{URL: "nowhere"}}
	if _, err := New(o); err == nil {
		t.Error("a bad destination must stop the twin from starting")
	}
}

// queued counts the notifications that wait.
func (t *Twin) queued(f func(*notification) bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := 0
	for _, d := range t.destinations {
		for _, n := range d.queue {
			if f(n) && !d.busy {
				count++
			}
		}
	}
	return count
}

// waitFor polls for something that another goroutine does.
func (c *client) waitFor(done func() bool) {
	c.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			c.t.Fatal("it did not happen")
		}
		<-time.After(time.Millisecond)
	}
}

func TestNotificationIsAsDocumented(t *testing.T) {
	doc := example(t, "27-push-notification.json")
	l := listen(t)
	c := running(t, newClock(), `{"url":"`+l.url+`","query":"Stock Items: Last Modified Date","entities":["StockItem"]}`)
	c.put("StockItem", `{"InventoryID":{"value":"LAMP"}}`).wantStatus(t, 200)
	l.next(t)
	c.put("StockItem", `{"InventoryID":{"value":"LAMP"},"ItemStatus":{"value":"Inactive"}}`).wantStatus(t, 200)
	got := l.next(t).body
	theirs, ours := seen{}, seen{}
	theirs.walk("body", at(doc, "request", "body"))
	ours.walk("body", got)
	for path, v := range theirs {
		if strings.HasPrefix(path, "body/Inserted/0/") || strings.HasPrefix(path, "body/Deleted/0/") {
			continue // the columns of another query
		}
		want(t, path, ours[path][0], v[0])
	}
	for path := range ours {
		if theirs[path][0] == "" && strings.Count(path, "/") < 3 {
			t.Errorf("%s: not documented", path)
		}
	}
	want(t, "before", at(got, "Deleted", 0, "ItemStatus"), "Active")
	want(t, "after", at(got, "Inserted", 0, "ItemStatus"), "Inactive")
}
