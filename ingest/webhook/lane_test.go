package webhook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/schemas"
)

func TestLaneIsTheCustomer(t *testing.T) {
	long := strings.Repeat("c", maxID+1)
	for _, tt := range []struct{ name, object, lane, id string }{
		{"the customer itself", `{"id":"cus_1","object":"customer"}`, "cus_1", "cus_1"},
		{"a customer's own customer field does not count", `{"id":"cus_1","object":"customer","customer":"cus_2"}`, "cus_1", "cus_1"},
		{"customer by id", `{"id":"in_1","object":"invoice","customer":"cus_1"}`, "cus_1", "in_1"},
		{"customer expanded", `{"id":"ch_1","object":"charge","customer":{"id":"cus_1","object":"customer","deleted":true}}`, "cus_1", "ch_1"},
		{"no customer", `{"id":"po_1","object":"payout"}`, "po_1", "po_1"},
		{"null customer", `{"id":"ch_1","object":"charge","customer":null}`, "ch_1", "ch_1"},
		{"empty customer", `{"id":"ch_1","object":"charge","customer":""}`, "ch_1", "ch_1"},
		{"customer of another shape", `{"id":"ch_1","object":"charge","customer":["cus_1"]}`, "ch_1", "ch_1"},
		{"expanded customer without id", `{"id":"ch_1","object":"charge","customer":{"object":"customer"}}`, "ch_1", "ch_1"},
		{"other spelling is another field", `{"id":"ch_1","object":"charge","Customer":"cus_1","ID":"x"}`, "ch_1", "ch_1"},
		{"no id at all", `{"object":"balance","available":[]}`, "evt_9", ""},
		{"id is a number", `{"id":7,"object":"balance"}`, "evt_9", ""},
		{"customer id too long", `{"id":"ch_1","object":"charge","customer":"` + long + `"}`, "evt_9", "ch_1"},
		{"object id too long", `{"id":"` + long + `","object":"payout"}`, "evt_9", ""},
		{"hostile customer id stays what it is", `{"id":"ch_1","customer":"a.b>*\r\n é"}`, "a.b>*\r\n é", "ch_1"},
		{"hostile object id", `{"id":" \u0000"}`, " \x00", ""},
		{"no object", ``, "evt_9", ""},
		{"null object", `null`, "evt_9", ""},
		{"object is text", `"in_1"`, "evt_9", ""},
		{"object is a list", `[{"id":"in_1"}]`, "evt_9", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := locate(json.RawMessage(tt.object), "evt_9")
			if want := (subject{id: tt.id, lane: tt.lane}); got != want {
				t.Errorf("locate = %+v, want %+v", got, want)
			}
		})
	}
}

func TestTypeIsSplitAtItsLastDot(t *testing.T) {
	for _, tt := range []struct{ typ, object, verb string }{
		{"invoice.paid", "invoice", "paid"},
		{"customer.subscription.updated", "customer.subscription", "updated"},
		{"ping", "ping", unknown},
		{"", unknown, unknown},
		{".paid", unknown, "paid"},
		{"invoice.", "invoice", unknown},
		{".", unknown, unknown},
		{"invoice paid.x", unknown, unknown},
		{strings.Repeat("a", maxType) + ".b", unknown, unknown},
	} {
		if object, verb := splitType(tt.typ); object != tt.object || verb != tt.verb {
			t.Errorf("splitType(%q) = %q, %q, want %q, %q", tt.typ, object, verb, tt.object, tt.verb)
		}
	}
}

// subjectLimit is what a NATS server takes in one protocol line.
const subjectLimit = 4096

func FuzzLane(f *testing.F) {
	f.Add("invoice.paid", "evt_1", []byte(`{"id":"in_1","customer":"cus_1"}`))
	f.Add("..", "", []byte(`{"id":{},"customer":{"id":"x"}}`))
	f.Add("a\x00.b", "evt_2", []byte(`{"object":"customer"`))
	f.Fuzz(func(t *testing.T, typ, id string, object []byte) {
		o, v := splitType(typ)
		if o == "" || v == "" {
			t.Fatalf("splitType(%q) = %q, %q", typ, o, v)
		}
		if o != unknown && v != unknown && o+"."+v != typ {
			t.Fatalf("splitType(%q) = %q, %q: something is lost", typ, o, v)
		}
		if !usable(id, maxID) {
			id = contentID(object)
		}
		about := locate(object, id)
		if about.lane == "" || len(about.lane) > maxID {
			t.Fatalf("lane %q of %q", about.lane, object)
		}
		s := bus.Subject{Stream: bus.Events, Connection: "default", Lane: about.lane, A: schemas.Stripe, B: o, C: v}
		if len(s.String()) > subjectLimit/2 {
			t.Fatalf("subject of %d bytes", len(s.String()))
		}
		back, err := bus.ParseSubject(s.String())
		if err != nil || back != s {
			t.Fatalf("subject %q reads back as %+v: %v", s, back, err)
		}
	})
}

// TestRecordedWebhooksAreAccepted posts every recorded Stripe body there is.
// They live outside this repository; without them the test is skipped.
func TestRecordedWebhooksAreAccepted(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "..", "shared", "reference", "stripe", "webhook-events", "*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no recorded webhooks beside this repository")
	}
	var l ledger
	h := newHandler(t, l.publish, t.Output())
	h.o.MaxBody = 512 << 10
	ids := make(map[string]bool)
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, post("/webhooks/stripe", string(body), sign(string(body), newSecret, time.Now())))
		if w.Code != http.StatusOK {
			t.Errorf("%s: status = %d: %s", filepath.Base(file), w.Code, w.Body)
		}
		var head struct {
			ID, Type string
		}
		if err := json.Unmarshal(body, &head); err != nil {
			t.Fatal(err)
		}
		ids[head.ID] = true
	}
	if len(l.events) != len(ids) {
		t.Errorf("stored %d of %d events", len(l.events), len(ids))
	}
	for _, p := range l.events {
		if p.lane == "" || p.object == unknown || p.verb == unknown || !ids[p.ev.ID] {
			t.Errorf("%s: lane %q object %q verb %q", p.ev.ID, p.lane, p.object, p.verb)
		}
	}
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}
