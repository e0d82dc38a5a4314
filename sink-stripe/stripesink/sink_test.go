package stripesink

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/internal/stripespec"
	"millrace/schemas"
)

func TestACustomerIsCreatedOnceAndThenUpdated(t *testing.T) {
	w := newWorld(t)
	out := w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.cost(1, 1)
	if !hasRef(out, "customer", "cus_") || !slices.Contains(out.Refs, schemas.Ref{System: "acumatica", Kind: "Customer", ID: "C1"}) || out.EventID != "evt-C1" {
		t.Errorf("outcome %+v", out)
	}
	w.oneCustomer()
	dup := w.apply(customerIntent("1", "Ada"), schemas.Duplicate)
	w.cost(0, 0)
	if !hasRef(dup, "customer", "cus_") {
		t.Errorf("outcome %+v", dup)
	}
	w.apply(customerIntent("2", "Ada Ltd"), schemas.Applied)
	w.cost(1, 1)
	w.oneCustomer()
	if c := w.customers()[0]; c.Name != "Ada Ltd" || c.Metadata["acumatica_note_id"] != "n-1" || c.Metadata[metaConnection] != connection {
		t.Errorf("customer %+v", c)
	}
}

func TestAnInvoiceBecomesPayable(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	in := invoiceIntent(nil)
	out := w.apply(in, schemas.Applied)
	w.cost(2, 5)
	w.oneInvoice(in)
	inv := w.invoices()[0]
	if want := time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC); !inv.DueDate.Equal(want) || inv.Metadata["acumatica_invoice"] != "AR000123" {
		t.Errorf("invoice %+v, want due %s", inv, want)
	}
	if !hasRef(out, "invoice", inv.ID) || !hasRef(out, "customer", inv.Customer) || out.Reason != "Invoice AR000123, with 120.50 USD open: made the Stripe invoice AR000123 over 120.50 USD" {
		t.Errorf("outcome %+v", out)
	}
	if l := w.links[connection+" invoice Invoice AR000123"]; l.Kind != link.Invoice || l.Attributes["number"] != "AR000123" || l.Attributes["customer"] != inv.Customer || l.IntentID != in.ID {
		t.Errorf("link %+v", l)
	}
	for _, r := range w.twin.Requests() {
		if r.Method == "POST" && !strings.HasPrefix(r.IdempotencyKey, stripeapi.KeyPrefix) {
			t.Errorf("%s %s went without a key of ours", r.Method, r.Path)
		}
	}
}

func TestAPastDueDateBecomesDueOnReceipt(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	in := invoiceIntent(func(f *schemas.StripeInvoice) { f.DueDate = "2026-02-28" })
	w.apply(in, schemas.Applied)
	w.oneInvoice(in)
}

// Stripe's clock decides what has passed, not ours.
func TestADueDateThatStripeTakesForPastBecomesDueOnReceipt(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	in := invoiceIntent(func(f *schemas.StripeInvoice) { f.DueDate = w.now.AddDate(0, 0, -1).Format(time.DateOnly) })
	out, err := w.handle(in, w.now.AddDate(0, 0, -3))
	if err != nil || out.Outcome != schemas.Applied {
		t.Fatal(out, err)
	}
	w.oneInvoice(in)
	if inv := w.invoices()[0]; inv.DueDate.Before(w.now) {
		t.Errorf("due %s, want no earlier than %s", inv.DueDate, w.now)
	}
}

func TestManyLinesAreComparedToTheLast(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	in := invoiceIntent(func(f *schemas.StripeInvoice) {
		f.Lines, f.Total = nil, 0
		for range 25 {
			f.Lines = append(f.Lines, schemas.StripeInvoiceLine{Description: "same", Amount: 100})
			f.Total += 100
		}
	})
	w.crashAt = 20
	if _, err := w.handle(in, w.now); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	w.apply(in, schemas.Applied)
	w.oneInvoice(in)
}

func TestAnUnknownCustomerBlocksTheInvoice(t *testing.T) {
	w := newWorld(t)
	_ = w.refuse(invoiceIntent(nil), "link.missing")
	w.cost(0, 0)
}

// skewed shows every draft with another total than Stripe's.
type skewed struct {
	API
	by int64
}

func (s skewed) GetInvoice(ctx context.Context, id string) (stripeapi.Invoice, error) {
	inv, err := s.API.GetInvoice(ctx, id)
	inv.Total += s.by
	return inv, err
}

