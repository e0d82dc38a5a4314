package stripetwin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// stateVersion is raised when the state file's shape changes incompatibly.
const stateVersion = 2

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
	Last    int64
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
	for n := 1; ; n++ {
		line, rest, whole := bytes.Cut(raw, []byte("\n"))
		if !whole {
			break
		}
		raw = rest
		if err := s.replay(line, n == 1); err != nil {
			return nil, nil, fmt.Errorf("read state %s line %d: %w", file, n, err)
		}
	}
	for m := range s.Moves.all() {
		s.balance.add(m)
	}
	return j, s, nil
}

func (s *state) replay(line []byte, first bool) error {
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
	s.Seq, s.Last = c.Seq, c.Last
	for id, raw := range c.Put {
		if err := s.apply(id, raw); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

// apply puts one object where its id says that it belongs; null removes it.
func (s *state) apply(id string, raw json.RawMessage) error {
	st := s.storeOf(id)
	switch {
	case st == nil:
		return errors.New("unknown kind of object")
	case string(raw) == "null":
		st.delete(id)
		delete(s.dirty, id)
		return nil
	}
	return st.restore(raw)
}

// line is the object with the id as the journal holds it.
func (s *state) line(id string) (json.RawMessage, error) {
	if st := s.storeOf(id); st != nil {
		return st.line(id)
	}
	return nil, errors.New("unknown kind of object")
}

// all returns the ids of everything in the state.
func (s *state) all() map[string]bool {
	ids := map[string]bool{}
	for _, st := range s.stores {
		for id := range st.each() {
			ids[id] = true
		}
	}
	return ids
}

// write makes everything durable that was marked since the last write. What
// could not be written stays marked, and the next write starts a new file.
func (j *journal) write(s *state) error {
	s.settle()
	if j.file == "" || len(s.dirty) == 0 {
		clear(s.dirty)
		return nil
	}
	rewrite := j.added < 0 || j.added > max(rewriteAfter, j.base)
	c := change{Seq: s.Seq, Last: s.Last, Put: map[string]json.RawMessage{}}
	ids := s.dirty
	if rewrite {
		c.Version, c.Account, c.Opened, ids = stateVersion, s.Account, s.Opened, s.all()
	}
	for id := range ids {
		raw, err := s.line(id)
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
