package sweep

import (
	"context"
	"sync"

	"millrace/internal/budget"
	"millrace/internal/link"
	"millrace/internal/service"
)

// Service is the sweep of every connection. It runs beside the webhook
// endpoint, or in a process of its own.
var Service = service.Service{Name: "sweep", Run: run}

func run(ctx context.Context, rt *service.Runtime) error {
	yielding := budget.Yield(ctx) // sinks go first: a sweep can wait
	var running sync.WaitGroup
	for _, c := range rt.Config.Connections {
		client, err := rt.Stripe(c)
		if err != nil {
			return err
		}
		s := New(Options{
			Connection: c.Name, Interval: c.Stripe.SweepInterval, Stripe: client,
			Cursors: rt.Bus.Bucket("cursors"), Publish: rt.Bus.PublishEvent,
			Movements: client.Movements, Posted: link.New(rt.Bus).ByStripe,
			Pipeline: rt.Bus, Outcome: rt.Bus.PublishOutcome, Log: rt.Log,
		})
		running.Go(func() { s.Run(yielding) })
	}
	<-ctx.Done()
	running.Wait()
	return nil
}
