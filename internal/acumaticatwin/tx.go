package acumaticatwin

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// A tx collects changes and applies all of them or none. Reads see its own
// changes first.
type tx struct {
	now    time.Time
	tenant string
	// refundLabel is the type of refunds on this build.
	refundLabel string
	cat         catalog
	st          *state
	changed     map[string]map[string]*record // nil record = deleted
	seq         map[string]int64
	within      within
	params      map[string]string // of the action that runs
	zone        *time.Location    // of the server
	rights      *rights           // of who reads; nil: the system itself
	heads       bool              // stored rows are read without their lines
}

func (t *Twin) begin() *tx {
	return &tx{
		now: t.now().UTC(), tenant: t.o.Tenant, refundLabel: t.o.RefundLabel, cat: t.cat, st: t.st, zone: t.location(),
		changed: map[string]map[string]*record{}, seq: map[string]int64{},
	}
}

// param is a parameter of the action that runs, or "".
func (x *tx) param(name string) string { return x.params[name] }

// get returns the row with an id, or nil.
func (x *tx) get(entityName, id string) *record {
	if r, ok := x.changed[entityName][id]; ok {
		return r
	}
	return x.stored(entityName, id)
}

// stored is the row as it was before this transaction.
func (x *tx) stored(entityName, id string) *record {
	t := x.st.tables[entityName]
	if n, ok := t.number(id); ok {
		return t.get(n)
	}
	return nil
}

// current returns a row of a table that this transaction has not changed.
func (x *tx) current(t *table, n uint32, read func(uint32) *record) *record {
	if own := x.changed[t.e.name]; len(own) > 0 {
		if _, ok := own[x.st.idText(uint64(n))]; ok {
			return nil
		}
	}
	if x.heads {
		return t.head(n)
	}
	return read(n)
}

func (x *tx) byKey(entityName string, key ...string) *record {
	folded, e := foldKey(key), x.cat[entityName]
	for _, r := range x.changed[entityName] {
		if r != nil && e.keyOf(r) == folded {
			return r
		}
	}
	t := x.st.tables[entityName]
	n, ok := t.keys.Get(folded)
	if !ok {
		return nil
	}
	return x.current(t, n, t.get)
}

// walk yields the rows in the order of their keys, beginning with the first
// whose folded key is not before start. Acumatica promises no order; it is
// never the order of time.
func (x *tx) walk(entityName, start string) iter.Seq[*record] {
	e, t := x.cat[entityName], x.st.tables[entityName]
	own := x.own(entityName, func(r *record) bool { return e.keyOf(r) >= start })
	return func(yield func(*record) bool) {
		for key, n := range t.from(start) {
			r := x.current(t, n, t.peek)
			if r == nil {
				continue
			}
			for len(own) > 0 && e.keyOf(own[0]) < key {
				if !yield(own[0]) {
					return
				}
				own = own[1:]
			}
			if !yield(r) {
				return
			}
		}
		for _, r := range own {
			if !yield(r) {
				return
			}
		}
	}
}

// own returns what this transaction changed and a condition lets through, in
// the order of keys.
func (x *tx) own(entityName string, match func(*record) bool) []*record {
	var rows []*record
	for _, r := range x.changed[entityName] {
		if r != nil && match(r) {
			rows = append(rows, r)
		}
	}
	sortByKey(x.cat[entityName], rows)
	return rows
}

func sortByKey(e *entity, rows []*record) {
	if len(rows) < 2 {
		return
	}
	keys := make(map[*record]string, len(rows))
	for _, r := range rows {
		keys[r] = e.keyOf(r)
	}
	slices.SortFunc(rows, func(a, b *record) int { return strings.Compare(keys[a], keys[b]) })
}

// all returns every row in the order of keys. It is for settings; documents
// are too many.
func (x *tx) all(entityName string) []*record { return slices.Collect(x.walk(entityName, "")) }

