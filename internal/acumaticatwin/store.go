package acumaticatwin

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"millrace/internal/journalfile"
)

const stateVersion = 3

// state is everything that survives a restart. It is guarded by Twin.mu.
type state struct {
	Tail    string // of the tenant's ids
	Seq     map[string]int64
	Setup   setup
	Grants  map[string]grant // by hash of the access token
	Refresh map[string]grant

	codec    *codec
	tables   map[string]*table
	turnover turnover
	seed     maphash.Seed
	buf      []byte
	file     *journalfile.File
}

func newState(tenant string, c catalog) *state {
	st := &state{
		Tail: idTail(tenant), Seq: map[string]int64{}, Grants: map[string]grant{}, Refresh: map[string]grant{},
		codec: newCodec(), tables: map[string]*table{}, turnover: turnover{}, seed: maphash.MakeSeed(),
	}
	for name, e := range c {
		if e.stored() == name {
			st.tables[name] = newTable(st, e)
		}
	}
	return st
}

// An entry is one line of the state file. The first ones are a snapshot: a head
// with Version, then rows packed with the head's tables. Each later one is a
// commit, or a change of the grants.
type entry struct {
	Version int                  `json:"version,omitempty"`
	Tail    string               `json:"tail,omitempty"`
	Setup   *setup               `json:"setup,omitempty"`
	Codec   *codec               `json:"codec,omitempty"`
	Seq     map[string]int64     `json:"seq,omitempty"`
	Grants  *map[string]grant    `json:"grants,omitempty"`
	Refresh *map[string]grant    `json:"refresh,omitempty"`
	Packed  map[string][][]byte  `json:"packed,omitempty"` // by entity: number, then the row
	Put     map[string][]*record `json:"put,omitempty"`
	Drop    map[string][]string  `json:"drop,omitempty"` // ids
}

// packedRows is how many rows a line of the snapshot has.
const packedRows = 256

// openState reads the state file into a new state; empty reports that there
// was none.
func openState(path, tenant string, c catalog) (st *state, empty bool, err error) {
	st = newState(tenant, c)
	st.file, err = journalfile.Open(path, func(n int, text []byte) error {
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return err
		}
		if n == 1 && e.Version != stateVersion {
			return fmt.Errorf("version %d, want %d: remove the file to start afresh", e.Version, stateVersion)
		}
		return st.replay(&e)
	})
	if err != nil {
		return nil, false, fmt.Errorf("twin state: %w", err)
	}
	return st, st.Setup.CashAccounts == nil, nil
}

func (st *state) replay(e *entry) error {
	if e.Version != 0 {
		st.Tail = e.Tail
	}
	if e.Setup != nil {
		st.Setup = *e.Setup
	}
	if e.Codec != nil {
		st.codec = e.Codec
		st.codec.ready()
	}
	if e.Grants != nil {
		st.Grants = *e.Grants
	}
	if e.Refresh != nil {
		st.Refresh = *e.Refresh
	}
	maps.Copy(st.Seq, e.Seq)
	for name, rows := range e.Packed {
		t := st.tables[name]
		if t == nil {
			return fmt.Errorf("unknown entity %q", name)
		}
		for _, row := range rows {
			if err := t.load(row); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return st.replayCommit(e)
}

func (st *state) replayCommit(e *entry) error {
	for name, ids := range e.Drop {
		for _, id := range ids {
			if err := st.replayRow(name, id, nil); err != nil {
				return err
			}
		}
	}
	for name, rows := range e.Put {
		for _, r := range rows {
			if err := st.replayRow(name, r.ID, r.clone()); err != nil { // clone: gives every record its maps
				return err
			}
		}
	}
	return nil
}

func (st *state) replayRow(name, id string, r *record) error {
	t := st.tables[name]
	if t == nil {
		return fmt.Errorf("unknown entity %q", name)
	}
	if _, ok := t.number(id); !ok {
		return fmt.Errorf("%s: id %q is not of this tenant", name, id)
	}
	t.put(id, r)
	return nil
}

// load takes a row of a snapshot.
func (t *table) load(row []byte) error {
	n, size := binary.Uvarint(row)
	number := uint32(n) //nolint:gosec // G115: compared below
	if size <= 0 || uint64(number) != n {
		return errPacked
	}
	packed := string(row[size:])
	r, err := t.st.unpack(number, packed)
	if err != nil {
		return err
	}
	if got, ok := t.number(r.ID); !ok || got != number {
		return errors.New("a row has the id of another")
	}
	t.rows[number] = packed
	t.reindex(number, nil, r)
	return nil
}

// write makes an entry durable. A process that is killed at any instant leaves
// a file in which every entry that was answered for is whole. It does not sync
// to the platter, so a power failure may lose the last changes. A file that
// cannot be written anew may still take another line.
func (st *state) write(e func() entry) error {
	if st.file == nil {
		return nil
	}
	var failed error
	if st.file.Due() {
		if failed = st.rewrite(); failed == nil || st.file.Empty() {
			return failed
		}
	}
	text, err := json.Marshal(e())
	if err != nil {
		return fmt.Errorf("encode twin state: %w", err)
	}
	if err := st.file.Append(text); err != nil {
		return errors.Join(failed, fmt.Errorf("write twin state: %w", err))
	}
	return nil
}

// grantsEntry is what a change of the grants adds to the state file.
func (st *state) grantsEntry() entry { return entry{Grants: &st.Grants, Refresh: &st.Refresh} }

// rewrite writes the whole state anew.
func (st *state) rewrite() error {
	err := st.file.Replace(func(emit func([]byte) error) error {
		line := func(e entry) error {
			text, err := json.Marshal(e)
			if err != nil {
				return err
			}
			return emit(text)
		}
		head := entry{
			Version: stateVersion, Tail: st.Tail, Setup: &st.Setup, Codec: st.codec, Seq: st.Seq, Grants: &st.Grants, Refresh: &st.Refresh,
		}
		if err := line(head); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(st.tables)) {
			if err := st.tables[name].emit(func(rows [][]byte) error {
				return line(entry{Packed: map[string][][]byte{name: rows}})
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write twin state: %w", err)
	}
	return nil
}

// emit gives away all packed rows, some at a time.
func (t *table) emit(some func(rows [][]byte) error) error {
	var rows [][]byte
	for n, packed := range t.rows {
		row := append(binary.AppendUvarint(make([]byte, 0, len(packed)+binary.MaxVarintLen32), uint64(n)), packed...)
		if rows = append(rows, row); len(rows) < packedRows {
			continue
		}
		if err := some(rows); err != nil {
			return err
		}
		rows = rows[:0]
	}
	if len(rows) == 0 {
		return nil
	}
	return some(rows)
}
