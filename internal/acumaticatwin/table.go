package acumaticatwin

import (
	"hash/maphash"
	"iter"
	"math"
	"strings"

	"github.com/tidwall/btree"
)

// maxFresh bounds the rows of a table that are kept unpacked. Tables of
// settings have fewer and so are never packed again.
const maxFresh = 1024

// A table holds the rows of one entity packed, by the number in their id, and
// finds them by key, by the entity's indexed fields and by the time of change.
// Twin.mu guards it; a read writes too.
type table struct {
	st   *state
	e    *entity
	rows map[uint32]string
	keys btree.Map[string, uint32] // by folded key
	// Entries are pairs of 32 bits: what is looked for (the hash of a value,
	// the second of a change), then the row. Neighbours that share the first
	// half are told apart by looking at the rows.
	fields  map[string]*btree.Set[uint64]
	changed btree.Set[uint64]
	fresh   map[uint32]*record // some rows, unpacked
}

func newTable(st *state, e *entity) *table {
	t := &table{st: st, e: e, rows: map[uint32]string{}, fields: map[string]*btree.Set[uint64]{}, fresh: map[uint32]*record{}}
	for _, name := range e.indexed {
		t.fields[name] = &btree.Set[uint64]{}
	}
	return t
}

func pair(hi, lo uint32) uint64 { return uint64(hi)<<32 | uint64(lo) }

func second(p uint64) uint32 { return uint32(p & math.MaxUint32) }

// number is the row with an id; false when it is no id of this tenant.
func (t *table) number(id string) (uint32, bool) {
	n, ok := t.st.idNumber(id)
	return uint32(n), ok && n <= math.MaxUint32 //nolint:gosec // G115: checked
}

// get returns a row, or nil. It is shared: it must not be changed.
func (t *table) get(n uint32) *record {
	if r := t.fresh[n]; r != nil {
		return r
	}
	r := t.peek(n)
	if r != nil {
		t.keep(n, r)
	}
	return r
}

// peek is get for walks: what they pass is not kept unpacked.
func (t *table) peek(n uint32) *record {
	packed, ok := t.rows[n]
	if !ok {
		return nil
	}
	r, err := t.st.unpack(n, packed)
	if err != nil {
		panic(err) // only what was packed here is unpacked; a state file is checked when it is read
	}
	return r
}

// head is peek without the lines of the row, or with them.
func (t *table) head(n uint32) *record {
	if r := t.fresh[n]; r != nil {
		return r
	}
	packed, ok := t.rows[n]
	if !ok {
		return nil
	}
	r, err := t.st.unpackHead(n, packed)
	if err != nil {
		panic(err) // as in peek
	}
	return r
}

func (t *table) keep(n uint32, r *record) {
	if len(t.fresh) >= maxFresh {
		clear(t.fresh)
	}
	t.fresh[n] = r
}

// put replaces the row with an id; nil removes it. It returns the row that was
// there.
func (t *table) put(id string, r *record) (old *record) {
	n, ok := t.number(id)
	if !ok {
		panic("record " + id + " of " + t.e.name + " has an id that tx.newID did not make")
	}
	old = t.get(n)
	if r == nil {
		delete(t.rows, n)
		delete(t.fresh, n)
	} else {
		t.st.buf = t.st.pack(r, t.st.buf[:0])
		t.rows[n] = string(t.st.buf)
		t.keep(n, r)
	}
	t.reindex(n, old, r)
	return old
}

// reindex brings the indexes from one state of a row to another.
func (t *table) reindex(n uint32, old, r *record) {
	var oldKey, key string
	if old != nil {
		oldKey = t.e.keyOf(old)
	}
	if r != nil {
		key = t.e.keyOf(r)
	}
	if old != nil && (r == nil || key != oldKey) {
		if n0, _ := t.keys.Get(oldKey); n0 == n { // another row may have the key by now
			t.keys.Delete(oldKey)
		}
	}
	if r != nil && (old == nil || key != oldKey) {
		t.keys.Set(key, n)
	}
	for name, index := range t.fields {
		was, is := t.hashes(old, name), t.hashes(r, name)
		for _, h := range was {
			index.Delete(pair(h, n))
		}
		for _, h := range is {
			index.Insert(pair(h, n))
		}
	}
	if at, ok := changeSecond(old); ok {
		t.changed.Delete(pair(at, n))
	}
	if at, ok := changeSecond(r); ok {
		t.changed.Insert(pair(at, n))
	}
	if t.e.name == entityJournal {
		t.st.turnover.add(old, -1)
		t.st.turnover.add(r, 1)
	}
}

func (t *table) hash(v string) uint32 {
	return uint32(maphash.String(t.st.seed, fold(v)) >> 32)
}

// hashes are those of an indexed field, or of a part's field in all lines.
func (t *table) hashes(r *record, name string) []uint32 {
	if r == nil {
		return nil
	}
	var list []uint32
	for v := range fieldValues(r, name) {
		list = append(list, t.hash(v))
	}
	return list
}

// fieldValues yields the value of Field, or those of Part/Field.
func fieldValues(r *record, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		part, field, lines := strings.Cut(name, "/")
		if !lines {
			if v, ok := r.value(name); ok {
				yield(v)
			}
			return
		}
		for _, l := range r.Many[part] {
			if v, ok := l.value(field); ok && !yield(v) {
				return
			}
		}
	}
}

// changeSecond is the second in which a row was last changed.
func changeSecond(r *record) (uint32, bool) {
	if r == nil {
		return 0, false
	}
	at, ok := parseInstant(r.Fields[fieldChanged])
	return clampSecond(at.Unix()), ok
}

func clampSecond(s int64) uint32 { return uint32(min(max(s, 0), math.MaxUint32)) } //nolint:gosec // G115: clamped

// equal yields the rows that may have a value; other values can have the same
// hash. False: the field has no index.
func (t *table) equal(name, value string) (iter.Seq[uint32], bool) {
	index := t.fields[name]
	if index == nil {
		return nil, false
	}
	h := t.hash(value)
	return between(index, h, h), true
}

// between yields the rows of the entries whose first half is in a range, ends
// included.
func between(index *btree.Set[uint64], from, to uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		index.Ascend(pair(from, 0), func(p uint64) bool {
			return uint32(p>>32) <= to && yield(second(p))
		})
	}
}

// from yields keys and rows in the order of keys, beginning with the first
// that is not before start.
func (t *table) from(start string) iter.Seq2[string, uint32] {
	return func(yield func(string, uint32) bool) { t.keys.Ascend(start, yield) }
}
