package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"millrace/cmd/millrace/internal/demo"
	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/service"
)

// upFlags are the flags of `up`.
type upFlags struct {
	demo     bool
	scenario string
	stay     bool
	days     int // of business in scenario year or mirror; 0: all of them
	endpoint string
	seed     uint64
}

const upLong = `Everything in one process: all services and, unless NATS_URL is set, an embedded
broker on the data folder. Ctrl-C drains and stops; what was accepted is not lost,
and the next start goes on where this one was.

With --demo it also runs the twins of Stripe and Acumatica and plays the buyer:
released invoices go to Stripe, get paid, and come back as applied payments; then a
summary says what went where. With --scenario year a year of everything that moves
money passes on the twins' clocks in some minutes; then an oracle that knows neither
rules nor postings compares both books, payout by payout and month by month
(docs/year.md). --days 40 is a short year with all of it. With --scenario mirror
bookkeepers correct, credit, settle and open invoices again while buyers pay them,
lines break and clocks differ; then an oracle compares what can be paid in Stripe
with what is open in Acumatica (docs/mirror-year.md). The demo ignores your
configuration, touches no real system, and works in a temporary folder unless
--data-dir names one; a year needs a new one.`

func (a *app) upCommand() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use: "up", Short: "Everything in one process", Long: upLong, Args: cobra.NoArgs,
		Example: "  millrace up --demo\n  millrace up --demo --data-dir ./demo --stay\n  millrace up --demo --scenario year\n  millrace up --demo --scenario mirror --endpoint 22.200.001\n  millrace up --config millrace.yaml",
	}
	c.Flags().BoolVar(&f.demo, "demo", false, "run against the twins, with sample traffic")
	c.Flags().StringVar(&f.scenario, "scenario", "quick", "what the demo plays: quick, year or mirror")
	c.Flags().IntVar(&f.days, "days", 0, "with --scenario year or mirror: days of business [default: 365, of mirror 60]; in shorter years not every kind of thing happens")
	c.Flags().StringVar(&f.endpoint, "endpoint", "", "with --scenario mirror: version of the Default endpoint [default: 24.200.001]")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "with --scenario mirror: what happens in it")
	c.Flags().BoolVar(&f.stay, "stay", false, "with --demo: keep running after the summary")
	a.addDataDir(c)
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		played := func(scenarios ...string) bool { return f.demo && slices.Contains(scenarios, f.scenario) }
		switch {
		case f.demo && !slices.Contains([]string{demo.Quick, demo.Year, demo.Mirror}, f.scenario):
			return nil, fault.Newf("cli.usage", "--scenario %q: want quick, year or mirror", f.scenario)
		case f.endpoint != "" && !slices.Contains(demo.Endpoints(), f.endpoint):
			return nil, fault.Newf("cli.usage", "--endpoint %q: want one of %s", f.endpoint, strings.Join(demo.Endpoints(), ", "))
		case f.days < 0:
			return nil, fault.Newf("cli.usage", "--days %d: want 1 or more", f.days)
		case c.Flags().Changed("days") && !played(demo.Year, demo.Mirror):
			return nil, fault.Newf("cli.usage", "--days goes with --demo --scenario year or mirror")
		case (c.Flags().Changed("seed") || f.endpoint != "") && !played(demo.Mirror):
			return nil, fault.Newf("cli.usage", "--seed and --endpoint go with --demo --scenario mirror")
		case f.demo:
			return a.upDemo(ctx, f)
		case f.stay:
			return nil, fault.Newf("cli.usage", "--stay goes with --demo")
		}
		return nil, a.up(ctx)
	})
}

