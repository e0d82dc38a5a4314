package flows

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"millrace/schemas"
	"millrace/transform/flow"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden is what a case comes to: which flow took it, what was asked for in
// which round, and the end.
type golden struct {
	Flow   string        `json:"flow,omitempty"`
	Reason string        `json:"reason,omitempty"` // when no flow took it
	Rounds [][]flow.Need `json:"rounds,omitempty"`
	Result *flow.Result  `json:"result,omitempty"`
}

// input reads in.json: {"event": {...}, "books": {...}, "facts": {...}}.
func input(tb testing.TB, path string) (flow.Input, flow.Facts) {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var doc struct {
		Event struct {
			Source, Object, Verb, Key, Lane string
			Hint                            json.RawMessage
		}
		Books flow.Books
		Facts map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		tb.Fatal(err)
	}
	decode := func(raw []byte) any {
		v, err := flow.Decode(raw)
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
	hint, _ := decode(doc.Event.Hint).(map[string]any)
	facts := flow.Facts{}
	for step, raw := range doc.Facts {
		facts[step] = decode(raw)
	}
	e := doc.Event
	if e.Lane == "" {
		e.Lane = "lane"
	}
	return flow.Input{
		Event: flow.Event{
			ID: "evt_1", Type: schemas.EventType(e.Source, e.Object, e.Verb), Connection: "default", Lane: e.Lane,
			Source: e.Source, Object: e.Object, Verb: e.Verb, Key: e.Key, Seq: 7, Time: time.Unix(1_775_100_000, 0), Hint: hint,
		},
		Books: doc.Books,
	}, facts
}

// answer runs the flow until it has no more needs, answering from facts only
// what it asks for.
func answer(ctx context.Context, d *flow.Document, in flow.Input, facts flow.Facts) (golden, error) {
	out := golden{Flow: d.ID}
	in.Facts = flow.Facts{}
	for range 10 {
		res, err := flow.Evaluate(ctx, d, in)
		if err != nil {
			return out, err
		}
		if len(res.Needs) == 0 {
			out.Result = &res
			return out, nil
		}
		out.Rounds = append(out.Rounds, res.Needs)
		for _, n := range res.Needs {
			in.Facts[n.Step] = facts[n.Step]
		}
	}
	return out, nil
}

func TestGolden(t *testing.T) {
	docs, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := filepath.Glob("testdata/*/*/in.json")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		dir := filepath.Dir(path)
		name := filepath.Base(filepath.Dir(dir))
		t.Run(name+"/"+filepath.Base(dir), func(t *testing.T) {
			in, facts := input(t, path)
			pick := flow.Match
			if slices.ContainsFunc(docs, func(d *flow.Document) bool { return d.ID == name && d.Trigger.Beside }) {
				pick = flow.Beside
			}
			d, reason, err := pick(t.Context(), docs, in)
			if err != nil {
				t.Fatal(err)
			}
			out := golden{Reason: reason}
			if d != nil {
				if d.ID != name {
					t.Errorf("taken by %s", d.ID)
				}
				if out, err = answer(t.Context(), d, in, facts); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, filepath.Join(dir, "want.json"), out)
			if out.Result != nil {
				published(t, out.Result.Intents)
			}
		})
	}
}

// published checks the intents against the schema that they are published
// under.
func published(t *testing.T, made []schemas.Intent) {
	t.Helper()
	c := jsonschema.NewCompiler()
	names, err := fs.Glob(schemas.Files, "*.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(schemas.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(schemas.Base+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile(schemas.Base + "intent.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range made {
		data, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", in.ID, err)
		}
	}
}

