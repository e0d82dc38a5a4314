package service

import (
	"context"
	"sync"
	"time"
)

const (
	// recheckGood and recheckBad say how long an answer of another system
	// stands: probes come every few seconds, and each would cost a request
	// against a licence, or a failed sign-in against a lock-out.
	recheckGood = 5 * time.Minute
	recheckBad  = 15 * time.Second
)

// probe remembers the last answer of a readiness check that costs a request.
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
	stands := recheckGood
	if p.err != nil {
		stands = recheckBad
	}
	if p.last.IsZero() || time.Since(p.last) >= stands {
		p.err, p.last = p.try(ctx), time.Now()
	}
	return p.err
}
