package bus

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/internal/fault"
	"millrace/schemas"
)

var modelSeed = flag.Uint64("model-seed", uint64(time.Now().UnixNano()), "seed of the model test")

// A model is what a lane's history must come to, whatever replicas, pauses and
// people do: every message either applied or skipped, first applications in
// order.
type model struct {
	mu      sync.Mutex
	r       *rand.Rand
	applied map[string][]uint64 // by lane, first applications
	seen    map[uint64]bool
	skipped map[uint64]bool
	stopped map[uint64]bool // a replica was stopped while it had the message in hand
	late    int             // messages that a stopped replica found skipped when it woke up
	calls   int
}

// A process is one replica, which can be stopped as a whole: its heartbeats
// and its claims stop as well.
type process struct {
	*model
	until atomic.Int64 // when it goes on; unix nanoseconds
}

func (m *process) stop(ctx context.Context, d time.Duration) {
	m.until.Store(time.Now().Add(d).UnixNano())
	m.here(ctx)
}

// here is where the replica stands still while it is stopped.
func (m *process) here(ctx context.Context) {
	for d := time.Until(time.Unix(0, m.until.Load())); d > 0 && sleep(ctx, d); d = time.Until(time.Unix(0, m.until.Load())) {
	}
}

func (m *model) chance(p float64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.r.Float64() < p
}

func (m *model) upTo(d time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(m.r.Int64N(int64(d)))
}

// handle is an idempotent sink that refuses at random, what another replica has
// in hand most of the time, and sometimes takes longer than AckWait or is
// stopped for longer than a claim lasts.
func (m *process) handle(ctx context.Context, msg *Message) (schemas.Outcome, error) {
	m.mu.Lock()
	stopped := m.stopped[msg.Seq]
	m.mu.Unlock()
	switch {
	case m.chance(0.1), stopped && m.chance(0.8):
		return schemas.Outcome{}, fault.New("link.conflict", errors.New("refused"))
	case m.chance(0.02):
		return schemas.Outcome{}, fault.New("internal.unclassified", errors.New("failed")).After(inPlaceBudget + 100*time.Millisecond)
	case m.chance(0.03):
		sleep(ctx, ackWait+m.upTo(ackWait))
	case !stopped && m.chance(0.05):
		m.mu.Lock()
		m.stopped[msg.Seq] = true
		m.mu.Unlock()
		m.stop(ctx, ackWait+m.upTo(claimFor))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.skipped[msg.Seq] {
		if m.stopped[msg.Seq] {
			m.late++
		}
		return schemas.Outcome{Outcome: schemas.Skipped, Reason: "skipped before"}, nil
	}
	if m.seen[msg.Seq] {
		return schemas.Outcome{Outcome: schemas.Duplicate, Reason: "seen"}, nil
	}
	m.seen[msg.Seq] = true
	m.applied[msg.Subject.Lane] = append(m.applied[msg.Subject.Lane], msg.Seq)
	return schemas.Outcome{Outcome: schemas.Applied, Reason: "applied"}, nil
}

// skip makes the sink refuse the message from now on, unless it has it.
func (m *process) skip(_ context.Context, msg *Message) (schemas.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[msg.Seq] {
		return schemas.Outcome{Outcome: schemas.Duplicate, Reason: "seen"}, nil
	}
	m.skipped[msg.Seq] = true
	return schemas.Outcome{Outcome: schemas.Skipped}, nil
}

// operate decides about parked lanes at random until ctx is done.
func (m *model) operate(ctx context.Context, b *Bus) {
	for sleep(ctx, 20*time.Millisecond) {
		blocks, err := b.Blocks(ctx, "transform")
		if err != nil {
			continue
		}
		for _, rec := range blocks {
			if !rec.Parked || m.chance(0.5) {
				continue
			}
			h, err := b.Held(ctx, "transform", "default", rec.Lane)
			if err != nil || h.Message == nil {
				continue
			}
			switch {
			case m.chance(0.4):
				_ = b.Decide(ctx, "transform", "default", rec.Lane, because(schemas.Skip), h.Message.Seq, h.Message.Seq)
			case m.chance(0.1):
				_ = b.Decide(ctx, "transform", "default", rec.Lane, because(schemas.Skip), h.Message.Seq, h.Last)
			default:
				_ = b.Release(ctx, "transform", "default", rec.Lane, because(schemas.Release))
			}
		}
	}
}

// TestLanesKeepOrderWhateverHappens: three replicas come and go, pause at every
// step of the protocol, are stopped with a message in hand, a sink that refuses
// and dawdles, people who release, skip and drop at the same time.
func TestLanesKeepOrderWhateverHappens(t *testing.T) {
	const lanes, each = 8, 40
	m := &model{r: rand.New(rand.NewPCG(*modelSeed, 1)), applied: map[string][]uint64{}, seen: map[uint64]bool{}, skipped: map[uint64]bool{}, stopped: map[uint64]bool{}}
	t.Logf("-model-seed %d", *modelSeed)
	b := newBus(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				life, end := context.WithTimeout(ctx, time.Second+m.upTo(4*time.Second))
				one := &process{model: m}
				_ = b.run(life, Stage{Name: "transform", Stream: Events, Connections: []string{"default"}, Handle: one.handle, Skip: one.skip}, func(string) {
					one.here(ctx)
					if m.chance(0.05) {
						sleep(ctx, m.upTo(60*time.Millisecond))
					}
				})
				end()
			}
		})
	}
	wg.Go(func() { m.operate(ctx, b) })
	stored := map[string][]uint64{}
	for i := range each {
		for l := range lanes {
			lane := "cus_" + strconv.Itoa(l)
			stored[lane] = append(stored[lane], publish(t, b, lane, fmt.Sprintf("%s-%d", lane, i)).Seq)
		}
	}
	end := map[uint64]string{}
	eventually(t, "every message has ended and no lane is held", func() bool {
		blocks, err := b.Blocks(t.Context(), "transform")
		if err != nil || len(blocks) > 0 {
			return false
		}
		clear(end)
		for _, o := range trail(t, b) {
			if o.Outcome != schemas.Parked {
				end[o.Seq] = strings.TrimSpace(end[o.Seq] + " " + o.Outcome)
			}
		}
		return len(end) == lanes*each
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	skipped := 0
	for lane, seqs := range stored {
		want := slices.DeleteFunc(slices.Clone(seqs), func(s uint64) bool { return !m.seen[s] })
		if !slices.Equal(m.applied[lane], want) {
			t.Errorf("%s: applied %v, stored %v", lane, m.applied[lane], seqs)
		}
		for _, s := range seqs {
			ended := strings.Fields(end[s])
			if !m.seen[s] && slices.ContainsFunc(ended, func(o string) bool { return o != schemas.Skipped }) {
				t.Errorf("%s: message %d was not applied and ended %q", lane, s, end[s])
			}
			if m.seen[s] && slices.Contains(ended, schemas.Skipped) {
				t.Errorf("%s: message %d was applied and ended %q", lane, s, end[s])
			}
		}
		skipped += len(seqs) - len(want)
	}
	if skipped == 0 || m.calls < lanes*each-skipped {
		t.Errorf("%d skipped, %d calls: the test did not test", skipped, m.calls)
	}
	t.Logf("%d messages, %d skipped, %d calls of the sink; %d replicas were stopped, %d messages were skipped meanwhile",
		lanes*each, skipped, m.calls, len(m.stopped), m.late)
}
