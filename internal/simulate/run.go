package simulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"millrace/internal/service"
)

// Options of a run.
type Options struct {
	Services []service.Service // what an installation consists of
	Dir      string            // where the broker keeps its files; a temporary folder below it is made and removed
	Log      *slog.Logger      // of everything that runs; nil discards
	// Patience is how long after the last fault nothing may move before
	// everything has come to its end; default a minute.
	Patience time.Duration

	interpose func(http.RoundTripper) http.RoundTripper // tests plant bugs here,
	beside    func(context.Context, *world)             // and here
}

// A Result is how one plan ended. Problems is empty when the oracle found
// nothing.
type Result struct {
	Plan     Plan          `json:"plan"`
	Problems []string      `json:"problems"` // each begins with its kind
	Did      Tally         `json:"did"`
	Took     time.Duration `json:"took"`            // nanoseconds
	Trace    []string      `json:"trace,omitempty"` // what was said of what the problems name, and what was done meanwhile
}

// OK says whether nothing was lost, doubled, out of order or left behind.
func (r Result) OK() bool { return len(r.Problems) == 0 }

const (
	defaultPatience = time.Minute
	// slack is for what comes before and after: start, close, a busy machine.
	slack = 2 * time.Minute
)

// Run carries out a plan and judges what came of it. The error is about the
// simulation itself; what the oracle finds is in the result. A run that hangs
// ends with an error that says what waits for what.
func Run(ctx context.Context, o Options, plan Plan) (Result, error) {
	res, end, err := run(ctx, o, plan)
	return res, errors.Join(err, end())
}

// run is Run, except that the processes of the world may still be on their
// way out. end waits for them; it is never nil.
func run(ctx context.Context, o Options, plan Plan) (res Result, end func() error, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	start := time.Now()
	t := &trace{start: start}
	what := fmt.Sprintf("seed %d", plan.Seed)
	w, err := newWorld(ctx, o, plan, slog.New(&teller{next: o.Log.Handler(), trace: t}))
	if err != nil {
		return Result{Plan: plan}, func() error { return nil }, fmt.Errorf("%s: %w", what, err)
	}
	res, err = guard(plan.length()+(slowest+2)*o.Patience+slack, what, func() (Result, error) { return simulated(ctx, o, w, plan) })
	res.Plan, res.Took = plan, time.Since(start)
	if !res.OK() {
		res.Trace = t.of(res.Problems)
	}
	return res, func() error {
		_, err := guard(slack, what+", closing,", func() (struct{}, error) { return struct{}{}, w.close() })
		return err
	}, err
}

// simulated plays the plan in the world and waits for what comes of it.
func simulated(ctx context.Context, o Options, w *world, plan Plan) (res Result, err error) {
	p := newPlayer(w, plan)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.beside != nil {
		w.running.Go(func() { o.beside(ctx, w) })
	}
	w.running.Go(func() { w.supervise(ctx) })
	w.running.Go(func() { p.buy(ctx) })
	p.play(ctx, o.Services, o.Patience)
	res.Problems, err = p.finish(ctx, o.Patience)
	res.Did = p.tally()
	return res, err
}
