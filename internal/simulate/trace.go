package simulate

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// kept bounds what a run remembers of what its services said, in lines.
	kept = 5000
	// told bounds what is told of it after a failure, in lines.
	told = 120
)

// A trace remembers what the services of one run said at info and above, and
// what was done to them, so that a failure can be told from its begin.
type trace struct {
	start time.Time

	mu    sync.Mutex
	lines []string
}

// add notes a line; the oldest goes when there are too many.
func (t *trace) add(line string) {
	at := time.Since(t.start)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == kept {
		t.lines = slices.Delete(t.lines, 0, kept/10)
	}
	t.lines = append(t.lines, fmt.Sprintf("%6dms %s", at.Milliseconds(), line))
}

// anyID is an id as it stands in problems and log lines: of Stripe's objects, of
// Acumatica's customers and documents.
var anyID = regexp.MustCompile(`\b(?:(?:ch|cus|in|evt)_\w+|C\d{6}|AR\d{6})\b`)

// laneOf is how a log line names the lane that it is about.
var laneOf = regexp.MustCompile(`\blane=(\S+)`)

// of returns what was said of what the problems name and of its lanes, with
// everything that was done to the installation in between.
func (t *trace) of(problems []string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := map[string]bool{}
	for _, p := range problems {
		for _, s := range anyID.FindAllString(p, -1) {
			ids[s] = true
		}
	}
	for _, line := range t.lines {
		if m := laneOf.FindStringSubmatch(line); m != nil && mentions(line, ids) {
			ids[m[1]] = true
		}
	}
	var story []string
	for _, line := range t.lines {
		if strings.Contains(line, "ms "+byPlan+" ") || mentions(line, ids) {
			story = append(story, line)
		}
	}
	if len(story) > told {
		story = append(append(story[:told/2:told/2], fmt.Sprintf("… %d lines …", len(story)-told)), story[len(story)-told/2:]...)
	}
	return story
}

func mentions(line string, ids map[string]bool) bool {
	return slices.ContainsFunc(anyID.FindAllString(line, -1), func(s string) bool { return ids[s] })
}

// byPlan marks what the plan did, rather than what the services said.
const byPlan = "simulated"

// teller is the log of a run: everything goes to next, and what matters is
// remembered too.
type teller struct {
	next   slog.Handler
	trace  *trace
	prefix string // attributes set before
}

func (h *teller) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || h.next.Enabled(ctx, l)
}

func (h *teller) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		var b strings.Builder
		b.WriteString(r.Message)
		b.WriteString(h.prefix)
		r.Attrs(func(a slog.Attr) bool {
			b.WriteString(attr(a))
			return true
		})
		h.trace.add(b.String())
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// attr tells an attribute in logfmt's way, roughly.
func attr(a slog.Attr) string {
	switch a.Key {
	case "connection", "type", "trace_id", "hint", "took_ms": // the same everywhere, or of no use here
		return ""
	}
	return fmt.Sprintf(" %s=%.300s", a.Key, a.Value)
}

func (h *teller) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.next = h.next.WithAttrs(attrs)
	for _, a := range attrs {
		n.prefix += attr(a)
	}
	return &n
}

func (h *teller) WithGroup(name string) slog.Handler {
	n := *h
	n.next = h.next.WithGroup(name)
	return &n
}
