package poller

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/config"
	"millrace/internal/service"
)

// TestPollersOnARealBroker runs two replicas on one broker: the second takes
// over where the first stopped, and what both saw is stored once.
func TestPollersOnARealBroker(t *testing.T) {
	b := bustest.New(t, "default")
	s := newERP()
	s.saveAt("Customer", "C1", s.now().Add(-time.Minute), map[string]string{"CustomerID": "C1"})
	s.saveAt("Invoice", "i1", s.now().Add(-time.Minute), invoice("AR1", "C1", "Open"))
	for _, holder := range []string{"first", "second"} {
		windows := make(chan struct{}, 100)
		p := newPoller(t, s, newBroker(), func(o *Options) {
			o.Holder, o.Publish, o.Cursors, o.Acquire = holder, b.PublishEvent, b.Bucket("cursors"), leases(b)
			o.Poll.Interval = 20 * time.Millisecond
			o.List = func(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
				records, now, err := s.list(ctx, entity, q)
				if q.Filter != "" {
					windows <- struct{}{}
				}
				return records, now, err
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { p.Run(ctx) })
		for range 5 { // the first window of a third round: two are whole
			<-windows
		}
		cancel()
		running.Wait()
		if err := p.Ready(t.Context()); err != nil {
			t.Errorf("%s: %v", holder, err)
		}
	}
	var got []string
	err := b.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error {
		got = append(got, m.Subject.Lane+" "+m.Event.Subject)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != "C1 C1" || got[1] != "C1 Invoice AR1" {
		t.Errorf("stored %q, want the customer and then the invoice, once", got)
	}
}

// TestServicePollsAnAcumatica runs the whole service against a stand-in of
// Acumatica over HTTP: sign-in, filters, selected fields, the server's date.
func TestServicePollsAnAcumatica(t *testing.T) {
	b := bustest.New(t, "default")
	twin, err := acumaticatwin.New(acumaticatwin.Options{Tenant: "U100", Username: "api", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(twin.Handler())
	defer srv.Close()
	customer := twin.AddCustomer(acumaticatwin.Customer{Name: "Harbor Supply"})
	line := []acumaticatwin.InvoiceLine{{Description: "Rope", Qty: decimal.NewFromInt(2), UnitPrice: decimal.NewFromInt(60)}}
	twin.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: line, Unreleased: true})
	released := twin.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: line})

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	rt := &service.Runtime{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Bus: b, Config: &config.Config{
		Connections: []config.Connection{{
			Name: "default",
			Acumatica: config.Acumatica{
				URL: srv.URL, Tenant: "U100", Endpoint: "Default/24.200.001", Username: "api", Password: "secret",
				Timeout: 10 * time.Second,
			},
			Poll: config.Poll{Interval: 50 * time.Millisecond, Overlap: 2 * time.Minute, PageSize: 2},
		}},
	}}
	defer func() { _ = rt.Stop(context.Background()) }()
	done := make(chan error, 1)
	go func() { done <- run(ctx, rt) }()
	enough := errors.New("enough")
	var got []string
	err = b.Follow(ctx, bus.Events, 1, func(m *bus.Message) error {
		got = append(got, m.Subject.Lane+" "+m.Subject.B+" "+m.Event.Subject)
		if len(got) == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("follow: %v, got %q", err, got)
	}
	want := []string{customer + " customer " + customer, customer + " invoice Invoice " + released}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
}
