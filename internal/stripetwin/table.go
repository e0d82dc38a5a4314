package stripetwin

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"iter"
	"math"
	"reflect"

	"github.com/tidwall/btree"
)

// A rowOf is a pointer to a stored object of type T.
type rowOf[T any] interface {
	*T
	record
}

// A table keeps the objects of one kind in order of creation, and finds them
// by id and by its columns. At rest a row is packed, so that a million of them
// fit; get and the walks hand out a live row, which stays the same pointer
// until the lock is let go. Who changes a live row marks it afterwards (touch,
// mark or put); a change that nobody marks is forgotten.
type table[T any, P rowOf[T]] struct {
	s     *state
	pack  packing
	show  func(*Twin, *T) object
	rows  btree.Map[uint32, slot] // by Seq
	ids   btree.Set[uint64]       // join(hash of id, Seq)
	cols  []*column[T]
	live  map[uint32]*T
	stale map[uint32]bool // live rows that were marked since the last settle
}

// keep adds a kind of object to the state: its rows have ids that begin with
// one of the prefixes. show renders a row where another object is expanded to
// it; nil where that cannot happen.
func keep[T any, P rowOf[T]](s *state, show func(*Twin, *T) object, cols []column[T], prefixes ...string) *table[T, P] {
	tb := &table[T, P]{s: s, pack: newPacking(reflect.TypeFor[T](), s.z), show: show, live: map[uint32]*T{}, stale: map[uint32]bool{}}
	for i := range cols {
		tb.cols = append(tb.cols, &cols[i])
	}
	s.stores = append(s.stores, tb)
	for _, p := range prefixes {
		s.kinds[p] = tb
	}
	return tb
}

func join(hi, lo uint32) uint64 { return uint64(hi)<<32 | uint64(lo) }

func seqOf[T any, P rowOf[T]](v *T) uint32 { return uint32(P(v).top().Seq) } //nolint:gosec // 4 billion objects fit nowhere

func (s *state) hash(v string) uint32 { return uint32(maphash.String(s.seed, v) >> 32) }

func (tb *table[T, P]) len() int { return tb.rows.Len() }

// get returns the live row with the id, or nil.
func (tb *table[T, P]) get(id string) *T {
	_, v := tb.locate(id)
	return v
}

func (tb *table[T, P]) locate(id string) (seq uint32, v *T) { return tb.search(id, tb.at) }

func (tb *table[T, P]) search(id string, fetch func(uint32) *T) (seq uint32, v *T) {
	if id == "" {
		return 0, nil
	}
	h := tb.s.hash(id)
	tb.ids.Ascend(join(h, 0), func(k uint64) bool {
		if uint32(k>>32) != h {
			return false
		}
		seq = uint32(k) //nolint:gosec // the lower half
		if v = fetch(seq); P(v).top().ID == id {
			return false
		}
		v = nil
		return true
	})
	return seq, v
}

// at returns the live row with the Seq, which must exist.
func (tb *table[T, P]) at(seq uint32) *T {
	if v := tb.live[seq]; v != nil {
		return v
	}
	v := tb.view(seq)
	tb.live[seq] = v
	return v
}

// view returns the row with the Seq for reading only: a walk over many rows
// need not keep them all alive.
func (tb *table[T, P]) view(seq uint32) *T {
	if v := tb.live[seq]; v != nil {
		return v
	}
	sl, _ := tb.rows.Get(seq)
	return tb.unpack(sl)
}

// put adds a row, or says that it changed.
func (tb *table[T, P]) put(v *T) {
	h := P(v).top()
	seq := seqOf[T, P](v)
	if _, there := tb.rows.Get(seq); !there {
		tb.rows.Set(seq, slot{created: uint32(h.Created)}) //nolint:gosec // until 2106
		tb.ids.Insert(join(tb.s.hash(h.ID), seq))
	}
	tb.live[seq] = v
	tb.stale[seq] = true
	tb.s.dirty[h.ID] = true
}

