package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// shippedIntents are the intents that the shipped flows come to in their golden
// tests, by where they are.
func shippedIntents(t *testing.T) map[string][]schemas.Intent {
	t.Helper()
	found := make(map[string][]schemas.Intent)
	root := filepath.Join("..", "..", "transform", "flows", "testdata")
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "want.json" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var want struct {
			Result struct {
				Intents []schemas.Intent `json:"intents"`
			} `json:"result"`
		}
		found[path] = nil
		if err := json.Unmarshal(data, &want); err != nil {
			return err
		}
		found[path] = want.Result.Intents
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestTheSinksTakeWhatTheFlowsMake: the check of an edited intent refuses
// nothing that a sink would post, of any kind.
func TestTheSinksTakeWhatTheFlowsMake(t *testing.T) {
	kinds := make(map[string]bool)
	for path, intents := range shippedIntents(t) {
		for _, in := range intents {
			kinds[in.Target+" "+in.Document+" "+in.Verb] = true
			if err := checkIntent(in); err != nil {
				t.Errorf("%s: %s: %v", path, in.ID, err)
			}
			in.Fields = append(in.Fields[:len(in.Fields)-1:len(in.Fields)-1], `,"Amuont":"1"}`...)
			if err := checkIntent(in); err == nil || fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s: %s with a field that its document has not: %v", path, in.ID, err)
			}
		}
	}
	annotate := schemas.Intent{Target: schemas.Stripe, Document: "invoice", Verb: "annotate", Fields: []byte(`{"id":"in_1","metadata":{"a":"b"}}`)}
	if err := checkIntent(annotate); err != nil { // of own flows: none that is shipped makes one
		t.Error(err)
	}
	for _, want := range []string{
		"acumatica creditmemo create", "acumatica journal create", "acumatica payment create", "acumatica refund create",
		"stripe customer upsert", "stripe invoice upsert",
	} {
		if !kinds[want] {
			t.Errorf("no golden test of a flow makes %q", want)
		}
	}
}

// TestAMalformedEditIsRefusedBeforeItIsStored: by what the sink itself refuses.
func TestAMalformedEditIsRefusedBeforeItIsStored(t *testing.T) {
	intent := func(target, document, verb, fields string) schemas.Intent {
		return schemas.Intent{
			ID: schemas.IntentID("default", target, document, verb, "k", ""), Connection: "default", Lane: "C1",
			Target: target, Document: document, Verb: verb, Key: "k", Fields: []byte(fields),
		}
	}
	for name, tt := range map[string]struct {
		in     schemas.Intent
		refuse string
	}{
		"an amount that is a number":    {intent(schemas.Acumatica, "payment", "create", `{"PaymentAmount":12.5}`), "acumatica.intent_malformed"},
		"a refund without amount":       {intent(schemas.Acumatica, "refund", "create", `{"CustomerID":"C1"}`), "acumatica.intent_malformed"},
		"a credit memo without lines":   {intent(schemas.Acumatica, "creditmemo", "create", `{}`), "acumatica.intent_malformed"},
		"a journal without lines":       {intent(schemas.Acumatica, "journal", "create", `{"LedgerID":"ACTUAL"}`), "acumatica.intent_malformed"},
		"a customer without a name":     {intent(schemas.Stripe, "customer", "upsert", `{"name":""}`), "stripe.fields_invalid"},
		"a mark that is not ours":       {intent(schemas.Stripe, "customer", "upsert", `{"name":"Ada","metadata":{"millrace_intent":"other"}}`), "stripe.fields_invalid"},
		"an invoice without lines":      {intent(schemas.Stripe, "invoice", "upsert", `{"currency":"usd","total":1}`), "stripe.fields_invalid"},
		"metadata without an invoice":   {intent(schemas.Stripe, "invoice", "annotate", `{"metadata":{"a":"b"}}`), "stripe.fields_invalid"},
		"a document that no sink makes": {intent(schemas.Stripe, "payout", "create", `{"a":1}`), "stripe.document_unknown"},
		"a target without a sink":       {intent("bank", "payment", "create", `{"a":1}`), `no sink for target "bank"`},
	} {
		t.Run(name, func(t *testing.T) {
			was := tt.in
			was.Fields = []byte(`{}`)
			if string(tt.in.Fields) == "{}" {
				was.Fields = []byte(`{"Note":"before"}`)
			}
			before, err := json.Marshal(was)
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			err = editable(&bus.Message{Stream: bus.Intents, Seq: 7, Event: bus.Event{ID: was.ID, Data: before}}, data)
			if err == nil || fault.Of(err).Code != "cli.usage" || !strings.Contains(err.Error(), tt.refuse) {
				t.Errorf("got %v, want a refusal with %s", err, tt.refuse)
			}
		})
	}
}
