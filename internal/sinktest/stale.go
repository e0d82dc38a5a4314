package sinktest

import (
	"fmt"
	"time"

	"millrace/schemas"
)

// wakes are when a worker that was stopped wakes up after the other one is
// done: at once, and when nobody expects it any more. Not after Stripe has
// forgotten the idempotency key: a request that is sent then is a new one.
func wakes() []time.Duration { return []time.Duration{0, 20 * time.Hour} }

// stale: a worker is stopped between any two steps, another one does the work,
// and then the first one goes on as if nothing had happened.
func (s *suite) stale(g *group) {
	for n, point := range s.points {
		for _, after := range wakes() {
			g.run(fmt.Sprintf("%d at %s wakes after %s", n+1, point, after), func(c *trial) {
				wake := c.stopped(n + 1)
				c.takeover()
				c.mend(c.doc.Intent.Intent)
				c.world.Clock.Advance(after)
				wake()
				c.settle()
				c.check(c.doc.Intent)
			})
		}
		g.run(fmt.Sprintf("%d at %s wakes after the next one", n+1, point), func(c *trial) {
			wake := c.stopped(n + 1)
			c.takeover()
			c.mend(c.doc.Intent.Intent)
			c.end(c.start(nil), c.doc.Next.Intent)
			wake()
			c.settle()
			c.checkBoth()
		})
	}
}

// meet: a worker is stopped between any two steps and goes on while another
// one, which took over, is between any two of its own.
func (s *suite) meet(g *group) {
	for n, point := range s.points {
		g.run(fmt.Sprintf("%d at %s", n+1, point), func(c *trial) {
			for other := 1; ; other++ {
				wake := c.stopped(n + 1)
				c.takeover()
				met, passed := "", 0
				w := c.start(func(point string) {
					if passed++; passed == other {
						met = point
						wake()
					}
				})
				for _, err := range c.end(w, c.doc.Intent.Intent) {
					if !passes(err) {
						c.t.Errorf("the worker that took over would park the lane: %v", err)
					}
				}
				if met == "" {
					wake()
				}
				c.settle()
				c.check(c.doc.Intent)
				if c.t.Failed() {
					c.t.Fatalf("met at %d, %s", other, met)
				}
				if met == "" {
					break
				}
				c = s.begin(c.t)
			}
		})
	}
}

// stopped lets a worker handle the intent until its nth point, and returns
// what wakes it up and waits until it has ended.
func (c *trial) stopped(n int) (wake func()) {
	c.t.Helper()
	reached, resume := make(chan struct{}), make(chan struct{})
	w := c.start(func(string) {
		if n--; n == 0 {
			close(reached)
			<-resume
		}
	})
	type end struct {
		out schemas.Outcome
		err error
	}
	ended := make(chan end, 1)
	in := c.doc.Intent.Intent
	c.stored[in.ID] = c.world.Clock.Now()
	go func() {
		out, err := c.attempt(w, in)
		ended <- end{out, err}
	}()
	select {
	case <-reached:
	case e := <-ended:
		c.t.Fatalf("it ended before: %+v, %v", e.out, e.err)
	}
	return func() {
		c.t.Helper()
		close(resume)
		switch e := <-ended; {
		case e.err == nil:
			c.told(e.out, in)
		case !passes(e.err):
			c.t.Errorf("the stale worker would park the lane: %v", e.err)
		default:
			c.explained(e.err)
		}
	}
}
