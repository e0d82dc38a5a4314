package acumatica

import (
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// Record is one entity as Acumatica sends it: every field in a {"value": …}
// wrapper, an empty field as {}, numbers as json.Number.
type Record map[string]any

// Value wraps v as Acumatica wants a field: {"value": v}. Pass amounts as
// json.Number or string, never as a float (Invariant 6).
func Value(v any) map[string]any { return map[string]any{"value": v} }

// ID is the record's GUID. Acumatica: for a top-level record it never
// changes; for a detail row it may change with the session.
func (r Record) ID() string {
	id, _ := r["id"].(string)
	return id
}

// String is the field's text; empty when the field is empty or absent.
func (r Record) String(field string) string { return text(unwrap(r[field])) }

// Custom is the text of a field outside the contract, as asked for by
// Query.Custom "<view>.<field>".
func (r Record) Custom(view, field string) string {
	custom, _ := r["custom"].(map[string]any)
	fields, _ := custom[view].(map[string]any)
	return text(unwrap(fields[field]))
}

// Decimal is the field's exact number; false when it has none.
func (r Record) Decimal(field string) (decimal.Decimal, bool) {
	d, err := decimal.NewFromString(r.String(field))
	return d, err == nil
}

// Bool is the field's truth; false when it is empty.
func (r Record) Bool(field string) bool {
	b, _ := strconv.ParseBool(r.String(field))
	return b
}

// Time is the instant of a timestamp field. Acumatica: timestamps carry the
// server's offset; one without an offset is taken as UTC.
func (r Record) Time(field string) (time.Time, bool) {
	s := r.String(field)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

var datePrefix = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(T|$)`)

// Date is the literal date part, YYYY-MM-DD, of a date-only field; empty when
// there is none. Acumatica: such a date is a midnight with the server's
// offset, so converting it to another zone would change the day.
func (r Record) Date(field string) string {
	if s := r.String(field); datePrefix.MatchString(s) {
		return s[:len(time.DateOnly)]
	}
	return ""
}

// Rows is a detail array; nil unless it was expanded.
func (r Record) Rows(field string) []Record {
	list, _ := r[field].([]any)
	rows := make([]Record, 0, len(list))
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			rows = append(rows, m)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return rows
}

// Sub is a linked entity; nil unless it was expanded.
func (r Record) Sub(field string) Record {
	m, _ := r[field].(map[string]any)
	return m
}

// Plain strips the wrappers all the way down: an empty field is nil, numbers
// stay json.Number, custom fields are custom.<View>.<Field>, id is kept,
// rowNumber and _links are dropped.
func (r Record) Plain() map[string]any {
	out := make(map[string]any, len(r))
	for name, v := range r {
		switch name {
		case "rowNumber", "_links":
		case "custom":
			out[name] = plainCustom(v)
		default:
			out[name] = plain(v)
		}
	}
	return out
}

func plain(v any) any {
	switch x := v.(type) {
	case map[string]any:
		if isWrapper(x) {
			return x["value"]
		}
		return Record(x).Plain()
	case []any:
		list := make([]any, len(x))
		for i := range x {
			list[i] = plain(x[i])
		}
		return list
	default:
		return v
	}
}

func plainCustom(v any) map[string]any {
	views, _ := v.(map[string]any)
	out := make(map[string]any, len(views))
	for view, f := range views {
		fields, _ := f.(map[string]any)
		values := make(map[string]any, len(fields))
		for name, w := range fields {
			values[name] = unwrap(w)
		}
		out[view] = values
	}
	return out
}

// isWrapper tells a field from a linked entity: {} is an empty field.
func isWrapper(m map[string]any) bool {
	for k := range m {
		if k != "value" && k != "error" && k != "type" {
			return false
		}
	}
	return true
}

func unwrap(v any) any {
	if m, ok := v.(map[string]any); ok {
		return m["value"]
	}
	return v
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	default:
		return ""
	}
}
