package sinktest

import (
	"fmt"
	"time"

	"millrace/internal/posting"
	"millrace/schemas"
)

// pauses are how long a process stays away: until another may go on, and until
// Stripe has forgotten every idempotency key.
func pauses() []time.Duration { return []time.Duration{posting.HoldFor + SettleDelay, beyondKeys} }

// crash: a process dies between any two steps, and another one finishes.
func (s *suite) crash(g *group) {
	for n, point := range s.points {
		for _, pause := range pauses() {
			g.run(fmt.Sprintf("%d at %s for %s", n+1, point, pause), func(c *trial) {
				if _, err := c.attempt(c.start(crashAt(n+1)), c.doc.Intent.Intent); !isCrash(err) {
					c.t.Fatalf("no crash: %v", err)
				}
				c.world.Clock.Advance(pause)
				c.mend(c.doc.Intent.Intent)
				c.settle()
				c.check(c.doc.Intent)
			})
		}
	}
}

// mend finishes what a crash left, without any further trouble.
func (c *trial) mend(in schemas.Intent) {
	c.t.Helper()
	for _, err := range c.end(c.start(nil), in) {
		if !passes(err) {
			c.t.Errorf("a crash would park the lane: %v", err)
		}
	}
}

// crashTwice: the process that finishes dies as well, between any two steps.
func (s *suite) crashTwice(g *group) {
	for n, point := range s.points {
		g.run(fmt.Sprintf("%d at %s", n+1, point), func(c *trial) {
			for second := 1; ; second++ {
				if _, err := c.attempt(c.start(crashAt(n+1)), c.doc.Intent.Intent); !isCrash(err) {
					c.t.Fatalf("no crash: %v", err)
				}
				c.takeover()
				_, err := c.attempt(c.start(crashAt(second)), c.doc.Intent.Intent)
				c.takeover()
				c.mend(c.doc.Intent.Intent)
				c.settle()
				c.check(c.doc.Intent)
				if c.t.Failed() {
					c.t.Fatalf("then at its point %d: %v", second, err)
				}
				if !isCrash(err) {
					break
				}
				c = s.begin(c.t)
			}
		})
	}
}