func TestAnotherTotalDeletesTheDraft(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	in := invoiceIntent(nil)
	w.api = skewed{w.client, 5}
	err := w.refuse(in, "stripe.total_mismatch")
	if !strings.Contains(err.Error(), "120.55 USD") || !strings.Contains(err.Error(), "120.50 USD") || fault.KindOf(err) != fault.Rejected {
		t.Errorf("error %v", err)
	}
	if all := w.invoices(); len(all) != 0 {
		t.Fatalf("left behind: %+v", all)
	}
	w.api = w.client // somebody corrected it and released the lane
	w.apply(in, schemas.Applied)
	w.oneInvoice(in)
}

func TestLinesThatDoNotAddUpSendNothing(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	_ = w.refuse(invoiceIntent(func(f *schemas.StripeInvoice) { f.Total++ }), "stripe.total_mismatch")
	w.cost(0, 0)
}

func TestADraftThatSomebodyChangedIsDeleted(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	in := invoiceIntent(nil)
	w.crashAt = 5 // after the first item
	if _, err := w.handle(in, w.now); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	drafts := w.invoices()
	if len(drafts) != 1 || drafts[0].Status != "draft" {
		t.Fatalf("drafts %+v", drafts)
	}
	if _, err := w.client.AddInvoiceItem(t.Context(), "by-hand", drafts[0], stripeapi.Item{Description: "surprise", Amount: 1}); err != nil {
		t.Fatal(err)
	}
	_ = w.refuse(in, "stripe.invoice_mismatch")
	if all := w.invoices(); len(all) != 0 {
		t.Fatalf("left behind: %+v", all)
	}
	w.apply(in, schemas.Applied)
	w.oneInvoice(in)
}

