package sinktest

import (
	"fmt"
	"slices"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/twinfault"
	"millrace/schemas"
)

// trouble is one way in which a request goes wrong, and of what kind the error
// that it leads to must be.
type trouble struct {
	mode       string
	kinds      []fault.Kind // empty: there may be no error at all
	silent     bool         // the client may get over it by itself
	retryAfter time.Duration
	window     time.Duration
	pause      time.Duration // until the next attempt
}

func is(mode string, kinds ...fault.Kind) trouble { return trouble{mode: mode, kinds: kinds} }

// anywhere is what both twins know and both sinks take alike.
func anywhere() []trouble {
	return []trouble{
		is("status:409", fault.Transient),
		is("status:429", fault.Throttled),
		{mode: "status:429", kinds: []fault.Kind{fault.Throttled}, retryAfter: 7 * time.Second},
		is("status:500", fault.Transient),
		is("status:502", fault.Down),
		is("status:503", fault.Down),
		is("status:504", fault.Down),
		is("bad_gateway", fault.Down),
		{mode: "unavailable", kinds: []fault.Kind{fault.Down}, window: 10 * time.Second, retryAfter: 5 * time.Second},
		is("status_after_commit:500", fault.Transient),
		is("status_after_commit:502", fault.Down),
		is("status_after_commit:503", fault.Down),
		{mode: "slow_body:20ms", silent: true},
		{mode: "delay:20ms", silent: true},
	}
}

// inAcumatica is what else its twin knows.
func inAcumatica() []trouble {
	return []trouble{
		is("status:422", fault.Rejected, fault.Invalid),
		is("status:400", fault.Rejected, fault.Invalid),
		is("status:429:json", fault.Throttled),
		is("status:302", fault.Throttled),
		is("status:500:login_limit", fault.Throttled),
		is("cut_before", fault.Transient),
		is("cut_after_commit", fault.Transient),
		{mode: "cut_after_commit", kinds: []fault.Kind{fault.Transient}, pause: beyondKeys},
		{mode: "cut_body", kinds: []fault.Kind{fault.Transient}, silent: true}, // some answers have none
		{mode: "status:401", silent: true},
		{mode: "expire_token", silent: true},
	}
}

// inStripe is what else its twin knows.
func inStripe() []trouble {
	return []trouble{
		{mode: "status:422", kinds: []fault.Kind{fault.Rejected, fault.Invalid}, silent: true}, // an account may have no search
		{mode: "status:400", kinds: []fault.Kind{fault.Rejected, fault.Invalid}, silent: true},
		is("status:429:endpoint-rate", fault.Throttled),
		is("status:429:global-concurrency", fault.Throttled),
		is("status:429:endpoint-concurrency", fault.Throttled),
		is("status:429:resource-specific", fault.Throttled),
		is("status:429:lock_timeout", fault.Throttled),
		is("cut_before", fault.Down),
		is("cut_after_commit", fault.Down),
		{mode: "cut_after_commit", kinds: []fault.Kind{fault.Down}, pause: beyondKeys},
		is("cut_body", fault.Down),
		is("status:401", fault.Misconfigured),
		is("status:401:api_key_expired", fault.Misconfigured),
		{mode: "status:403", kinds: []fault.Kind{fault.Misconfigured}, silent: true}, // a key may read a customer without its tax ids
		is("expire_token", fault.Misconfigured),
	}
}

func (s *suite) troubles() []trouble {
	if s.kind.Target == schemas.Acumatica {
		return append(anywhere(), inAcumatica()...)
	}
	return append(anywhere(), inStripe()...)
}

// fault is the trouble of the nth request for work.
func (tr trouble) fault(root string, n int) twinfault.Fault {
	f := twinfault.Fault{PathPrefix: root, After: n - 1, Count: 1, Mode: tr.mode, RetryAfter: tr.retryAfter, For: tr.window}
	if tr.window > 0 {
		f.Count = 0
	}
	return f
}

