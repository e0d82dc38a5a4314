package poller

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
)

func TestDownIsWaitedOutAndNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { p.Run(ctx); close(done) }()
		time.Sleep(time.Minute)
		if err := p.Ready(ctx); err != nil {
			t.Errorf("ready = %v while polling", err)
		}
		s.set(func() { s.down = fault.Newf("acumatica.unreachable", "connection refused") })
		s.customer("C1")
		time.Sleep(20 * time.Minute)
		s.customer("C2")
		if err := p.Ready(ctx); fault.KindOf(err) != fault.Down {
			t.Errorf("ready = %v while Acumatica is down", err)
		}
		s.set(func() { s.down = nil })
		time.Sleep(2 * time.Minute)
		if err := p.Ready(ctx); err != nil {
			t.Errorf("ready = %v after recovery", err)
		}
		if diff := cmp.Diff([]string{"C1", "C2"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		cancel()
		<-done
		if b.holder != "" {
			t.Error("the lease was not given back")
		}
	})
}

// set changes the server while it is in use.
func (s *erp) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func TestTwoReplicasPollOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var rounds [2]atomic.Int64
		stop := make([]context.CancelFunc, 2)
		for i := range 2 {
			p := newPoller(t, s, b, func(o *Options) {
				o.Holder = fmt.Sprintf("replica-%d", i)
				o.List = func(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
					if q.Filter == "" {
						rounds[i].Add(1)
					}
					return s.list(ctx, entity, q)
				}
			})
			var own context.Context
			own, stop[i] = context.WithCancel(ctx)
			go p.Run(own)
			synctest.Wait()
		}
		time.Sleep(10 * time.Minute)
		if first, second := rounds[0].Load(), rounds[1].Load(); first < 50 || second != 0 {
			t.Errorf("rounds = %d and %d, want all of them by the first", first, second)
		}
		stop[0]()
		s.customer("C1")
		time.Sleep(time.Minute)
		if rounds[1].Load() == 0 {
			t.Error("the second replica did not take over")
		}
		if diff := cmp.Diff([]string{"C1"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		stop[1]()
		synctest.Wait()
	})
}

func TestLeaseLostStopsPollingAtOnce(t *testing.T) {
	for name, lose := range map[string]func(b *broker){
		"taken by another":            func(b *broker) { b.holder, b.until = "thief", time.Now().Add(time.Hour) },
		"broker away longer than ttl": func(b *broker) { b.noLease = fault.Newf("bus.unavailable", "timeout") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := newERP(), newBroker()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				inList := make(chan error, 1)
				s.customer("C1")
				time.Sleep(time.Minute)
				p := newPoller(t, s, b, func(o *Options) {
					o.List = func(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
						if q.Filter == "" {
							return s.list(ctx, entity, q)
						}
						<-ctx.Done() // a slow answer: Acumatica queues for minutes
						inList <- context.Cause(ctx)
						return nil, time.Time{}, ctx.Err()
					}
				})
				go p.Run(ctx)
				synctest.Wait()
				b.mu.Lock()
				lose(b)
				b.mu.Unlock()
				lost := time.Now()
				if err := <-inList; !errors.Is(err, errLost) {
					t.Errorf("request ended with %v, want the lease lost", err)
				}
				if took := time.Since(lost); took > leaseTTL {
					t.Errorf("polled on for %v after the lease was gone", took)
				}
				time.Sleep(10 * time.Minute)
				if n := len(b.subjects()); n != 0 || len(inList) != 0 {
					t.Errorf("published %d events and read again without the lease", n)
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

func TestBackOffFollowsTheKind(t *testing.T) {
	for _, tt := range []struct {
		name     string
		err      *fault.Error
		failures int
		min, max time.Duration
	}{
		{"down, first", fault.Newf("acumatica.unreachable", "x"), 0, 250 * time.Millisecond, 1250 * time.Millisecond},
		{"down, for long", fault.Newf("acumatica.unreachable", "x"), 1000, 250 * time.Millisecond, maxBackoff + time.Second},
		{"told when", fault.Newf("ingest.overloaded", "x").After(5 * time.Minute), 0, 5 * time.Minute, 5*time.Minute + baseBackoff},
		{"told when, again and again", fault.Newf("acumatica.throttled", "x").After(time.Second), 1000, time.Second, time.Second + baseBackoff},
		{"needs a person", fault.Newf("source.no_server_time", "x"), 0, 50 * time.Second, 70 * time.Second},
	} {
		for range 200 {
			if d := backoff(tt.err, tt.failures); d < tt.min || d > tt.max {
				t.Fatalf("%s: waits %v, want %v to %v", tt.name, d, tt.min, tt.max)
			}
		}
	}
}
