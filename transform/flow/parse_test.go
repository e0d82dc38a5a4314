package flow

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/fault"
)

const good = `id: some-flow
version: 3
trigger: {source: stripe, object: invoice, verbs: [paid]}
steps:
  - id: invoice
    fetch: {system: stripe, object: invoice, key: hint.id, expand: [charge]}
  - id: paid
    when: invoice.paid == true
    otherwise: {skip: "not paid"}
intents:
  - id: note
    target: stripe
    document: invoice
    verb: annotate
    key: invoice.id
    fields:
      id: invoice.id
      metadata: {seen: '"yes"'}
`

// problems parses a document and returns "line:column message" of everything
// that is wrong.
func problems(t *testing.T, doc string) []string {
	t.Helper()
	_, err := Parse("f.yaml", []byte(doc))
	if err == nil {
		return nil
	}
	if code := fault.Of(err).Code; code != "flow.document_invalid" {
		t.Errorf("code %s", code)
	}
	p, ok := errors.AsType[Problems](err)
	if !ok {
		t.Fatalf("not problems: %v", err)
	}
	var out []string
	for _, one := range p {
		out = append(out, fmt.Sprintf("%d:%d %s", one.Line, one.Column, one.Message))
	}
	return out
}

func TestParse(t *testing.T) {
	d, err := Parse("f.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != "some-flow" || d.Version != 3 || !cmp.Equal(d.Steps(), []string{"invoice", "paid"}) {
		t.Errorf("got %+v", d)
	}
}

func TestParseNamesLineAndColumn(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"unknown key", "version: 3", "verzion: 3", "2:1 unknown key verzion in the flow; did you mean version? known: applied, id, intents, steps, summary, tell, trigger, version"},
		{"missing key", "version: 3\n", "", "1:1 the flow needs version"},
		{"key given twice", "version: 3", "version: 3\nversion: 4", "3:1 "},
		{"bad id", "some-flow", "Some Flow", "1:5 id \"Some Flow\" must match"},
		{"bad version", "version: 3", "version: three", "2:10 version must be a whole number"},
		{"unknown source", "source: stripe", "source: paypal", "3:19 source must be stripe or acumatica"},
		{"if without otherwise", "verbs: [paid]", "verbs: [paid], if: hint.x == 1", "3:10 if and otherwise belong together"},
		{"unknown step key", "otherwise: {skip", "else: {skip", "9:5 unknown key else in a step"},
		{"unknown name", "when: invoice.paid", "when: invoise.paid", "8:11 unknown name invoise; known here: event, hint, books, invoice"},
		{"column inside an expression", "when: invoice.paid == true", "when: invoice.paid == tru", "8:27 unknown name tru"},
		{"column inside quotes", "when: invoice.paid == true", `when: 'invoice.paid == tru'`, "8:28 unknown name tru"},
		{"line inside a block", "when: invoice.paid == true", "when: |\n      invoice.paid == tru", "9:23 unknown name tru"},
		{"a step that comes later", "key: hint.id", "key: paid", "6:51 unknown name paid"},
		{"syntax", "when: invoice.paid == true", "when: invoice.paid ==", "8:25 unexpected token"},
		{"float", "invoice.paid == true", "invoice.paid == 0.5", "8:27 a literal with a decimal point"},
		{"reason", `"not paid"`, `"${invoce.id} not paid"`, "9:26 unknown name invoce"},
		{"reason not closed", `"not paid"`, `"${invoice.id not paid"`, "9:23 ${ without }"},
		{"two kinds of step", "    when: ", "    let: hint\n    when: ", "7:5 a step needs exactly one of"},
		{"when without otherwise", "    otherwise: {skip: \"not paid\"}\n", "", "7:5 when and otherwise belong together"},
		{"two ends", `{skip: "not paid"}`, `{skip: "a", park: {code: flow.total_mismatch, reason: b}}`, "9:16 otherwise needs exactly one of"},
		{"unknown code", `{skip: "not paid"}`, `{park: {code: flow.nope, reason: b}}`, "9:30 unknown code flow.nope"},
		{"code of another kind", `{skip: "not paid"}`, `{park: {code: flow.link_pending, reason: b}}`, "9:30 code flow.link_pending is of kind transient: it does not park"},
		{"step id twice", "  - id: paid", "  - id: invoice", "7:5 the name invoice is already taken"},
		{"step id reserved", "  - id: paid", "  - id: sum", "7:9 the name sum is reserved"},
		{"step id not a name", "  - id: paid", "  - id: is-paid", "7:9 id \"is-paid\" must match"},
		{"optional in Stripe", "key: hint.id,", "key: hint.id, optional: true,", "6:12 a fetch from stripe has one key"},
		{"unknown document", "document: invoice", "document: payslip", ""},
		{"unknown verb", "verb: annotate", "verb: delete", `11:5 a stripe invoice cannot be asked to "delete"; known: upsert`},
		{"unknown field", "      id: invoice.id", "      id: invoice.id\n      ident: invoice.id", "18:7 unknown field ident in invoice; known: id, metadata"},
		{"missing field", "      id: invoice.id\n", "", "17:7 invoice needs id"},
		{"metadata key", "{seen:", "{'a[b]':", "18:18 metadata key \"a[b]\""},
		{"an expression that is a list", "key: invoice.id", "key: [invoice.id]", "15:10 an expression is needed here"},
		{"an expression that is empty", "key: invoice.id", "key:", "15:9 an expression is needed here"},
		{"bad YAML", "version: 3", "version: [3", ""},
		{"not a mapping", good, "- a\n- b\n", "1:1 the flow must be a mapping"},
		{"empty", good, "", "1:1 one document is needed"},
		{"two documents", good, good + "---\n" + good, "1:1 one document is needed, there are 2"},
		{"neither intents nor tell", good[strings.Index(good, "intents:"):], "", "1:1 the flow needs either intents or tell"},
		{"intents and tell", "intents:", "tell: {source: acumatica, object: invoice, verb: changed, lane: hint.id, key: hint.id, hint: {}}\nintents:", "1:1 the flow needs either intents or tell"},
		{"tell beside another flow", good[strings.Index(good, "trigger:"):], "trigger: {source: stripe, object: invoice, verbs: [paid], beside: true}\ntell: {source: acumatica, object: invoice, verb: changed, lane: hint.id, key: hint.id, hint: {}}\n", "4:7 a flow that goes beside"},
		{"a tell that lacks something", "intents:", "tell: {source: acumatica, object: invoice, verb: changed, lane: hint.id, hint: {}}\nintents:", "10:7 tell needs key"},
		{"a tell of a name that is unknown", "intents:", "tell: {source: acumatica, object: invoice, verb: changed, lane: hint.id, key: hint.id, hint: {Type: hnt.id}}\nintents:", "10:101 unknown name hnt"},
		{"intent twice", "intents:\n", "intents:\n  - {id: note, target: stripe, document: invoice, verb: annotate, key: hint.id, fields: {id: hint.id, metadata: {}}}\n", "12:5 the intent id note is already taken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(good, tt.old) {
				t.Fatalf("the case changes nothing: %q", tt.old)
			}
			got := problems(t, strings.Replace(good, tt.old, tt.new, 1))
			if tt.name == "unknown document" { // a Stripe object of any kind can be annotated
				if len(got) != 0 {
					t.Errorf("got %v", got)
				}
				return
			}
			for _, p := range got {
				if strings.HasPrefix(p, tt.want) {
					return
				}
			}
			t.Errorf("got %q; want %q", got, tt.want)
		})
	}
}

