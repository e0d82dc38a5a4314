package twinfault

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// maxSpent bounds the faults that are kept only to be listed.
const maxSpent = 1000

// A Script is the faults of one twin. Its methods may be called from any
// goroutine.
type Script struct {
	vocabulary Vocabulary
	now        func() time.Time // the twin's clock

	mu      sync.Mutex
	nextID  int
	entries []*entry // in the order in which they came
	spent   int      // how many of entries hit all that they had to
}

// An entry is a fault at work.
type entry struct {
	id     int
	fault  Fault
	act    Action
	opens  time.Time
	closes time.Time // zero: never
	seen   int
	fired  int
	dice   *rand.Rand
}

// NewScript makes a script without faults for a twin with the vocabulary and
// the clock.
func NewScript(v Vocabulary, now func() time.Time) *Script {
	return &Script{vocabulary: v, now: now}
}

// Add adds faults behind those that are there; all or, when one is not valid,
// none. A name or a mode that is not known is an error: a test that runs
// without its faults proves nothing.
func (s *Script) Add(faults ...Fault) error {
	now := s.now()
	fresh := make([]*entry, 0, len(faults))
	var errs []error
	for i, f := range faults {
		act, err := f.check(s.vocabulary)
		if err != nil {
			errs = append(errs, fmt.Errorf("fault %d: %w", i+1, err))
			continue
		}
		e := &entry{fault: f, act: act, opens: now.Add(f.From)}
		if f.For > 0 {
			e.closes = e.opens.Add(f.For)
		}
		e.dice = rand.New(rand.NewPCG(f.Seed, f.Seed)) //nolint:gosec // G404: a repeatable choice is wanted
		fresh = append(fresh, e)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range fresh {
		s.nextID++
		e.id = s.nextID
	}
	s.entries = append(s.entries, fresh...)
	return nil
}

// Load reads faults in YAML or JSON and adds them; all or, when one is not
// valid, none.
func (s *Script) Load(r io.Reader) error {
	list, err := LoadFaults(r)
	if err != nil {
		return err
	}
	return s.Add(list...)
}

// Take says what goes wrong with a request and uses up one count of the fault
// that does it; ok is false when nothing does.
func (s *Script) Take(method, path string) (act Action, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) == s.spent {
		return Action{}, false
	}
	now := s.now()
	for _, e := range s.entries {
		if !e.takes(method, path, now) {
			continue
		}
		if e.left() == 0 {
			s.bury()
		}
		return e.act, true
	}
	return Action{}, false
}

// takes reports whether the fault hits the request, and counts.
func (e *entry) takes(method, path string, now time.Time) bool {
	f := &e.fault
	switch {
	case e.left() == 0, !f.wants(method, path), now.Before(e.opens), !e.closes.IsZero() && !now.Before(e.closes):
		return false
	}
	if e.seen++; e.seen <= f.After {
		return false
	}
	if f.Probability > 0 && e.dice.Float64() >= f.Probability {
		return false
	}
	e.fired++
	return true
}

// left is how many requests the fault still hits; -1 is without end.
func (e *entry) left() int {
	if e.fault.Count == 0 {
		return -1
	}
	return e.fault.Count - e.fired
}

// bury counts one more fault as spent and forgets the oldest of too many.
func (s *Script) bury() {
	if s.spent++; s.spent > maxSpent {
		i := slices.IndexFunc(s.entries, func(e *entry) bool { return e.left() == 0 })
		s.entries = slices.Delete(s.entries, i, i+1)
		s.spent--
	}
}

// A Report tells of one fault of a script. Left is nil for a fault without a
// count.
type Report struct {
	ID          int       `json:"id"`
	Method      string    `json:"method,omitempty"`
	PathPrefix  string    `json:"path_prefix,omitempty"`
	After       int       `json:"after,omitempty"`
	Probability float64   `json:"probability,omitempty"`
	Seed        uint64    `json:"seed,omitempty"`
	Opens       time.Time `json:"opens"`           // on the twin's clock
	Closes      time.Time `json:"closes,omitzero"` // likewise; zero is never
	RetryAfter  string    `json:"retry_after,omitempty"`
	Mode        string    `json:"mode"`
	Seen        int       `json:"seen"`  // requests that matched inside the window
	Fired       int       `json:"fired"` // of them, those that were hit
	Left        *int      `json:"left,omitempty"`
}

// Reports tells of all faults, also of the last 1000 of those that are used
// up.
func (s *Script) Reports() []Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Report, 0, len(s.entries))
	for _, e := range s.entries {
		r := Report{
			ID: e.id, Method: e.fault.Method, PathPrefix: e.fault.PathPrefix, After: e.fault.After, Probability: e.fault.Probability, Seed: e.fault.Seed,
			Opens: e.opens.UTC(), Closes: e.closes, Mode: e.fault.Mode, Seen: e.seen, Fired: e.fired,
		}
		if !e.closes.IsZero() {
			r.Closes = e.closes.UTC()
		}
		if e.fault.RetryAfter > 0 {
			r.RetryAfter = e.fault.RetryAfter.String()
		}
		if n := e.left(); n >= 0 {
			r.Left = &n
		}
		list = append(list, r)
	}
	return list
}

// Clear forgets all faults.
func (s *Script) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries, s.spent = nil, 0
}