func compare(t *testing.T, path string, out golden) {
	t.Helper()
	got, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run go test -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestEveryWayOutHasACase keeps the goldens complete: each code that a flow
// can stop with, and each kind of end, is the end of some case.
func TestEveryWayOutHasACase(t *testing.T) {
	docs, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		seen := map[string]bool{}
		cases, err := filepath.Glob("testdata/" + d.ID + "/*/want.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range cases {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var want golden
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			if want.Result == nil { // its trigger has refused it
				seen["skipped"] = true
				continue
			}
			for _, s := range []*flow.Stop{want.Result.Parked, want.Result.Retry} {
				if s != nil {
					seen[s.Code] = true
				}
			}
			seen["intents"] = seen["intents"] || len(want.Result.Intents) > 0 || want.Result.Tell != nil
			seen["skipped"] = seen["skipped"] || want.Result.Skipped != nil
		}
		for _, way := range append(d.Codes(), "intents", "skipped") {
			if !seen[way] {
				t.Errorf("%s: no case ends with %s", d.ID, way)
			}
		}
	}
}

// intents runs the case's flow to its intents.
func intents(t *testing.T, name, path string) []schemas.Intent {
	t.Helper()
	docs, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	in, facts := input(t, path)
	for _, d := range docs {
		if d.ID != name {
			continue
		}
		out, err := answer(t.Context(), d, in, facts)
		if err != nil {
			t.Fatal(err)
		}
		return out.Result.Intents
	}
	t.Fatalf("no flow %s", name)
	return nil
}

// Invariant 2: whatever event leads to a charge, it is the same intent. Whatever
// leads to a customer, it is the same customer: each telling is an intent of its
// own, which the link and its place among the events keep in order.
func TestTwoWaysToTheSameThingAreOneIntent(t *testing.T) {
	paid := intents(t, "stripe-invoice-paid", "testdata/stripe-invoice-paid/a-paid-invoice-becomes-a-payment-applied-to-it/in.json")
	charge := intents(t, "stripe-charge", "testdata/stripe-charge/a-charge-without-an-invoice-becomes-a-prepayment/in.json")
	if paid[0].ID != charge[0].ID {
		t.Errorf("a charge is %s and %s", paid[0].ID, charge[0].ID)
	}
	changed := intents(t, "acumatica-customer", "testdata/acumatica-customer/an-active-customer-is-upserted-with-its-revision/in.json")
	first := intents(t, "acumatica-invoice", "testdata/acumatica-invoice/an-unknown-customer-goes-first-with-the-revision-the-customer-flow-would-use/in.json")
	if !cmp.Equal(changed[0].Fields, first[0].Fields) {
		t.Errorf("a customer is\n%s %s and\n%s %s", changed[0].ID, changed[0].Fields, first[0].ID, first[0].Fields)
	}
	again := intents(t, "stripe-customer-deleted", "testdata/stripe-customer-deleted/one-that-is-active-in-acumatica-is-made-again/in.json")
	if !cmp.Equal(changed[0].Fields, again[0].Fields) {
		t.Errorf("a customer is\n%s %s and made again\n%s %s", changed[0].ID, changed[0].Fields, again[0].ID, again[0].Fields)
	}
}

// Costs are part of the promise: one read of Stripe for a payment, none for
// what is already known.
func TestReadsPerEvent(t *testing.T) {
	for _, tt := range []struct {
		path  string
		reads int
	}{
		{"stripe-invoice-paid/a-paid-invoice-becomes-a-payment-applied-to-it", 1},
		{"stripe-charge/a-charge-without-an-invoice-becomes-a-prepayment", 1},
		{"stripe-charge/a-charge-that-pays-an-invoice-is-left-to-it-without-a-read", 0},
		{"stripe-charge/a-bank-debit-of-an-invoice-that-it-pays-is-left-to-it", 1},
		{"stripe-charge/a-bank-debit-whose-invoice-was-void-is-a-prepayment-to-be-looked-at", 1},
		{"stripe-invoice-note/an-invoice-that-was-finalised-shows-its-page", 1},
		{"stripe-invoice-note/an-invoice-of-somebody-else-is-left-without-a-read", 0},
		{"stripe-customer-note/a-customer-that-was-made-is-shown-without-a-read", 0},
		{"acumatica-customer/an-active-customer-is-upserted-with-its-revision", 1},
		{"acumatica-item/a-stock-item-that-is-sold-becomes-a-product-at-a-part-of-a-cent", 0},
		{"acumatica-invoice/an-open-invoice-of-a-linked-customer-is-created-with-lines-and-tax", 1},
		{"acumatica-invoice/an-invoice-paid-by-cheque-is-over-nothing", 2},                         // the other one of Stripe
		{"acumatica-invoice/what-Stripe-was-paid-for-is-closed-without-a-read-of-the-document", 1}, // of Stripe
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", tt.path, "want.json"))
		if err != nil {
			t.Fatal(err)
		}
		var want golden
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		reads := 0
		for _, round := range want.Rounds {
			for _, n := range round {
				if n.Fetch != nil {
					reads++
				}
			}
		}
		if reads != tt.reads {
			t.Errorf("%s: %d reads, want %d", tt.path, reads, tt.reads)
		}
	}
}

