// Command payout measures a large payout on its way through the whole pipeline:
// every charge's event is stored, the payout is settled into journals in
// Acumatica, and reconcile proves it. The twins and the pipeline are processes
// of their own: the memory that is printed, and held against the limit, is of
// the pipeline (all services and the broker, `millrace up`) and of `millrace
// reconcile`, without the twins. All share the machine.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"millrace/bench/process"
)

// What a payout may take: from its event to its proof, and in memory.
const (
	timeLimit   = 60 * time.Second
	memoryLimit = 256 // MiB, of each process
	patience    = 10 * time.Minute
)

func main() {
	charges := flag.Int("charges", 10_000, "what the payout is made of")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, os.Stdout, *charges); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // what was started was ended by measure
	}
}

// An installation is millrace on both twins.
type installation struct {
	bin, data string
	env       []string
	stripe    stripe
	erp       string // URL
	up        *process.Process
	stops     []func()
}

func measure(ctx context.Context, out io.Writer, charges int) error {
	x := &installation{}
	defer func() {
		for _, stop := range slices.Backward(x.stops) {
			stop()
		}
	}()
	if err := x.start(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := x.stripe.charge(ctx, charges); err != nil {
		return err
	}
	if err := x.stripe.delivered(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d charges made and their events stored after %.1f s\n", charges, time.Since(began).Seconds())
	if err := x.idle(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "all handled after %.1f s\n", time.Since(began).Seconds())
	x.memory(out)

	began = time.Now()
	payout, err := x.stripe.payOut(ctx)
	if err != nil {
		return err
	}
	lines, err := x.posted(ctx, payout)
	if err != nil {
		return err
	}
	settled := time.Since(began)
	fmt.Fprintf(out, "payout %s: journals with %d lines released in Acumatica %.1f s after its event\n", payout, lines, settled.Seconds())
	pipeline := x.memory(out)
	proved, prover, err := x.reconcile(ctx, out, payout)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "from the payout's event to its proof %.1f s (limit %.0f), pipeline %d MiB, reconcile %d MiB (limit %d each)\n",
		(settled + proved).Seconds(), timeLimit.Seconds(), pipeline, prover, memoryLimit)
	if settled+proved > timeLimit || max(pipeline, prover) > memoryLimit {
		return errors.New("over the limit")
	}
	return nil
}

// start starts the twins and everything of ours, in summary mode: that is for
// as many charges as these.
func (x *installation) start(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-payout-")
	if err != nil {
		return err
	}
	x.stops = append(x.stops, func() { _ = os.RemoveAll(dir) })
	x.bin, x.data = filepath.Join(dir, "millrace"), filepath.Join(dir, "data")
	if err := process.Build(ctx, x.bin); err != nil {
		return err
	}
	free := []string{"--listen", "127.0.0.1:0", "--log-level", "error"}
	erp, err := x.run(ctx, "export MILLRACE_ACCOUNTS", append([]string{"twin", "acumatica"}, free...))
	if err != nil {
		return err
	}
	x.erp = erp.URL
	twin, err := x.run(ctx, "export STRIPE_WEBHOOK_SECRET", append([]string{"twin", "stripe"}, free...))
	if err != nil {
		return err
	}
	x.stripe = stripe{url: twin.URL, key: twin.Exports["STRIPE_API_KEY"]}
	for _, p := range []*process.Process{erp, twin} {
		for name, value := range p.Exports {
			x.env = append(x.env, name+"="+value)
		}
	}
	x.env = append(x.env, "MILLRACE_MODE=summary", "STRIPE_REQUESTS_PER_SECOND=0", "MILLRACE_INGEST_LISTEN=127.0.0.1:0", "MILLRACE_OPS_LISTEN=off")
	if x.up, err = x.run(ctx, "Ctrl-C stops", []string{"up", "--data-dir", x.data, "--log-level", "error"}); err != nil {
		return err
	}
	return x.stripe.control(ctx, "/_twin/webhook", map[string]string{
		"url": x.up.URL + "/webhooks/stripe", "secret": twin.Exports["STRIPE_WEBHOOK_SECRET"],
	}, nil)
}

func (x *installation) run(ctx context.Context, ready string, args []string) (*process.Process, error) {
	p, err := process.Start(ctx, x.bin, ready, x.env, args...)
	if err == nil {
		x.stops = append(x.stops, p.Stop)
	}
	return p, err
}

// memory tells what the pipeline has, and returns what it had at most.
func (x *installation) memory(out io.Writer) (most int) {
	now, most := x.up.Memory()
	fmt.Fprintf(out, "pipeline: %d MiB, at most %d MiB; %.1f s processor time\n", now, most, x.up.CPU().Seconds())
	return most
}

// idle waits until no stage has anything before it.
func (x *installation) idle(ctx context.Context) error {
	return wait(ctx, "the events are handled", func() (bool, error) {
		var s struct {
			Result struct {
				Stages []struct {
					Pending    int `json:"pending"`
					AckPending int `json:"ack_pending"`
				} `json:"stages"`
			} `json:"result"`
		}
		text, _, err := x.command(ctx, "status", "--json", "--data-dir", x.data)
		if err == nil {
			err = decode(text, &s)
		}
		left := 0
		for _, stage := range s.Result.Stages {
			left += stage.Pending + stage.AckPending
		}
		return err == nil && left == 0 && len(s.Result.Stages) > 0, err
	})
}

// reconcile proves the payout, and returns how long it took and its memory in
// MiB at most.
func (x *installation) reconcile(ctx context.Context, out io.Writer, payout string) (time.Duration, int, error) {
	began := time.Now()
	text, ended, err := x.command(ctx, "reconcile", "--payout", payout, "--data-dir", x.data)
	took := time.Since(began)
	if err != nil {
		return took, 0, fmt.Errorf("reconcile: %w\n%s", err, text)
	}
	most := 0
	if u, ok := ended.SysUsage().(*syscall.Rusage); ok {
		most = int(u.Maxrss >> 10)
	}
	fmt.Fprintf(out, "%sreconcile took %.1f s and at most %d MiB\n", text, took.Seconds(), most)
	return took, most, nil
}

// command runs millrace to its end.
func (x *installation) command(ctx context.Context, args ...string) ([]byte, *os.ProcessState, error) {
	c := exec.CommandContext(ctx, x.bin, args...) //nolint:gosec // our own program
	c.Env = append(os.Environ(), x.env...)
	var said bytes.Buffer
	c.Stderr = &said
	text, err := c.Output()
	if err != nil {
		err = fmt.Errorf("millrace %s: %w: %s", args[0], err, said.String())
	}
	return text, c.ProcessState, err
}
