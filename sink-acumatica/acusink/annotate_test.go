package acusink

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/bustest"
	"millrace/internal/calls"
	"millrace/internal/sinktest"
	"millrace/schemas"
)

// TestAnnotationConforms: a note and a field of a customisation on a released
// invoice. Somebody's own text is in the note.
func TestAnnotationConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		customer := w.ERP.AddCustomer(acumaticatwin.Customer{Name: "Harbor & Pine"})
		number := w.ERP.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: []acumaticatwin.InvoiceLine{
			{Description: "Desk", Qty: decimal.New(1, 0), UnitPrice: decimal.New(100, 0)},
		}})
		other := w.ERP.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: []acumaticatwin.InvoiceLine{
			{Description: "Chair", Qty: decimal.New(1, 0), UnitPrice: decimal.New(50, 0)},
		}})
		want := func(key, number, state string) sinktest.Wanted {
			line := "Stripe invoice " + key + ": " + state
			return sinktest.Wanted{
				Intent: annotationIntent(w.Connection, key, schemas.AcumaticaAnnotation{
					ID: "Invoice " + number, Note: line, Fields: []schemas.AcumaticaCustomField{{Field: sinktest.UserField, Value: state}},
				}),
				Facts: line + "/" + state,
			}
		}
		numbers := map[string]string{"in_1": number, "in_2": other}
		return sinktest.Document{
			Intent: want("in_1", number, "open"), Next: want("in_2", other, "paid"), Stays: true, Yields: true,
			Entries: func(_ context.Context, key string) ([]sinktest.Entry, error) {
				id := "Invoice " + numbers[key]
				note, state := w.ERP.UserText("Invoice", id, "note"), w.ERP.UserText("Invoice", id, sinktest.UserField)
				if note == "" && state == "" {
					return nil, nil
				}
				return []sinktest.Entry{{AcumaticaID: id, StripeID: key, Effective: true, Facts: note + "/" + state}}, nil
			},
		}
	}})
}

func annotationIntent(connection, key string, f schemas.AcumaticaAnnotation) schemas.Intent {
	in := schemas.Intent{
		Connection: connection, Lane: "cus_1", Target: schemas.Acumatica, Document: "invoice", Verb: annotateVerb, Key: key, Version: "evt_" + key,
		Flow: schemas.FlowRef{ID: "stripe-invoice-note", Version: 1}, Cause: schemas.Cause{EventID: "evt_" + key, EventType: "io.millrace.stripe.invoice.paid.v1"},
	}
	in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, in.Version)
	in.Fields, _ = json.Marshal(f) // plain texts
	return in
}

func TestNoteKeepsWhatOthersWrote(t *testing.T) {
	const line = "Stripe invoice in_2: paid"
	for _, c := range []struct{ name, note, want string }{
		{"empty", "", line},
		{"below other text", "call Bob", "call Bob\n" + line},
		{"in the place of the old line", "call Bob\nStripe invoice in_1: open, https://x\n\nbye\n", "call Bob\n" + line + "\n\nbye\n"},
		{"line feeds of Windows stay", "a\r\nStripe invoice in_1: open\r\nb", "a\r\n" + line + "\r\nb"},
		{"and are used", "a\r\nb", "a\r\nb\r\n" + line},
		{"a line of somebody", "Stripe invoice in_1 is disputed", "Stripe invoice in_1 is disputed\n" + line},
		{"a line of another kind", "Stripe customer cus_1", "Stripe customer cus_1\n" + line},
		{"what is there already", "x\n" + line, "x\n" + line},
		{"after a last line feed", "x\n", "x\n" + line},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := withNote(c.note, line)
			if got != c.want || !noted(got, line) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if again := withNote(got, line); again != got {
				t.Errorf("once more: %q", again)
			}
		})
	}
}

// TestAnnotationWithinItsRights: whatever Acumatica does not take ends with a
// review, after one read and at most one write, and holds nobody up.
func TestAnnotationWithinItsRights(t *testing.T) {
	long := "https://invoice.stripe.com/i/" + strings.Repeat("x", 300)
	for _, c := range []struct {
		name   string
		fields schemas.AcumaticaAnnotation
		rights acumaticatwin.Rights
		code   string
		reason string
	}{
		{"written", schemas.AcumaticaAnnotation{Note: "Stripe invoice in_1: open"}, acumaticatwin.Rights{}, "", "wrote the note of"},
		{"no rights on the form", schemas.AcumaticaAnnotation{Note: "Stripe invoice in_1: open"}, acumaticatwin.Rights{Forbidden: []string{"Invoice"}}, "acumatica.forbidden", ""},
		{"may not write", schemas.AcumaticaAnnotation{Note: "Stripe invoice in_1: open"}, acumaticatwin.Rights{ReadOnly: []string{"Invoice"}}, "acumatica.forbidden", ""},
		{"field does not exist", custom("Document.UsrNone", "x"), acumaticatwin.Rights{}, "acumatica.endpoint", ""},
		{"field is too short", custom("Document.UsrStripeState", long), acumaticatwin.Rights{}, "acumatica.annotation_ignored", ""},
		{"field is locked", custom("Document.UsrLocked", "x"), acumaticatwin.Rights{}, "acumatica.annotation_ignored", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newTenant(t, false, 0)
			if err := n.twin.SetRights(c.rights); err != nil {
				t.Fatal(err)
			}
			c.fields.ID = "Invoice " + n.invoice.ReferenceNbr
			ctx, count := calls.With(t.Context())
			out, err := n.sink.Handle(ctx, n.message(annotationIntent("default", "in_1", c.fields)))
			if err != nil {
				t.Fatal(err)
			}
			if out.Code != c.code || !strings.Contains(out.Reason, c.reason) || (out.Review != "") != (c.code != "") {
				t.Errorf("ended %s %q with %q: %q", out.Outcome, out.Reason, out.Code, out.Review)
			}
			if n := count.AcumaticaCalls.Load(); n > 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestWhatIsThereAlreadyIsNotWritten: another event of the same state costs one
// read.
func TestWhatIsThereAlreadyIsNotWritten(t *testing.T) {
	n := newTenant(t, false, 0)
	fields := schemas.AcumaticaAnnotation{ID: "Invoice " + n.invoice.ReferenceNbr, Note: "Stripe invoice in_1: open"}
	for i, want := range []struct {
		outcome string
		calls   int64
	}{{schemas.Applied, 2}, {schemas.Duplicate, 1}} {
		in := annotationIntent("default", "in_1", fields)
		in.Version = fmt.Sprint("evt_", i)
		in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, in.Version)
		ctx, count := calls.With(t.Context())
		out, err := n.sink.Handle(ctx, n.message(in))
		if err != nil || out.Outcome != want.outcome || count.AcumaticaCalls.Load() != want.calls {
			t.Errorf("event %d: %s %q, %d calls, %v", i, out.Outcome, out.Reason, count.AcumaticaCalls.Load(), err)
		}
	}
}

func custom(field, value string) schemas.AcumaticaAnnotation {
	return schemas.AcumaticaAnnotation{Fields: []schemas.AcumaticaCustomField{{Field: field, Value: value}}}
}
