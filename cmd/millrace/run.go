package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"millrace/ingest/sweep"
	"millrace/ingest/webhook"
	"millrace/internal/fault"
	"millrace/internal/service"
	"millrace/sink-acumatica/acusink"
	"millrace/sink-stripe/stripesink"
	"millrace/source-acumatica/poller"
	"millrace/transform/stage"
)

// services are all of them, in the order of the pipeline.
func services() []service.Service {
	return []service.Service{webhook.Service, sweep.Service, poller.Service, stage.Service, acusink.Service, stripesink.Service}
}

func serviceNames() []string {
	var names []string
	for _, s := range services() {
		names = append(names, s.Name)
	}
	return names
}

func (a *app) runCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "run <service>", Short: "One service against an external broker",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("name one service: %s", strings.Join(serviceNames(), ", "))
			}
			return nil
		},
		Long: "One service against the broker of NATS_URL, as a pod runs it. The streams must be there: millrace provision.\n\n" +
			"Services: " + strings.Join(serviceNames(), ", "),
		Example:   "  millrace run ingest --config /etc/millrace/millrace.yaml",
		ValidArgs: serviceNames(),
	}
	return a.leaf(c, func(ctx context.Context, args []string) (*reply, error) {
		for _, s := range services() {
			if s.Name != args[0] {
				continue
			}
			log, err := a.logger("info")
			if err != nil {
				return nil, err
			}
			if err := service.Start(ctx, a.source(), log, s); err != nil {
				return nil, err
			}
			return &reply{summary: s.Name + " stopped", result: map[string]string{"service": s.Name}}, nil
		}
		return nil, fault.Newf("cli.usage", "no service %q: want one of %s", args[0], strings.Join(serviceNames(), ", "))
	})
}

func (a *app) provisionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "provision", Short: "Create the streams, buckets and consumers on the broker", Args: cobra.NoArgs,
		Long: "Create what the services need on the broker of NATS_URL. Doing it again changes nothing;\n" +
			"after a connection was added it makes what that one needs. Services only verify.",
		Example: "  NATS_URL=nats://localhost:4222 millrace provision",
	}
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		log, err := a.logger("warn")
		if err != nil {
			return nil, err
		}
		b, cfg, err := a.external(ctx, log)
		if err != nil {
			return nil, err
		}
		defer func() { _ = b.Close() }() // nothing is written after Provision
		names := cfg.ConnectionNames()
		if len(names) == 0 {
			return nil, fault.Newf("config.invalid", "connections: none is configured, so there is nothing to make")
		}
		if err := b.bus.Provision(ctx, names); err != nil {
			return nil, err
		}
		if err := b.bus.Verify(ctx); err != nil {
			return nil, err
		}
		return &reply{
			summary: fmt.Sprintf("provisioned for %s, %d partitions", strings.Join(names, ", "), b.bus.Partitions()),
			result:  map[string]any{"connections": names, "partitions": b.bus.Partitions()},
		}, nil
	})
}
