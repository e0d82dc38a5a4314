package flow

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"millrace/internal/fault"
	"millrace/schemas"
)

func parse(tb testing.TB, doc string) *Document {
	tb.Helper()
	d, err := Parse("f.yaml", []byte(doc))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func value(tb testing.TB, s string) any {
	tb.Helper()
	v, err := Decode([]byte(s))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func inputWith(tb testing.TB, hint string, facts Facts) Input {
	tb.Helper()
	m, _ := value(tb, hint).(map[string]any)
	return Input{Event: Event{
		ID: "evt_1", Type: "t", Connection: "default", Lane: "l", Source: "stripe", Object: "invoice", Verb: "paid", Hint: m, Seq: 9,
	}, Facts: facts}
}

const graph = `id: graph
version: 1
trigger: {source: stripe, object: invoice, verbs: [paid, sent]}
steps:
  - id: first_id
    let: hint.id
  - id: invoice
    fetch: {system: stripe, object: invoice, key: first_id}
  - id: by_stripe
    link: {kind: invoice, side: stripe, id: hint.id}
  - id: customer
    fetch: {system: acumatica, object: Customer, key: ['"X"', by_stripe.acumatica_id], custom: [A.B]}
  - id: never
    if: "false"
    link: {kind: customer, side: stripe, id: hint.absent}
  - id: unless_linked
    unless: hint.linked == true
    link: {kind: customer, side: stripe, id: hint.cus}
  - id: gate
    if: hint.gated == true
    when: invoice.open == true
    otherwise: {skip: "closed: ${invoice.total}"}
  - id: after_gate
    link: {kind: payment, side: stripe, id: hint.id}
intents:
  - id: note
    if: hint.note != false
    target: stripe
    document: invoice
    verb: annotate
    key: hint.id
    version: text(invoice.total)
    fields: {id: hint.id, metadata: {never: never, total: invoice.total, gate: text(gate)}}
    refs:
      - {system: stripe, kind: invoice, id: hint.id}
      - {system: stripe, kind: charge, id: invoice.charge}
    write_back: {object: invoice, id: hint.id, metadata_key: k}
`

func TestEvaluateAsksForWhatItCanAndNoMore(t *testing.T) {
	d := parse(t, graph)
	in := inputWith(t, `{"id": "in_1", "cus": "cus_1", "linked": false, "note": true, "gated": true}`, Facts{})
	round := func() []string {
		res, err := Evaluate(t.Context(), d, in)
		if err != nil {
			t.Fatal(err)
		}
		var steps []string
		for _, n := range res.Needs {
			steps = append(steps, n.Step)
		}
		return steps
	}
	// customer waits for by_stripe; after_gate waits for the gate.
	if got, want := round(), []string{"invoice", "by_stripe", "unless_linked"}; !cmp.Equal(got, want) {
		t.Fatalf("first round %v, want %v", got, want)
	}
	in.Facts = Facts{"invoice": value(t, `{"open": true, "total": 12.50}`), "by_stripe": value(t, `{"acumatica_id": "AR1"}`), "unless_linked": nil}
	res, err := Evaluate(t.Context(), d, in)
	if err != nil {
		t.Fatal(err)
	}
	want := []Need{{Step: "customer", Fetch: &FetchNeed{System: "acumatica", Object: "Customer", Keys: []string{"X", "AR1"}, Custom: []string{"A.B"}}}}
	if diff := cmp.Diff(want, res.Needs); diff != "" {
		t.Fatal(diff)
	}
	in.Facts["customer"] = nil
	if got, want := round(), []string{"after_gate"}; !cmp.Equal(got, want) {
		t.Fatalf("third round %v, want %v", got, want)
	}
	in.Facts["after_gate"] = nil
	if res, err = Evaluate(t.Context(), d, in); err != nil {
		t.Fatal(err)
	}
	wantIntents := []schemas.Intent{{
		ID: "default/stripe/invoice/annotate/in_1@12.50", Connection: "default", Lane: "l", Target: "stripe", Document: "invoice",
		Verb: "annotate", Key: "in_1", Version: "12.50", Flow: schemas.FlowRef{ID: "graph", Version: 1},
		Cause:     schemas.Cause{EventID: "evt_1", EventType: "t", EventSeq: 9},
		Refs:      []schemas.Ref{{System: "stripe", Kind: "invoice", ID: "in_1"}},
		Fields:    json.RawMessage(`{"id":"in_1","metadata":{"gate":"true","total":"12.50"}}`),
		WriteBack: &schemas.WriteBack{Object: "invoice", ID: "in_1", MetadataKey: "k"},
	}}
	if diff := cmp.Diff(wantIntents, res.Intents, cmpopts.IgnoreFields(schemas.FlowRef{}, "InputHash")); diff != "" {
		t.Error(diff)
	}
	if h := res.Intents[0].Flow.InputHash; len(h) != 64 {
		t.Errorf("input hash %q", h)
	}
}

func TestEvaluateEnds(t *testing.T) {
	all := Facts{"invoice": value(t, `{"open": false, "total": 12.50}`), "by_stripe": value(t, `{"acumatica_id": "AR1"}`), "unless_linked": nil, "customer": nil, "after_gate": nil}
	for _, tt := range []struct {
		name, hint string
		want       Result
	}{
		{"skipped with a reason", `{"id": "in_1", "cus": "c", "gated": true}`, Result{Skipped: &Stop{Reason: "closed: 12.50"}}},
		{"no intent left", `{"id": "in_1", "cus": "c", "note": false}`, Result{Skipped: &Stop{Reason: "flow graph has nothing to ask for"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Evaluate(t.Context(), parse(t, graph), inputWith(t, tt.hint, all))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEvaluateErrorsNameStepAndLine(t *testing.T) {
	for _, tt := range []struct{ name, hint, says string }{
		{"no id to fetch by", `{}`, "flow graph: step invoice (line 7): flow.expression_failed: nothing where an id is needed"},
		{"an id that is a number", `{"id": 5}`, "a number where an id is needed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Evaluate(t.Context(), parse(t, graph), inputWith(t, tt.hint, Facts{}))
			if err == nil || !strings.Contains(err.Error(), tt.says) || fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v; want %q", err, tt.says)
			}
		})
	}
}

// payment is a document over acumatica payment with one expression replaced.
func payment(amount string) string {
	return `id: pay
version: 1
trigger: {source: stripe, object: invoice, verbs: [paid]}
intents:
  - id: payment
    target: acumatica
    document: payment
    verb: create
    key: '"ch_1"'
    fields:
      Type: '"Payment"'
      CustomerID: hint.customer
      PaymentMethod: '"M"'
      CashAccount: '"C"'
      CurrencyID: '"USD"'
      PaymentAmount: ` + amount + `
      PaymentRef: '"ch_1"'
      ApplicationDate: '"2026-01-01"'
      DocumentsToApply:
        - each: hint.rows
          as: line
          if: line.n != 0
          item: {DocType: '"Invoice"', ReferenceNbr: line.ref, AmountPaid: line.n}
`
}

func TestFields(t *testing.T) {
	const rows = `"rows": [{"ref": "A", "n": 1.10}, {"ref": "B", "n": 0}, {"ref": "C", "n": 2}]`
	for _, tt := range []struct{ name, amount, hint, want, err string }{
		{"amounts keep their places", "hint.amount", `{"customer": "C1", "amount": 120.50, ` + rows + `}`, `"PaymentAmount":"120.50","PaymentRef":"ch_1","ApplicationDate":"2026-01-01","DocumentsToApply":[{"DocType":"Invoice","ReferenceNbr":"A","AmountPaid":"1.10"},{"DocType":"Invoice","ReferenceNbr":"C","AmountPaid":"2"}]`, ""},
		{"an optional list may be empty", `'"1"'`, `{"customer": "C1"}`, `"ApplicationDate":"2026-01-01"}`, ""},
		{"a required field is missing", `'"1"'`, `{}`, "", "payment.CustomerID (line 12): the field is required"},
		{"a required field is empty", `'"1"'`, `{"customer": ""}`, "", "the field is required"},
		{"a text field gets a list", "hint.rows", `{"customer": "C1", ` + rows + `}`, "", "a list where a text is needed"},
		{"a text field gets a truth", "hint.yes", `{"customer": "C1", "yes": true}`, "", "true or false where a text is needed"},
		{"each over a text", `'"1"'`, `{"customer": "C1", "rows": "x"}`, "", "each: a text instead of a list"},
		{"a row without its field", `'"1"'`, `{"customer": "C1", "rows": [{"n": 1}]}`, "", "row 1: flow.field_invalid: payment.DocumentsToApply.ReferenceNbr"},
		{"a condition that is not one", `'"1"'`, `{"customer": "C1", "rows": [{"ref": "A"}]}`, "", "AmountPaid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := Evaluate(t.Context(), parse(t, payment(tt.amount)), inputWith(t, tt.hint, nil))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || fault.KindOf(err) != fault.Invalid {
					t.Errorf("got %v; want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := string(res.Intents[0].Fields); !strings.Contains(got, tt.want) {
				t.Errorf("got %s; want %s", got, tt.want)
			}
		})
	}
}

func invoiceDoc(total string) string {
	return `id: inv
version: 1
trigger: {source: stripe, object: invoice, verbs: [paid]}
intents:
  - id: invoice
    target: stripe
    document: invoice
    verb: upsert
    key: '"k"'
    fields:
      customer: {kind: '"customer"', id: '"C1"'}
      currency: '"usd"'
      lines:
        - {each: hint.lines, as: line, item: {description: line.d, amount: line.a}}
      total: ` + total + `
      metadata: {note: hint.note}
`
}

func TestMinorUnitsAreWholeNumbers(t *testing.T) {
	for _, tt := range []struct{ name, total, hint, err string }{
		{"fits", "hint.total", `{"total": 9223372036854775807, "lines": [{"d": "x", "a": -5.00}]}`, ""},
		{"zero is a value", "hint.total", `{"total": 0, "lines": [{"d": "x", "a": 0}]}`, ""},
		{"too big", "hint.total", `{"total": 9223372036854775808, "lines": [{"d": "x", "a": 1}]}`, "a number where minor units are needed"},
		{"a fraction", "hint.total", `{"total": 1.5, "lines": [{"d": "x", "a": 1}]}`, "where minor units are needed"},
		{"a text", "hint.total", `{"total": "1", "lines": [{"d": "x", "a": 1}]}`, "a text where minor units are needed"},
		{"nothing", "hint.total", `{"lines": [{"d": "x", "a": 1}]}`, "the field is required"},
		{"out of range", "hint.total", `{"total": 1e999, "lines": [{"d": "x", "a": 1}]}`, "a number out of range"},
		{"a line without an amount", "hint.total", `{"total": 1, "lines": [{"d": "x"}]}`, "row 1: "},
		{"a list that may be empty", "hint.total", `{"total": 1, "lines": []}`, ""},
		{"metadata too long", "hint.total", `{"total": 1, "lines": [{"d": "x", "a": 1}], "note": "` + strings.Repeat("x", 501) + `"}`, "Stripe allows 500"},
		{"too many rows", "hint.total", `{"total": 1, "lines": [` + strings.Repeat(`{"d": "x", "a": 1},`, maxRows) + `{"d": "x", "a": 1}]}`, "flow.budget_exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Evaluate(t.Context(), parse(t, invoiceDoc(tt.total)), inputWith(t, tt.hint, nil))
			if (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v; want %q", err, tt.err)
			}
		})
	}
}

func TestInputHashIsOfTheKnowledge(t *testing.T) {
	hash := func(id string, facts Facts) string {
		h, err := inputHash(Input{Event: Event{ID: id}, Facts: facts})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	one := hash("evt_1", Facts{"a": value(t, `{"x": 7000.0000, "y": [1, null]}`)})
	if one != hash("evt_1", Facts{"a": value(t, `{"y": [1.0, null], "x": 7000}`)}) {
		t.Error("the same knowledge has two hashes")
	}
	for name, other := range map[string]string{
		"event": hash("evt_2", Facts{"a": value(t, `{"x": 7000, "y": [1, null]}`)}),
		"fact":  hash("evt_1", Facts{"a": value(t, `{"x": 7001, "y": [1, null]}`)}),
		"step":  hash("evt_1", Facts{"b": value(t, `{"x": 7000, "y": [1, null]}`)}),
	} {
		if other == one {
			t.Errorf("another %s has the same hash", name)
		}
	}
}

func TestMatchPicksTheFirstThatHolds(t *testing.T) {
	with := func(id, trigger string) *Document {
		return parse(t, strings.NewReplacer("id: some-flow", "id: "+id, "trigger: {source: stripe, object: invoice, verbs: [paid]}", "trigger: "+trigger).Replace(good))
	}
	docs := []*Document{
		with("other-object", `{source: stripe, object: charge, verbs: [paid]}`),
		with("other-source", `{source: acumatica, object: invoice, verbs: [paid]}`),
		with("small", `{source: stripe, object: invoice, verbs: [sent, paid], if: hint.total < 10, otherwise: {skip: "${hint.total} is not small"}}`),
		with("large", `{source: stripe, object: invoice, verbs: [paid], if: hint.total > 100, otherwise: {skip: "not large"}}`),
		with("also-large", `{source: stripe, object: invoice, verbs: [paid], if: hint.total > 100, otherwise: {skip: "not large"}}`),
	}
	for _, tt := range []struct{ hint, verb, want, reason string }{
		{`{"total": 5}`, "paid", "small", ""},
		{`{"total": 500}`, "paid", "large", ""},
		{`{"total": 50}`, "paid", "", "50 is not small"},
		{`{"total": 50}`, "voided", "", "no flow handles invoice.voided"},
	} {
		in := inputWith(t, tt.hint, nil)
		in.Event.Verb = tt.verb
		d, reason, err := Match(t.Context(), docs, in)
		got := ""
		if d != nil {
			got = d.ID
		}
		if err != nil || got != tt.want || reason != tt.reason {
			t.Errorf("%s: %q, %q, %v", tt.hint, got, reason, err)
		}
	}
	if _, _, err := Match(t.Context(), docs, inputWith(t, `{"total": "x"}`, nil)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a hint of another shape: %v", err)
	}
}

func TestEvaluateStopsAtTheDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Evaluate(ctx, parse(t, payment(`hint.a + 1`)), inputWith(t, `{"customer": "C1", "a": 1}`, nil))
	if err == nil || fault.Of(err).Code != "flow.deadline" || fault.KindOf(err) != fault.Transient {
		t.Errorf("got %v", err)
	}
}

func TestDocumentIsSafeForConcurrentUse(t *testing.T) {
	d := parse(t, payment("hint.amount"))
	in := inputWith(t, `{"customer": "C1", "amount": 120.50, "rows": [{"ref": "A", "n": 1}]}`, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if res, err := Evaluate(t.Context(), d, in); err != nil || len(res.Intents) != 1 {
					t.Errorf("%+v, %v", res, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTypesThatFlowsCannotFillAreRefused(t *testing.T) {
	for _, tt := range []struct {
		typ  reflect.Type
		want bool
	}{
		{reflect.TypeFor[string](), true},
		{reflect.TypeFor[*schemas.StripeAddress](), true},
		{reflect.TypeFor[map[string]string](), true},
		{reflect.TypeFor[bool](), true},
		{reflect.TypeFor[float64](), false},
		{reflect.TypeFor[*string](), false},
		{reflect.TypeFor[map[string]int](), false},
	} {
		if got := fillable(tt.typ); got != tt.want {
			t.Errorf("%v: %v", tt.typ, got)
		}
	}
}
