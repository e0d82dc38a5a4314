package stage

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/schemas"
	"millrace/transform/flow"
	"millrace/transform/flows"
)

func TestUnknownCustomerGoesFirst(t *testing.T) {
	w := theWorld()
	out, err := w.handler(t).Handle(t.Context(), message("acumatica", "invoice", "changed", "Invoice AR000001", invoiceHint))
	if err != nil {
		t.Fatal(err)
	}
	wantLog := []string{
		"link acumatica invoice Invoice AR000001",
		"acumatica Invoice [Invoice AR000001] [Details TaxDetails ApplicationsDefault files] [Document.CuryID Document.CuryRoundDiff Document.OrigModule]",
		"link acumatica customer C000001",
		"acumatica Customer [C000001] [MainContact MainContact/Address BillingContact BillingContact/Address ShippingContact ShippingContact/Address] []",
		"publish default/stripe/customer/upsert/C000001@2026-03-02T10:00:00.12+00:00 evt_1",
		"publish default/stripe/invoice/upsert/Invoice AR000001@evt_1",
	}
	if diff := cmp.Diff(wantLog, w.log); diff != "" {
		t.Error(diff)
	}
	want := schemas.Outcome{
		Document: "invoice", Outcome: schemas.Applied, Reason: "published 2 intents",
		Intents: []string{"default/stripe/customer/upsert/C000001@2026-03-02T10:00:00.12+00:00 evt_1", "default/stripe/invoice/upsert/Invoice AR000001@evt_1"},
		Refs:    []schemas.Ref{{System: "acumatica", Kind: "Invoice", ID: "Invoice AR000001"}, {System: "acumatica", Kind: "Customer", ID: "C000001"}},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
}

func TestPaidInvoiceCostsOneReadAndKnowsAllIDs(t *testing.T) {
	w := theWorld()
	out, err := w.handler(t).Handle(t.Context(), stripeEvent("invoice", "paid", paidHint))
	if err != nil {
		t.Fatal(err)
	}
	wantLog := []string{
		"stripe invoice in_1 [charge.balance_transaction]",
		"link stripe customer cus_1",
		"link stripe invoice in_1",
		"publish default/acumatica/payment/create/ch_1",
	}
	if diff := cmp.Diff(wantLog, w.log); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, r := range out.Refs {
		got = append(got, r.System+" "+r.Kind+" "+r.ID)
	}
	want := []string{
		"stripe invoice in_1", "stripe customer cus_1", "stripe charge ch_1", "stripe payment_intent pi_1", "stripe balance_transaction txn_1",
		"acumatica Customer C000001", "acumatica Invoice Invoice AR000001",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if out.Outcome != schemas.Applied || out.Reason != "published 1 intent" {
		t.Errorf("got %s: %s", out.Outcome, out.Reason)
	}
}

// Invariant 2.
func TestHandlingTwiceIsADuplicate(t *testing.T) {
	w := theWorld()
	h := w.handler(t)
	for _, want := range []string{schemas.Applied, schemas.Duplicate} {
		out, err := h.Handle(t.Context(), stripeEvent("invoice", "paid", paidHint))
		if err != nil || out.Outcome != want || len(out.Intents) != 1 {
			t.Errorf("got %+v, %v; want %s", out, err, want)
		}
	}
	if len(w.published) != 1 {
		t.Errorf("published %v", w.published)
	}
}

func TestSkipsSayWhy(t *testing.T) {
	thin := message("stripe", "v1.billing.meter", "error_report_triggered", "", `{"object":"v2.core.event","livemode":false}`)
	for _, tt := range []struct {
		name   string
		m      *bus.Message
		reason string
	}{
		{"not JSON", message("stripe", "invoice", "paid", "", `{`), "the event's data is not JSON"},
		{"empty", message("stripe", "invoice", "paid", "", ``), "the event's data is not JSON"},
		{"a list", message("stripe", "invoice", "paid", "", `[]`), "the event's data is not an object"},
		{"a thin event", thin, `a body of kind "v2.core.event" is not a Stripe event`},
		{"no object", message("stripe", "invoice", "paid", "", `{"object":"event","livemode":false}`), "the Stripe event carries no object"},
		{"object is a list", message("stripe", "invoice", "paid", "", `{"object":"event","livemode":false,"data":{"object":[]}}`), "the Stripe event carries no object"},
		{"no livemode", message("stripe", "invoice", "paid", "", `{"object":"event","data":{"object":{}}}`), "the Stripe event does not say whether it is live or test"},
		{"live on test", message("stripe", "invoice", "paid", "", `{"object":"event","livemode":true,"data":{"object":{}}}`), "a live mode event on a test mode connection"},
		{"no flow", stripeEvent("customer.tax_id", "created", `{"id":"txi_1"}`), "no flow handles customer.tax_id.created"},
		{"no accounts", stripeEvent("charge.dispute", "closed", `{"id":"dp_1"}`), "disputes are not posted: no accounts are configured to settle on (books.accounts)"},
		{"unknown source", message("paypal", "sale", "done", "", `{}`), `no flow handles events of "paypal"`},
		{"trigger does not hold", stripeEvent("charge", "succeeded", `{"id":"ch_1","invoice":"in_1","payment_method_details":{"type":"card"}}`), "the charge pays invoice in_1; that invoice's own event records it"},
		{"a credit memo", message("acumatica", "invoice", "changed", "", `{"Type":"Credit Memo","ReferenceNbr":"AR1"}`), "Credit Memo documents are not sent to Stripe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := theWorld()
			out, err := w.handler(t).Handle(t.Context(), tt.m)
			if err != nil || out.Outcome != schemas.Skipped || out.Reason != tt.reason {
				t.Errorf("got %s %q, %v; want %q", out.Outcome, out.Reason, err, tt.reason)
			}
			if len(w.log) != 0 {
				t.Errorf("cost %v", w.log)
			}
			if out.Document != tt.m.Subject.B {
				t.Errorf("document %q", out.Document)
			}
		})
	}
}

func TestFailuresKeepTheirKind(t *testing.T) {
	down := fault.Newf("stripe.unreachable", "no answer")
	for _, tt := range []struct {
		name   string
		change func(*world)
		code   string
		kind   fault.Kind
	}{
		{"stripe is down", func(w *world) { w.fail["stripe "] = down }, "stripe.unreachable", fault.Down},
		{"links are down", func(w *world) { w.fail["link "] = fault.Newf("bus.unavailable", "x") }, "bus.unavailable", fault.Down},
		{"the broker is down", func(w *world) { w.fail["publish "] = fault.Newf("bus.unavailable", "x") }, "bus.unavailable", fault.Down},
		{"an unclassified error", func(w *world) { w.fail["stripe "] = errors.New("x") }, "internal.unclassified", fault.Transient},
		{"an answer that is not JSON", func(w *world) { w.stripe["invoice in_1"] = "<html>" }, "flow.expression_failed", fault.Invalid},
		{"an answer of another shape", func(w *world) { w.stripe["invoice in_1"] = `{"status":"paid","charge":5}` }, "flow.expression_failed", fault.Invalid},
		{"parked by the flow", func(w *world) { delete(w.links, "stripe customer cus_1") }, "flow.customer_unmapped", fault.Rejected},
		{"tried again by the flow", func(w *world) { delete(w.links, "stripe invoice in_1") }, "flow.link_pending", fault.Transient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := theWorld()
			tt.change(w)
			out, err := w.handler(t).Handle(t.Context(), stripeEvent("invoice", "paid", paidHint))
			if err == nil {
				t.Fatalf("ended %s: %s", out.Outcome, out.Reason)
			}
			if f := fault.Of(err); f.Code != tt.code || f.Kind != tt.kind {
				t.Errorf("got %v", err)
			}
			if out.Document != "invoice" || len(out.Refs) == 0 {
				t.Errorf("the outcome of a failure knows nothing: %+v", out)
			}
			if len(w.published) != 0 {
				t.Errorf("published %v", w.published)
			}
		})
	}
}

