package poller

import (
	"context"
	"time"
)

// pace is the pause until the next round: the interval after a round that found
// changes or has more to read, and half as long again after each quiet one, up
// to the quiet interval.
func (p *Poller) pace() time.Duration {
	if p.busy || p.pause < p.o.Poll.Interval {
		p.pause = p.o.Poll.Interval
	} else {
		p.pause = max(min(p.pause+p.pause/2, p.o.Poll.QuietInterval), p.o.Poll.Interval)
	}
	return p.pause
}

// hintPause is between two rounds that hints ask for, at least, unless the
// interval is shorter: a flood of them makes no flood of requests.
const hintPause = 5 * time.Second

// Hint says that something may have changed. It is never more than that: it
// makes the next round begin sooner, and what changed is read from Acumatica
// (Invariant 8).
func (p *Poller) Hint() {
	select {
	case p.hints <- struct{}{}:
	default: // one is waiting already
	}
}

// rest waits until the next round, or for less after a hint. A window ends some
// time before the server's now: a round that began at once would not see what
// the hint is about.
func (p *Poller) rest(ctx context.Context, delay time.Duration) {
	began := time.Now()
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return
	case <-t.C:
		return
	case <-p.hints:
	}
	const dateStep = time.Second // HTTP: the server's clock comes in whole seconds
	rested := time.Since(began)
	soon := max(p.o.Poll.Settle+dateStep, min(p.o.Poll.Interval, hintPause)-rested)
	wait(ctx, min(soon, delay-rested))
	select {
	case <-p.hints: // answered by the round that begins now
	default:
	}
	p.pause = 0 // what comes with one change often follows
}
