package stripetwin

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestWireIsWhatEncodingJSONWrites: byte for byte, with and without indent.
func TestWireIsWhatEncodingJSONWrites(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := drawObject(rt, 3)
		want := func(indent string) string {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			e.SetIndent("", indent)
			if err := e.Encode(o); err != nil {
				rt.Fatal(err)
			}
			return b.String()
		}
		if diff := cmp.Diff(want("  "), string(encode(o))); diff != "" {
			rt.Fatalf("encode (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want(""), string(compact(o))+"\n"); diff != "" {
			rt.Fatalf("compact (-want +got):\n%s", diff)
		}
	})
}

func drawObject(rt *rapid.T, depth int) object {
	o := object{}
	for range rapid.IntRange(0, 4).Draw(rt, "members") {
		o[rapid.String().Draw(rt, "name")] = drawValue(rt, depth-1)
	}
	return o
}

func drawValue(rt *rapid.T, depth int) any {
	most := 6
	if depth > 0 {
		most = 9
	}
	switch rapid.IntRange(0, most).Draw(rt, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.String().Draw(rt, "text")
	case 2:
		return rapid.Int64().Draw(rt, "number")
	case 3:
		return rapid.Bool().Draw(rt, "claim")
	case 4:
		return rapid.Int().Draw(rt, "count")
	case 5:
		return map[string]string{"<a&b>": "\u2028\x7f\x00"}
	case 6:
		return []string{"x", `"`}
	case 7:
		return drawObject(rt, depth)
	case 8:
		return compact(drawObject(rt, depth))
	}
	l := []any{}
	for range rapid.IntRange(0, 3).Draw(rt, "elements") {
		l = append(l, drawValue(rt, depth-1))
	}
	return l
}

// TestRowsComeBackFromRest: what a row says survives packing.
func TestRowsComeBackFromRest(t *testing.T) {
	zero := int64(0)
	inv := &invoice{
		head:     head{ID: "in_1", Created: 5, Seq: 7, Changed: 9, Metadata: map[string]string{"a": "b", "empty": ""}},
		Customer: "cus_1", Fields: [][2]string{{"a", ""}, {"", "b"}}, AutoAdvance: true, EndingBalance: &zero,
		Items: []string{"ii_1", ""}, Total: -5, Buyer: buyer{Name: "N", Address: &address{City: "C"}, Shipping: &shipping{}},
	}
	s := newState(1)
	s.Invoices.put(inv)
	s.settle()
	s.forget()
	if diff := cmp.Diff(inv, s.Invoices.get("in_1"), cmp.AllowUnexported(invoice{}, head{})); diff != "" {
		t.Errorf("invoice (-put +got):\n%s", diff)
	}
	e := &event{head: head{ID: "evt_1", Seq: 8}, Object: compact((&charge{}).render()), Previous: json.RawMessage(`{}`), Pending: 3}
	s.Events.put(e)
	s.settle()
	s.forget()
	if diff := cmp.Diff(e, s.Events.get("evt_1"), cmp.AllowUnexported(event{}, head{})); diff != "" {
		t.Errorf("event (-put +got):\n%s", diff)
	}
	if sl, _ := s.Events.rows.Get(8); sl.length > 120 {
		t.Errorf("an event takes %d bytes at rest", sl.length)
	}
}
