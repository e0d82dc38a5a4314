package poller

import (
	"slices"
	"strings"
	"time"
)

// tick is the finest step of a window's bounds. Acumatica: timestamps are
// shown in milliseconds.
const tick = time.Millisecond

// window is a span of change times, from inclusive, until exclusive. A zero
// from means from the beginning.
type window struct{ from, until time.Time }

func (w window) empty() bool { return !w.from.Before(w.until) }

// filter spells the window in Acumatica's OData, with further conditions.
// Neighbouring windows share a literal, ge on one side and lt on the other,
// so that no instant falls between them whatever the server rounds.
func (w window) filter(field string, conditions ...string) string {
	terms := []string{}
	if !w.from.IsZero() {
		terms = append(terms, field+" ge "+literal(w.from))
	}
	terms = append(terms, field+" lt "+literal(w.until))
	for _, c := range conditions {
		if c != "" {
			terms = append(terms, c)
		}
	}
	return strings.Join(terms, " and ")
}

// literal is an instant as Acumatica's filters take it (OData v3).
func literal(t time.Time) string {
	return "datetimeoffset'" + t.UTC().Format("2006-01-02T15:04:05.000") + "+00:00'"
}

// split finds an instant inside w that parts the given rows about in the
// middle. It reports false when w cannot be made smaller.
func (w window) split(rows []row) (time.Time, bool) {
	var at []time.Time
	for _, r := range rows {
		if t := r.changed.Truncate(tick); t.After(w.from) && t.Before(w.until) {
			at = append(at, t)
		}
	}
	if len(at) > 0 {
		slices.SortFunc(at, time.Time.Compare)
		return at[len(at)/2], true
	}
	// All of them changed in the first tick: leave that tick alone in a window.
	if t := w.from.Add(tick); !w.from.IsZero() && t.Before(w.until) {
		return t, true
	}
	return time.Time{}, false
}
