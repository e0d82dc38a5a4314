package poller

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bustest"
	"millrace/internal/config"
	"millrace/internal/service"
)

// TestASinkNeverWaitsForThePoller: a poller that could use every request the
// licence has leaves a burst to the sink of another process, at once, and goes
// on with what is left.
func TestASinkNeverWaitsForThePoller(t *testing.T) {
	t.Parallel()
	b := bustest.New(t, "default")
	x := newTwin(t, "Default/24.200.001")
	for range 40 {
		x.invoice()
	}
	x.pass(time.Minute)
	cfg := &config.Config{Connections: []config.Connection{{
		Name: "default",
		Acumatica: config.Acumatica{
			URL: x.url, Tenant: "U100", Endpoint: "Default/24.200.001", Username: "api", Password: "secret", Timeout: 10 * time.Second,
			RequestsPerMinute: 480, Concurrency: 2,
		},
		Poll: config.Poll{Interval: time.Millisecond, Overlap: 2 * time.Minute, PageSize: 2},
	}}}
	process := func() *service.Runtime {
		rt := &service.Runtime{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Bus: b, Config: cfg}
		t.Cleanup(func() { _ = rt.Stop(context.Background()) })
		return rt
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var polling sync.WaitGroup
	polling.Go(func() {
		if err := run(ctx, process()); err != nil {
			t.Error(err)
		}
	})
	lists := func() (n int) {
		for _, q := range x.Requests() {
			if strings.HasSuffix(q.Path, "/Invoice") {
				n++
			}
		}
		return n
	}
	for before := -1; lists() > before && ctx.Err() == nil || lists() == 0; { // until it has used up what it may
		before = lists()
		wait(ctx, 120*time.Millisecond)
	}
	sink, err := process().Acumatica(cfg.Connections[0])
	if err != nil {
		t.Fatal(err)
	}
	began, polled := time.Now(), lists()
	for range 25 {
		if _, _, err := sink.List(ctx, "Payment", acumatica.Query{Top: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a burst of the sink took %v beside a hungry poller", took)
	}
	for lists() == polled && ctx.Err() == nil {
		wait(ctx, 50*time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("polling stands still")
	}
	cancel()
	polling.Wait()
}
