package acusink

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/internal/acumatica"
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
		client, err := acumatica.New(clientConfig(c, rt))
		if err != nil {
			return fmt.Errorf("connection %s: %w", c.Name, err)
		}
		rt.OnStop(Stage+" "+c.Name, client.Close)
		rt.OnReady("acumatica "+c.Name, remember(client.Ping))
		connections[c.Name] = Connection{Client: client, SettleDelay: c.Acumatica.SettleDelay}
	}
	sink := New(Options{
		Connections: connections,
		Postings:    held{posting.New(rt.Bus, Stage+" "+uuid.NewString())},
		Links:       link.New(rt.Bus),
		Publisher:   rt.Bus,
	})
	return rt.Bus.Run(ctx, bus.Stage{
		Name: Stage, Stream: bus.Intents, Target: "acumatica",
		Connections: rt.Config.ConnectionNames(), Handle: sink.Handle,
	})
}

func clientConfig(c config.Connection, rt *service.Runtime) acumatica.Config {
	a := c.Acumatica
	return acumatica.Config{
		BaseURL: a.URL, Tenant: a.Tenant, Endpoint: a.Endpoint,
		Username: a.Username, Password: a.Password.Reveal(),
		ClientID: a.ClientID, ClientSecret: a.ClientSecret.Reveal(),
		Branch: a.Branch, Timeout: a.Timeout, Concurrency: a.Concurrency,
		Log: rt.Log.With("connection", c.Name),
	}
}

// readyFor is how long a successful readiness check stands: probes come every
// few seconds and each would cost a request against the licence.
const readyFor = time.Minute

func remember(check func(context.Context) error) func(context.Context) error {
	var mu sync.Mutex
	var good time.Time
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(good) < readyFor {
			return nil
		}
		if err := check(ctx); err != nil {
			return err
		}
		good = time.Now()
		return nil
	}
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

type claimed struct{ p *posting.Posting }

func (c claimed) Data() *posting.Record          { return &c.p.Record }
func (c claimed) Save(ctx context.Context) error { return c.p.Save(ctx) }
