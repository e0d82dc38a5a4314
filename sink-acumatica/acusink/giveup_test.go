package acusink

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/internal/acumaticatwin"
	"millrace/schemas"
)

// keyNotFound is what a customisation that throws makes of a save.
const keyNotFound = `{"message":"An error has occurred.","exceptionMessage":"The given key was not present in the dictionary.",
	"exceptionType":"System.Collections.Generic.KeyNotFoundException","stackTrace":""}`

func (n *tenant) annotate(t *testing.T, f schemas.AcumaticaAnnotation) (schemas.Outcome, error) {
	t.Helper()
	f.ID = "Invoice " + n.invoice.ReferenceNbr
	return n.sink.Handle(t.Context(), n.message(annotationIntent("default", "in_1", f)))
}

// TestWhatFailsTimeAndAgainHoldsNobodyUp: a payment behind the annotation waits
// in the same lane.
func TestWhatFailsTimeAndAgainHoldsNobodyUp(t *testing.T) {
	line := schemas.AcumaticaAnnotation{Note: "Stripe invoice in_1: open"}
	answer := func(method, body string, html bool) func(http.Handler, http.ResponseWriter, *http.Request) {
		return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if r.Method != method || !strings.Contains(r.URL.Path, "/Invoice") {
				next.ServeHTTP(w, r)
				return
			}
			if html {
				w.Header().Set("Content-Type", "text/html")
			}
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, c := range []struct {
		name  string
		front func(http.Handler, http.ResponseWriter, *http.Request)
		tries int // that fail before the one that ends it
		code  string
	}{
		{"every save throws", answer(http.MethodPut, keyNotFound, false), 0, "acumatica.lookup"},
		{"every save is an internal error", answer(http.MethodPut, `{"message":"An error has occurred."}`, false), 1, "acumatica.server_error"},
		{"every save is an error page", answer(http.MethodPut, "<html>", true), 1, "acumatica.server_error"},
		{"the record cannot be read", answer(http.MethodGet, `{"message":"An error has occurred."}`, false), 4, "acumatica.server_error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newTenant(t, false, 0)
			n.front = c.front
			for i := range c.tries {
				if out, err := n.annotate(t, line); err == nil {
					t.Fatalf("try %d ended it: %+v", i, out)
				}
				n.clock = n.clock.Add(settleDelay + time.Second)
			}
			out, err := n.annotate(t, line)
			if err != nil || out.Outcome != schemas.Skipped || out.Code != c.code || out.Review == "" {
				t.Fatalf("%+v, %v", out, err)
			}
			n.front = nil
			if _, _, err := n.pay(t); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAnOutageIsWaitedFor: what fails for everybody says nothing of this record.
func TestAnOutageIsWaitedFor(t *testing.T) {
	n := newTenant(t, false, 0)
	if err := n.twin.AddFault(acumaticatwin.Fault{PathPrefix: "/entity/", Count: 5, Mode: "bad_gateway"}); err != nil {
		t.Fatal(err)
	}
	line := schemas.AcumaticaAnnotation{Note: "Stripe invoice in_1: open"}
	for range 5 {
		if out, err := n.annotate(t, line); err == nil {
			t.Fatalf("%+v", out)
		}
		n.clock = n.clock.Add(time.Hour)
	}
	if out, err := n.annotate(t, line); err != nil || out.Outcome != schemas.Applied {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestNoteThatIsNotToldIsNotReplaced: it may have any text. The fields are
// written all the same.
func TestNoteThatIsNotToldIsNotReplaced(t *testing.T) {
	for name, instead := range map[string]string{"null": `"note":null,`, "absent": ""} {
		t.Run(name, func(t *testing.T) {
			n := newTenant(t, false, 0)
			id := "Invoice " + n.invoice.ReferenceNbr
			if _, err := n.annotate(t, schemas.AcumaticaAnnotation{Note: "Stripe invoice in_0: open"}); err != nil {
				t.Fatal(err)
			}
			n.front = func(next http.Handler, w http.ResponseWriter, r *http.Request) {
				record := httptest.NewRecorder()
				next.ServeHTTP(record, r)
				maps.Copy(w.Header(), record.Header())
				w.Header().Del("Content-Length")
				w.WriteHeader(record.Code)
				_, _ = w.Write(bytes.ReplaceAll(record.Body.Bytes(), []byte(`"note":{"value":"Stripe invoice in_0: open"},`), []byte(instead)))
			}
			in := annotationIntent("default", "in_1", schemas.AcumaticaAnnotation{
				ID: id, Note: "Stripe invoice in_1: paid", Fields: custom("Document.UsrStripeState", "paid").Fields,
			})
			in.Version = "evt_2"
			in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, in.Version)
			out, err := n.sink.Handle(t.Context(), n.message(in))
			if err != nil || out.Outcome != schemas.Skipped || out.Code != "acumatica.note_unread" || out.Review == "" {
				t.Errorf("%+v, %v", out, err)
			}
			if note := n.twin.UserText("Invoice", id, "note"); note != "Stripe invoice in_0: open" {
				t.Errorf("note %q", note)
			}
			if state := n.twin.UserText("Invoice", id, "Document.UsrStripeState"); state != "paid" {
				t.Errorf("field %q", state)
			}
		})
	}
}
