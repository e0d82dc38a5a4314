package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"millrace/internal/embednats"
	"millrace/internal/fault"
	"millrace/schemas"
)

// A journal notes the messages of both stages, lane by lane, as a transform
// that makes one intent of each event, and a sink, see them.
type journal struct {
	mu     sync.Mutex
	stages map[string]map[string][]string
}

func newJournal() *journal { return &journal{stages: map[string]map[string][]string{}} }

func (j *journal) note(stage string, m *Message) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lanes := j.stages[stage]
	if lanes == nil {
		lanes = map[string][]string{}
		j.stages[stage] = lanes
	}
	if lane := m.Subject.Lane; !slices.Contains(lanes[lane], m.Event.ID) {
		lanes[lane] = append(lanes[lane], m.Event.ID)
	}
}

func (j *journal) total(stage string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, ids := range j.stages[stage] {
		n += len(ids)
	}
	return n
}

// replica runs the transform and a sink as one process until it is stopped.
func replica(t *testing.T, b *Bus, j *journal) (stop func()) {
	t.Helper()
	done := schemas.Outcome{Outcome: schemas.Applied, Reason: "noted"}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, s := range []Stage{
		{Name: "transform", Stream: Events, Handle: func(ctx context.Context, m *Message) (schemas.Outcome, error) {
			_, err := b.PublishIntent(ctx, schemas.Intent{
				ID: "in-" + m.Event.ID, Connection: "default", Lane: m.Subject.Lane, Target: "acumatica", Document: "payment", Verb: "upsert", Key: m.Event.ID,
			})
			j.note("transform", m)
			return done, err
		}},
		{Name: "sink-acumatica", Stream: Intents, Target: "acumatica", Handle: func(_ context.Context, m *Message) (schemas.Outcome, error) {
			j.note("sink-acumatica", m)
			return done, nil
		}},
	} {
		s.Connections = []string{"default"}
		wg.Go(func() {
			if err := b.Run(ctx, s); err != nil {
				t.Errorf("run %s: %v", s.Name, err)
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

// load publishes events round by round, each to every lane.
type load struct {
	lanes int
	want  map[string][]string
}

func (l *load) publish(t *testing.T, b *Bus, rounds int) {
	t.Helper()
	for range rounds {
		for i := range l.lanes {
			lane := fmt.Sprintf("cus_%d", i)
			id := fmt.Sprintf("%s-%d", lane, len(l.want[lane]))
			publish(t, b, lane, id)
			l.want[lane] = append(l.want[lane], id)
		}
	}
}

func (l *load) total() (n int) {
	for _, ids := range l.want {
		n += len(ids)
	}
	return n
}

// judge waits until everything has come and compares the order of each lane.
func (l *load) judge(t *testing.T, j *journal) {
	t.Helper()
	for stage, prefix := range map[string]string{"transform": "", "sink-acumatica": "in-"} {
		eventually(t, "everything has come to "+stage, func() bool { return j.total(stage) >= l.total() })
		j.mu.Lock()
		for lane, ids := range l.want {
			want := make([]string, len(ids))
			for i, id := range ids {
				want[i] = prefix + id
			}
			if !slices.Equal(j.stages[stage][lane], want) {
				t.Errorf("%s: %s came as %v, want %v", stage, lane, j.stages[stage][lane], want)
			}
		}
		j.mu.Unlock()
	}
}

// connect is another process on the same broker.
func connect(t *testing.T, srv *embednats.Server, o Options) (*Bus, error) {
	t.Helper()
	o.InProcess, o.Token = srv, srv.Token()
	b, err := Connect(t.Context(), o)
	if err == nil {
		t.Cleanup(func() { _ = b.Close() })
	}
	return b, err
}

func mustConnect(t *testing.T, srv *embednats.Server, o Options) *Bus {
	t.Helper()
	b, err := connect(t, srv, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func drained(t *testing.T, b *Bus) {
	t.Helper()
	eventually(t, "nothing is left to do", func() bool {
		lags, err := b.Lag(t.Context(), []string{"default"})
		return err == nil && !slices.ContainsFunc(lags, func(l StageLag) bool { return l.Pending > 0 || l.AckPending > 0 })
	})
}

func TestRepartitionKeepsTheOrder(t *testing.T) {
	old, srv := newBusAt(t, filepath.Join(t.TempDir(), "nats"))
	j, l := newJournal(), &load{lanes: 9, want: map[string][]string{}}
	for _, partitions := range []int{5, 3, 8} {
		b := mustConnect(t, srv, Options{})
		stop := replica(t, b, j)
		l.publish(t, old, 3) // by a process that has slept through every change
		l.publish(t, b, 3)
		l.judge(t, j)
		drained(t, b)
		stop()
		if err := b.Repartition(t.Context(), []string{"default"}, partitions); err != nil {
			t.Fatal(err)
		}
		if b.Partitions() != partitions {
			t.Errorf("%d partitions, want %d", b.Partitions(), partitions)
		}
		if err := b.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		if err := b.Provision(t.Context(), []string{"default", "another"}); err != nil {
			t.Errorf("provision afterwards: %v", err)
		}
		if _, err := connect(t, srv, Options{Partitions: 2}); fault.Of(err).Code != "bus.partitions_mismatch" {
			t.Errorf("a process with the old number: %v, want bus.partitions_mismatch", err)
		}
	}
	b := mustConnect(t, srv, Options{Partitions: 8})
	replica(t, b, j)
	l.publish(t, old, 3)
	l.publish(t, b, 3)
	l.judge(t, j)
	for _, stream := range []string{Events, Intents} {
		err := b.Scan(t.Context(), stream, b.layout.Load().first[stream], func(m *Message) error {
			if want := Partition("default", m.Subject.Lane, 8); m.Subject.Partition != want {
				t.Errorf("%s %d: partition %d, want %d", stream, m.Seq, m.Subject.Partition, want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestRepartitionRefusesWhatWouldBreakTheOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, b *Bus)
		code  string
	}{
		"a message that nobody has consumed": {func(t *testing.T, b *Bus) { t.Helper(); publish(t, b, "cus_1", "m1") }, "bus.partitions_busy"},
		"a lane that is held": {func(t *testing.T, b *Bus) {
			t.Helper()
			rec := newRecorder(failing(fault.New("link.conflict", errors.New("no"))).fail)
			stop := start(t, b, rec.handle, nil)
			publish(t, b, "cus_1", "m1")
			eventually(t, "held", func() bool { blocks, err := b.Blocks(t.Context(), ""); return err == nil && len(blocks) == 1 })
			drained(t, b)
			stop()
		}, "bus.partitions_busy"},
		"a stage that runs": {func(t *testing.T, b *Bus) {
			t.Helper()
			replica(t, b, newJournal())
			eventually(t, "it asks for messages", func() bool {
				c, err := b.js.Consumer(t.Context(), Events, consumerName("transform", "default", 0, 1))
				return err == nil && c.CachedInfo().NumWaiting > 0
			})
		}, "bus.partitions_busy"},
		"a consumer that is missing": {func(t *testing.T, b *Bus) {
			t.Helper()
			if err := b.js.DeleteConsumer(t.Context(), Intents, consumerName("sink-stripe", "default", 0, 1)); err != nil {
				t.Fatal(err)
			}
		}, "bus.not_provisioned"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBus(t)
			tt.spoil(t, b)
			if err := b.Repartition(t.Context(), []string{"default"}, 7); fault.Of(err).Code != tt.code {
				t.Fatalf("repartition: %v, want %s", err, tt.code)
			}
			if err := b.loadPartitions(t.Context()); err != nil || b.Partitions() != 2 {
				t.Errorf("%d partitions (%v), want 2 as before", b.Partitions(), err)
			}
			publish(t, b, "cus_2", "m2") // the streams are open as before
			if err := b.Verify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

var errKilled = errors.New("killed")

// TestRepartitionKilledAtEachStep: whatever step the kill comes before,
// nothing starts until it was run again, and nothing is lost or out of order.
func TestRepartitionKilledAtEachStep(t *testing.T) {
	var steps []string
	b := newBus(t)
	note := func(step string) error { steps = append(steps, step); return nil }
	if err := b.repartition(t.Context(), []string{"default"}, 3, note); err != nil {
		t.Fatal(err)
	}
	if len(steps) != 13 {
		t.Errorf("%d steps: %q", len(steps), steps)
	}
	for n, name := range steps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, srv := newBusAt(t, filepath.Join(t.TempDir(), "nats"))
			j, l := newJournal(), &load{lanes: 5, want: map[string][]string{}}
			stop := replica(t, b, j)
			l.publish(t, b, 2)
			l.judge(t, j)
			drained(t, b)
			stop()
			at := 0
			kill := func(string) error {
				if at++; at > n {
					return errKilled
				}
				return nil
			}
			if err := b.repartition(t.Context(), []string{"default"}, 3, kill); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			if n > 0 {
				if _, err := connect(t, srv, Options{}); fault.Of(err).Code != "bus.partitions_changing" {
					t.Errorf("a process starts meanwhile: %v, want bus.partitions_changing", err)
				}
				if _, err := b.PublishEvent(t.Context(), "default", "cus_1", "stripe", "charge", "succeeded", Event{ID: "late", Type: "t", Source: "/s", Data: []byte(`{}`)}); err == nil {
					t.Error("a message was stored meanwhile")
				}
			}
			again := mustConnect(t, srv, Options{Repartitions: true})
			if err := again.Repartition(t.Context(), []string{"default"}, 3); err != nil {
				t.Fatal(err)
			}
			fresh := mustConnect(t, srv, Options{Partitions: 3})
			replica(t, fresh, j)
			l.publish(t, fresh, 2)
			l.judge(t, j)
			names := map[string]int{}
			for _, s := range stageSpecs() {
				infos, err := (&mover{bus: fresh}).durables(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				names[s.name] = len(infos)
			}
			if want := map[string]int{"transform": 3, "sink-stripe": 3, "sink-acumatica": 3}; !maps.Equal(names, want) {
				t.Errorf("consumers %v, want %v", names, want)
			}
		})
	}
}

func TestRepartitionToAnotherNumberAfterOneWasDecidedIsRefused(t *testing.T) {
	b := newBus(t)
	kill := func(step string) error {
		if step == "delete transform" {
			return errKilled
		}
		return nil
	}
	if err := b.repartition(t.Context(), []string{"default"}, 3, kill); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if err := b.Repartition(t.Context(), []string{"default"}, 4); fault.Of(err).Code != "bus.partitions_changing" {
		t.Errorf("to another number: %v, want bus.partitions_changing", err)
	}
	if err := b.Repartition(t.Context(), []string{"default"}, 3); err != nil {
		t.Error(err)
	}
}

// TestConsumersThatWouldJumpOverMessagesAreNotMade: after a change, consumers
// begin at it. Those of a connection with messages from before cannot.
func TestConsumersThatWouldJumpOverMessagesAreNotMade(t *testing.T) {
	old, srv := newBusAt(t, filepath.Join(t.TempDir(), "nats"))
	_, err := old.PublishEvent(t.Context(), "early", "cus_1", "stripe", "charge", "succeeded", Event{ID: "m1", Type: "t", Source: "/s", Data: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	b := mustConnect(t, srv, Options{})
	if err := b.Repartition(t.Context(), []string{"default"}, 3); err != nil {
		t.Fatal(err)
	}
	if err := b.Provision(t.Context(), []string{"early"}); fault.Of(err).Code != "bus.not_provisioned" {
		t.Errorf("provision: %v, want bus.not_provisioned", err)
	}
}

// TestRollingRestartUnderLoadShowsNoGap: two replicas are restarted one after
// the other while messages keep coming.
func TestRollingRestartUnderLoadShowsNoGap(t *testing.T) {
	b, srv := newBusAt(t, filepath.Join(t.TempDir(), "nats"))
	j, l := newJournal(), &load{lanes: 6, want: map[string][]string{}}
	replicas := []func(){replica(t, mustConnect(t, srv, Options{}), j), replica(t, mustConnect(t, srv, Options{}), j)}
	for n := range 6 {
		l.publish(t, b, 5)
		replicas[n%2]() // drains, while the other one goes on
		l.publish(t, b, 5)
		replicas[n%2] = replica(t, mustConnect(t, srv, Options{}), j)
	}
	l.judge(t, j)
}