func TestUnknownConnectionIsMisconfigured(t *testing.T) {
	m := stripeEvent("invoice", "paid", paidHint)
	m.Subject.Connection = "other"
	_, err := theWorld().handler(t).Handle(t.Context(), m)
	if fault.KindOf(err) != fault.Misconfigured {
		t.Errorf("got %v", err)
	}
}

// TestCrashBetweenTwoIntents: the second handling publishes the first intent
// again, which stores nothing, and then the second.
func TestCrashBetweenTwoIntents(t *testing.T) {
	w := theWorld()
	h := w.handler(t)
	m := message("acumatica", "invoice", "changed", "Invoice AR000001", invoiceHint)
	w.fail["publish default/stripe/invoice"] = fault.Newf("bus.unavailable", "x")
	if _, err := h.Handle(t.Context(), m); err == nil {
		t.Fatal("no error")
	}
	clear(w.fail)
	out, err := h.Handle(t.Context(), m)
	if err != nil || out.Outcome != schemas.Applied || out.Reason != "published 1 intent" || len(out.Intents) != 2 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestAskingForEverIsBounded(t *testing.T) {
	var doc strings.Builder
	doc.WriteString("id: deep\nversion: 1\ntrigger: {source: stripe, object: x, verbs: [y]}\nsteps:\n")
	previous := "hint.id"
	for i := range maxRounds + 1 {
		fmt.Fprintf(&doc, "  - id: s%d\n    link: {kind: customer, side: stripe, id: %s}\n", i, previous)
		previous = fmt.Sprintf("s%d.stripe_id", i)
	}
	doc.WriteString("intents:\n  - {id: a, target: stripe, document: x, verb: annotate, key: hint.id, fields: {id: hint.id, metadata: {}}}\n")
	d, err := flow.Parse("deep.yaml", []byte(doc.String()))
	if err != nil {
		t.Fatal(err)
	}
	h := theWorld().handler(t)
	h.o.Flows = []*flow.Document{d}
	h.o.Links = linkFunc(func(string) (link.Link, bool, error) { return link.Link{StripeID: "cus_9"}, true, nil })
	_, err = h.Handle(t.Context(), stripeEvent("x", "y", `{"id":"x_1"}`))
	if err == nil || fault.Of(err).Code != "flow.rounds_exceeded" {
		t.Errorf("got %v", err)
	}
}

// reference is the folder of recorded examples beside the repository.
func reference(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no go.mod above")
		}
	}
	ref := filepath.Join(dir, "..", "shared", "reference")
	if _, err := os.Stat(ref); err != nil {
		t.Skip("the recorded examples are not here")
	}
	return ref
}