// FuzzHostileInput: no event, however hostile, and no answer of a system
// panics or gets through as an intent that breaks its own fields.
func FuzzHostileInput(f *testing.F) {
	docs, err := Load()
	if err != nil {
		f.Fatal(err)
	}
	cases, err := filepath.Glob("testdata/*/*/in.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range cases {
		raw, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		var doc struct {
			Event struct{ Hint json.RawMessage }
			Facts json.RawMessage
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(doc.Event.Hint), []byte(doc.Facts))
	}
	f.Add([]byte(`[]`), []byte(`{"snapshot": []}`))
	f.Add([]byte(`{"id": {"id": 1}, "Type": 7}`), []byte(`{"charge": 1e999999999}`))
	f.Fuzz(func(t *testing.T, hint, facts []byte) {
		h, err := flow.Decode(hint)
		if err != nil {
			return
		}
		known, err := flow.Decode(facts)
		if err != nil {
			return
		}
		in := flow.Input{Books: flow.Books{TimeZone: "UTC", PaymentMethod: "M", CashAccounts: map[string]string{"USD": "1"}}}
		in.Event.Hint, _ = h.(map[string]any)
		all, _ := known.(map[string]any)
		for _, d := range docs {
			event := d.Trigger.Events[0]
			dot := strings.LastIndexByte(event, '.')
			in.Event.Source, in.Event.Object, in.Event.Verb = d.Trigger.Source, event[:dot], event[dot+1:]
			_, _, _ = flow.Match(t.Context(), docs, in)
			out, err := answer(t.Context(), d, in, all)
			if err != nil || out.Result == nil {
				continue
			}
			for _, i := range out.Result.Intents {
				if i.Key == "" || !json.Valid(i.Fields) {
					t.Errorf("%s made %+v", d.ID, i)
				}
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	docs, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct{ name, path string }{
		{"invoice", "acumatica-invoice/an-open-invoice-of-a-linked-customer-is-created-with-lines-and-tax"},
		{"paid", "stripe-invoice-paid/a-paid-invoice-becomes-a-payment-applied-to-it"},
	} {
		in, facts := input(b, filepath.Join("testdata", bb.path, "in.json"))
		d, _, err := flow.Match(b.Context(), docs, in)
		if err != nil || d == nil {
			b.Fatal(err)
		}
		in.Facts = facts
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if res, err := flow.Evaluate(b.Context(), d, in); err != nil || len(res.Intents) == 0 {
					b.Fatal(res, err)
				}
			}
		})
	}
}

// What the Stripe sink writes on a customer comes back as an event; nothing
// comes of it but, where a connection wants it, a note in Acumatica.
func TestOurOwnWritesOnCustomersAreNoWork(t *testing.T) {
	docs, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range [][2]string{
		{"customer", "created"}, {"customer", "updated"}, {"customer.tax_id", "created"}, {"customer.tax_id", "updated"}, {"customer.tax_id", "deleted"},
	} {
		in := flow.Input{
			Event: flow.Event{
				ID: "evt_1", Connection: "default", Lane: "cus_1", Source: schemas.Stripe, Object: e[0], Verb: e[1],
				Hint: map[string]any{"id": "cus_1", "object": e[0]},
			},
			Books: flow.Books{TimeZone: "UTC"},
		}
		d, reason, err := flow.Match(t.Context(), docs, in)
		if err != nil || d != nil || reason == "" {
			t.Errorf("%s.%s: taken by %v, reason %q, %v", e[0], e[1], d, reason, err)
		}
	}
}
