package stripesink

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/config"
	"millrace/internal/link"
	"millrace/internal/service"
	"millrace/internal/stripetwin"
	"millrace/schemas"
)

// newRuntime is a broker of our own and a configuration that leads to a twin.
func newRuntime(t *testing.T) *service.Runtime {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b := bustest.New(t, connection)
	twin, err := stripetwin.New(stripetwin.Options{APIKey: "sk_test_sink"})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(twin.Handler())
	t.Cleanup(web.Close)
	rt := &service.Runtime{Log: log, Bus: b, Config: &config.Config{Connections: []config.Connection{
		{Name: connection, Stripe: config.Stripe{APIKey: "sk_test_sink", APIBase: web.URL}},
	}}}
	t.Cleanup(func() { _ = rt.Stop(context.Background()) })
	return rt
}

func TestTheServiceTurnsIntentsIntoOutcomes(t *testing.T) {
	rt := newRuntime(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- Service.Run(running, rt) }()

	inv := invoiceIntent(func(f *schemas.StripeInvoice) { f.DueDate = time.Now().AddDate(0, 1, 0).UTC().Format(time.DateOnly) })
	for _, in := range []schemas.Intent{customerIntent("1", "Ada"), inv} {
		if _, err := rt.Bus.PublishIntent(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	var got []schemas.Outcome
	enough := errors.New("enough")
	err := rt.Bus.Follow(ctx, bus.Outcomes, 1, func(m *bus.Message) error {
		var out schemas.Outcome
		if err := json.Unmarshal(m.Event.Data, &out); err != nil {
			return err
		}
		if got = append(got, out); len(got) == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("followed %+v: %v", got, err)
	}
	for i, want := range []schemas.Calls{{StripeReads: 1, StripeWrites: 1}, {StripeReads: 2, StripeWrites: 5}} {
		if o := got[i]; o.Outcome != schemas.Applied || o.Calls != want || o.Stage != "sink-stripe" || o.Attempt != 1 {
			t.Errorf("outcome %+v, want applied at the cost of %+v", o, want)
		}
	}
	if l, found, err := link.New(rt.Bus).ByAcumatica(ctx, connection, link.Invoice, "Invoice AR000123"); err != nil || !found || l.Attributes["hosted_invoice_url"] == "" {
		t.Errorf("link %+v, %t, %v", l, found, err)
	}
	for _, r := range rt.Ready(ctx) {
		if r.Err != nil {
			t.Errorf("%s is not ready: %v", r.Name, r.Err)
		}
	}
	stop()
	if err := <-stopped; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestTheServiceRefusesAConnectionWithoutKey(t *testing.T) {
	rt := &service.Runtime{Log: slog.New(slog.DiscardHandler), Config: &config.Config{Connections: []config.Connection{{Name: connection}}}}
	if err := Service.Run(t.Context(), rt); err == nil {
		t.Error("started")
	}
}
