package poller

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
)

// rounds notes when each round of a running poller begins.
type rounds struct {
	mu sync.Mutex
	at []time.Time
}

func (r *rounds) watch(s *erp) func(*Options) {
	return func(o *Options) {
		o.Poll.Interval, o.Poll.QuietInterval = 10*time.Second, 80*time.Second
		o.List = func(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
			if q.Filter == "" {
				r.mu.Lock()
				r.at = append(r.at, time.Now())
				r.mu.Unlock()
			}
			return s.list(ctx, entity, q)
		}
	}
}

func (r *rounds) since(t time.Time) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, at := range r.at {
		if at.After(t) {
			n++
		}
	}
	return n
}

// running starts a poller that stops with the test.
func running(t *testing.T, s *erp, b *broker, change ...func(*Options)) *Poller {
	t.Helper()
	p := newPoller(t, s, b, change...)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { p.Run(ctx) })
	t.Cleanup(func() { cancel(); done.Wait() })
	return p
}

func TestQuietRoundsAreRarerUntilSomethingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		var r rounds
		running(t, s, b, r.watch(s))
		time.Sleep(10 * time.Minute)
		quiet := time.Now()
		time.Sleep(time.Hour)
		if n := r.since(quiet); n < 40 || n > 52 {
			t.Errorf("%d rounds in a quiet hour, want one about every 80 s", n)
		}
		for i := range 60 {
			s.customer(fmt.Sprint("C", i))
			time.Sleep(10 * time.Second)
		}
		busy := time.Now()
		for i := range 60 {
			s.customer(fmt.Sprint("C", i))
			time.Sleep(10 * time.Second)
		}
		if n := r.since(busy); n < 50 || n > 70 {
			t.Errorf("%d rounds in ten busy minutes, want one about every 10 s", n)
		}
	})
}

func TestAHintIsAnsweredSoonAndAFloodOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		var r rounds
		p := running(t, s, b, r.watch(s))
		time.Sleep(10*time.Minute + 7*time.Second)
		s.customer("C1")
		p.Hint()
		time.Sleep(hintPause + time.Second)
		if n := len(b.subjects()); n != 1 {
			t.Errorf("%d events soon after the hint, want the one it is about", n)
		}
		flood := time.Now()
		for range 60_000 {
			p.Hint()
			time.Sleep(time.Millisecond)
		}
		if n := r.since(flood); n > 13 {
			t.Errorf("%d rounds in a minute of hints, want one every 5 s at most", n)
		}
		// A system that refuses is not asked more often because of hints.
		s.mu.Lock()
		s.down = fault.Newf("source.no_server_time", "needs a person")
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		down := time.Now()
		for range 600 {
			p.Hint()
			time.Sleep(time.Second)
		}
		if n := r.since(down); n > 12 {
			t.Errorf("%d rounds in ten minutes although Acumatica refuses", n)
		}
	})
}

// TestAMassChangeIsReadTwice: once when it is seen and once when the overlap
// has passed, not in every round between.
func TestAMassChangeIsReadTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b, func(o *Options) { o.Poll.PageSize = 20 })
		round(t, p)
		began := s.now()
		ids := many(s, 400, 20*time.Millisecond)
		time.Sleep(15 * time.Second)
		s.calls = nil
		for i := range 30 {
			round(t, p)
			time.Sleep(10 * time.Second)
			if i == 2 { // committed late, with a time that is read already
				s.saveAt("Customer", "slow", began.Add(time.Second), map[string]string{"CustomerID": "slow"})
			}
		}
		if n := len(everyone(b)); n != len(ids)+1 {
			t.Errorf("%d customers, want %d and the slow one", n, len(ids))
		}
		if n := len(s.calls) - 2*30; n > 2*4*400/20 {
			t.Errorf("%d reads for 400 rows in pages of 20", n)
		}
	})
}
