package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"millrace/internal/fault"
)

const (
	// An answer of another system stands for a while: probes come every few
	// seconds, and each would cost a request against a licence.
	recheckGood = 5 * time.Minute
	recheckBad  = 15 * time.Second
	// A refused sign-in is tried again far more rarely: systems lock users out.
	recheckRefused = 10 * time.Minute
	probeTimeout   = time.Minute
)

var errNotAnswered = errors.New("has not answered yet")

// probe is a readiness check that costs a request. The request runs beside the
// check, with a time of its own: a sign-in that is cut short would leave a
// session behind. The check tells the last answer.
type probe struct {
	try func(context.Context) error

	mu      sync.Mutex
	running chan struct{} // closed when the request under way has its answer; nil when none is
	last    time.Time     // of the last answer; zero before the first
	err     error
}

func newProbe(try func(context.Context) error) *probe { return &probe{try: try} }

func (p *probe) check(ctx context.Context) error {
	p.mu.Lock()
	if p.running == nil && p.due() {
		p.running = make(chan struct{})
		go p.ask(context.WithoutCancel(ctx), p.running)
	}
	running, known := p.running, !p.last.IsZero()
	p.mu.Unlock()
	if running != nil && !known {
		select {
		case <-running:
		case <-ctx.Done():
			return errNotAnswered
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *probe) due() bool {
	stands := recheckGood
	switch {
	case p.last.IsZero():
		return true
	case p.err != nil && fault.KindOf(p.err) == fault.Misconfigured:
		stands = recheckRefused
	case p.err != nil:
		stands = recheckBad
	}
	return time.Since(p.last) >= stands
}

func (p *probe) ask(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := p.try(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.last, p.running = err, time.Now(), nil
	close(done)
}