func TestADraftThatIsGoneOrOverdueIsMadeAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*world, string)
	}{
		{"deleted by hand", func(w *world, id string) {
			if err := w.client.DeleteDraft(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}},
		{"due date passed while the sink was away", func(w *world, _ string) { w.now = w.now.AddDate(0, 2, 0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.apply(customerIntent("1", "Ada"), schemas.Applied)
			in, stored := invoiceIntent(nil), w.now
			w.crashAt = 5
			if _, err := w.handle(in, stored); !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			first := w.invoices()[0].ID
			tt.do(w, first)
			if out, err := w.handle(in, stored); err != nil || out.Outcome != schemas.Applied {
				t.Fatalf("got %+v, %v", out, err)
			}
			w.oneInvoice(in)
			if inv := w.invoices()[0]; inv.ID == first || inv.DueDate.Before(w.now) {
				t.Errorf("invoice %+v", inv)
			}
		})
	}
}

func TestAReplayWithoutPostingFindsWhatIsThere(t *testing.T) {
	w := newWorld(t)
	cust, in, stored := customerIntent("1", "Ada"), invoiceIntent(nil), w.now
	w.apply(cust, schemas.Applied)
	w.apply(in, schemas.Applied)
	w.now = w.now.AddDate(1, 0, 0)

	clear(w.postings) // expired
	out, err := w.handle(in, stored)
	if err != nil || out.Outcome != schemas.Duplicate {
		t.Fatalf("with the link: %+v, %v", out, err)
	}
	w.cost(1, 0)

	clear(w.postings)
	clear(w.links) // lost as well
	if out, err := w.handle(cust, stored); err != nil || out.Outcome != schemas.Applied {
		t.Fatalf("customer without the link: %+v, %v", out, err)
	}
	if out, err := w.handle(in, stored); err != nil || out.Outcome != schemas.Duplicate {
		t.Fatalf("invoice without the link: %+v, %v", out, err)
	}
	w.oneCustomer()
	w.oneInvoice(in)
}

func TestTwoCustomersOfOneIDAreForAPersonToDecide(t *testing.T) {
	w := newWorld(t)
	f := schemas.StripeCustomer{Name: "Ada", Metadata: map[string]string{metaCustomer: "C1"}}
	for _, key := range []string{"a", "b"} {
		if _, err := w.client.CreateCustomer(t.Context(), key, f); err != nil {
			t.Fatal(err)
		}
	}
	stored := w.now
	w.now = w.now.AddDate(0, 0, 3)
	if _, err := w.handle(customerIntent("1", "Ada"), stored); fault.Of(err).Code != "stripe.ambiguous" {
		t.Errorf("got %v", err)
	}
}

func TestACustomerMadeByHandIsAdopted(t *testing.T) {
	w := newWorld(t)
	f := schemas.StripeCustomer{Name: "Adda", Metadata: map[string]string{metaCustomer: "C1"}}
	if _, err := w.client.CreateCustomer(t.Context(), "a", f); err != nil {
		t.Fatal(err)
	}
	stored := w.now
	w.now = w.now.AddDate(0, 0, 3)
	if out, err := w.handle(customerIntent("1", "Ada"), stored); err != nil || !strings.HasPrefix(out.Reason, "adopted") {
		t.Fatalf("got %+v, %v", out, err)
	}
	w.oneCustomer()
	if c := w.customers()[0]; c.Name != "Ada" {
		t.Errorf("customer %+v", c)
	}
}

func TestAnOvertakenWorkerStops(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	before := w.writes
	w.saveErr[posting.Released] = fault.Newf("posting.fenced", "save")
	_ = w.refuse(invoiceIntent(nil), "posting.fenced")
	if all := w.invoices(); len(all) != 1 || all[0].Status != "draft" || w.writes != before+4 {
		t.Errorf("wrote on: %+v", all)
	}
}

func TestAnnotateMergesMetadata(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(invoiceIntent(nil), schemas.Applied)
	id := w.invoices()[0].ID
	note := intent("invoice", "annotate", "Payment 000007", "", schemas.StripeMetadata{ID: id, Metadata: map[string]string{"acumatica_payment": "Payment 000007"}})
	out := w.apply(note, schemas.Applied)
	w.cost(0, 1)
	if !hasRef(out, "invoice", id) {
		t.Errorf("outcome %+v", out)
	}
	if m := w.invoices()[0].Metadata; m["acumatica_payment"] != "Payment 000007" || m["acumatica_invoice"] != "AR000123" {
		t.Errorf("metadata %v", m)
	}
	w.apply(note, schemas.Duplicate)
	w.cost(0, 0)
	gone := intent("invoice", "annotate", "Payment 8", "", schemas.StripeMetadata{ID: "in_gone", Metadata: map[string]string{"a": "b"}})
	_ = w.refuse(gone, "stripe.not_found")
}

func TestMalformedIntentsAreInvalid(t *testing.T) {
	raw := func(document, verb, fields string) schemas.Intent {
		in := intent(document, verb, "K", "", struct{}{})
		in.Fields = json.RawMessage(fields)
		return in
	}
	inv := func(change func(*schemas.StripeInvoice)) schemas.Intent { return invoiceIntent(change) }
	for _, tt := range []struct {
		name, code string
		in         schemas.Intent
	}{
		{"unknown document", "stripe.document_unknown", raw("refund", "create", `{}`)},
		{"unknown verb", "stripe.document_unknown", raw("invoice", "void", `{}`)},
		{"unknown field", "stripe.fields_invalid", raw("customer", "upsert", `{"name":"a","metadata":{},"nickname":"b"}`)},
		{"fields of another type", "stripe.fields_invalid", raw("customer", "upsert", `{"name":7}`)},
		{"a fraction of a cent", "stripe.fields_invalid", raw("invoice", "upsert", `{"total":1.5}`)},
		{"two documents", "stripe.fields_invalid", raw("invoice", "annotate", `{"id":"in_1","metadata":{"a":"b"}} `)},
		{"no name", "stripe.fields_invalid", raw("customer", "upsert", `{"name":""}`)},
		{"another customer's id", "stripe.fields_invalid", raw("customer", "upsert", `{"name":"a","metadata":{"acumatica_customer_id":"X"}}`)},
		{"metadata key too long", "stripe.fields_invalid", raw("invoice", "annotate", `{"id":"in_1","metadata":{"`+strings.Repeat("k", 41)+`":"b"}}`)},
		{"metadata value too long", "stripe.fields_invalid", raw("invoice", "annotate", `{"id":"in_1","metadata":{"a":"`+strings.Repeat("v", 501)+`"}}`)},
		{"metadata key with a bracket", "stripe.fields_invalid", raw("invoice", "annotate", `{"id":"in_1","metadata":{"a[":"b"}}`)},
		{"nothing to annotate", "stripe.fields_invalid", raw("invoice", "annotate", `{"id":"in_1","metadata":{}}`)},
		{"number too long", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.Number = strings.Repeat("9", 27) })},
		{"description too long", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.Description = strings.Repeat("9", 1501) })},
		{"negative total", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.Lines[0].Amount = -10000; f.Total = -7950 })},
		{"unknown currency", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.Currency = "xts" })},
		{"currency in upper case", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.Currency = "USD" })},
		{"a sixth of a dinar", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.Currency = "kwd"; f.Lines[0].Amount = 10001; f.Total = 12051 })},
		{"sum over 64 bits", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.Lines[0].Amount, f.Lines[1].Amount = 1<<62, 1<<62 })},
		{"no date", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.DueDate = "31.03.2026" })},
		{"customer of another kind", "stripe.fields_invalid", inv(func(f *schemas.StripeInvoice) { f.Customer.Kind = "payment" })},
		{"for another system", "stripe.fields_invalid", func() schemas.Intent { in := inv(nil); in.Target = schemas.Acumatica; return in }()},
		{"of another connection", "stripe.fields_invalid", func() schemas.Intent { in := inv(nil); in.Connection = "other"; return in }()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.name == "two documents" { // json.Marshal would not write it
				if err := decode([]byte(`{"id":"in_1"} {}`), &schemas.StripeMetadata{}); fault.Of(err).Code != tt.code {
					t.Errorf("got %v", err)
				}
				return
			}
			if err := w.refuse(tt.in, tt.code); fault.KindOf(err) != fault.Invalid {
				t.Errorf("kind %v", fault.KindOf(err))
			}
			w.cost(0, 0)
		})
	}
}

