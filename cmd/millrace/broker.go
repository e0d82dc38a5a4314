package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/embednats"
	"millrace/internal/fault"
)

// A broker is a connection to the bus and, when there is one, the embedded
// server behind it.
type broker struct {
	bus    *bus.Bus
	server *embednats.Server // nil: an external one
	closes []func() error
}

// Close closes the connection, then the server.
func (b *broker) Close() error {
	var errs []error
	for _, closeIt := range slices.Backward(b.closes) {
		errs = append(errs, closeIt())
	}
	b.closes = nil
	return errors.Join(errs...)
}

// embed starts a server on a data directory and connects to it. listen empty:
// no other process can reach it.
func embed(ctx context.Context, dir, listen string, o bus.Options) (*broker, error) {
	b := &broker{}
	srv, err := embednats.Start(embednats.Options{StoreDir: filepath.Join(dir, "nats"), Listen: listen, Log: o.Log})
	if err != nil {
		return nil, fault.New("bus.unavailable", err)
	}
	b.server = srv
	b.closes = append(b.closes, func() error { srv.Shutdown(); return nil })
	o.InProcess, o.Token, o.Name = srv, srv.Token(), "millrace"
	b.bus, err = bus.Connect(ctx, o)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.closes = append(b.closes, b.bus.Close)
	return b, nil
}

// connect reaches an external server.
func connect(ctx context.Context, o bus.Options) (*broker, error) {
	b, err := bus.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return &broker{bus: b, closes: []func() error{b.Close}}, nil
}

// external connects to the configured broker. config.nats_missing when there
// is none.
func (a *app) external(ctx context.Context, log *slog.Logger) (*broker, *config.Config, error) {
	cfg, _, err := config.Load(a.source())
	if err != nil {
		return nil, nil, err
	}
	if cfg.NATS.URL == "" {
		return nil, nil, fault.New("config.nats_missing", errors.New("nats.url: not set"))
	}
	b, err := connect(ctx, bus.Options{URL: cfg.NATS.URL, Creds: cfg.NATS.Creds, Name: "millrace-cli", Partitions: cfg.Partitions, Log: log})
	return b, cfg, err
}

// A view is how the reading verbs see an installation.
type view struct {
	*broker
	connections []string // at least one; the default one first
	running     *running // nil: nothing runs, or it is not of this machine
	where       string   // for people: what is looked at
	partitions  int      // as the user configured it; 0: not
}

// stopped reports that no service can be running: the broker is the one of a
// data directory, started for this command only.
func (v *view) stopped() bool { return v.running == nil && v.server != nil }

// knows refuses a connection that neither the configuration nor the broker has.
func (v *view) knows(ctx context.Context, connection string) error {
	if connection == "" || slices.Contains(v.connections, connection) {
		return nil
	}
	all, err := v.bus.Connections(ctx) // the configuration at hand may lack some
	if err != nil || slices.Contains(all, connection) {
		return err
	}
	slices.Sort(all)
	return usage(fmt.Errorf("no connection %q: want %s", connection, strings.Join(all, ", ")))
}

// later says when a decision takes effect on an installation that is stopped.
func (v *view) later() string {
	if v.stopped() {
		return "; nothing runs here now, it takes effect when something does"
	}
	return ""
}

// looking runs do on the installation to read, which is closed afterwards.
func looking[T any](ctx context.Context, a *app, do func(v *view) (T, error)) (result T, err error) {
	log, err := a.logger("error")
	if err != nil {
		return result, err
	}
	v, err := a.look(ctx, log)
	if err != nil {
		return result, err
	}
	result, err = do(v)
	return result, errors.Join(err, v.Close())
}

// look finds the installation to read: a data directory that was named, else
// the configured broker, else the default data directory. When a process works
// on the directory its server is used; else one is started for the reading and
// stopped by Close.
func (a *app) look(ctx context.Context, log *slog.Logger) (*view, error) {
	cfg, origins, err := config.Load(a.source())
	if err != nil {
		return nil, err
	}
	v, err := a.lookInto(ctx, cfg, origins, log)
	if err == nil && origins.Of("partitions").Kind != "default" {
		v.partitions = cfg.Partitions
	}
	return v, err
}

func (a *app) lookInto(ctx context.Context, cfg *config.Config, origins config.Origins, log *slog.Logger) (*view, error) {
	if cfg.NATS.URL != "" && origins.Of("data_dir").Kind != "flag" {
		b, err := connect(ctx, bus.Options{URL: cfg.NATS.URL, Creds: cfg.NATS.Creds, Name: "millrace-cli", Log: log})
		if err != nil {
			return nil, err
		}
		return &view{broker: b, connections: defaultFirst(cfg.ConnectionNames()), where: "the broker of nats.url"}, nil
	}
	return lookAt(ctx, cfg.DataDir, log)
}

// lookAt looks at a data directory. One that starts or stops right now is neither
// free nor announced: lookAt waits for it, up to startingFor.
func lookAt(ctx context.Context, dir string, log *slog.Logger) (*view, error) {
	in, found, err := readInstallation(dir)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fault.Newf("config.no_installation", "%s holds no installation", dir)
	}
	v := &view{connections: defaultFirst(in.Connections), where: dir}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for patience := time.After(startingFor); ; {
		err := v.open(ctx, dir, log)
		if err == nil {
			return v, nil
		}
		if fault.Of(err).Code != "config.data_dir_locked" {
			return nil, err
		}
		select {
		case <-tick.C:
		case <-patience:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// startingFor is how long a starting or stopping process may take before another
// that looks at its data directory gives up.
const startingFor = 10 * time.Second

// open opens a data directory once; config.data_dir_locked when a process holds it
// and has not said where it listens.
func (v *view) open(ctx context.Context, dir string, log *slog.Logger) error {
	f, err := openFolder(dir)
	if err == nil { // nothing runs here
		b, err := embed(ctx, dir, "", bus.Options{Log: log})
		if err != nil {
			return errors.Join(err, f.Close())
		}
		b.closes = append([]func() error{f.Close}, b.closes...)
		v.broker = b
		return nil
	}
	if fault.Of(err).Code != "config.data_dir_locked" {
		return err
	}
	r, found, rerr := readRunning(dir)
	if rerr != nil || !found {
		return cmp.Or(rerr, err)
	}
	v.running = &r
	v.broker, err = connect(ctx, bus.Options{URL: r.NATSURL, Token: r.NATSToken, Name: "millrace-cli", Log: log})
	return err
}

// defaultFirst puts the connection that needs no name in front: the one named
// "default", or else the first.
func defaultFirst(names []string) []string {
	if len(names) == 0 {
		return []string{config.DefaultName}
	}
	names = slices.Clone(names)
	if i := slices.Index(names, config.DefaultName); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, config.DefaultName)
	}
	return names
}
