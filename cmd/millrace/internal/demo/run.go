package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"millrace/internal/config"
	"millrace/internal/link"
	"millrace/internal/service"
	"millrace/schemas"
)

const (
	connection = config.DefaultName
	// deadline is when the demo gives up and says what is missing. The whole
	// takes a few seconds; a minute is what somebody waits.
	deadline = 50 * time.Second
	tick     = 200 * time.Millisecond
	// quiet is how long nothing may happen before the result counts: longer
	// than a round of polling, so that echoes of our own writes are in.
	quiet = 800 * time.Millisecond
)

// Run points the Stripe twin at the webhook endpoint, plays the buyer, and
// returns the result once everything is done, something is parked, or 50 s
// are over. It returns nil without an error when ctx ends before that.
func (d *Demo) Run(ctx context.Context, rt *service.Runtime) (*Result, error) {
	addr, ok := rt.Addr("ingest")
	if !ok {
		return nil, errors.New("demo: ingest does not listen")
	}
	d.stripe.SetWebhook("http://"+addr.String()+"/webhooks/stripe", d.secret)

	start := time.Now()
	w := newWatch(rt.Bus, d.o.Arrows)
	follow, stop := context.WithCancel(ctx)
	followed := make(chan error, 1)
	go func() { followed <- w.run(follow) }()
	defer func() { stop(); <-followed }()

	b := &buyer{d: d, links: link.New(rt.Bus), paid: map[string]bool{}}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, nil //nolint:nilnil // documented: stopped before the end
		case err := <-followed:
			followed <- nil
			if ctx.Err() != nil {
				return nil, nil //nolint:nilnil // documented: stopped before the end
			}
			return nil, fmt.Errorf("demo: follow the outcomes: %w", err)
		case <-ticker.C:
		}
		over := time.Since(start) > deadline
		res, err := d.round(ctx, rt, b, w, over)
		switch {
		case ctx.Err() != nil:
			return nil, nil //nolint:nilnil // documented: stopped before the end
		case err != nil && over:
			return nil, fmt.Errorf("demo: %w", err)
		case err != nil: // a buyer tries again
			rt.Log.Debug("demo round", "err", err)
		case res != nil:
			res.TookMS = time.Since(start).Milliseconds()
			return res, nil
		}
	}
}

// round lets the buyer act and returns the result when the time for it has
// come.
func (d *Demo) round(ctx context.Context, rt *service.Runtime, b *buyer, w *watch, over bool) (*Result, error) {
	if err := b.step(ctx); err != nil && !over {
		return nil, err
	}
	p, err := d.look(ctx)
	if err != nil {
		return nil, err
	}
	missing := p.missing()
	parked := w.counts()[schemas.Parked]
	if !over && (len(missing) > 0 && parked == 0 || w.quietFor() < quiet) {
		return nil, nil //nolint:nilnil // not yet
	}
	if !over {
		if idle, err := d.idle(ctx, rt); err != nil || !idle {
			return nil, err
		}
	}
	held, err := held(ctx, rt)
	if err != nil {
		return nil, err
	}
	missing = append(missing, held...)
	return d.result(ctx, b, w, p, missing)
}

// idle reports whether nothing is on its way any more: no stage has work, and
// every webhook was taken.
func (d *Demo) idle(ctx context.Context, rt *service.Runtime) (bool, error) {
	lags, err := rt.Bus.Lag(ctx, []string{connection})
	if err != nil {
		return false, err
	}
	for _, l := range lags {
		if l.Pending > 0 || l.AckPending > 0 || l.BlockedLanes > 0 {
			return false, nil
		}
	}
	events, err := listAll[stripeEvent](ctx, d, "/v1/events", "delivery_success", "false")
	return len(events) == 0, err
}

// held says which lanes wait, at which stage and why.
func held(ctx context.Context, rt *service.Runtime) ([]string, error) {
	blocks, err := rt.Bus.Blocks(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, b := range blocks {
		how := "waits"
		if b.Parked {
			how = "is parked"
		}
		out = append(out, fmt.Sprintf("customer %s %s at %s: %s", b.Lane, how, b.Stage, strings.Join(nonEmpty(b.Error, b.Hint), "; ")))
	}
	return out, nil
}