// delete removes the row with the id, if it is there.
func (tb *table[T, P]) delete(id string) {
	seq, v := tb.locate(id)
	if v == nil {
		return
	}
	if sl, _ := tb.rows.Get(seq); sl.length > 0 {
		tb.reindex(seq, tb.unpack(sl), nil)
		tb.s.slab.drop(sl)
	}
	tb.ids.Delete(join(tb.s.hash(id), seq))
	tb.rows.Delete(seq)
	delete(tb.live, seq)
	delete(tb.stale, seq)
	tb.s.dirty[id] = true
}

// mark says that the live row with the id was changed.
func (tb *table[T, P]) mark(id string) {
	if seq, v := tb.locate(id); v != nil {
		tb.stale[seq] = true
	}
}

// settle brings the columns and the packed rows up to date with the live rows
// that were marked.
func (tb *table[T, P]) settle() {
	for seq := range tb.stale {
		sl, there := tb.rows.Get(seq)
		if !there {
			continue
		}
		var was *T
		if sl.length > 0 && len(tb.cols) > 0 {
			was = tb.unpack(sl)
		}
		v := tb.live[seq]
		tb.reindex(seq, was, v)
		tb.s.scratch = tb.pack.put(tb.s.scratch[:0], reflect.ValueOf(v).Elem())
		tb.rows.Set(seq, tb.s.slab.store(sl, tb.s.scratch))
	}
	clear(tb.stale)
}

// forget lets go of the live rows; those that wait for a settle stay.
func (tb *table[T, P]) forget() {
	if len(tb.stale) == 0 {
		if tb.s.lost != nil {
			tb.audit()
		}
		clear(tb.live)
	}
}

// audit names the live rows with a change that nobody marked.
func (tb *table[T, P]) audit() {
	for seq, v := range tb.live {
		sl, there := tb.rows.Get(seq)
		if there && !bytes.Equal(tb.pack.put(nil, reflect.ValueOf(v).Elem()), tb.s.slab.bytes(sl)) {
			tb.s.lost(P(v).top().ID)
		}
	}
}

// all walks the rows in order of creation, for reading only.
func (tb *table[T, P]) all() iter.Seq[*T] {
	return tb.walk(func(from uint32) (seq uint32, ok bool) {
		tb.rows.Ascend(from, func(k uint32, _ slot) bool {
			seq, ok = k, true
			return false
		})
		return seq, ok
	}, 0, tb.view)
}

// walk goes from row to row; next finds the first one at or behind a Seq.
// Tables may change on the way.
func (tb *table[T, P]) walk(next func(uint32) (uint32, bool), from uint32, fetch func(uint32) *T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for at := from; ; at++ {
			seq, ok := next(at)
			if !ok || !yield(fetch(seq)) || seq == math.MaxUint32 {
				return
			}
			at = seq
		}
	}
}

// restore puts a row that the journal holds.
func (tb *table[T, P]) restore(raw json.RawMessage) error {
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	tb.replace(v)
	return nil
}

// replace puts a row straight to rest.
func (tb *table[T, P]) replace(v *T) {
	id := P(v).top().ID
	tb.put(v)
	tb.settle()
	clear(tb.live)
	delete(tb.s.dirty, id)
}

// line writes a row as the journal holds it, null when it is gone.
func (tb *table[T, P]) line(w *jsonWriter, id string) {
	_, v := tb.search(id, tb.view)
	if v == nil {
		w.value(nil)
		return
	}
	tb.pack.json(w, reflect.ValueOf(v).Elem())
}

func (tb *table[T, P]) each() iter.Seq[string] {
	return func(yield func(string) bool) {
		for v := range tb.all() {
			if !yield(P(v).top().ID) {
				return
			}
		}
	}
}

func (tb *table[T, P]) expanded(t *Twin, id string) object {
	v := tb.get(id)
	if v == nil || tb.show == nil {
		return nil
	}
	return tb.show(t, v)
}

func (tb *table[T, P]) unpack(sl slot) *T {
	v := new(T)
	tb.pack.take(tb.s.slab.bytes(sl), reflect.ValueOf(v).Elem())
	return v
}
