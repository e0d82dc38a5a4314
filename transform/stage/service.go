package stage

import (
	"context"
	"fmt"
	_ "time/tzdata" // flows compute days in the books' zone, also where the machine has no zone files

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/link"
	"millrace/internal/service"
	"millrace/transform/flow"
	"millrace/transform/flows"
)

// Service is the transform service: the shipped flows for every connection.
var Service = service.Service{Name: Name, Run: run}

func run(ctx context.Context, rt *service.Runtime) error {
	docs, err := flows.Load()
	if err != nil {
		return fmt.Errorf("load flows: %w", err)
	}
	connections := make(map[string]Connection, len(rt.Config.Connections))
	for _, c := range rt.Config.Connections {
		conn, err := connect(rt, c)
		if err != nil {
			return err
		}
		connections[c.Name] = conn
	}
	h := New(Options{Connections: connections, Flows: docs, Links: link.New(rt.Bus), Publisher: rt.Bus})
	return rt.Bus.Run(ctx, bus.Stage{Name: Name, Stream: bus.Events, Connections: rt.Config.ConnectionNames(), Handle: h.Handle, Skip: h.Skip})
}

func connect(rt *service.Runtime, c config.Connection) (Connection, error) {
	stripe, err := rt.Stripe(c)
	if err != nil {
		return Connection{}, err
	}
	erp, err := rt.Acumatica(c)
	if err != nil {
		return Connection{}, err
	}
	return Connection{
		Livemode: c.Stripe.Livemode,
		Books: flow.Books{
			TimeZone: c.Books.TimeZone, PaymentMethod: c.Books.PaymentMethod, CashAccounts: c.Books.CashAccounts,
		},
		Stripe: stripe, Acumatica: erp,
	}, nil
}
