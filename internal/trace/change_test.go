package trace

import (
	"encoding/json"
	"strings"
	"testing"

	"millrace/internal/bus"
	"millrace/schemas"
)

func TestChangesAreToldFieldByField(t *testing.T) {
	for _, tt := range []struct{ name, before, after, want string }{
		{"nothing", `{"a": 1, "b": [1, 2]}`, `{"b":[1,2],"a":1}`, ""},
		{"a value", `{"f":{"Cash":"101"}}`, `{"f":{"Cash":"102"}}`, `f.Cash "101">"102"`},
		{"an amount keeps its digits", `{"a":10.10}`, `{"a":10.1}`, `a 10.10>10.1`},
		{"a field that comes and one that goes", `{"a":1}`, `{"b":null}`, `a 1> b >null`},
		{"an element", `{"a":[{"n":1}]}`, `{"a":[{"n":1},{"n":2}]}`, `a.1.n >2`},
		{"an empty object", `{"a":{}}`, `{"a":{"b":""}}`, `a {}> a.b >""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range Changes([]byte(tt.before), []byte(tt.after)) {
				got = append(got, c.Field+" "+string(c.Old)+">"+string(c.New))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStoryTellsWhatAnEditChanged(t *testing.T) {
	l := newLog(t)
	in := schemas.Intent{Target: schemas.Acumatica, Document: "payment", Verb: "create", Key: "ch_1", Lane: "C1", Fields: []byte(`{"CashAccount":"101"}`)}
	l.intent(in)
	var stored map[string]any
	if err := json.Unmarshal(l.msgs[bus.Intents][0].Event.Data, &stored); err != nil {
		t.Fatal(err)
	}
	stored["fields"] = map[string]any{"CashAccount": "102"}
	edited, err := json.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	l.outcome(schemas.Outcome{
		Lane: "C1", Stage: "sink-acumatica", Document: "payment", Outcome: schemas.Applied, Reason: "Payment 000001", Stream: bus.Intents, Seq: 1,
		IntentID: schemas.IntentID("default", in.Target, in.Document, in.Verb, in.Key, ""),
		Decision: &schemas.Decision{Do: schemas.Edit, By: "ann", Reason: "wrong account", Data: edited},
	})
	story, err := l.read("ch_1")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	story.Print(&out)
	if want := `  fields.CashAccount: "101" → "102"`; !strings.Contains(out.String(), want) {
		t.Errorf("printed\n%s\nwithout %q", out.String(), want)
	}
}
