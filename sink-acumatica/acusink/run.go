package acusink

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/service"
)

// Service is the sink as a unit that can run alone or in the all-in-one.
var Service = service.Service{Name: Stage, Run: run}

func run(ctx context.Context, rt *service.Runtime) error {
	connections := make(map[string]Connection, len(rt.Config.Connections))
	for _, c := range rt.Config.Connections {
		client, err := rt.Acumatica(c)
		if err != nil {
			return err
		}
		connections[c.Name] = Connection{Client: client, SettleDelay: c.Acumatica.SettleDelay, NextOpenPeriod: c.Books.ClosedPeriod == config.ClosedPeriodNext}
	}
	sink := New(Options{
		Connections: connections,
		Postings:    held{posting.New(rt.Bus, Stage+" "+uuid.NewString())},
		Links:       link.New(rt.Bus),
		Publisher:   rt.Bus,
		Doubts:      kept{rt.Bus.Bucket("doubts")},
	})
	var watching sync.WaitGroup
	defer watching.Wait()
	watch, stop := context.WithCancel(ctx)
	defer stop()
	for name := range connections {
		watching.Go(func() { sink.Watch(watch, name, rt.Log) })
	}
	return rt.Bus.Run(ctx, bus.Stage{
		Name: Stage, Stream: bus.Intents, Target: "acumatica",
		Connections: rt.Config.ConnectionNames(), Handle: sink.Handle, Skip: sink.Skip,
	})
}

// held adapts the posting store to Postings.
type held struct{ store *posting.Store }

func (h held) Claim(ctx context.Context, connection, intentID string) (Posting, error) {
	p, err := h.store.Claim(ctx, connection, intentID)
	if err != nil {
		return nil, err
	}
	return claimed{p}, nil
}

func (h held) Get(ctx context.Context, connection, intentID string) (posting.Record, bool, error) {
	return h.store.Get(ctx, connection, intentID)
}

type claimed struct{ p *posting.Posting }

func (c claimed) Data() *posting.Record           { return &c.p.Record }
func (c claimed) Save(ctx context.Context) error  { return c.p.Save(ctx) }
func (c claimed) Renew(ctx context.Context) error { return c.p.Renew(ctx) }
