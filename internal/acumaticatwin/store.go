package acumaticatwin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

const stateVersion = 2

// state is everything that survives a restart. It is guarded by Twin.mu.
type state struct {
	Version int                           `json:"version"`
	Records map[string]map[string]*record `json:"records"` // entity → id
	Seq     map[string]int64              `json:"seq"`
	Batches []Batch                       `json:"batches"`
	Setup   setup                         `json:"setup"`
	Grants  map[string]grant              `json:"grants"` // by hash of the access token
	Refresh map[string]grant              `json:"refresh"`

	keys map[string]map[string]string // entity → folded key → id; rebuilt at load
}

func newState() *state {
	return &state{
		Version: stateVersion, Records: map[string]map[string]*record{}, Seq: map[string]int64{},
		Grants: map[string]grant{}, Refresh: map[string]grant{}, keys: map[string]map[string]string{},
	}
}

// loadState reads a state file; nil without error means there is none.
func loadState(path string, c catalog) (*state, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // G304: the path is the caller's own option
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read twin state: %w", err)
	}
	st := newState()
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(st); err != nil {
		return nil, fmt.Errorf("twin state %s: %w", path, err)
	}
	if st.Version != stateVersion {
		return nil, fmt.Errorf("twin state %s: version %d, want %d: remove the file to start afresh", path, st.Version, stateVersion)
	}
	for name, rows := range st.Records {
		e, ok := c[name]
		if !ok {
			return nil, fmt.Errorf("twin state %s: unknown entity %q", path, name)
		}
		for id, r := range rows {
			rows[id] = r.clone() // gives every record its maps
			st.index(e, rows[id])
		}
	}
	return st, nil
}

func (st *state) index(e *entity, r *record) {
	if st.keys[e.name] == nil {
		st.keys[e.name] = map[string]string{}
	}
	st.keys[e.name][e.keyOf(r)] = r.ID
}

// write puts the state on disk in one step: a reader, or a process that is
// killed at any instant, sees the old or the new state, never half of one. It
// does not sync to the platter, so a power failure may lose the last changes.
func (st *state) write(path string) error {
	if path == "" {
		return nil
	}
	raw, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("encode twin state: %w", err)
	}
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return fmt.Errorf("write twin state: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write twin state: %w", err)
	}
	return nil
}

// A tx collects changes and applies all of them or none. Reads see its own
// changes first.
type tx struct {
	now     time.Time
	tenant  string
	cat     catalog
	st      *state
	changed map[string]map[string]*record // nil record = deleted
	seq     map[string]int64
	batches []Batch
	within  within
	zone    *time.Location // of the server
}

func (t *Twin) begin() *tx {
	return &tx{
		now: t.now().UTC(), tenant: t.o.Tenant, cat: t.cat, st: t.st, zone: t.location(),
		changed: map[string]map[string]*record{}, seq: map[string]int64{},
	}
}

func (x *tx) get(entityName, id string) *record {
	if r, ok := x.changed[entityName][id]; ok {
		return r
	}
	return x.st.Records[entityName][id]
}

// stored is the row as it was before this transaction.
func (x *tx) stored(entityName, id string) *record { return x.st.Records[entityName][id] }

func (x *tx) byKey(entityName string, key ...string) *record {
	folded, e := foldKey(key), x.cat[entityName]
	for _, r := range x.changed[entityName] {
		if r != nil && e.keyOf(r) == folded {
			return r
		}
	}
	id, ok := x.st.keys[entityName][folded]
	if !ok {
		return nil
	}
	return x.get(entityName, id)
}

// all returns the rows in the order of their keys. Acumatica promises no
// order; it is never the order of time.
func (x *tx) all(entityName string) []*record {
	var rows []*record
	for id, r := range x.st.Records[entityName] {
		if _, ok := x.changed[entityName][id]; !ok {
			rows = append(rows, r)
		}
	}
	for _, r := range x.changed[entityName] {
		if r != nil {
			rows = append(rows, r)
		}
	}
	e := x.cat[entityName]
	slices.SortFunc(rows, func(a, b *record) int { return strings.Compare(e.keyOf(a), e.keyOf(b)) })
	return rows
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
func (x *tx) newID() string {
	name := fmt.Sprintf("%s/%d", x.tenant, x.next("id"))
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)).String()
}

// commit applies the changes and writes the state before anybody is answered.
// When the write fails nothing has happened.
func (t *Twin) commit(x *tx) error {
	news := t.news(x)
	undo := x.apply()
	if err := t.st.write(t.o.StateFile); err != nil {
		undo()
		return err
	}
	t.announce(news)
	return nil
}

func (x *tx) apply() (undo func()) {
	var back []func()
	for name, rows := range x.changed {
		e := x.cat[name]
		if x.st.Records[name] == nil {
			x.st.Records[name] = map[string]*record{}
		}
		for id, r := range rows {
			old := x.st.Records[name][id]
			x.st.replace(e, id, old, r)
			back = append(back, func() { x.st.replace(e, id, r, old) })
		}
	}
	for name, n := range x.seq {
		old := x.st.Seq[name]
		x.st.Seq[name] = n
		back = append(back, func() { x.st.Seq[name] = old })
	}
	batches := len(x.st.Batches)
	x.st.Batches = append(x.st.Batches, x.batches...)
	return func() {
		for _, f := range back {
			f()
		}
		x.st.Batches = x.st.Batches[:batches]
	}
}

func (st *state) replace(e *entity, id string, old, r *record) {
	if old != nil {
		delete(st.keys[e.name], e.keyOf(old))
	}
	if r == nil {
		delete(st.Records[e.name], id)
		return
	}
	st.Records[e.name][id] = r
	st.index(e, r)
}

// where returns the rows whose field has the value, compared as the database
// compares, in the order of their keys.
func (x *tx) where(entityName, name, value string) []*record {
	var rows []*record
	for _, r := range x.all(entityName) {
		if v, ok := r.value(name); ok && fold(v) == fold(value) {
			rows = append(rows, r)
		}
	}
	return rows
}