// faults: each request of an undisturbed run goes wrong in every way.
func (s *suite) faults(g *group) {
	for n, req := range s.requests {
		for _, tr := range s.troubles() {
			name := fmt.Sprintf("%d %s %s", n+1, req, tr.mode)
			if tr.retryAfter > 0 {
				name += " with Retry-After"
			}
			if tr.pause > 0 {
				name += " for long"
			}
			g.run(name, func(c *trial) {
				w := c.start(nil)
				c.add(tr.fault(c.world.root(), n+1))
				c.pause = tr.pause
				out, errs := c.until(w, c.doc.Intent.Intent, func(w Worker) bus.Handler { return w.Handle })
				c.fired()
				if c.doc.Yields && slices.Contains(tr.kinds, fault.Rejected) {
					c.yielded(out)
					return
				}
				c.kinds(errs, tr)
				c.settle()
				c.check(c.doc.Intent)
			})
		}
	}
}

// yielded checks that a refusal ended the intent at once, for good, and with
// something for a person to look at.
func (c *trial) yielded(out schemas.Outcome) {
	c.t.Helper()
	if _, registered := fault.Lookup(out.Code); out.Outcome != schemas.Skipped || out.Review == "" || !registered {
		c.t.Errorf("refused, it ended %s %q with %q, to review %q", out.Outcome, out.Reason, out.Code, out.Review)
	}
	c.world.forget()
	again, err := c.attempt(c.start(nil), c.doc.Intent.Intent)
	if asked := c.world.seen(); err != nil || again.Outcome != schemas.Skipped || len(asked) > 0 {
		c.t.Errorf("once more it ended %s %q, %v, asked %v", again.Outcome, again.Reason, err, asked)
	}
}

// kinds checks that the trouble was understood, and that nothing after it
// needs a person.
func (c *trial) kinds(errs []error, tr trouble) {
	c.t.Helper()
	if len(errs) == 0 {
		if !tr.silent {
			c.t.Errorf("%s went unnoticed", tr.mode)
		}
		return
	}
	first := fault.Of(errs[0])
	if !slices.Contains(tr.kinds, first.Kind) {
		c.t.Errorf("%s is taken for %s, want %v: %v", tr.mode, first.Kind, tr.kinds, errs[0])
	}
	if tr.retryAfter > 0 && first.Kind == fault.Throttled && first.RetryAfter != tr.retryAfter {
		c.t.Errorf("waits %s, was told %s", first.RetryAfter, tr.retryAfter)
	}
	for _, err := range errs[1:] {
		if !passes(err) {
			c.t.Errorf("%s passed, then the lane would be parked: %v", tr.mode, err)
		}
	}
}

func (c *trial) add(f twinfault.Fault) {
	c.t.Helper()
	if err := c.world.script().Add(f); err != nil {
		c.t.Fatal(err)
	}
}

// fired checks that every fault hit something: a case without its fault proves
// nothing.
func (c *trial) fired() {
	c.t.Helper()
	for _, r := range c.world.script().Reports() {
		if r.Fired == 0 {
			c.t.Errorf("%s hit nothing", r.Mode)
		}
	}
}

// signIn: what goes wrong before there is any work. Stripe has no sign-in.
func (s *suite) signIn(g *group) {
	if s.kind.Target != schemas.Acumatica {
		return
	}
	for _, tr := range []trouble{
		is("status:429", fault.Throttled),
		is("status:429:json", fault.Throttled),
		is("status:500:login_limit", fault.Throttled),
		is("status:302", fault.Throttled),
		is("status:500", fault.Transient),
		is("status:503", fault.Down),
		is("bad_gateway", fault.Down),
		is("cut_before", fault.Transient),
		is("status:401", fault.Misconfigured),
	} {
		g.run(tr.mode, func(c *trial) {
			w := c.start(nil)
			c.add(is("expire_token").fault(c.world.root(), 1))
			c.add(twinfault.Fault{PathPrefix: "/entity/auth/login", Count: 1, Mode: tr.mode})
			errs := c.end(w, c.doc.Intent.Intent)
			c.fired()
			c.kinds(errs, tr)
			c.settle()
			c.check(c.doc.Intent)
		})
	}
}
