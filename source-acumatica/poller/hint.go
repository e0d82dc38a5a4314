package poller

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/service"
	"millrace/schemas"
	"millrace/source-acumatica/push"
)

// A hint comes to any replica, and only the one with the lease polls: the hint
// goes through a key of the bucket "cursors" that all follow.

func hintKey(connection string) string { return bus.Key(connection, schemas.Acumatica, "hint") }

// hint writes the key; its value means nothing.
func hint(b *bus.Bus) push.Hint {
	return func(ctx context.Context, connection string) error {
		_, err := b.Bucket("cursors").Put(ctx, hintKey(connection), []byte(time.Now().UTC().Format(time.RFC3339Nano)))
		return err
	}
}

// followHints makes the poller look whenever a hint comes, until ctx is done.
// One that comes while the broker is away is lost: the poller polls all the same.
func (p *Poller) followHints(ctx context.Context, b *bus.Bus) {
	for ctx.Err() == nil {
		if err := b.Bucket("cursors").Watch(ctx, hintKey(p.o.Connection), func([]byte, uint64) { p.Hint() }); err != nil {
			p.o.Log.Debug("hints are not followed", "connection", p.o.Connection, "err", err)
			wait(ctx, jitter(standbyDelay))
		}
	}
}

// listen opens the endpoint of the push notifications, when there is to be one.
func listen(ctx context.Context, rt *service.Runtime) (*push.Handler, net.Listener, error) {
	cfg := rt.Config.Push
	if cfg.Listen == "" {
		return nil, nil, nil //nolint:nilnil // as documented
	}
	o := push.Options{Connections: make(map[string]push.Connection), MaxBody: cfg.MaxBody, Hint: hint(rt.Bus), Log: rt.Log}
	if c, ok := rt.Config.Default(); ok {
		o.Default = c.Name
	}
	for _, c := range rt.Config.Connections {
		o.Connections[c.Name] = push.Connection{Header: c.Acumatica.PushHeader, Secrets: reveal(c.Acumatica.PushSecrets)}
	}
	h, err := push.New(o)
	if err != nil {
		return nil, nil, err
	}
	l, err := rt.Listen(ctx, "push", cfg.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("push listen: %w", err)
	}
	rt.Log.Info("push notifications listening", "addr", l.Addr().String())
	return h, l, nil
}

func reveal(secrets []config.Secret) []string {
	var out []string
	for _, s := range secrets {
		if s.Reveal() != "" {
			out = append(out, s.Reveal())
		}
	}
	return out
}

// startHints follows the hints for every poller, and receives them where this
// process listens.
func startHints(ctx context.Context, rt *service.Runtime, pollers []*Poller, running *sync.WaitGroup) error {
	h, l, err := listen(ctx, rt)
	if err != nil {
		return err
	}
	for _, p := range pollers {
		running.Go(func() { p.followHints(ctx, rt.Bus) })
	}
	if h == nil {
		return nil
	}
	running.Go(func() {
		if err := h.Serve(ctx, l); err != nil {
			rt.Log.Error("push notifications end", "err", err)
		}
	})
	return nil
}
