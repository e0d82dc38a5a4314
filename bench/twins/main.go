// Command twins measures how many requests a second the twins answer when they
// hold a lot: it builds millrace, starts a twin as a process of its own, loads
// it, drives it over kept-alive connections and prints what it saw, with the
// memory and the processor time that the twin took. Client and twin share the
// machine, as they do when a test uses a twin.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"millrace/bench/process"
)

// A bench knows how to start one twin and what to ask of it.
type bench struct {
	args  func(objects int) []string // of millrace, without --listen
	loads func(ctx context.Context, p *process.Process) ([]load, error)
}

func main() {
	objects := flag.Int("objects", 1_000_000, "documents that the twin holds")
	seconds := flag.Int("seconds", 10, "how long each load runs")
	clients := flag.Int("clients", 8, "connections at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	benches := map[string]bench{"acumatica": acumaticaBench, "stripe": stripeBench}
	b, ok := benches[flag.Arg(0)]
	if !ok {
		fmt.Fprintln(os.Stderr, "usage: twins [flags] acumatica|stripe")
		os.Exit(2)
	}
	if err := measure(ctx, os.Stdout, b, *objects, *clients, time.Duration(*seconds)*time.Second); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // the twin was ended by measure
	}
}

func measure(ctx context.Context, out io.Writer, b bench, objects, clients int, lasts time.Duration) error {
	dir, err := os.MkdirTemp("", "bench-twins-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin := filepath.Join(dir, "millrace")
	if err := process.Build(ctx, bin); err != nil {
		return err
	}
	p, err := process.Start(ctx, bin, "http://", nil, append(b.args(objects), "--listen", "127.0.0.1:0")...)
	if err != nil {
		return err
	}
	defer p.Stop()
	fmt.Fprintf(out, "%s twin with %d objects ready after %.1f s, %.1f s of them processor time\n",
		flag.Arg(0), objects, time.Since(p.Began).Seconds(), p.CPU().Seconds())
	memory(out, p)
	loads, err := b.loads(ctx, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-44s %9s %9s %9s %8s %12s\n", "", "req/s", "p50 ms", "p99 ms", "failed", "cpu µs/req")
	for _, l := range loads {
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintln(out, l.run(ctx, p, clients, lasts))
	}
	memory(out, p)
	return nil
}

func memory(out io.Writer, p *process.Process) {
	now, most := p.Memory()
	fmt.Fprintf(out, "VmHWM %d MiB, VmRSS %d MiB\n", most, now)
}
