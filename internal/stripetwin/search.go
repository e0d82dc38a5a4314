package stripetwin

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A clause is one comparison of a search query.
type clause struct {
	not   bool
	field string // name, or "metadata" with key
	key   string
	op    string // ":" equal, "~" contains, ">" ">=" "<" "<="
	value string
	null  bool
}

// A query is clauses that must hold all, or of which one is enough. Stripe:
// AND and OR cannot be mixed.
type query struct {
	clauses []clause
	anyOf   bool
}

var (
	clauseRE = regexp.MustCompile(`^\s*(-?)([a-z_]+)(?:\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\])?\s*(:|~|>=|<=|>|<)\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?[A-Za-z0-9_.]+))`)
	joinRE   = regexp.MustCompile(`^\s+(?i:(and|or)\s+)?`)
	escapeRE = regexp.MustCompile(`\\(.)`)
)

func parseQuery(s string) (query, error) {
	var q query
	bad := invalid("", "query", "We were unable to parse your search query: %s", s)
	var joins []string
	for rest := s; ; {
		m := clauseRE.FindStringSubmatch(rest)
		if m == nil {
			return q, bad
		}
		unescape := func(v string) string { return escapeRE.ReplaceAllString(v, "$1") }
		c := clause{
			not: m[1] == "-", field: m[2], key: unescape(m[3] + m[4]), op: m[5],
			value: unescape(m[6] + m[7] + m[8]), null: strings.EqualFold(m[8], "null"),
		}
		if (c.field == "metadata") != (m[3]+m[4] != "") {
			return q, bad
		}
		q.clauses = append(q.clauses, c)
		rest = rest[len(m[0]):]
		if strings.TrimSpace(rest) == "" {
			break
		}
		j := joinRE.FindStringSubmatch(rest)
		if j == nil {
			return q, bad
		}
		joins = append(joins, strings.ToLower(j[1]))
		rest = rest[len(j[0]):]
	}
	q.anyOf = slices.Contains(joins, "or")
	if q.anyOf && slices.ContainsFunc(joins, func(j string) bool { return j != "or" }) {
		return q, invalid("", "query", "Search queries cannot combine AND with OR.")
	}
	return q, nil
}

// holds compares one value. Stripe: ":" matches regardless of case, except
// that metadata and ids are given exactly; the twin folds case for text only.
func (c clause) holds(v string, exact bool) bool {
	ok := false
	switch c.op {
	case ":":
		ok = c.null && v == "" || !c.null && (v == c.value || !exact && strings.EqualFold(v, c.value))
	case "~":
		ok = strings.Contains(strings.ToLower(v), strings.ToLower(c.value))
	default:
		a, errA := strconv.ParseInt(v, 10, 64)
		b, errB := strconv.ParseInt(c.value, 10, 64)
		if errA == nil && errB == nil {
			ok = c.op == ">" && a > b || c.op == ">=" && a >= b || c.op == "<" && a < b || c.op == "<=" && a <= b
		}
	}
	return ok != c.not
}

// search answers a search endpoint. text and number give the values of the
// resource's own query fields. Stripe: results are not read-after-write; here
// an object is absent until SearchLag after its last change.
func search[T any, P rowOf[T]](t *Twin, c *call, all *table[T, P], render func(*T) object,
	text func(*T, string) (string, bool), number func(*T, string) (int64, bool),
) (object, error) {
	raw := c.form.str("query", 2000)
	if raw == "" {
		return nil, missingParam("query")
	}
	q, err := parseQuery(raw)
	if err != nil {
		return nil, err
	}
	limit, err := paging(c)
	if err != nil {
		return nil, err
	}
	var unknown string
	match := func(v *T, cl clause) bool {
		h := P(v).top()
		if cl.field == "metadata" {
			return cl.holds(h.Metadata[cl.key], true)
		}
		if cl.field == "created" {
			return cl.holds(strconv.FormatInt(h.Created, 10), true)
		}
		if s, ok := text(v, cl.field); ok {
			return cl.holds(s, false)
		}
		if number != nil {
			if n, ok := number(v, cl.field); ok {
				return cl.holds(strconv.FormatInt(n, 10), true)
			}
		}
		unknown = cl.field
		return false
	}
	for _, cl := range q.clauses {
		match(new(T), cl) // finds unknown fields also when there is nothing to search
	}
	if unknown != "" {
		return nil, invalid("", "query", "Field `%s` is an unsupported search field for this resource.", unknown)
	}
	visible := t.now().Add(-t.searchLag).UnixMilli()
	rows := all.find(nil, always, func(v *T) bool {
		if t.searchLag > 0 && P(v).top().Changed > visible {
			return false
		}
		hit := func(cl clause) bool { return match(v, cl) }
		if q.anyOf {
			return slices.ContainsFunc(q.clauses, hit)
		}
		return !slices.ContainsFunc(q.clauses, func(cl clause) bool { return !hit(cl) })
	})
	return searchPage(c, rows, limit, render)
}

// searchPage cuts one page; the cursor is opaque to clients.
func searchPage[T any, P rowOf[T]](c *call, found listing[T, P], limit int, render func(*T) object) (object, error) {
	from := 0
	if p := c.form.str("page", 255); p != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(p, "page_"))
		if err != nil || n < 0 {
			return nil, invalid("", "page", "Invalid page: %s", p)
		}
		from = n
	}
	data, n, more := make([]any, 0, limit), 0, false
	for r := range found.down(0, found.tb.view) {
		if more = len(data) == limit; more {
			break
		}
		if n++; n > from {
			data = append(data, render(r))
		}
	}
	if n < from {
		return nil, invalid("", "page", "Invalid page: page_%d", from)
	}
	o := object{"object": "search_result", "data": data, "has_more": more, "next_page": nil, "url": c.path}
	if more {
		o["next_page"] = "page_" + strconv.Itoa(from+limit)
	}
	return o, nil
}