// up runs the real thing until ctx is done.
func (a *app) up(ctx context.Context) (err error) {
	log, err := a.logger("info")
	if err != nil {
		return err
	}
	cfg, origins, err := config.Load(a.source())
	if err != nil {
		return err
	}
	warnings, err := config.Check(cfg, origins)
	if err != nil {
		return err
	}
	if origins.File() != "" {
		log.Info("configuration read", "path", origins.File())
	}
	for _, w := range warnings {
		log.Warn("configuration", "problem", w.String())
	}
	folder, err := claimFolder(cfg.DataDir, installation{Connections: cfg.ConnectionNames()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	ready := func(_ context.Context, _ *service.Runtime, r running) error {
		return a.emit(&reply{
			summary: "up: webhooks on http://" + r.Ingest, result: map[string]any{"pid": r.PID, "ingest": r.Ingest, "ops": r.Ops, "data_dir": cfg.DataDir},
			text: func(w io.Writer) { printReady(w, cfg, r) },
		}, nil)
	}
	return cleanStop(ctx, a.inFolder(ctx, cfg, folder, log, ready))
}

// cleanStop is nil for an error that only says that the user stopped us.
func cleanStop(ctx context.Context, err error) error {
	if _, classified := errors.AsType[*fault.Error](err); ctx.Err() != nil && errors.Is(err, context.Canceled) && !classified {
		return nil
	}
	return err
}

func printReady(w io.Writer, cfg *config.Config, r running) {
	for i, name := range cfg.ConnectionNames() {
		path := "/webhooks/stripe/" + name
		if i == 0 && len(cfg.Connections) == 1 {
			path = "/webhooks/stripe"
		}
		fmt.Fprintf(w, "webhooks of %s  http://%s%s\n", name, r.Ingest, path)
	}
	if r.Ops != "" {
		fmt.Fprintf(w, "probes, metrics     http://%s/readyz?verbose\n", r.Ops)
	}
	fmt.Fprintf(w, "data folder         %s\nCtrl-C stops; the next start goes on from here\n", cfg.DataDir)
}

// upDemo runs the demo and returns its summary.
func (a *app) upDemo(ctx context.Context, f upFlags) (r *reply, err error) {
	level := "warn"
	if f.scenario != demo.Quick {
		level = "error" // a year has what is warned of: its statement counts it, and the log would be among its days
	}
	log, err := a.logger(level)
	if err != nil {
		return nil, err
	}
	dir, cleanup, err := a.demoDir()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	folder, err := claimFolder(dir, installation{Demo: true, Connections: []string{config.DefaultName}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	d, err := demo.New(ctx, demo.Options{Dir: dir, Log: log, Arrows: a.stderr, Scenario: f.scenario, Days: f.days, Endpoint: f.endpoint, Seed: f.seed})
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close(context.WithoutCancel(ctx))) }()

	cfg := d.Config()
	run, stop := context.WithCancel(ctx)
	defer stop()
	var finished bool
	ready := func(ctx context.Context, rt *service.Runtime, at running) error {
		fmt.Fprintf(a.stderr, "demo: Stripe twin %s, Acumatica twin %s, webhooks http://%s, data in %s\n\n",
			cfg.Connections[0].Stripe.APIBase, cfg.Connections[0].Acumatica.URL, at.Ingest, dir)
		res, err := played(ctx, d, rt, f)
		if err != nil || res == nil { // nil: stopped before the end
			return err
		}
		finished = true
		r = &reply{summary: res.Summary(), result: res, text: res.Print}
		if !res.OK() {
			err = found{fault.New("demo.incomplete", errors.New(res.Summary()))}
		}
		if werr := a.emit(r, err); werr != nil || err != nil && !f.stay {
			return cmp.Or(err, werr)
		}
		if !f.stay {
			stop()
		}
		<-ctx.Done()
		return err
	}
	err = cleanStop(ctx, a.inFolder(run, cfg, folder, log, ready))
	if !finished && err == nil {
		r = &reply{summary: "stopped before the demo was over", result: map[string]bool{"finished": false}}
	}
	return r, err
}

// demoResult is what a scenario came to.
type demoResult interface {
	OK() bool
	Summary() string
	Print(w io.Writer)
}

// played plays the scenario; nil without an error when it was stopped.
func played(ctx context.Context, d *demo.Demo, rt *service.Runtime, f upFlags) (demoResult, error) {
	switch f.scenario {
	case demo.Year:
		if res, err := d.RunYear(ctx, rt); res != nil || err != nil {
			return res, err
		}
	case demo.Mirror:
		if res, err := d.RunMirror(ctx, rt); res != nil || err != nil {
			return res, err
		}
	default:
		if res, err := d.Run(ctx, rt); res != nil || err != nil {
			return res, err
		}
	}
	return nil, nil //nolint:nilnil // documented
}

// demoDir is the folder that the user named, or one that cleanup removes.
func (a *app) demoDir() (dir string, cleanup func() error, err error) {
	if dir = cmp.Or(a.dataDir, a.getenv("MILLRACE_DATA_DIR")); dir != "" {
		return dir, func() error { return nil }, nil
	}
	dir, err = os.MkdirTemp("", "millrace-demo-")
	if err != nil {
		return "", nil, fault.New("config.data_dir", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// inFolder runs all services on a data directory that is ours. ready runs beside them once
// every port is open; when it returns an error, or ctx is done, all stop.
func (a *app) inFolder(ctx context.Context, cfg *config.Config, folder *folder, log *slog.Logger, ready func(context.Context, *service.Runtime, running) error) (err error) {
	b, err := a.startBroker(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.bus.Provision(ctx, cfg.ConnectionNames()); err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	rt, err := service.Open(ctx, service.Options{Name: "millrace", Config: cfg, Log: log, Getenv: a.getenv, Bus: b.bus})
	if err != nil {
		return err
	}
	announce := service.Service{Name: "announce", Run: func(ctx context.Context, rt *service.Runtime) error {
		r, err := waitForPorts(ctx, rt)
		if err != nil {
			return err
		}
		r.NATSURL = cfg.NATS.URL
		if b.server != nil {
			r.NATSURL, r.NATSToken = b.server.ClientURL(), b.server.Token()
		}
		if err := folder.announce(r); err != nil {
			return err
		}
		if err := ready(ctx, rt, r); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}}
	return service.Run(ctx, rt, append(services(), announce)...)
}

// startBroker connects to the configured broker, or embeds one.
func (a *app) startBroker(ctx context.Context, cfg *config.Config, log *slog.Logger) (*broker, error) {
	if cfg.NATS.URL == "" {
		return embed(ctx, cfg.DataDir, cfg.NATS.Listen, bus.Options{Partitions: cfg.Partitions, Log: log})
	}
	return connect(ctx, bus.Options{URL: cfg.NATS.URL, Creds: cfg.NATS.Creds, Name: "millrace", Partitions: cfg.Partitions, Log: log})
}

// waitForPorts returns once the webhook endpoint listens.
func waitForPorts(ctx context.Context, rt *service.Runtime) (running, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if addr, ok := rt.Addr("ingest"); ok {
			r := running{PID: os.Getpid(), Ingest: addr.String(), StartedAt: time.Now().UTC().Truncate(time.Second)}
			if ops, ok := rt.Addr("ops"); ok {
				r.Ops = ops.String()
			}
			return r, nil
		}
		select {
		case <-ctx.Done():
			return running{}, ctx.Err()
		case <-tick.C:
		}
	}
}
