package sinktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

const (
	// searchLag is how far Stripe's search lags behind. Stripe: "Search", data
	// freshness.
	searchLag = time.Minute
	// SettleDelay is how long an uncertain write gets to show up.
	SettleDelay = 30 * time.Second
	// afterDoubts is when nothing can surface any more, whatever was queued.
	afterDoubts = time.Hour
	// beyondKeys is when Stripe has forgotten every idempotency key.
	beyondKeys = 30 * time.Hour
	// timeout of one request: never reached unless a case wants it.
	timeout = 30 * time.Second
	// tries bounds how often a lane tries in vain before the case has failed.
	tries = 15
)

// A trial is one case of the suite: a world of its own and the processes in it.
type trial struct {
	t       *testing.T
	suite   *suite
	world   *World
	doc     Document
	started int                  // processes
	stored  map[string]time.Time // when an intent came
	pause   time.Duration        // after the first failed attempt

	mu    sync.Mutex
	texts []string // reasons and errors of all attempts
}

// begin makes a world in which everything that comes first has happened.
func (s *suite) begin(t *testing.T) *trial {
	t.Helper()
	c := s.prepare(t)
	for _, in := range c.doc.First {
		c.end(c.start(nil), in)
	}
	return c
}

func (s *suite) prepare(t *testing.T) *trial {
	t.Helper()
	w := newWorld(t, s.bus, s.kind.Target)
	return &trial{t: t, suite: s, world: w, doc: s.kind.Prepare(t, w), stored: map[string]time.Time{}}
}

// start starts a process.
func (c *trial) start(at func(point string)) Worker { return c.startImpatient(timeout, at) }

// startImpatient starts a process that waits only so long for an answer.
func (c *trial) startImpatient(timeout time.Duration, at func(point string)) Worker {
	c.t.Helper()
	if at == nil {
		at = func(string) {}
	}
	c.started++
	w, err := c.suite.newSink(c.t.Context(), c.world, Process{Name: fmt.Sprintf("process %d", c.started), Timeout: timeout, At: at})
	if err != nil {
		c.t.Fatal(err)
	}
	return w
}

// crashError is what a process that was killed leaves of an attempt.
type crashError struct{ point string }

func (e *crashError) Error() string { return "crashed at " + e.point }

// crashAt kills the process at the nth point that it passes.
func crashAt(n int) func(point string) {
	return func(point string) {
		if n--; n == 0 {
			panic(&crashError{point})
		}
	}
}

// attempt hands the intent to the worker once.
func (c *trial) attempt(w Worker, in schemas.Intent) (out schemas.Outcome, err error) {
	c.t.Helper()
	return c.hand(w.Handle, in)
}

// hand hands the intent to one of a worker's handlers.
func (c *trial) hand(to bus.Handler, in schemas.Intent) (out schemas.Outcome, err error) {
	c.t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, found := c.stored[in.ID]; !found {
		c.stored[in.ID] = c.world.Clock.Now()
	}
	out, err = handle(c.t.Context(), to, &bus.Message{
		Stream: bus.Intents, Seq: 1, Stored: c.stored[in.ID],
		Subject: bus.Subject{Stream: bus.Intents, Connection: in.Connection, Lane: in.Lane, A: in.Target, B: in.Document, C: in.Verb},
		Event:   bus.Event{ID: in.ID, Data: data},
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts = append(c.texts, out.Reason)
	if err != nil {
		c.texts = append(c.texts, err.Error())
	}
	return out, err
}

func handle(ctx context.Context, to bus.Handler, m *bus.Message) (out schemas.Outcome, err error) {
	defer crashed(&err)
	return to(ctx, m)
}

// crashed turns the panic of a crash into an error.
func crashed(err *error) {
	if r := recover(); r != nil {
		crash, ok := r.(*crashError)
		if !ok {
			panic(r)
		}
		*err = crash
	}
}

func isCrash(err error) bool {
	_, ok := errors.AsType[*crashError](err)
	return ok
}

// end tries as a lane does until the intent has ended: it waits as told, and
// every other try is that of another process. It returns the errors on the way.
func (c *trial) end(w Worker, in schemas.Intent) []error {
	c.t.Helper()
	_, errs := c.until(w, in, func(w Worker) bus.Handler { return w.Handle })
	return errs
}

// until tries with one of the handlers of its workers until the intent has
// ended, and says how.
func (c *trial) until(w Worker, in schemas.Intent, by func(Worker) bus.Handler) (schemas.Outcome, []error) {
	c.t.Helper()
	var errs []error
	for len(errs) < tries {
		out, err := c.hand(by(w), in)
		if err == nil {
			c.told(out, in)
			return out, errs
		}
		c.explained(err)
		errs = append(errs, err)
		c.world.Clock.Advance(max(fault.Of(err).RetryAfter, time.Second) + c.pause)
		c.pause = 0
		if len(errs)%2 == 1 {
			w = c.start(nil)
		}
	}
	c.t.Fatalf("%s never ended: %v", in.ID, errs[len(errs)-1])
	return schemas.Outcome{}, nil
}

// takeover is when another process may go on with the work of one that is gone.
func (c *trial) takeover() { c.world.Clock.Advance(posting.HoldFor + SettleDelay) }

// settle lets everything surface that still can, and the sink deal with it.
func (c *trial) settle() {
	c.t.Helper()
	c.world.script().Clear()
	c.world.quiet()
	c.resolve()
	c.world.Clock.Advance(afterDoubts)
	c.resolve()
}

// resolve lets a new process do once what the sink does beside its lanes.
func (c *trial) resolve() {
	c.t.Helper()
	if w := c.start(nil); w.Resolve != nil {
		if err := w.Resolve(c.t.Context()); err != nil {
			c.t.Errorf("what surfaced late: %v", err)
		}
	}
}
