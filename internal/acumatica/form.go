package acumatica

import (
	"context"

	"millrace/internal/calls"
	"millrace/internal/fault"
)

// form serialises actions with every other request for the same entity:
// Acumatica: while a long operation runs in a session, other requests of that
// session to that form fail.
type form struct {
	turn  chan struct{} // held while an action gathers all places
	place chan struct{} // one per request, all for an action
}

func (c *Client) form(entity string) *form {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.forms[entity]
	if !ok {
		f = &form{turn: make(chan struct{}, 1), place: make(chan struct{}, c.cfg.Concurrency)}
		c.forms[entity] = f
	}
	return f
}

// share waits until no action runs on the form.
func (f *form) share(ctx context.Context) (leave func(), err error) {
	if err := take(ctx, f.place); err != nil {
		return nil, err
	}
	return func() { <-f.place }, nil
}

// alone waits until nothing else runs on the form.
func (f *form) alone(ctx context.Context) (leave func(), err error) {
	if err := take(ctx, f.turn); err != nil {
		return nil, err
	}
	defer func() { <-f.turn }()
	taken := 0
	leave = func() {
		for range taken {
			<-f.place
		}
	}
	for range cap(f.place) {
		if err := take(ctx, f.place); err != nil {
			leave()
			return nil, err
		}
		taken++
	}
	return leave, nil
}

// admit waits until one request may be sent. What yields waits for the limiter
// with empty hands, else an action that needs the whole form would wait as long
// as it does (Invariant 5), and takes the form after it if that is free.
func (c *Client) admit(ctx context.Context, later *form) (done func(), err error) {
	if later == nil {
		return c.limiter.Admit(ctx)
	}
	for range politeTries {
		leave, err := later.share(ctx) // no request is spent while an action runs
		if err != nil {
			return nil, fault.New("acumatica.timeout", err)
		}
		leave()
		done, err := c.limiter.Admit(ctx)
		if err != nil {
			return nil, err
		}
		select {
		case later.place <- struct{}{}:
			return func() { <-later.place; done() }, nil
		default: // somebody was faster
			done()
		}
	}
	return c.insist(ctx, later)
}

// politeTries is how often a request that yields lets an action go first before
// it queues like all others.
const politeTries = 3

func (c *Client) insist(ctx context.Context, f *form) (done func(), err error) {
	leave, err := f.share(ctx)
	if err != nil {
		return nil, fault.New("acumatica.timeout", err)
	}
	end, err := c.limiter.Admit(calls.Insist(ctx))
	if err != nil {
		leave()
		return nil, err
	}
	return func() { leave(); end() }, nil
}
