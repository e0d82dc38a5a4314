package poller

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/internal/budget"
	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/link"
	"millrace/internal/service"
)

const name = "source-acumatica"

// Service is source-acumatica as a deployable.
var Service = service.Service{Name: name, Run: run}

// run polls every connection in its own loop: one that is down does not hold
// up the others (Invariant 5).
func run(ctx context.Context, rt *service.Runtime) error {
	holder := uuid.NewString()
	pollers := make([]*Poller, 0, len(rt.Config.Connections))
	for _, c := range rt.Config.Connections {
		p, err := connect(rt, c, holder)
		if err != nil {
			return err
		}
		rt.OnReady(name+" "+c.Name, p.Ready)
		pollers = append(pollers, p)
	}
	yielding := budget.Yield(ctx) // sinks go first: polling can wait
	var running sync.WaitGroup
	if err := startHints(ctx, rt, pollers, &running); err != nil {
		return err
	}
	for _, p := range pollers {
		running.Go(func() { p.Run(yielding) })
	}
	rt.Log.Info("polling", "connections", rt.Config.ConnectionNames(), "holder", holder)
	<-ctx.Done()
	running.Wait()
	return nil
}

func connect(rt *service.Runtime, c config.Connection, holder string) (*Poller, error) {
	client, err := rt.Acumatica(c)
	if err != nil {
		return nil, err
	}
	return New(Options{
		Connection: c.Name, Poll: c.Poll, Invoices: c.Invoices, Items: c.Items, Holder: holder,
		List: client.List, Get: client.Get, Publish: rt.Bus.PublishEvent, Cursors: rt.Bus.Bucket("cursors"), Log: rt.Log,
		Acquire: leases(rt.Bus), Linked: link.New(rt.Bus).ByAcumatica, AnyLinked: link.New(rt.Bus).Any, Told: rt.Bus.Bucket("told"),
	})
}

// leases takes leases on the bus.
func leases(b *bus.Bus) Acquire {
	return func(ctx context.Context, lease, holder string, ttl time.Duration) (Lease, bool, error) {
		l, ok, err := b.Lease(ctx, lease, holder, ttl)
		if err != nil || !ok {
			return nil, false, err // not a nil *bus.Lease in a Lease
		}
		return l, true, nil
	}
}
