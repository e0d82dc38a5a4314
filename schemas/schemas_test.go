package schemas_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"millrace/schemas"
)

// goType is the Go type of each schema.
func goType(name string) reflect.Type {
	switch name {
	case "intent.v1":
		return reflect.TypeFor[schemas.Intent]()
	case "outcome.v1":
		return reflect.TypeFor[schemas.Outcome]()
	case "stripe-customer.v1":
		return reflect.TypeFor[schemas.StripeCustomer]()
	case "stripe-invoice.v1":
		return reflect.TypeFor[schemas.StripeInvoice]()
	case "stripe-product.v1":
		return reflect.TypeFor[schemas.StripeProduct]()
	case "stripe-metadata.v1":
		return reflect.TypeFor[schemas.StripeMetadata]()
	case "acumatica-payment.v1":
		return reflect.TypeFor[schemas.AcumaticaPayment]()
	case "acumatica-payment-void.v1":
		return reflect.TypeFor[schemas.AcumaticaPaymentVoid]()
	case "acumatica-refund.v1":
		return reflect.TypeFor[schemas.AcumaticaRefund]()
	case "acumatica-creditmemo.v1":
		return reflect.TypeFor[schemas.AcumaticaCreditMemo]()
	case "acumatica-annotation.v1":
		return reflect.TypeFor[schemas.AcumaticaAnnotation]()
	case "acumatica-journal.v1":
		return reflect.TypeFor[schemas.AcumaticaJournal]()
	}
	return nil
}

