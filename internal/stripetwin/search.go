package stripetwin

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A fieldKind says which operators a field of a search has.
type fieldKind int

const (
	tokenField  fieldKind = iota // equal
	textField                    // equal by words, contains
	numberField                  // equal, greater, less
)

// A searchField is a field of a resource's own; metadata and, where a resource
// has it, created come on top. read gets its value from the rendered object;
// nil is the member that has the field's name, with dots between the levels.
type searchField struct {
	kind fieldKind
	read func(object) any
}

// searchFields are the fields of each searchable resource, as Stripe documents
// them.
var searchFields = map[string]map[string]searchField{
	"charges": {
		"amount": {kind: numberField}, "billing_details.address.postal_code": {}, "created": {kind: numberField}, "currency": {}, "customer": {},
		"disputed": {}, "payment_method_details.card.brand": {}, "payment_method_details.card.exp_month": {},
		"payment_method_details.card.exp_year": {}, "payment_method_details.card.fingerprint": {}, "payment_method_details.card.last4": {},
		"refunded": {read: refundedToken}, "status": {},
	},
	"customers": {
		"created": {kind: numberField}, "email": {kind: textField}, "name": {kind: textField}, "phone": {kind: textField},
	},
	"invoices": {
		"created": {kind: numberField}, "currency": {}, "customer": {}, "number": {kind: textField}, "receipt_number": {kind: textField},
		"status": {kind: textField}, "subscription": {kind: textField}, "total": {kind: numberField},
	},
	"payment_intents": {
		"amount": {kind: numberField}, "created": {kind: numberField}, "currency": {}, "customer": {}, "status": {},
	},
	"prices": {
		"active": {}, "currency": {}, "lookup_key": {kind: textField}, "product": {kind: textField}, "type": {},
	},
	"products": {
		"active": {}, "description": {kind: textField}, "name": {kind: textField}, "shippable": {}, "url": {kind: textField},
	},
	"subscriptions": {"created": {kind: numberField}, "status": {}},
}

// refundedToken is true for charges that were refunded in full, false for a
// part, and null for nothing. Stripe.
func refundedToken(o object) any {
	if o["amount_refunded"] == int64(0) {
		return nil
	}
	return o["refunded"]
}

// fieldValue is the value of a field as text; false is null.
func (f searchField) value(name string, o object) (string, bool) {
	var v any
	if f.read != nil {
		v = f.read(o)
	} else {
		for seg := range strings.SplitSeq(name, ".") {
			v = o[seg]
			o, _ = v.(object)
		}
	}
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// search answers the search endpoint of a resource. Stripe: results are not
// read-after-write; here an object is absent until SearchLag after its last
// change.
func search[T any, P rowOf[T]](t *Twin, c *call, all *table[T, P], render func(*T) object, there ...func(*T) bool) (object, error) {
	raw := c.form.str("query", 5000)
	if raw == "" {
		return nil, missingParam("query")
	}
	q, err := parseQuery(raw)
	if err != nil {
		return nil, err
	}
	resource := strings.Split(c.path, "/")[2]
	fields := searchFields[resource]
	for _, cl := range q.clauses {
		f, known := fields[cl.field]
		if !known && cl.field != "metadata" {
			return nil, invalid("", "query", "Field `%s` is an unsupported search field for resource `%s`. See http://stripe.com/docs/search#query-fields-for-%s for a list of supported fields.",
				cl.field, resource, strings.ReplaceAll(resource, "_", "-"))
		}
		if err := cl.fits(f.kind); err != nil {
			return nil, err
		}
	}
	visible := t.now().Add(-t.searchLag).UnixMilli()
	word, created := q.narrow(resource)
	found := all.find(eq{wordColumn: word}, created, func(v *T) bool {
		if t.searchLag > 0 && P(v).top().Changed > visible {
			return false
		}
		if slices.ContainsFunc(there, func(is func(*T) bool) bool { return !is(v) }) {
			return false
		}
		var o object // rendered when the first field asks for it
		hit := func(cl clause) bool {
			if cl.field == "metadata" {
				text, has := P(v).top().Metadata[cl.key]
				return cl.holds(tokenField, text, has)
			}
			if o == nil {
				o = render(v)
			}
			f := fields[cl.field]
			text, has := f.value(cl.field, o)
			return cl.holds(f.kind, text, has)
		}
		if q.anyOf {
			return slices.ContainsFunc(q.clauses, hit)
		}
		return !slices.ContainsFunc(q.clauses, func(cl clause) bool { return !hit(cl) })
	})
	return searchPage(c, found, raw, render)
}

// searchPage cuts one page; next_page is opaque to clients and belongs to its
// query. Stripe: total_count is left out unless expanded.
func searchPage[T any, P rowOf[T]](c *call, found listing[T, P], raw string, render func(*T) object) (object, error) {
	limit, err := paging(c)
	if err != nil {
		return nil, err
	}
	below := uint32(0) // from the newest
	if p := c.form.str("page", 5000); p != "" {
		if below, err = parsePage(p, raw); err != nil {
			return nil, err
		}
	}
	data, more, last := make([]any, 0, limit), false, uint32(0)
	for r := range found.down(below, found.tb.view) {
		if more = len(data) == limit; more {
			break
		}
		data, last = append(data, render(r)), seqOf[T, P](r)
	}
	o := object{"object": "search_result", "data": data, "has_more": more, "next_page": nil, "url": c.path}
	if more {
		o["next_page"] = pageToken(last, raw)
	}
	if slices.Contains(c.form.list("expand"), "total_count") {
		total := int64(0)
		for range found.down(0, found.tb.view) {
			total++
		}
		o["total_count"] = total
	}
	return o, nil
}

// pageToken names the row that a page ended with.
func pageToken(seq uint32, query string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", seq, queryMark(query)))
}

func parsePage(token, query string) (uint32, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	seq, mark, _ := strings.Cut(string(raw), ".")
	n, errN := strconv.ParseUint(seq, 10, 32)
	if err != nil || errN != nil || n == 0 || n > math.MaxUint32 || mark != strconv.FormatUint(queryMark(query), 10) {
		return 0, invalid("", "page", "Invalid page: %s", token)
	}
	return uint32(n), nil
}

func queryMark(query string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(query))
	return h.Sum64()
}