// TestRecordedWebhooksEndWithAReason handles every recorded body: each ends,
// or is parked or tried again with a code; none panics.
func TestRecordedWebhooksEndWithAReason(t *testing.T) {
	bodies, err := filepath.Glob(filepath.Join(reference(t), "stripe", "webhook-events", "*.json"))
	if err != nil || len(bodies) == 0 {
		t.Skip("no recorded bodies")
	}
	for _, path := range bodies {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var head struct{ Type string }
			if err := json.Unmarshal(raw, &head); err != nil {
				t.Fatal(err)
			}
			i := strings.LastIndexByte(head.Type, '.')
			w := theWorld()
			h := w.handler(t)
			conn := h.o.Connections["default"]
			conn.Stripe = stripeFunc(func(string, string, []string) (json.RawMessage, error) {
				var body struct {
					Data struct{ Object json.RawMessage }
				}
				return body.Data.Object, json.Unmarshal(raw, &body)
			})
			h.o.Connections["default"] = conn
			out, err := h.Handle(t.Context(), message("stripe", head.Type[:max(i, 0)], head.Type[i+1:], "", string(raw)))
			if err != nil && fault.Of(err).Code == "internal.unclassified" {
				t.Errorf("unclassified: %v", err)
			}
			if err == nil && (out.Outcome == "" || out.Reason == "") {
				t.Errorf("ended without a reason: %+v", out)
			}
		})
	}
}

func FuzzHandle(f *testing.F) {
	f.Add("stripe", "invoice", "paid", stripeInvoice, `{"object":"event","livemode":false,"data":{"object":`+paidHint+`}}`)
	f.Add("acumatica", "invoice", "changed", `{}`, invoiceHint)
	f.Add("stripe", "charge", "succeeded", `{"id":{}}`, `{"object":"event","livemode":false,"data":{"object":{"id":{},"customer":[]}}}`)
	docs, err := flows.Load()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source, object, verb, snapshot, data string) {
		h := New(Options{
			Flows: docs,
			Connections: map[string]Connection{"default": {
				Books:  flow.Books{TimeZone: "UTC", PaymentMethod: "M", CashAccounts: map[string]string{"USD": "1"}},
				Stripe: stripeFunc(func(string, string, []string) (json.RawMessage, error) { return json.RawMessage(snapshot), nil }),
			}},
			Links: linkFunc(func(key string) (link.Link, bool, error) {
				return link.Link{AcumaticaID: "Invoice AR1", StripeID: "in_1"}, len(key)%2 == 0, nil
			}),
			Publisher: publishFunc(func(schemas.Intent) (bus.PubAck, error) { return bus.PubAck{}, nil }),
		})
		out, err := h.Handle(t.Context(), message(source, object, verb, "", data))
		if err == nil && (out.Outcome == "" || out.Reason == "") {
			t.Errorf("ended without a reason: %+v", out)
		}
	})
}
