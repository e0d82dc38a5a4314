package trace

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Change is one field that a person changed. Old or New is empty when the
// field was not there; otherwise it is JSON.
type Change struct {
	Field string          `json:"field"` // "fields.CashAccount", "fields.DocumentsToApply.0.AmountPaid"
	Old   json.RawMessage `json:"old,omitempty"`
	New   json.RawMessage `json:"new,omitempty"`
}

// Changes compares two JSON documents field by field.
func Changes(before, after []byte) []Change {
	old, now := map[string]string{}, map[string]string{}
	flatten("", before, old)
	flatten("", after, now)
	fields := maps.Clone(old)
	maps.Copy(fields, now)
	var changes []Change
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if old[field] != now[field] {
			changes = append(changes, Change{Field: field, Old: json.RawMessage(old[field]), New: json.RawMessage(now[field])})
		}
	}
	return changes
}

// flatten puts the values of a document into the map, by their path.
func flatten(path string, raw []byte, into map[string]string) {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case json.Unmarshal(raw, &object) == nil && len(object) > 0:
		for name, value := range object {
			flatten(join(path, name), value, into)
		}
	case json.Unmarshal(raw, &list) == nil && len(list) > 0:
		for i, value := range list {
			flatten(join(path, strconv.Itoa(i)), value, into)
		}
	default:
		var plain bytes.Buffer
		if json.Compact(&plain, raw) != nil {
			plain.Write(raw)
		}
		into[path] = plain.String()
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
