package stripetwin

import (
	"iter"
	"math"
	"slices"
	"sort"

	"github.com/tidwall/btree"
)

// A column is an index of a table: by a text, or by the time at which
// something is due. Its entries are join(hash or time, Seq), so they cost a
// few bytes; walks compare the text itself.
type column[T any] struct {
	name  string
	text  func(*T) string // nil in the column of times and in that of words
	words func(*T) []string
	due   func(*T) int64
	set   btree.Set[uint64]
}

// by makes rows findable by a text; those with "" are left out. A table's
// columns are declared with the most selective one first.
func by[T any](name string, text func(*T) string) column[T] {
	return column[T]{name: name, text: text}
}

// dueAt makes rows findable when their time has come, in Unix seconds; 0 is
// never.
func dueAt[T any](due func(*T) int64) column[T] { return column[T]{due: due} }

// entries appends what the column holds for a row.
func (c *column[T]) entries(to []uint64, s *state, seq uint32, v *T) []uint64 {
	switch {
	case v == nil:
	case c.due != nil:
		if at := c.due(v); at > 0 {
			to = append(to, join(uint32(at), seq)) //nolint:gosec // until 2106
		}
	case c.words != nil:
		for _, w := range c.words(v) {
			to = append(to, join(s.hash(w), seq))
		}
	default:
		if text := c.text(v); text != "" {
			to = append(to, join(s.hash(text), seq))
		}
	}
	return to
}

func (tb *table[T, P]) reindex(seq uint32, was, is *T) {
	var a, b [8]uint64 // so that most rows cost no allocation
	for _, c := range tb.cols {
		before, after := c.entries(a[:0], tb.s, seq, was), c.entries(b[:0], tb.s, seq, is)
		if slices.Equal(before, after) {
			continue
		}
		for _, e := range before {
			c.set.Delete(e)
		}
		for _, e := range after {
			c.set.Insert(e)
		}
	}
}

// has reports whether a row is found by a text.
func (c *column[T]) has(v *T, text string) bool {
	if c.words != nil {
		return slices.Contains(c.words(v), text)
	}
	return c.text(v) == text
}

// due walks the rows whose time has come, the longest overdue first. The
// caller changes and marks each so that it is due later or never again.
func (tb *table[T, P]) due(now int64) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for from := uint64(1); ; from++ {
			tb.settle()
			k, ok := tb.nextDue(from)
			if !ok || int64(k>>32) > now || !yield(tb.at(uint32(k))) { //nolint:gosec // halves
				return
			}
			from = k
		}
	}
}

func (tb *table[T, P]) nextDue(from uint64) (k uint64, ok bool) {
	i := slices.IndexFunc(tb.cols, func(c *column[T]) bool { return c.due != nil })
	if i < 0 {
		return 0, false
	}
	tb.cols[i].set.Ascend(from, func(e uint64) bool {
		k, ok = e, true
		return false
	})
	return k, ok
}

// wakesAt is when the next row is due, in Unix seconds, or the end of time.
func (tb *table[T, P]) wakesAt() int64 {
	if k, ok := tb.nextDue(1); ok {
		return int64(k >> 32)
	}
	return math.MaxInt64
}

// eq asks for rows whose columns have the values; "" asks for nothing.
type eq map[string]string

// A span is a range of time in Unix seconds, both ends included.
type span struct{ from, to int64 }

var always = span{0, math.MaxUint32}

// A listing is the rows of a table that a list shows: newest first.
type listing[T any, P rowOf[T]] struct {
	tb     *table[T, P]
	use    *column[T] // the column that is walked, or nil
	hash   uint32
	lo, hi uint32 // range of Seq
	pass   func(*T) bool
}

// find selects rows by columns, by time of creation and by what no column
// knows (nil is nothing).
func (tb *table[T, P]) find(want eq, created span, keep func(*T) bool) listing[T, P] {
	tb.settle()
	l := listing[T, P]{tb: tb}
	l.lo, l.hi = tb.between(created)
	used := 0
	for _, c := range tb.cols {
		if v := want[c.name]; c.due == nil && v != "" {
			used++
			if l.use == nil {
				l.use, l.hash = c, tb.s.hash(v)
			}
		}
	}
	for _, v := range want {
		if v != "" {
			used--
		}
	}
	if used != 0 {
		panic("stripetwin: a list asks for a column that its table has not") // impossible: tests cause every list
	}
	l.pass = func(v *T) bool {
		for _, c := range tb.cols {
			if w := want[c.name]; c.due == nil && w != "" && !c.has(v, w) {
				return false
			}
		}
		return keep == nil || keep(v)
	}
	return l
}

// between turns a range of creation into one of Seq.
func (tb *table[T, P]) between(s span) (lo, hi uint32) {
	if s == always {
		return 0, math.MaxUint32
	}
	first := func(at int64) uint32 { // Seq of the first row that was not created before
		i := sort.Search(tb.rows.Len(), func(i int) bool {
			_, sl, _ := tb.rows.GetAt(i)
			return int64(sl.created) >= at
		})
		if seq, _, ok := tb.rows.GetAt(i); ok {
			return seq
		}
		return math.MaxUint32
	}
	lo, hi = first(s.from), math.MaxUint32
	if s.to < math.MaxUint32 {
		hi = first(s.to + 1)
		if hi == 0 {
			return 1, 0
		}
		hi--
	}
	return lo, hi
}

// down walks from newest to oldest, starting below a Seq.
func (l listing[T, P]) down(below uint32, fetch func(uint32) *T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for at := min(l.hi, below-1); ; {
			seq, ok := l.step(at, true)
			if !ok || seq < l.lo {
				return
			}
			if v := fetch(seq); l.pass(v) && !yield(v) || seq == 0 {
				return
			}
			at = seq - 1
		}
	}
}

// up walks from oldest to newest, starting above a Seq.
func (l listing[T, P]) up(above uint32, fetch func(uint32) *T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for at := max(l.lo, above+1); ; at++ {
			seq, ok := l.step(at, false)
			if !ok || seq > l.hi {
				return
			}
			if v := fetch(seq); l.pass(v) && !yield(v) {
				return
			}
			at = seq
		}
	}
}

// step finds the row at a Seq, or the next one below or above it.
func (l listing[T, P]) step(at uint32, down bool) (seq uint32, ok bool) {
	if l.use == nil {
		take := func(k uint32, _ slot) bool {
			seq, ok = k, true
			return false
		}
		if down {
			l.tb.rows.Descend(at, take)
		} else {
			l.tb.rows.Ascend(at, take)
		}
		return seq, ok
	}
	take := func(k uint64) bool {
		seq, ok = uint32(k), uint32(k>>32) == l.hash //nolint:gosec // halves
		return false
	}
	if down {
		l.use.set.Descend(join(l.hash, at), take)
	} else {
		l.use.set.Ascend(join(l.hash, at), take)
	}
	return seq, ok
}

// newest walks the rows as live ones, newest first.
func (l listing[T, P]) newest() iter.Seq[*T] { return l.down(0, l.tb.at) }

// oldest walks the rows as live ones, oldest first.
func (l listing[T, P]) oldest() iter.Seq[*T] { return l.up(0, l.tb.at) }

// first returns the newest row as a live one, or nil.
func (l listing[T, P]) first() *T {
	for v := range l.newest() {
		return v
	}
	return nil
}
