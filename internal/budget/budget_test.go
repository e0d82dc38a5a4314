package budget

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/embednats"
	"millrace/internal/fault"
)

func join(tb testing.TB, b *bus.Bus, o Options) *Budget {
	tb.Helper()
	o.System, o.Connection = "acumatica", "default"
	x, err := New(b, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = x.Close(context.Background()) })
	return x
}

// kill ends a budget as kill -9 does.
func kill(b *Budget) {
	if b.stop != nil {
		b.stop()
	}
	b.running.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.rev, b.view, b.used, b.idle = true, 0, record{}, [classes]int{}, [classes]int{}
}

// ledger notes every request of all processes.
type ledger struct {
	mu   sync.Mutex
	sent []time.Time
	now  int
	most int
}

func (l *ledger) enter() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, time.Now())
	l.now++
	l.most = max(l.most, l.now)
}

func (l *ledger) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now--
}

// busiest is the greatest number of requests in any span of that length.
func (l *ledger) busiest(per time.Duration) int {
	most := 0
	for i := range l.sent {
		n := 0
		for _, t := range l.sent[i:] {
			if t.Sub(l.sent[i]) < per {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func pass(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func TestProcessesTogetherStayWithinTheLimits(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	o := Options{Requests: 40, Per: time.Second, Concurrent: 3}
	var l ledger
	var running sync.WaitGroup
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	for range 3 {
		x := join(t, b, o)
		for range 4 {
			running.Go(func() {
				for ctx.Err() == nil {
					done, err := x.Admit(ctx)
					if err != nil {
						continue
					}
					l.enter()
					pass(ctx, time.Duration(rand.N(30))*time.Millisecond)
					l.leave()
					done()
				}
			})
		}
	}
	running.Wait()
	if l.most > o.Concurrent {
		t.Errorf("%d requests at once, %d allowed", l.most, o.Concurrent)
	}
	if n := l.busiest(o.Per); n > o.Requests {
		t.Errorf("%d requests within %v, %d allowed", n, o.Per, o.Requests)
	}
	if len(l.sent) < 60 {
		t.Errorf("%d requests in three seconds: the budget is hardly used", len(l.sent))
	}
	t.Logf("%d requests, at most %d at once and %d a second", len(l.sent), l.most, l.busiest(o.Per))
}

func TestKilledProcessesOverspendNothing(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	o := Options{Requests: 30, Per: time.Second}
	var l ledger
	var running sync.WaitGroup
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	for range 3 {
		running.Go(func() {
			for ctx.Err() == nil {
				x := join(t, b, o)
				life, die := context.WithTimeout(ctx, time.Duration(50+rand.N(200))*time.Millisecond)
				var sending sync.WaitGroup
				for range 3 {
					sending.Go(func() {
						for life.Err() == nil {
							if done, err := x.Admit(life); err == nil {
								l.enter()
								l.leave()
								done()
							}
						}
					})
				}
				sending.Wait()
				die()
				kill(x)
			}
		})
	}
	running.Wait()
	if n := l.busiest(o.Per); n > o.Requests || len(l.sent) == 0 {
		t.Errorf("%d of %d requests within %v, %d allowed", n, len(l.sent), o.Per, o.Requests)
	}
}

func TestHoldReachesEverybody(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	told, other := join(t, b, Options{Concurrent: 5}), join(t, b, Options{Concurrent: 5})
	for _, x := range []*Budget{told, other} { // warm: slots in hand
		done, err := x.Admit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done()
	}
	told.SlowDown(500 * time.Millisecond)
	begun := time.Now()
	pass(t.Context(), 50*time.Millisecond) // the record is stored and seen
	done, err := other.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done()
	if waited := time.Since(begun); waited < 450*time.Millisecond || waited > 2*time.Second {
		t.Errorf("the other process waited %v, want half a second", waited)
	}
	told.SlowDown(time.Hour)
	pass(t.Context(), 100*time.Millisecond)
	_, err = other.Admit(t.Context())
	if f := fault.Of(err); err == nil || f.Kind != fault.Throttled || f.RetryAfter < 59*time.Minute {
		t.Errorf("during a long hold: %v, want throttled for an hour", err)
	}
}

func TestAHoldSeenBeforeTheTimeIsKnownEndsAsTold(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	o := Options{Concurrent: 5}
	told, started := join(t, b, o), join(t, b, o)
	done, err := told.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done()
	told.SlowDown(300 * time.Millisecond)
	pass(t.Context(), 100*time.Millisecond) // the record is stored
	data, rev, err := told.bucket.Get(t.Context(), told.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := started.see(data, rev); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	done, err = started.Admit(ctx)
	if err != nil {
		t.Fatalf("a process that has just started: %v", err)
	}
	done()
}

func TestPollingDoesNotStarveTheSink(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	o := Options{Requests: 40, Per: time.Second, Concurrent: 2}
	poller, sink := join(t, b, o), join(t, b, o)
	ctx, stop := context.WithCancel(t.Context())
	var polled atomic.Int64
	var running sync.WaitGroup
	for range 10 {
		running.Go(func() {
			for ctx.Err() == nil {
				if done, err := poller.Admit(Yield(ctx)); err == nil {
					polled.Add(1)
					pass(ctx, 10*time.Millisecond)
					done()
				}
			}
		})
	}
	pass(ctx, 500*time.Millisecond)
	var longest time.Duration
	for range 15 {
		begun := time.Now()
		done, err := sink.Admit(ctx)
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(begun))
		done()
		pass(ctx, 60*time.Millisecond)
	}
	stop()
	running.Wait()
	if longest > 300*time.Millisecond {
		t.Errorf("the sink waited %v behind the poller", longest)
	}
	if polled.Load() < 10 {
		t.Errorf("the poller sent %d requests in between", polled.Load())
	}
	t.Logf("sink waited %v at most, poller sent %d", longest, polled.Load())
}

func TestWithoutBrokerNothingIsSent(t *testing.T) {
	t.Parallel()
	srv, err := embednats.Start(embednats.Options{StoreDir: filepath.Join(t.TempDir(), "nats")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.Connect(t.Context(), bus.Options{InProcess: srv, Token: srv.Token(), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if err := b.Provision(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	x := join(t, b, Options{Concurrent: 2})
	inHand, err := x.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	srv.Shutdown()
	inHand() // may finish
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	admitted := 0
	for ctx.Err() == nil {
		if _, err := x.Admit(ctx); err == nil {
			admitted++
		}
	}
	if admitted > 2 { // no more than the slots it had
		t.Errorf("%d requests admitted without a broker", admitted)
	}
}

func TestAWaitingRequestHonoursItsContext(t *testing.T) {
	t.Parallel()
	b := bustest.New(t)
	x := join(t, b, Options{Concurrent: 1})
	done, err := x.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := x.Admit(ctx); err == nil || fault.KindOf(err) != fault.Throttled {
		t.Errorf("got %v, want throttled", err)
	}
	done()
	if done, err = x.Admit(t.Context()); err != nil {
		t.Fatal(err)
	}
	done()
}
