package sinktest

import (
	"encoding/json"
	"fmt"
	"time"

	"millrace/internal/bus"
	"millrace/internal/twinfault"
	"millrace/schemas"
)

const (
	// impatience of a worker, in real time, and how much longer the target
	// takes.
	impatience = 400 * time.Millisecond
	slowness   = 700 * time.Millisecond
	// queued is how long a request waits in Acumatica's queue, on the world's
	// clock. Acumatica: up to ten minutes.
	queued = 5 * time.Minute
)

// slow: an answer comes after the worker has given up, while the target works
// on. The next attempt comes when that has ended, or right into it.
func (s *suite) slow(g *group) {
	for n, req := range s.requests {
		for _, wait := range []bool{true, false} {
			g.run(fmt.Sprintf("%d %s, wait %t", n+1, req, wait), func(c *trial) {
				in := c.doc.Intent.Intent
				c.add(is("delay:"+slowness.String()).fault(c.world.root(), n+1))
				out, err := c.attempt(c.startImpatient(impatience, nil), in)
				if err == nil {
					c.t.Fatalf("it waited: %s", out.Reason)
				}
				if c.explained(err); !passes(err) {
					c.t.Errorf("a slow answer would park the lane: %v", err)
				}
				c.takeover()
				if !wait {
					if out, err := c.attempt(c.start(nil), in); err == nil {
						c.told(out, in)
					} else if c.explained(err); !passes(err) {
						c.t.Errorf("an attempt beside the slow request would park the lane: %v", err)
					}
				}
				c.world.quiet()
				c.takeover()
				c.mend(in)
				c.settle()
				c.check(c.doc.Intent)
			})
		}
	}
}

// late: a request is not answered, waits in Acumatica's queue and is carried
// out long after everything else is done. Whoever removes what it left may die
// doing so, and the audit trail still says what was removed.
func (s *suite) late(g *group) {
	if s.kind.Target != schemas.Acumatica {
		return
	}
	for n, req := range s.requests {
		if !req.write() {
			continue
		}
		for crash := range 4 { // at none, the first, second and third point of the removal
			g.run(fmt.Sprintf("%d %s, removal crashes at %d", n+1, req, crash), func(c *trial) {
				w := c.start(nil)
				c.add(twinfault.Fault{PathPrefix: c.world.root(), After: n, Count: 1, Mode: "queued:" + queued.String()})
				for _, err := range c.end(w, c.doc.Intent.Intent) {
					if !passes(err) {
						c.t.Errorf("a queued request would park the lane: %v", err)
					}
				}
				c.fired()
				c.tellDuplicate()
				c.world.Clock.Advance(queued)
				surfaced := c.surplus()
				if crash > 0 {
					c.resolveCrash(crash)
				}
				c.settle()
				c.check(c.doc.Intent)
				if told := c.removals(); surfaced != told {
					c.t.Errorf("%d copies surfaced, the audit trail tells of %d", surfaced, told)
				}
			})
		}
	}
}

// surplus is how many copies there are too many.
func (c *trial) surplus() int {
	c.t.Helper()
	entries, err := c.doc.Entries(c.t.Context(), c.doc.Intent.Key)
	if err != nil || len(entries) == 0 {
		c.t.Fatalf("entries %+v, %v", entries, err)
	}
	return len(entries) - 1
}

func (c *trial) resolveCrash(n int) {
	c.t.Helper()
	w := c.start(crashAt(n))
	if w.Resolve == nil {
		return
	}
	err := func() (err error) {
		defer crashed(&err)
		return w.Resolve(c.t.Context())
	}()
	if err != nil && !isCrash(err) {
		c.t.Error(err)
	}
}

// tellDuplicate hands the intent in once more and stores the outcome, as the
// lane does: what the sink tells beside it must not be taken for the same.
func (c *trial) tellDuplicate() {
	c.t.Helper()
	in := c.doc.Intent.Intent
	out, err := c.attempt(c.start(nil), in)
	if err != nil {
		c.t.Fatal(err)
	}
	out.Connection, out.Lane, out.Stage, out.Stream, out.Seq, out.Attempt = in.Connection, in.Lane, "sink-"+in.Target, bus.Intents, 1, 1
	if err := c.world.Bus.PublishOutcome(c.t.Context(), out); err != nil {
		c.t.Fatal(err)
	}
}

// removals is how many outcomes beside the lane's stand in the audit trail.
func (c *trial) removals() int {
	c.t.Helper()
	n := 0
	err := c.world.Bus.Scan(c.t.Context(), bus.Outcomes, 1, func(m *bus.Message) error {
		var o schemas.Outcome
		if err := json.Unmarshal(m.Event.Data, &o); err != nil {
			return err
		}
		if m.Subject.Connection == c.world.Connection && o.IntentID == c.doc.Intent.ID && o.Attempt == 0 {
			n++
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}