func TestParseFindsAllProblemsAtOnce(t *testing.T) {
	doc := strings.NewReplacer("version: 3", "version: x", "hint.id", "hnt.id", "annotate", "erase").Replace(good)
	if got := problems(t, doc); len(got) != 3 {
		t.Errorf("got %q", got)
	}
}

func TestLoad(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	docs, err := Load(fstest.MapFS{
		"b.yaml": file(good), "a.yaml": file(strings.Replace(good, "some-flow", "other-flow", 1)), "README.md": file("no"),
	})
	if err != nil || len(docs) != 2 || docs[0].ID != "other-flow" {
		t.Errorf("got %v, %v", docs, err)
	}
	_, err = Load(fstest.MapFS{"a.yaml": file(good), "b.yaml": file(good), "c.yaml": file("x: 1")})
	p, _ := errors.AsType[Problems](err)
	want := "b.yaml:1:1: the flow id some-flow is already taken by a.yaml"
	if len(p) < 2 || p[0].String() != want {
		t.Errorf("got %v", err)
	}
	if _, err = Load(os.DirFS(t.TempDir())); err != nil {
		t.Errorf("no files: %v", err)
	}
}

func TestHugeDocumentIsRefused(t *testing.T) {
	got := problems(t, good+"# "+strings.Repeat("x", maxDocument))
	if len(got) != 1 || !strings.Contains(got[0], "more than") {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("id: a\nsteps:\n  - &x {id: *x}\n")
	f.Add("? [a]\n: b\n")
	f.Add("id: !!binary x\ntrigger: <<")
	f.Fuzz(func(t *testing.T, doc string) {
		d, err := Parse("f.yaml", []byte(doc))
		if err == nil && (d.ID == "" || d.Version < 1 || len(d.intents) == 0) {
			t.Errorf("accepted %q", doc)
		}
	})
}