func TestHandleRefusesWhatIsNoIntent(t *testing.T) {
	s := New(nil, nil, nil)
	for _, data := range []string{"", "{}", "[]"} {
		if _, err := s.Handle(t.Context(), &bus.Message{Event: bus.Event{Data: []byte(data)}}); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q: %v", data, err)
		}
	}
	in := customerIntent("1", "Ada")
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	m := &bus.Message{Subject: bus.Subject{Connection: connection}, Event: bus.Event{ID: in.ID, Data: data}}
	if _, err = s.Handle(t.Context(), m); fault.KindOf(err) != fault.Misconfigured {
		t.Errorf("a connection that is not configured: %v", err)
	}
}

// TestAnIntentUnderAnotherIDIsRefused: what its message stands for is ambiguous.
func TestAnIntentUnderAnotherIDIsRefused(t *testing.T) {
	w := newWorld(t)
	data, err := json.Marshal(customerIntent("1", "Ada"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", customerIntent("2", "Ada").ID} {
		m := &bus.Message{Stream: bus.Intents, Subject: bus.Subject{Connection: connection}, Event: bus.Event{ID: id, Data: data}}
		if _, err := New(map[string]API{connection: w.api}, w.claim, w).Handle(t.Context(), m); fault.KindOf(err) != fault.Invalid || fault.Of(err).Code != "stripe.fields_invalid" {
			t.Errorf("a message with the id %q: %v", id, err)
		}
	}
	if len(w.postings) != 0 {
		t.Errorf("claimed %v", w.postings)
	}
}

func TestStage(t *testing.T) {
	st := New(nil, nil, nil).Stage([]string{"default"})
	if st.Name != "sink-stripe" || st.Stream != bus.Intents || st.Target != "stripe" || st.Handle == nil || !slices.Equal(st.Connections, []string{"default"}) {
		t.Errorf("stage %+v", st)
	}
}

func TestLongIntentIDsFitIntoMetadata(t *testing.T) {
	w := &work{in: schemas.Intent{ID: strings.Repeat("x", 501)}}
	if tag := w.tag(); len(tag) > maxMetaValue || !strings.HasPrefix(tag, "sha256:") {
		t.Errorf("tag %s", tag)
	}
}

// TestStripesMockAcceptsWhatTheSinkSends: paths, parameters and their types
// are legal at the pinned version, by word of Stripe's own mock.
func TestStripesMockAcceptsWhatTheSinkSends(t *testing.T) {
	mock := stripespec.Mock(t)
	w := newWorldBehind(t, func(h http.Handler) http.Handler { return stripespec.Mirror(t, mock, h) })
	cust, in, stored := customerIntent("1", "Ada"), invoiceIntent(nil), w.now
	w.apply(cust, schemas.Applied)
	w.apply(customerIntent("2", "Ada Ltd"), schemas.Applied)
	w.apply(in, schemas.Applied)
	w.oneInvoice(in)
	w.now = w.now.AddDate(1, 0, 0)
	clear(w.postings)
	clear(w.links)
	if out, err := w.handle(cust, stored); err != nil || out.Outcome != schemas.Applied {
		t.Fatalf("customer without the link: %+v, %v", out, err)
	}
	if out, err := w.handle(in, stored); err != nil || out.Outcome != schemas.Duplicate {
		t.Fatalf("invoice without the link: %+v, %v", out, err)
	}
}
