package poller

import (
	"context"
	"sync"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/embednats"
)

// TestPollersOnARealBroker runs two replicas on one broker: the second takes
// over where the first stopped, and what both saw is stored once.
func TestPollersOnARealBroker(t *testing.T) {
	srv, err := embednats.Start(embednats.Options{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Shutdown()
	b, err := bus.Connect(t.Context(), bus.Options{InProcess: srv, Token: srv.Token(), Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if err := b.Provision(t.Context(), []string{"default"}); err != nil {
		t.Fatal(err)
	}

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
	err = b.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error {
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
