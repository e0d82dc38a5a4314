package stripesink

import (
	"context"
	"sync"
	"time"
)

// recheck is how often a refused key is tried again. An accepted one is not:
// if it is revoked later, the next write says so.
const recheck = 15 * time.Second

// probe remembers whether the key was accepted, so that readiness checks cost
// one request and not one each.
type probe struct {
	try func(context.Context) error

	mu   sync.Mutex
	last time.Time // of the last try; zero before the first
	err  error
}

func newProbe(try func(context.Context) error) *probe { return &probe{try: try} }

func (p *probe) check(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.IsZero() || p.err != nil && time.Since(p.last) >= recheck {
		p.err, p.last = p.try(ctx), time.Now()
	}
	return p.err
}
