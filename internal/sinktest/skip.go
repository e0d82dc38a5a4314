package sinktest

import (
	"fmt"
	"time"

	"millrace/internal/bus"
	"millrace/internal/posting"
	"millrace/internal/twinfault"
	"millrace/schemas"
)

// skip: a worker is stopped between any two steps, or dies there, a person
// skips the intent, and then the worker goes on as if nothing had happened.
func (s *suite) skip(g *group) {
	g.run("before anything", func(c *trial) { c.skipped(nil) })
	g.run("after everything", func(c *trial) {
		c.end(c.start(nil), c.doc.Intent.Intent)
		c.skipped(nil)
	})
	for n, point := range s.points {
		g.run(fmt.Sprintf("%d at %s", n+1, point), func(c *trial) {
			wake := c.stopped(n + 1)
			c.takeover()
			c.skipped(wake)
		})
		g.run(fmt.Sprintf("%d at %s wakes in its midst", n+1, point), func(c *trial) {
			for other := 1; ; other++ {
				wake := c.stopped(n + 1)
				c.takeover()
				passed := 0
				w := c.start(func(string) {
					if passed++; passed == other {
						wake()
					}
				})
				out, _ := c.until(w, c.doc.Intent.Intent, toSkip)
				if passed < other {
					wake()
				}
				c.done(out)
				if c.t.Failed() {
					c.t.Fatalf("at point %d of the skip", other)
				}
				if passed < other {
					break
				}
				c = s.begin(c.t)
			}
		})
		for _, pause := range []time.Duration{posting.HoldFor, beyondKeys} {
			g.run(fmt.Sprintf("%d at %s died %s ago", n+1, point, pause), func(c *trial) {
				if _, err := c.attempt(c.start(crashAt(n+1)), c.doc.Intent.Intent); !isCrash(err) {
					c.t.Fatalf("no crash: %v", err)
				}
				c.world.Clock.Advance(pause)
				c.skipped(nil)
			})
		}
	}
}

// skipQueued: a request is not answered and waits in Acumatica's queue while a
// person skips the intent.
func (s *suite) skipQueued(g *group) {
	if s.kind.Target != schemas.Acumatica {
		return
	}
	for n, req := range s.requests {
		if !req.write() {
			continue
		}
		g.run(fmt.Sprintf("%d %s", n+1, req), func(c *trial) {
			c.add(twinfault.Fault{PathPrefix: c.world.root(), After: n, Count: 1, Mode: "queued:" + queued.String()})
			if out, err := c.attempt(c.start(nil), c.doc.Intent.Intent); err == nil {
				c.t.Fatalf("it was answered: %s", out.Reason)
			}
			c.fired()
			c.takeover()
			c.skipped(func() { c.world.Clock.Advance(queued) })
		})
	}
}

// skipCrash: who carries out the skip dies between any two steps.
func (s *suite) skipCrash(g *group) {
	for n, point := range s.points {
		g.run(fmt.Sprintf("%d at %s", n+1, point), func(c *trial) {
			for second := 1; ; second++ {
				if _, err := c.attempt(c.start(crashAt(n+1)), c.doc.Intent.Intent); !isCrash(err) {
					c.t.Fatalf("no crash: %v", err)
				}
				c.takeover()
				_, err := c.hand(c.start(crashAt(second)).Skip, c.doc.Intent.Intent)
				c.takeover()
				c.skipped(nil)
				if c.t.Failed() {
					c.t.Fatalf("then at point %d of the skip: %v", second, err)
				}
				if !isCrash(err) {
					break
				}
				c = s.begin(c.t)
			}
		})
	}
}

func toSkip(w Worker) bus.Handler { return w.Skip }

// skipped skips the intent as a lane does, lets then happen what still can, and
// checks what is left.
func (c *trial) skipped(then func()) {
	c.t.Helper()
	out, errs := c.until(c.start(nil), c.doc.Intent.Intent, toSkip)
	for _, err := range errs {
		if !passes(err) {
			c.t.Errorf("the skip would park the lane: %v", err)
		}
	}
	if then != nil {
		then()
	}
	c.done(out)
}

// done checks that the intent has no effect when it ended as skipped, and that
// it has exactly one when it did not.
func (c *trial) done(out schemas.Outcome) {
	c.t.Helper()
	c.settle()
	in := c.doc.Intent
	if out.Outcome != schemas.Skipped {
		c.check(in)
		return
	}
	entries, err := c.doc.Entries(c.t.Context(), in.Key)
	if err != nil {
		c.t.Fatal(err)
	}
	if len(entries) > 0 && !c.doc.Stays {
		c.t.Errorf("skipped, and in the books: %+v", entries)
	}
	if c.world.ERP != nil {
		c.ledger()
		c.deletions()
	} else if !c.doc.Stays {
		c.drafts()
	}
	c.world.forget()
	again, err := c.attempt(c.start(nil), in.Intent)
	if err != nil || again.Outcome != schemas.Skipped {
		c.t.Errorf("once more it ended %s %q, %v", again.Outcome, again.Reason, err)
	}
	if asked := c.world.seen(); len(asked) > 0 {
		c.t.Errorf("once more it asked the target: %v", asked)
	}
	c.end(c.start(nil), c.doc.Next.Intent)
	if !c.doc.Stays {
		c.check(c.doc.Next)
	}
}
