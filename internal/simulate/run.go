package simulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"millrace/internal/service"
	"millrace/schemas"
)

// Options of a run.
type Options struct {
	Services []service.Service // what an installation consists of
	Dir      string            // where the broker keeps its files; a temporary folder below it is made and removed
	Log      *slog.Logger      // of everything that runs; nil discards
	// Patience is how long after the last fault everything must have come to
	// its end; default a minute.
	Patience time.Duration

	interpose func(http.RoundTripper) http.RoundTripper // tests plant bugs here,
	beside    func(context.Context, *world)             // and here
}

// A Result is how one plan ended. Problems is empty when the oracle found
// nothing.
type Result struct {
	Plan     Plan          `json:"plan"`
	Problems []string      `json:"problems"`
	Did      Tally         `json:"did"`
	Took     time.Duration `json:"took"` // nanoseconds
}

// OK says whether nothing was lost, doubled, out of order or left behind.
func (r Result) OK() bool { return len(r.Problems) == 0 }

const (
	defaultPatience = time.Minute
	checkEvery      = 100 * time.Millisecond
	// quiet is how long the books must stay as they should be: longer than a
	// round of polling, so that echoes of our own writes are in.
	quiet = 400 * time.Millisecond
	// surface is how long after the last fault a request may still wait in
	// Acumatica's queue: what comes of it must be gone again in the end.
	surface = 3 * time.Second
)

// Run carries out a plan and judges what came of it. The error is about the
// simulation itself; what the oracle finds is in the result.
func Run(ctx context.Context, o Options, plan Plan) (res Result, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	res = Result{Plan: plan}
	start := time.Now()
	defer func() { res.Took = time.Since(start) }()
	dir, err := os.MkdirTemp(o.Dir, "seed-")
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := newWorld(ctx, dir, plan, o.Log)
	if err != nil {
		return res, fmt.Errorf("seed %d: %w", plan.Seed, err)
	}
	defer func() { err = errors.Join(err, w.close()) }()

	w.interpose = o.interpose
	p := newPlayer(w, plan)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.beside != nil {
		w.running.Go(func() { o.beside(ctx, w) })
	}
	w.running.Go(func() { w.supervise(ctx) })
	w.running.Go(func() { p.buy(ctx) })
	p.play(ctx, o.Services)
	res.Problems, err = p.finish(ctx, o.Patience)
	res.Did = p.tally()
	return res, err
}

// finish waits until everything is as it should be, and stays so for a while,
// or until patience ends; it returns what is still wrong then.
func (p *player) finish(ctx context.Context, patience time.Duration) (verdict, error) {
	var since time.Time
	calm := time.Now()
	deadline := time.Now().Add(patience)
	for {
		v, err := p.look(ctx)
		if err != nil {
			v.say("%v", err)
		}
		switch now := time.Now(); {
		case ctx.Err() != nil:
			return v, ctx.Err()
		case len(v) > 0:
			since = time.Time{}
			if now.After(deadline) {
				return v, nil
			}
		case since.IsZero():
			since = now
		case now.Sub(since) > quiet && now.Sub(calm) > surface:
			return nil, nil
		}
		wait(ctx, checkEvery)
	}
}

// look judges the present state. The operator opens what is parked because of
// a closed period, which is open again.
func (p *player) look(ctx context.Context) (verdict, error) {
	b, err := p.w.books(ctx)
	if err != nil {
		return nil, err
	}
	p.found(b)
	v := p.judge(b)
	if len(v) > 0 {
		return v, p.operate(ctx, &v)
	}
	if err := p.operate(ctx, &v); err != nil {
		return v, err
	}
	if err := p.idle(ctx, &v); err != nil || len(v) > 0 {
		return v, err
	}
	return p.w.judgeOrder(ctx, b)
}

func (p *player) operate(ctx context.Context, v *verdict) error {
	blocks, err := p.w.watch.Blocks(ctx, "")
	if err != nil {
		return err
	}
	for _, rec := range blocks {
		if !rec.Parked {
			continue
		}
		if rec.Code != "acumatica.period_closed" {
			v.say("lane %s is parked at %s: %s: %s", rec.Lane, rec.Stage, rec.Code, rec.Error)
			continue
		}
		if err := p.w.watch.Release(ctx, rec.Stage, rec.Conn, rec.Lane, schemas.Decision{Reason: "the period is open", By: "operator", At: time.Now().UTC()}); err != nil {
			return err
		}
	}
	return nil
}

// idle: nothing is on its way any more.
func (p *player) idle(ctx context.Context, v *verdict) error {
	lags, err := p.w.watch.Lag(ctx, []string{connection})
	if err != nil {
		return err
	}
	for _, l := range lags {
		if l.Pending > 0 || l.AckPending > 0 || l.BlockedLanes > 0 || l.ParkedLanes > 0 {
			v.say("%s: %d waiting, %d in hand, %d lanes blocked, %d parked", l.Stage, l.Pending, l.AckPending, l.BlockedLanes, l.ParkedLanes)
		}
	}
	events, err := list[stripeEvent](ctx, p.w, "/v1/events", "delivery_success", "false")
	if err != nil {
		return err
	}
	if len(events) > 0 {
		v.say("%d webhooks are not delivered", len(events))
	}
	return nil
}
