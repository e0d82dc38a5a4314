package sinktest

import (
	"sync"

	"millrace/schemas"
)

// twice: the same intent again, by the same process, by another one, and by
// two at the same moment.
func (s *suite) twice(g *group) {
	g.run("one after the other", func(c *trial) {
		w := c.start(nil)
		c.end(w, c.doc.Intent.Intent)
		for _, again := range []Worker{w, c.start(nil)} {
			c.world.forget()
			out, err := c.attempt(again, c.doc.Intent.Intent)
			if err != nil || out.Outcome != schemas.Duplicate || len(c.world.seen()) > 0 {
				c.t.Errorf("again: %s %q, %v, asked %v", out.Outcome, out.Reason, err, c.world.seen())
			}
		}
		c.settle()
		c.check(c.doc.Intent)
	})
	g.run("at the same moment", func(c *trial) {
		in := c.doc.Intent.Intent
		c.stored[in.ID] = c.world.Clock.Now()
		var both sync.WaitGroup
		for range 2 {
			w := c.start(nil)
			both.Go(func() {
				if out, err := c.attempt(w, in); err != nil && !passes(err) {
					c.t.Errorf("%+v, %v", out, err)
				}
			})
		}
		both.Wait()
		c.takeover()
		c.end(c.start(nil), in)
		c.settle()
		c.check(c.doc.Intent)
	})
}

// order: what comes in another order than it should. Lanes keep the order;
// a replay, or a person who releases, may not.
func (s *suite) order(g *group) {
	g.run("the next one first", func(c *trial) {
		c.end(c.start(nil), c.doc.Next.Intent)
		c.end(c.start(nil), c.doc.Intent.Intent)
		c.settle()
		c.checkBoth()
	})
	g.run("one after the other", func(c *trial) {
		c.end(c.start(nil), c.doc.Intent.Intent)
		c.end(c.start(nil), c.doc.Next.Intent)
		c.settle()
		c.checkBoth()
	})
	g.bare("before what comes first", func(c *trial) {
		if len(c.doc.First) == 0 {
			c.t.Skip("nothing comes first")
		}
		out, err := c.attempt(c.start(nil), c.doc.Intent.Intent)
		switch {
		case c.doc.Needless:
			if err != nil || out.Outcome != schemas.Skipped {
				c.t.Fatalf("ended %s: %s, %v", out.Outcome, out.Reason, err)
			}
			c.told(out, c.doc.Intent.Intent)
		case err == nil:
			c.t.Fatalf("ended %s: %s", out.Outcome, out.Reason)
		default:
			c.explained(err)
		}
		if entries, err := c.doc.Entries(c.t.Context(), c.doc.Intent.Key); err != nil || len(entries) > 0 {
			c.t.Errorf("it had an effect: %+v, %v", entries, err)
		}
		for _, in := range c.doc.First {
			c.end(c.start(nil), in)
		}
		c.takeover()
		c.end(c.start(nil), c.doc.Intent.Intent)
		c.settle()
		c.check(c.doc.Intent)
	})
}

// checkBoth checks the document and the next one; a newer version stands for
// both.
func (c *trial) checkBoth() {
	c.t.Helper()
	if c.doc.Next.Key != c.doc.Intent.Key {
		c.check(c.doc.Intent)
	}
	c.check(c.doc.Next)
}
