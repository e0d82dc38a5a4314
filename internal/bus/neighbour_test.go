package bus

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"millrace/internal/embednats"
	"millrace/internal/fault"
	"millrace/schemas"
)

// The full run is in `make bench`; the default is its short form.
var neighbours = flag.Int("neighbours", 200, "messages of other customers, two each, in the test of one who fails")

const (
	badLane    = "cus_bad"
	badShare   = 10                   // one more in that many is his
	insistence = time.Second          // how often somebody tries his lane again
	roundSize  = 100                  // messages before the next town has its turn
	arrivalGap = 2 * time.Millisecond // mean time between two messages
)

// A town is an installation with one customer whose messages fail, or do not.
type town struct {
	name string
	bus  *Bus
	fail *trouble
	want map[string][]string // by lane
	next int

	mu   sync.Mutex
	got  map[string][]string
	took []time.Duration // from stored to handed to the sink, of the others
}

// A trouble is what the bad customer's messages meet.
type trouble struct {
	mu  sync.Mutex
	err error
}

func (x *trouble) get() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

func (x *trouble) set(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.err = err
}

func (w *town) handle(_ context.Context, m *Message) (schemas.Outcome, error) {
	waited := time.Since(m.Stored)
	if m.Subject.Lane == badLane {
		if err := w.fail.get(); err != nil {
			return schemas.Outcome{}, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if lane := m.Subject.Lane; !slices.Contains(w.got[lane], m.Event.ID) {
		w.got[lane] = append(w.got[lane], m.Event.ID)
		if lane != badLane {
			w.took = append(w.took, waited)
		}
	}
	return schemas.Outcome{Outcome: schemas.Applied, Reason: "noted"}, nil
}

func (w *town) publish(t *testing.T, lane string) {
	t.Helper()
	w.next++
	id := fmt.Sprintf("m%d", w.next)
	publish(t, w.bus, lane, id)
	w.want[lane] = append(w.want[lane], id)
}

// round lets messages arrive at random times, then waits until those of the
// others are handled.
func (w *town) round(t *testing.T, messages int) {
	t.Helper()
	for i := range messages {
		sleep(t.Context(), rand.N(2*arrivalGap))
		if i%badShare == 0 {
			w.publish(t, badLane)
		}
		w.publish(t, fmt.Sprintf("cus_%d", w.next%(*neighbours/2)))
	}
	eventually(t, "the others' messages are handled", func() bool { return w.handled() == w.published() })
}

func (w *town) handled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.took)
}

func (w *town) published() (n int) {
	for lane, ids := range w.want {
		if lane != badLane {
			n += len(ids)
		}
	}
	return n
}

func newTown(t *testing.T, name string, err error) *town {
	t.Helper()
	srv, serr := embednats.Start(embednats.Options{StoreDir: filepath.Join(t.TempDir(), "nats")})
	if serr != nil {
		t.Fatal(serr)
	}
	t.Cleanup(srv.Shutdown)
	w := &town{name: name, fail: &trouble{err: err}, want: map[string][]string{}, got: map[string][]string{}}
	w.bus = mustConnect(t, srv, Options{Partitions: 8})
	if err := w.bus.Provision(t.Context(), []string{"default"}); err != nil {
		t.Fatal(err)
	}
	start(t, w.bus, w.handle, nil)
	return w
}

// insist has the lane tried again all the time, until ctx is done: a person
// releases it when it is parked, or its time comes at once.
func (w *town) insist(ctx context.Context) {
	key := laneKey("transform", "default", badLane)
	for sleep(ctx, insistence) {
		_ = w.bus.Release(ctx, "transform", "default", badLane, because(schemas.Release)) // it is tried again
		if rec, rev, err := w.bus.readBlock(ctx, key); err == nil && rec.Claim == "" {
			rec.Until, rec.Tries = time.Now().UTC(), 0
			_, _ = w.bus.updateBlock(ctx, key, rec, rev) // somebody else was first: the next time
		}
	}
}

// TestOneCustomerFailsAndTheOthersFlow: all messages of one customer fail, all
// the time; the others' keep their order and none waits for him (Invariant 5).
// How long they took is printed beside an installation where nobody fails;
// messages arrive at the three by turns, so that the machine's load is the same.
func TestOneCustomerFailsAndTheOthersFlow(t *testing.T) {
	towns := []*town{
		newTown(t, "nobody fails", nil),
		newTown(t, "one is retried", fault.New("internal.unclassified", errors.New("failed"))),
		newTown(t, "one is refused", fault.New("link.conflict", errors.New("refused"))),
	}
	for _, w := range towns {
		w.publish(t, badLane)
	}
	held := func(w *town) bool {
		blocks, err := w.bus.Blocks(t.Context(), "transform")
		return err == nil && len(blocks) == 1 && blocks[0].Lane == badLane
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, w := range towns[1:] {
		eventually(t, "the lane is held", func() bool { return held(w) })
		wg.Go(func() { w.insist(ctx) })
	}
	for done := 0; done < *neighbours; done += roundSize {
		for _, w := range towns {
			w.round(t, min(roundSize, *neighbours-done))
		}
	}
	for _, w := range towns {
		slices.Sort(w.took)
		n := len(w.took)
		t.Logf("%-14s %6d messages of others: p50 %6v  p99 %6v  max %6v", w.name, n,
			w.took[n/2].Round(10*time.Microsecond), w.took[n*99/100].Round(10*time.Microsecond), w.took[n-1].Round(10*time.Microsecond))
	}
	for _, w := range towns[1:] {
		if w.mu.Lock(); len(w.got[badLane]) > 0 || !held(w) {
			t.Errorf("%s: %d messages of the lane that fails were handled", w.name, len(w.got[badLane]))
		}
		w.mu.Unlock()
		w.fail.set(nil)
	}
	for _, w := range towns {
		eventually(t, "his messages are handled as well", func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.got[badLane]) == len(w.want[badLane])
		})
		for lane, want := range w.want {
			if !slices.Equal(w.got[lane], want) {
				t.Errorf("%s: %s: handled %v, want %v", w.name, lane, w.got[lane], want)
			}
		}
	}
}
