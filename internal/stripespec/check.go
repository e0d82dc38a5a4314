package stripespec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// undocumented are members that Stripe sends although its description lacks
// them, with the evidence.
var undocumented = map[string]string{
	"charge.dispute":            "on every recorded charge of that version",
	"invoice.lines.total_count": "on every recorded invoice",
}

// unlisted are values that Stripe sends although its description lacks them,
// with the evidence.
var unlisted = map[string]string{
	"balance_transaction.type financing_paydown": "recorded on accounts with a loan",
}

// check returns what is wrong with a value, each problem with the way to it.
// name is the schema that the value is a part of.
func (d *document) check(s *schema, v any, name, at string) []string {
	nullable := s.Nullable
	s, ref := d.resolve(s)
	if ref != "" {
		name = ref
	}
	if v == nil {
		if nullable || s.Nullable {
			return nil
		}
		return []string{at + ": is null but must not be"}
	}
	if len(s.AnyOf) > 0 {
		return d.checkAny(s.AnyOf, v, name, at)
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return e == v }) && unlisted[fmt.Sprint(name, " ", v)] == "" {
		return []string{fmt.Sprintf("%s: %v is none of %v", at, v, s.Enum)}
	}
	ok := true
	switch s.Type {
	case "string":
		var text string
		text, ok = v.(string)
		if s.MaxLength > 0 && utf8.RuneCountInString(text) > s.MaxLength {
			return []string{fmt.Sprintf("%s: has more than %d characters", at, s.MaxLength)}
		}
	case "boolean":
		_, ok = v.(bool)
	case "integer":
		var n json.Number
		if n, ok = v.(json.Number); ok {
			_, err := n.Int64()
			ok = err == nil
		}
	case "number":
		_, ok = v.(json.Number)
	case "array":
		var list []any
		if list, ok = v.([]any); ok {
			return d.checkList(s, list, name, at)
		}
	case "object":
		var o map[string]any
		if o, ok = v.(map[string]any); ok {
			return d.checkObject(s, o, name, at)
		}
	}
	if !ok {
		return []string{fmt.Sprintf("%s: %v is no %s", at, v, s.Type)}
	}
	return nil
}

// checkAny asks the branches whose discriminator fits and reports what the
// nearest of them says.
func (d *document) checkAny(branches []*schema, v any, name, at string) []string {
	var best []string
	fits := false
	for _, b := range branches {
		if r, _ := d.resolve(b); len(r.AnyOf) == 0 && !fitsKind(r, v) {
			continue
		}
		problems := d.check(b, v, name, at)
		if len(problems) == 0 {
			return nil
		}
		if !fits || len(problems) < len(best) {
			best, fits = problems, true
		}
	}
	if !fits {
		return []string{fmt.Sprintf("%s: %.60s is of no kind that is allowed here", at, fmt.Sprint(v))}
	}
	return best
}

// fitsKind compares the JSON type and, of objects, the members object and
// deleted.
func fitsKind(s *schema, v any) bool {
	o, isObject := v.(map[string]any)
	if !isObject {
		return s.Type != "object"
	}
	if s.Type != "object" {
		return false
	}
	kind := s.Properties["object"]
	if kind != nil && len(kind.Enum) > 0 && !slices.Contains(kind.Enum, o["object"]) {
		return false
	}
	_, deleted := o["deleted"]
	return deleted == (s.Properties["deleted"] != nil)
}

func (d *document) checkList(s *schema, list []any, name, at string) []string {
	var out []string
	for i, v := range list {
		out = append(out, d.check(s.Items, v, name, fmt.Sprintf("%s[%d]", at, i))...)
	}
	return out
}

func (d *document) checkObject(s *schema, o map[string]any, name, at string) []string {
	var out []string
	for _, r := range s.Required {
		if _, ok := o[r]; !ok {
			out = append(out, at+"."+r+": is missing")
		}
	}
	var rest *schema
	free := s.Properties == nil && len(s.Additional) == 0 || string(s.Additional) == "true"
	if strings.HasPrefix(string(s.Additional), "{") {
		rest = &schema{}
		if err := json.Unmarshal(s.Additional, rest); err != nil {
			return append(out, at+": "+err.Error())
		}
	}
	for k, v := range o {
		switch p := s.Properties[k]; {
		case p != nil:
			out = append(out, d.check(p, v, name+"."+k, at+"."+k)...)
		case rest != nil:
			out = append(out, d.check(rest, v, name+"."+k, at+"."+k)...)
		case !free && undocumented[name+"."+k] == "":
			out = append(out, at+"."+k+": is not in the description")
		}
	}
	if name == "notification_event_data" {
		out = append(out, d.checkSnapshot(o["object"], at+".object")...)
	}
	return out
}

// checkSnapshot checks the object inside an event, of which the description
// says only that it is one.
func (d *document) checkSnapshot(v any, at string) []string {
	o, _ := v.(map[string]any)
	kind, _ := o["object"].(string)
	s := d.Components.Schemas[kind]
	if s == nil {
		return []string{fmt.Sprintf("%s: is a %q, which is not in the description", at, kind)}
	}
	if o["deleted"] == true {
		s = d.Components.Schemas["deleted_"+kind]
	}
	return d.check(s, v, kind, at)
}
