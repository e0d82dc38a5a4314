package acumatica

import (
	"net/url"
	"strconv"
	"strings"
)

// Query narrows and widens what a request returns.
type Query struct {
	Filter string   // OData v3: "LastModifiedDateTime ge datetimeoffset'…' and Type eq 'Invoice'"
	Select []string // field names and paths ("Details/InventoryID"); Acumatica: an unknown one is a 500
	Expand []string // linked entities and detail arrays; only those come back
	Custom []string // "<View>.<Field>", such as "Document.CuryID"
	Top    int      // at most so many; 0 = all
	Skip   int
}

// encode spells the parameters with %20 for spaces and in a fixed order.
func (q Query) encode() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, "$"+name+"="+strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
		}
	}
	add("filter", q.Filter)
	add("select", strings.Join(q.Select, ","))
	add("expand", strings.Join(q.Expand, ","))
	add("custom", strings.Join(q.Custom, ","))
	if q.Top > 0 {
		add("top", strconv.Itoa(q.Top))
	}
	if q.Skip > 0 {
		add("skip", strconv.Itoa(q.Skip))
	}
	return strings.Join(parts, "&")
}

// Quote makes an OData string literal of s, quotes included.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
