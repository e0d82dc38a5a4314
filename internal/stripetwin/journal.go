package stripetwin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stateVersion is raised when the state file's shape changes incompatibly.
const stateVersion = 1

// rewriteAfter is how many bytes are appended before the state file is written
// anew, unless the state itself is larger.
const rewriteAfter = 8 << 20

const (
	keyPrefix      = "key:" // then the idempotency key
	deliveryPrefix = "dlv:" // then event and endpoint
)

// A change is one line of the state file: what one commit changed. The first
// line holds the whole state as it was when the file was last written anew.
type change struct {
	Version int    `json:",omitempty"` // first line only, like the next two
	Account string `json:",omitempty"`
	Opened  int64  `json:",omitempty"`
	Seq     int64
	Put     map[string]json.RawMessage // by id; null removes
}

// A journal is the state file. Written anew it is replaced in one step (tmp and
// rename); between that, each commit appends one line in one write. A last
// line that a kill cut short was never answered for, and is dropped.
// Invariant 7.
type journal struct {
	file  string
	base  int // bytes when it was last written anew
	added int // bytes appended since; negative forces a rewrite
}

// openJournal reads the state file, or starts a new state when there is none.
func openJournal(file string, now int64) (*journal, *state, error) {
	j, s := &journal{file: file, added: -1}, newState(now)
	if file == "" {
		return j, s, nil
	}
	raw, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return j, s, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read state: %w", err)
	}
	queue := map[string]*delivery{}
	for n := 1; ; n++ {
		line, rest, whole := bytes.Cut(raw, []byte("\n"))
		if !whole {
			break
		}
		raw = rest
		if err := s.replay(line, n == 1, queue); err != nil {
			return nil, nil, fmt.Errorf("read state %s line %d: %w", file, n, err)
		}
	}
	s.Deliveries = slices.SortedFunc(maps.Values(queue), func(a, b *delivery) int { return cmp.Compare(a.Seq, b.Seq) })
	maps.DeleteFunc(s.Keys, func(_ string, k *kept) bool { return now-k.At >= keyLifetime })
	return j, s, nil
}

func (s *state) replay(line []byte, first bool, queue map[string]*delivery) error {
	var c change
	if err := json.Unmarshal(line, &c); err != nil {
		return err
	}
	if first {
		if c.Version != stateVersion {
			return fmt.Errorf("version %d, want %d", c.Version, stateVersion)
		}
		s.Account, s.Opened = c.Account, c.Opened
	}
	s.Seq = c.Seq
	for id, raw := range c.Put {
		if err := s.apply(id, raw, queue); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

// apply puts one object into the map that its id belongs to; deliveries are
// gathered in queue.
func (s *state) apply(id string, raw json.RawMessage, queue map[string]*delivery) error {
	kind, _, _ := strings.Cut(id, "_")
	switch {
	case strings.HasPrefix(id, keyPrefix):
		return put(s.Keys, strings.TrimPrefix(id, keyPrefix), raw)
	case strings.HasPrefix(id, deliveryPrefix):
		return put(queue, id, raw)
	}
	switch kind {
	case "cus":
		return put(s.Customers, id, raw)
	case "in":
		return put(s.Invoices, id, raw)
	case "ii":
		return put(s.Items, id, raw)
	case "pi":
		return put(s.Intents, id, raw)
	case "ch", "py":
		return put(s.Charges, id, raw)
	case "dp":
		return put(s.Disputes, id, raw)
	case "po":
		return put(s.Payouts, id, raw)
	case "cn":
		return put(s.Notes, id, raw)
	case "re", "pyr":
		return put(s.Refunds, id, raw)
	case "txn":
		return put(s.Moves, id, raw)
	case "evt":
		return put(s.Events, id, raw)
	case "we":
		return put(s.Endpoints, id, raw)
	}
	return errors.New("unknown kind of object")
}

func put[T any](m map[string]*T, id string, raw json.RawMessage) error {
	if string(raw) == "null" {
		delete(m, id)
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	m[id] = v
	return nil
}

// find returns the object that apply would have put there, or nil.
func (s *state) find(id string) any {
	if key, ok := strings.CutPrefix(id, keyPrefix); ok {
		return s.Keys[key]
	}
	if strings.HasPrefix(id, deliveryPrefix) {
		i := slices.IndexFunc(s.Deliveries, func(d *delivery) bool { return d.id() == id })
		if i < 0 {
			return nil
		}
		return s.Deliveries[i]
	}
	kind, _, _ := strings.Cut(id, "_")
	switch kind {
	case "cus":
		return s.Customers[id]
	case "in":
		return s.Invoices[id]
	case "ii":
		return s.Items[id]
	case "pi":
		return s.Intents[id]
	case "ch", "py":
		return s.Charges[id]
	case "dp":
		return s.Disputes[id]
	case "po":
		return s.Payouts[id]
	case "cn":
		return s.Notes[id]
	case "re", "pyr":
		return s.Refunds[id]
	case "txn":
		return s.Moves[id]
	case "evt":
		return s.Events[id]
	case "we":
		return s.Endpoints[id]
	}
	return nil
}

// all returns the ids of everything in the state.
func (s *state) all() map[string]bool {
	ids := map[string]bool{}
	for k := range s.Keys {
		ids[keyPrefix+k] = true
	}
	for _, d := range s.Deliveries {
		ids[d.id()] = true
	}
	add(ids, s.Customers)
	add(ids, s.Invoices)
	add(ids, s.Items)
	add(ids, s.Intents)
	add(ids, s.Charges)
	add(ids, s.Refunds)
	add(ids, s.Notes)
	add(ids, s.Payouts)
	add(ids, s.Disputes)
	add(ids, s.Moves)
	add(ids, s.Events)
	add(ids, s.Endpoints)
	return ids
}

func add[T any](ids map[string]bool, m map[string]*T) {
	for id := range m {
		ids[id] = true
	}
}

// write makes everything durable that was marked since the last write. What
// could not be written stays marked, and the next write starts a new file.
func (j *journal) write(s *state) error {
	if j.file == "" || len(s.dirty) == 0 {
		clear(s.dirty)
		return nil
	}
	rewrite := j.added < 0 || j.added > max(rewriteAfter, j.base)
	c := change{Seq: s.Seq, Put: map[string]json.RawMessage{}}
	ids := s.dirty
	if rewrite {
		c.Version, c.Account, c.Opened, ids = stateVersion, s.Account, s.Opened, s.all()
	}
	for id := range ids {
		raw, err := json.Marshal(s.find(id))
		if err != nil {
			return fmt.Errorf("encode %s: %w", id, err)
		}
		c.Put[id] = raw
	}
	line, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	line = append(line, '\n')
	if rewrite {
		if err = j.replace(line); err == nil {
			j.base, j.added = len(line), 0
		}
	} else if err = j.append(line); err == nil {
		j.added += len(line)
	}
	if err != nil {
		j.added = -1
		return fmt.Errorf("write state: %w", err)
	}
	clear(s.dirty)
	return nil
}

func (j *journal) append(line []byte) error {
	f, err := os.OpenFile(j.file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Close())
}

func (j *journal) replace(line []byte) error {
	f, err := os.CreateTemp(filepath.Dir(j.file), filepath.Base(j.file)+".tmp-*") // mode 0600: it holds signing secrets
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), j.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
