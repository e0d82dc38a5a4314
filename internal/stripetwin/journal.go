package stripetwin

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"millrace/internal/journalfile"
)

// stateVersion is raised when the state file's shape changes incompatibly.
const stateVersion = 2

// linesOf is how many objects share a line when the file is written anew.
const linesOf = 256

const (
	keyPrefix      = "key:" // then the idempotency key
	deliveryPrefix = "dlv:" // then event and endpoint
)

// A change is one line of the state file. The lines of a file that was just
// written anew make up the whole state; each later one is what a commit
// changed, written in one step, so that a kill leaves all of it or nothing.
// Invariant 7.
type change struct {
	Version int // first line only, like the next two
	Account string
	Opened  int64
	Seq     int64
	Last    int64
	Put     map[string]json.RawMessage // by id; null removes
}

// A journal is the state on disk.
type journal struct {
	path string
	file *journalfile.File
}

// openJournal reads the state file into s, which is new; a file that is not
// there yet says nothing.
func openJournal(file string, s *state) (*journal, error) {
	f, err := journalfile.Open(file, func(n int, line []byte) error { return s.replay(line, n == 1) })
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	for m := range s.Moves.all() {
		s.balance.add(m)
	}
	return &journal{path: file, file: f}, nil
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

// begin starts a line: the members before Put.
func (s *state) begin(first bool) *jsonWriter {
	w := &jsonWriter{b: make([]byte, 0, 8<<10)}
	w.b = append(w.b, '{')
	if first {
		w.b = append(w.b, `"Version":`+strconv.Itoa(stateVersion)+`,"Opened":`+strconv.FormatInt(s.Opened, 10)+`,"Account":`...)
		w.text(s.Account)
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, `"Seq":`+strconv.FormatInt(s.Seq, 10)+`,"Last":`+strconv.FormatInt(s.Last, 10)+`,"Put":{`...)
	return w
}

// add writes the object with the id as one member of Put, null when it is
// gone.
func (s *state) add(w *jsonWriter, n int, id string) {
	if n > 0 {
		w.b = append(w.b, ',')
	}
	w.text(id)
	w.b = append(w.b, ':')
	s.storeOf(id).line(w, id)
}

// save writes the whole state anew.
func (j *journal) save(s *state) error {
	s.settle()
	if err := j.file.Replace(s.lines); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	s.written()
	return nil
}

// write makes everything durable that was marked since the last write, and
// the clock when it was moved. What could not be written stays marked. A file
// that cannot be written anew may still take another line.
func (j *journal) write(s *state) error {
	s.settle()
	if j.file == nil || (len(s.dirty) == 0 && !s.advanced) {
		s.written()
		return nil
	}
	var failed error
	if j.file.Due() {
		if failed = j.save(s); failed == nil || j.file.Empty() {
			return failed
		}
	}
	w, n := s.begin(false), 0
	for id := range s.dirty {
		s.add(w, n, id)
		n++
	}
	if err := j.file.Append(append(w.b, "}}"...)); err != nil {
		return errors.Join(failed, fmt.Errorf("write state: %w", err))
	}
	s.written()
	return nil
}

// written notes that nothing is left to write.
func (s *state) written() {
	clear(s.dirty)
	s.advanced = false
}

// lines emits the whole state.
func (s *state) lines(emit func([]byte) error) error {
	if err := emit(append(s.begin(true).b, "}}"...)); err != nil {
		return err
	}
	for _, st := range s.stores {
		w, n := s.begin(false), 0
		for id := range st.each() {
			s.add(w, n, id)
			if n++; n == linesOf {
				if err := emit(append(w.b, "}}"...)); err != nil {
					return err
				}
				w, n = s.begin(false), 0
			}
		}
		if n > 0 {
			if err := emit(append(w.b, "}}"...)); err != nil {
				return err
			}
		}
	}
	return nil
}