// compiled is every schema by its name, "intent.v1".
func compiled(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(jsonschema.SchemeURLLoader{}) // nothing is fetched
	names, err := fs.Glob(schemas.Files, "*.schema.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	for _, name := range names {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(read(t, name)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.AddResource(schemas.Base+name, doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	out := make(map[string]*jsonschema.Schema)
	for _, name := range names {
		s, err := c.Compile(schemas.Base + name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s.ID != schemas.Base+name {
			t.Errorf("%s has the $id %s", name, s.ID)
		}
		out[strings.TrimSuffix(name, ".schema.json")] = s
	}
	return out
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(schemas.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func instance(t *testing.T, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// examples lists the examples of a schema.
func examples(t *testing.T, name string) []string {
	t.Helper()
	files, err := fs.Glob(schemas.Files, "examples/"+name+".*.json")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestExamplesAreValidAndRoundTrip(t *testing.T) {
	for name, schema := range compiled(t) {
		files := examples(t, name)
		if len(files) == 0 {
			t.Errorf("%s has no example", name)
		}
		for _, file := range files {
			t.Run(file, func(t *testing.T) {
				data := read(t, file)
				if err := schema.Validate(instance(t, data)); err != nil {
					t.Fatal(err)
				}
				typ := goType(name)
				if typ == nil {
					t.Fatalf("%s has no Go type", name)
				}
				v := reflect.New(typ).Interface()
				dec := json.NewDecoder(bytes.NewReader(data))
				dec.DisallowUnknownFields()
				if err := dec.Decode(v); err != nil {
					t.Fatal(err)
				}
				back, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(instance(t, data), instance(t, back)); diff != "" {
					t.Errorf("-example +Go:\n%s", diff)
				}
			})
		}
	}
}

// TestSchemasAndGoTypesHaveTheSameFields: a field that only one side has is a
// contract that nobody keeps.
func TestSchemasAndGoTypesHaveTheSameFields(t *testing.T) {
	for name, schema := range compiled(t) {
		typ := goType(name)
		if typ == nil {
			t.Errorf("%s has no Go type", name)
			continue
		}
		sameFields(t, name, schema, typ)
	}
}

func sameFields(t *testing.T, path string, s *jsonschema.Schema, typ reflect.Type) {
	t.Helper()
	for s.Ref != nil {
		s = s.Ref
	}
	switch kind := typ.Kind(); {
	case kind == reflect.Pointer:
		sameFields(t, path, s, typ.Elem())
		return
	case kind == reflect.Slice:
		if item, ok := s.Items2020, typ.Elem().Kind() == reflect.Struct; item != nil && ok {
			sameFields(t, path+"[]", item, typ.Elem())
		}
		return
	case kind != reflect.Struct:
		return
	}
	if len(s.Properties) == 0 { // date-time and the like
		return
	}
	required := map[string]bool{}
	for _, r := range s.Required {
		required[r] = true
	}
	seen := map[string]bool{}
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		seen[name] = true
		p, ok := s.Properties[name]
		if !ok {
			t.Errorf("%s: Go has %s, the schema has not", path, name)
			continue
		}
		if required[name] == (options == "omitempty") {
			t.Errorf("%s.%s: required is %v, Go says %q", path, name, required[name], options)
		}
		sameFields(t, path+"."+name, p, f.Type)
	}
	for name := range s.Properties {
		if !seen[name] {
			t.Errorf("%s: the schema has %s, Go has not", path, name)
		}
	}
}

// TestSchemasRefuse changes one thing of a valid example at a time.
func TestSchemasRefuse(t *testing.T) {
	all := compiled(t)
	for _, tt := range []struct{ example, old, new string }{
		{"intent.v1.stripe-invoice", `"target": "stripe"`, `"target": "paypal"`},
		{"intent.v1.stripe-invoice", `"verb": "upsert"`, `"verb": "delete"`},
		{"intent.v1.stripe-invoice", `"total": 12050`, `"total": 120.5`},
		{"intent.v1.stripe-invoice", `"total": 12050`, `"total": "12050"`},
		{"intent.v1.stripe-invoice", `"currency": "usd"`, `"currency": "USD"`},
		{"intent.v1.stripe-invoice", `"currency": "usd",`, ``},
		{"intent.v1.stripe-invoice", `"fields"`, `"field"`},
		{"intent.v1.acumatica-payment", `"PaymentAmount": "120.50"`, `"PaymentAmount": 120.50`},
		{"intent.v1.acumatica-payment", `"PaymentAmount": "120.50"`, `"PaymentAmount": "-120.50"`},
		{"intent.v1.acumatica-payment", `"PaymentAmount": "120.50"`, `"PaymentAmount": "1e3"`},
		{"intent.v1.acumatica-payment", `"Type": "Payment"`, `"Type": "Refund"`},
		{"intent.v1.acumatica-payment", `"PaymentRef": "ch_1"`, `"PaymentRef": ""`},
		{"intent.v1.acumatica-payment", `"metadata_key": "acumatica_payment_ref"`, `"metadata_key": "a[b]"`},
		{"intent.v1.acumatica-journal", `"CreditAmount": "3.80"`, `"CreditAmount": "3.80", "DebitAmount": "3.80"`},
		{"intent.v1.acumatica-journal", ` [mr 3f0a9c2b5d1e4f60]`, ``},
		{"acumatica-refund.v1.of-payment", `"DocType": "Prepayment",`, ``},
		{"acumatica-refund.v1.of-payment", `"Type": "Refund"`, `"Type": "Payment"`},
		{"acumatica-refund.v1.of-credit-memo", `"Link": {`, `"DocType": "Credit Memo", "Link": {`},
		{"acumatica-creditmemo.v1.refund", `"CustomerOrder": "re_1",`, ``},
		{"intent.v1.stripe-customer", `"name": "Northwind Ltd"`, `"name": ""`},
		{"outcome.v1.applied", `"outcome": "applied"`, `"outcome": "vanished"`},
		{"outcome.v1.applied", `"reason": "published 1 intent"`, `"reason": ""`},
		{"outcome.v1.applied", `"at": "2026`, `"at": "yesterday 2026`},
	} {
		t.Run(tt.new, func(t *testing.T) {
			data := string(read(t, "examples/"+tt.example+".json"))
			if !strings.Contains(data, tt.old) {
				t.Fatalf("the case changes nothing: %s", tt.old)
			}
			name := strings.Join(strings.Split(tt.example, ".")[:2], ".")
			if all[name].Validate(instance(t, []byte(strings.Replace(data, tt.old, tt.new, 1)))) == nil {
				t.Error("valid")
			}
		})
	}
}

func TestIntentID(t *testing.T) {
	for _, tt := range []struct{ version, want string }{
		{"", "default/stripe/customer/upsert/C1"},
		{"2026-03-02T10:00:00Z", "default/stripe/customer/upsert/C1@2026-03-02T10:00:00Z"},
	} {
		if got := schemas.IntentID("default", "stripe", "customer", "upsert", "C1", tt.version); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestEventType(t *testing.T) {
	if got := schemas.EventType("stripe", "charge.dispute", "closed"); got != "io.millrace.stripe.charge.dispute.closed.v1" {
		t.Errorf("got %s", got)
	}
}

func TestJournalReferenceIsFoundInTheDescription(t *testing.T) {
	ref := schemas.JournalReference("default", "po_1/2026-03/USD")
	got, ok := schemas.AcumaticaJournal{Description: "Stripe po_1 [mr x] 2026-03 USD " + ref}.Reference()
	if !ok || got != ref {
		t.Errorf("got %q, want %q", got, ref)
	}
	if ref == schemas.JournalReference("other", "po_1/2026-03/USD") || ref == schemas.JournalReference("default", "po_1/2026-04/USD") {
		t.Error("two journals share a reference")
	}
	if got, ok := (schemas.AcumaticaJournal{Description: "typed by hand"}).Reference(); ok {
		t.Errorf("got %q of a description without one", got)
	}
}
