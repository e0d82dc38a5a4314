package acumaticatwin

import (
	"iter"
	"math"
	"slices"
	"strings"
)

// A condition is a filter, and what it says about single columns.
type condition struct {
	holds  predicate
	bounds []bound // every row for which it holds keeps all of these
}

// A bound compares a column with a value that is not null.
type bound struct {
	column string
	op     string
	value  operand
}

// bind notes a comparison of a column with a literal. Inside "or" and "not"
// it is taken back.
func (p *filterParser) bind(left, right term, op string) {
	mirror := map[string]string{"eq": "eq", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
	if left.lit != nil {
		left, right, op = right, left, mirror[op]
	}
	if left.column != "" && right.lit != nil && !right.null && mirror[op] != "" {
		p.bounds = append(p.bounds, bound{left.column, op, *right.lit})
	}
}

// find returns the rows that a filter lets through, in key order: top of them
// after the first skip, all when top is negative.
func (x *tx) find(e *entity, version int, filter string, skip, top int) ([]*record, *failure) {
	c, fail := compileFilter(filter, e, version, x.zone)
	if fail != nil {
		return nil, fail
	}
	limit := math.MaxInt
	if top >= 0 && skip < math.MaxInt-top {
		limit = skip + top
	}
	candidates, ordered := x.candidates(e, c.bounds, limit)
	var rows []*record
	for r := range candidates {
		if ordered && len(rows) >= limit {
			break
		}
		if x.finds(e, r) && c.holds(r) == yes {
			rows = append(rows, r)
		}
	}
	if !ordered {
		sortByKey(e, rows)
	}
	rows = rows[:min(limit, len(rows))]
	return rows[min(skip, len(rows)):], nil
}

// candidates yields at least the rows within the bounds, by the way that looks
// at the fewest, and whether they come in the order of keys. limit is how many
// are wanted.
func (x *tx) candidates(e *entity, bounds []bound, limit int) (rows iter.Seq[*record], ordered bool) {
	name, t := e.stored(), x.st.tables[e.stored()]
	if e.also != nil {
		return slices.Values(append(x.all(name), e.also(x)...)), false
	}
	key := keyPrefix(e, bounds)
	if len(key) == len(e.keys) {
		r := x.byKey(name, key...)
		return func(yield func(*record) bool) {
			if r != nil {
				yield(r)
			}
		}, true
	}
	for _, b := range bounds {
		if b.op != "eq" || b.value.kind != textKind {
			continue
		}
		if numbers, ok := t.equal(b.column, b.value.text); ok {
			return x.pick(name, numbers), false
		}
	}
	if from, to, ok := window(bounds); ok {
		if numbers, few := t.changedWithin(from, to, limit); few {
			return x.pick(name, slices.Values(numbers)), false
		}
	}
	return x.prefixed(name, key), true
}

// keyPrefix are the values of as many leading keys as the bounds fix.
func keyPrefix(e *entity, bounds []bound) []string {
	var key []string
	for _, k := range e.keys {
		i := slices.IndexFunc(bounds, func(b bound) bool { return b.column == k && b.op == "eq" && b.value.kind == textKind })
		if i < 0 {
			break
		}
		key = append(key, bounds[i].value.text)
	}
	return key
}

// prefixed walks the rows whose key begins with the values.
func (x *tx) prefixed(entityName string, key []string) iter.Seq[*record] {
	e, start := x.cat[entityName], ""
	if len(key) > 0 {
		start = foldKey(key) + keySeparator
	}
	return func(yield func(*record) bool) {
		for r := range x.walk(entityName, start) {
			if start != "" && !strings.HasPrefix(e.keyOf(r), start) {
				return
			}
			if !yield(r) {
				return
			}
		}
	}
}

// window is the range of seconds that bounds on the time of change leave.
func window(bounds []bound) (from, to uint32, ok bool) {
	to = math.MaxUint32
	for _, b := range bounds {
		if b.column != fieldChanged || b.value.at.IsZero() {
			continue
		}
		at := clampSecond(b.value.at.Unix())
		if b.op == "eq" || b.op == "gt" || b.op == "ge" {
			from = max(from, at)
		}
		if b.op == "eq" || b.op == "lt" || b.op == "le" {
			to = min(to, at)
		}
		ok = true
	}
	return from, to, ok
}

// changedWithin returns the rows that were changed in a range of seconds, ends
// included. It gives up when a walk by key would find as many as are wanted
// sooner: when rows of the range are so frequent that the square of their
// count exceeds limit times all rows.
func (t *table) changedWithin(from, to uint32, limit int) (numbers []uint32, few bool) {
	most := math.Sqrt(float64(limit) * float64(len(t.rows)))
	for n := range between(&t.changed, from, to) {
		if numbers = append(numbers, n); float64(len(numbers)) > most {
			return nil, false
		}
	}
	return numbers, true
}
