package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
)

func (a *app) repartitionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "repartition <number>", Short: "Change the number of partitions of a stopped installation", Args: cobra.ExactArgs(1),
		Long: "Change into how many partitions lanes are spread: the broker of NATS_URL, else the data directory.\n\n" +
			"Every service must be stopped, every message handled, and no lane held; otherwise nothing changes.\n" +
			"When it was interrupted nothing starts: run it again. Afterwards services start only with the new\n" +
			"number in their configuration.",
		Example: "  millrace repartition 64",
	}
	a.addDataDir(c)
	return a.leaf(c, func(ctx context.Context, args []string) (*reply, error) {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || n > 1024 {
			return nil, fault.Newf("cli.usage", "%q is not a number of partitions: want 1 to 1024", args[0])
		}
		log, err := a.logger("warn")
		if err != nil {
			return nil, err
		}
		b, connections, err := a.stopped(ctx, log)
		if err != nil {
			return nil, err
		}
		before := b.bus.Partitions()
		err = b.bus.Repartition(ctx, connections, n)
		if err = errors.Join(err, b.Close()); err != nil {
			return nil, err
		}
		return &reply{
			summary: fmt.Sprintf("%d partitions, before %d; services start with partitions: %d (MILLRACE_PARTITIONS)", n, before, n),
			result:  map[string]int{"partitions": n, "before": before},
		}, nil
	})
}

// stopped reaches an installation whose services do not run, even when its
// number of partitions is being changed.
func (a *app) stopped(ctx context.Context, log *slog.Logger) (*broker, []string, error) {
	cfg, origins, err := config.Load(a.source())
	if err != nil {
		return nil, nil, err
	}
	o := bus.Options{Name: "millrace-cli", Repartitions: true, Log: log}
	if cfg.NATS.URL != "" && origins.Of("data_dir").Kind != "flag" {
		o.URL, o.Creds = cfg.NATS.URL, cfg.NATS.Creds
		b, err := connect(ctx, o)
		return b, cfg.ConnectionNames(), err
	}
	in, found, err := readInstallation(cfg.DataDir)
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, fault.Newf("config.no_installation", "%s holds no installation", cfg.DataDir)
	}
	f, err := openFolder(cfg.DataDir)
	if err != nil {
		return nil, nil, err
	}
	b, err := embed(ctx, cfg.DataDir, "", o)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	b.closes = append([]func() error{f.Close}, b.closes...)
	return b, in.Connections, nil
}
