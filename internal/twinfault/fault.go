package twinfault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Fault makes requests go wrong. Its zero fields match and hit everything,
// until it is cleared.
type Fault struct {
	Method      string  `json:"method"`      // "" is any
	PathPrefix  string  `json:"path_prefix"` // "" is any; the control interface is never hit
	Count       int     `json:"count"`       // how many requests are hit; 0: all, until it is cleared
	After       int     `json:"after"`       // how many requests that match are spared first
	Probability float64 `json:"probability"` // share of the requests that are hit; 0 is all
	Seed        uint64  `json:"seed"`        // of the choice by probability
	// From and For are a window on the twin's clock, From counted from when the
	// fault is added; For 0 has no end.
	From time.Duration `json:"from"`
	For  time.Duration `json:"for"`
	// RetryAfter is told in the header Retry-After, in whole seconds; 0 leaves
	// it out. It goes with status, status_after_commit, bad_gateway and
	// unavailable.
	RetryAfter time.Duration `json:"retry_after"`
	Mode       string        `json:"mode"` // see the package
}

// check reports all that is wrong with the fault, and what its mode asks for.
func (f *Fault) check(v Vocabulary) (Action, error) {
	act, err := v.parse(f.Mode)
	errs := []error{err}
	complain := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	complain(f.Method != strings.ToUpper(f.Method), "method %q: want %s", f.Method, strings.ToUpper(f.Method))
	complain(f.PathPrefix != "" && f.PathPrefix[0] != '/', "path_prefix %q: want a path such as /%s", f.PathPrefix, f.PathPrefix)
	complain(f.Count < 0, "count %d: want how many requests are hit, or 0 for all until it is cleared", f.Count)
	complain(f.After < 0, "after %d: want how many requests are spared first", f.After)
	complain(!(f.Probability >= 0 && f.Probability <= 1), "probability %v: want a share from 0 to 1; 0 hits all", f.Probability)
	complain(f.Probability == 0 && f.Seed != 0, "seed %d: goes with probability", f.Seed)
	complain(f.From < 0 || f.For < 0, "from %v, for %v: a window cannot begin or end in the past", f.From, f.For)
	complain(f.RetryAfter < 0 || f.RetryAfter%time.Second != 0, "retry_after %v: want whole seconds", f.RetryAfter)
	if err == nil {
		complain(f.RetryAfter != 0 && !act.answers(), "retry_after: goes with status, status_after_commit, bad_gateway and unavailable, not with %s", act.Mode)
		complain(act.Mode == Unavailable && f.For == 0, "mode unavailable: say with for how long the window is, such as for: 2m; for single answers use status:503")
	}
	act.RetryAfter = f.RetryAfter
	return act, errors.Join(errs...)
}

// wants reports whether the fault is meant for such requests.
func (f *Fault) wants(method, path string) bool {
	return (f.Method == "" || f.Method == method) && strings.HasPrefix(path, f.PathPrefix)
}
