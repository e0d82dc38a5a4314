// Package sinktest is the suite that every document kind of a sink must pass:
// duplicates, another order, a crash between any two steps, workers that wake
// up late, people who skip it meanwhile, and every fault that the twins know, at
// every request. What was skipped has no effect, ever. Whatever else happens, the target's books end with exactly one effect, read back as it was
// meant, both sides linked, nothing left unreleased; the outcome is told, and
// what failed on the way has a registered code of the right kind, so that no
// passing fault parks a lane (Invariants 2 to 5, 7 and 10).
//
// It runs the sink's own handler against the twin and a real broker, on a clock
// that it moves: holds, settling delays and idempotency keys run out without
// anybody waiting.
package sinktest

import (
	"context"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/schemas"
)

// NewSink starts one process of the sink in the world.
type NewSink func(ctx context.Context, w *World, p Process) (Worker, error)

// A Process is what differs between two processes of a sink.
type Process struct {
	Name    string             // that its postings are held under
	Timeout time.Duration      // of one request to the target
	At      func(point string) // to be called between any two steps
}

// A Worker is a process of the sink that runs.
type Worker struct {
	Handle bus.Handler
	Skip   bus.Handler
	// Resolve does once what the sink does beside its lanes; nil: nothing.
	Resolve func(context.Context) error
}

// A Kind is one document kind with its verb.
type Kind struct {
	Target string // schemas.Acumatica or schemas.Stripe
	// Prepare puts into an empty world what the document needs and says which
	// document it is.
	Prepare func(tb testing.TB, w *World) Document
}

// A Document is what the suite works with.
type Document struct {
	// First comes before the document in its lane; without it the sink must
	// refuse the document, or skip it where Needless.
	First    []schemas.Intent
	Needless bool
	// Intent is the document; Next comes after it in its lane: a newer version
	// under the same key, or another document.
	Intent, Next Wanted
	// Link is the kind of link that the sink leaves; empty: none.
	Link string
	// Stays says that what was written of a skipped intent may stay: it has no
	// effect in the books.
	Stays bool
	// Yields says that a refusal ends the intent with a review instead of
	// holding the lane: money does not depend on it.
	Yields bool
	// Entries reads, from the target's own books, everything that stands for
	// the intents' key.
	Entries func(ctx context.Context, key string) ([]Entry, error)
}

// Wanted is an intent and what the books must say of it.
type Wanted struct {
	schemas.Intent
	Facts string // as in Entry
}

// An Entry is one thing in the target's books.
type Entry struct {
	AcumaticaID, StripeID string // as the link pairs them
	Effective             bool   // released, finalised: what it was made for
	Facts                 string // everything that the intent asked for, in one line
}

// Run runs the whole suite. The bus must be provisioned, and may be shared.
func Run(t *testing.T, b *bus.Bus, newSink NewSink, kind Kind) {
	t.Helper()
	s := &suite{bus: b, newSink: newSink, kind: kind}
	s.discover(t)
	for _, part := range []struct {
		name string
		add  func(*group)
	}{
		{"twice", s.twice},
		{"order", s.order},
		{"crash", s.crash},
		{"crash twice", s.crashTwice},
		{"stale worker", s.stale},
		{"workers meet", s.meet},
		{"fault", s.faults},
		{"sign-in", s.signIn},
		{"slow", s.slow},
		{"late", s.late},
		{"skip", s.skip},
		{"skip while queued", s.skipQueued},
		{"skip crashes", s.skipCrash},
	} {
		t.Run(part.name, func(t *testing.T) { s.side(t, part.add) })
	}
}

// A suite runs one kind.
type suite struct {
	bus      *bus.Bus
	newSink  NewSink
	kind     Kind
	points   []string  // that an undisturbed run passes
	requests []request // that it makes
}

// discover makes one undisturbed run, to learn where others can be disturbed.
func (s *suite) discover(t *testing.T) {
	t.Helper()
	c := s.begin(t)
	w := c.start(func(p string) { s.points = append(s.points, p) })
	c.world.forget()
	out, err := c.attempt(w, c.doc.Intent.Intent)
	if err != nil || out.Outcome != schemas.Applied {
		t.Fatalf("undisturbed: %s %q, %v", out.Outcome, out.Reason, err)
	}
	s.requests = c.world.seen()
	c.settle()
	c.check(c.doc.Intent)
	if len(s.points) < 2 || len(s.requests) == 0 {
		t.Fatalf("passed only %v, with %v", s.points, s.requests)
	}
}
