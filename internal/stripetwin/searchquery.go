package stripetwin

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What a search clause is limited to. Stripe: ten clauses, three characters.
const (
	maxClauses   = 10
	minSubstring = 3
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
	clauseRE = regexp.MustCompile(`^\s*(-?)([a-z_][a-z0-9_.]*)(?:\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\])?\s*(:|~|>=|<=|>|<)\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?[0-9]+|(?i:null)))`)
	joinRE   = regexp.MustCompile(`^\s+(?i:(and|or)\s+)?`)
	escapeRE = regexp.MustCompile(`\\(.)`)
)

// parseQuery reads Stripe's search language. Texts are quoted, numbers need
// not be.
func parseQuery(s string) (query, error) {
	var q query
	bad := invalid("", "query", "We were unable to parse your search query. Try using the format `metadata[\"key\"]:\"value\"` to query for metadata or key:\"value\" to query for other fields.")
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
	switch {
	case q.anyOf && slices.ContainsFunc(joins, func(j string) bool { return j != "or" }):
		return q, invalid("", "query", "Search queries cannot combine AND with OR.")
	case len(q.clauses) > maxClauses:
		return q, invalid("", "query", "You can combine up to %d query clauses in a search.", maxClauses)
	}
	return q, nil
}

// fits refuses what the kind of a field has no operator for.
func (c clause) fits(kind fieldKind) error {
	ok := c.op == ":"
	switch c.op {
	case "~":
		ok = kind == textField && !c.null
		if ok && len([]rune(c.value)) < minSubstring {
			return invalid("", "query", "Substrings must have at least %d characters.", minSubstring)
		}
	case ">", ">=", "<", "<=":
		ok = kind == numberField && !c.null
	}
	if !ok {
		return invalid("", "query", "The operator %s is not supported for the field `%s`.", c.op, c.field)
	}
	if kind != numberField || c.null {
		return nil
	}
	if _, err := strconv.ParseInt(c.value, 10, 64); err != nil {
		return invalid("", "query", "The field `%s` must be compared with a number.", c.field)
	}
	return nil
}

// holds compares one value, which is absent where has is false. Stripe: case
// never counts; a text equals every text that contains its words in order.
func (c clause) holds(kind fieldKind, v string, has bool) bool {
	ok := false
	switch {
	case c.null:
		ok = !has
	case !has:
	case c.op == "~":
		ok = strings.Contains(strings.ToLower(v), strings.ToLower(c.value))
	case kind == numberField:
		a, errA := strconv.ParseInt(v, 10, 64)
		b, errB := strconv.ParseInt(c.value, 10, 64)
		ok = errA == nil && errB == nil && (c.op == ":" && a == b || c.op == ">" && a > b || c.op == ">=" && a >= b || c.op == "<" && a < b || c.op == "<=" && a <= b)
	case kind == textField:
		ok = hasWords(v, c.value)
	default:
		ok = strings.EqualFold(v, c.value)
	}
	return ok != c.not
}

// hasWords reports whether the words of phrase follow one another in v.
func hasWords(v, phrase string) bool {
	in, want := strings.Fields(strings.ToLower(v)), strings.Fields(strings.ToLower(phrase))
	for i := 0; i+len(want) <= len(in); i++ {
		if slices.Equal(in[i:i+len(want)], want) {
			return len(want) > 0
		}
	}
	return false
}