// where returns the rows whose field has the value, compared as the database
// compares, in the order of their keys. Part/Field looks at all lines of a
// part. It is quick for the indexed fields of an entity.
func (x *tx) where(entityName, name, value string) []*record {
	rows := slices.Collect(x.with(entityName, name, value))
	sortByKey(x.cat[entityName], rows)
	return rows
}

// with is where in no order: the first row does not cost the others.
func (x *tx) with(entityName, name, value string) iter.Seq[*record] {
	folded := fold(value)
	match := func(r *record) bool {
		for v := range fieldValues(r, name) {
			if fold(v) == folded {
				return true
			}
		}
		return false
	}
	return func(yield func(*record) bool) {
		rows := x.walk(entityName, "")
		if numbers, ok := x.st.tables[entityName].equal(name, value); ok {
			rows = x.pick(entityName, numbers)
		}
		for r := range rows {
			if match(r) && !yield(r) {
				return
			}
		}
	}
}

// pick yields the rows that this transaction changed, then those with the
// numbers.
func (x *tx) pick(entityName string, numbers iter.Seq[uint32]) iter.Seq[*record] {
	t := x.st.tables[entityName]
	return func(yield func(*record) bool) {
		for _, r := range x.changed[entityName] {
			if r != nil && !yield(r) {
				return
			}
		}
		for n := range numbers {
			if r := x.current(t, n, t.get); r != nil && !yield(r) {
				return
			}
		}
	}
}

// edit returns a copy of a record that belongs to this transaction.
func (x *tx) edit(entityName string, r *record) *record {
	if own, ok := x.changed[entityName][r.ID]; ok && own == r {
		return r
	}
	c := r.clone()
	x.save(entityName, c)
	return c
}

func (x *tx) save(entityName string, r *record) { x.put(entityName, r.ID, r) }

func (x *tx) remove(entityName, id string) { x.put(entityName, id, nil) }

func (x *tx) put(entityName, id string, r *record) {
	if x.changed[entityName] == nil {
		x.changed[entityName] = map[string]*record{}
	}
	x.changed[entityName][id] = r
}

// next returns the next number of a sequence, starting with 1. Numbers of a
// transaction that fails are given out again.
func (x *tx) next(name string) int64 {
	n, ok := x.seq[name]
	if !ok {
		n = x.st.Seq[name]
	}
	x.seq[name] = n + 1
	return n + 1
}

// newID returns the next id. Ids depend only on the tenant and on how many
// were made before, so a seeded twin always has the same.
func (x *tx) newID() string { return x.st.idText(uint64(x.next("id"))) } //nolint:gosec // G115: counts from 1

// commit applies the changes and writes them before anybody is answered. When
// the write fails nothing has happened.
func (t *Twin) commit(x *tx) error {
	news := t.news(x)
	undo := x.apply()
	if err := t.st.write(x.entry()); err != nil {
		undo()
		return err
	}
	t.announce(news)
	for _, r := range x.changed[entityInvoice] {
		if t.o.Ledger != nil && r != nil {
			t.o.Ledger(viewInvoice(r))
		}
	}
	return nil
}

func (x *tx) apply() (undo func()) {
	var back []func()
	for name, rows := range x.changed {
		t := x.st.tables[name]
		for id, r := range rows {
			old := t.put(id, r)
			back = append(back, func() { t.put(id, old) })
		}
	}
	for name, n := range x.seq {
		old := x.st.Seq[name]
		x.st.Seq[name] = n
		back = append(back, func() { x.st.Seq[name] = old })
	}
	return func() {
		for _, f := range back {
			f()
		}
	}
}

// entry is what a commit adds to the state file.
func (x *tx) entry() func() entry {
	return func() entry {
		e := entry{Seq: x.seq, Put: map[string][]*record{}, Drop: map[string][]string{}}
		for name, rows := range x.changed {
			for id, r := range rows {
				if r == nil {
					e.Drop[name] = append(e.Drop[name], id)
				} else {
					e.Put[name] = append(e.Put[name], r)
				}
			}
		}
		return e
	}
}
