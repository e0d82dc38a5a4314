package bus

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"millrace/internal/embednats"
	"millrace/internal/fault"
	"millrace/schemas"
)

// newBus is a provisioned bus on a broker of its own, with few partitions so
// that lanes share them.
func newBus(tb testing.TB) *Bus {
	tb.Helper()
	b, _ := newBusAt(tb, filepath.Join(tb.TempDir(), "nats"))
	return b
}

func newBusAt(tb testing.TB, dir string) (*Bus, *embednats.Server) {
	tb.Helper()
	srv, err := embednats.Start(embednats.Options{StoreDir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	b, err := Connect(tb.Context(), Options{InProcess: srv, Token: srv.Token(), Partitions: 2})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = b.Close()
		srv.Shutdown()
	})
	if err := b.Provision(tb.Context(), []string{"default"}); err != nil {
		tb.Fatal(err)
	}
	return b, srv
}

func publish(t *testing.T, b *Bus, lane, id string) PubAck {
	t.Helper()
	ack, err := b.PublishEvent(t.Context(), "default", lane, "stripe", "charge", "succeeded", Event{
		ID: id, Type: "io.millrace.stripe.charge.succeeded.v1", Source: "/default/stripe", Data: []byte(`{}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ack
}

// recorder is a handler that notes first applications per lane, and fails as
// it is told.
type recorder struct {
	mu      sync.Mutex
	applied map[string][]string
	total   int
	fail    func(m *Message, nth int) error // nth call for that message, from 1
	seen    map[string]int
	changed chan struct{}
}

func newRecorder(fail func(*Message, int) error) *recorder {
	return &recorder{applied: map[string][]string{}, fail: fail, seen: map[string]int{}, changed: make(chan struct{}, 1)}
}

func (r *recorder) handle(_ context.Context, m *Message) (schemas.Outcome, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[m.Event.ID]++
	if r.fail != nil {
		if err := r.fail(m, r.seen[m.Event.ID]); err != nil {
			return schemas.Outcome{}, err
		}
	}
	o := schemas.Outcome{Outcome: schemas.Applied, Reason: "recorded"}
	if slices.Contains(r.applied[m.Subject.Lane], m.Event.ID) {
		o.Outcome = schemas.Duplicate
		return o, nil
	}
	r.applied[m.Subject.Lane] = append(r.applied[m.Subject.Lane], m.Event.ID)
	r.total++
	select {
	case r.changed <- struct{}{}:
	default:
	}
	return o, nil
}

// wait blocks until n messages were applied.
func (r *recorder) wait(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		total := r.total
		r.mu.Unlock()
		if total >= n {
			return
		}
		select {
		case <-r.changed:
		case <-deadline:
			t.Fatalf("applied %d of %d", total, n)
		}
	}
}

// skip is for handlers that have nothing to fence.
func skip(context.Context, *Message) (schemas.Outcome, error) {
	return schemas.Outcome{Outcome: schemas.Skipped}, nil
}

// start runs the transform stage until the test ends or stop is called.
func start(t *testing.T, b *Bus, h Handler, hook func(string)) (stop func()) {
	t.Helper()
	return startStage(t, b, Stage{Handle: h, Skip: skip}, hook)
}

// startStage is start with all handlers of the stage.
func startStage(t *testing.T, b *Bus, s Stage, hook func(string)) (stop func()) {
	t.Helper()
	s.Name, s.Stream, s.Connections = "transform", Events, []string{"default"}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.run(ctx, s, hook) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func outcomes(t *testing.T, b *Bus) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	err := b.Scan(t.Context(), Outcomes, 1, func(m *Message) error {
		got[m.Event.Subject] = append(got[m.Event.Subject], m.Subject.C)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// eventually polls a condition that no event announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestPublishTwiceStoresOnce(t *testing.T) {
	b := newBus(t)
	first, again := publish(t, b, "cus_1", "evt_1"), publish(t, b, "cus_1", "evt_1")
	if first.Duplicate || !again.Duplicate || again.Seq != first.Seq {
		t.Errorf("acks = %+v, %+v", first, again)
	}
}

// What a sink tells beside the lane is neither the end of the message nor
// another thing that it tells beside the lane.
func TestEveryOutcomeBesideTheLaneIsStoredOnce(t *testing.T) {
	b := newBus(t)
	o := schemas.Outcome{Connection: "default", Lane: "C1", Stage: "sink-acumatica", Document: "payment", Outcome: schemas.Duplicate, Stream: Intents, Seq: 7}
	for _, told := range []struct {
		attempt int
		reason  string
	}{{1, "posted before"}, {2, "posted before"}, {0, "deletes 000002"}, {0, "deletes 000003"}, {0, "deletes 000002"}} {
		o.Attempt, o.Reason = told.attempt, told.reason
		if err := b.PublishOutcome(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err := b.Scan(t.Context(), Outcomes, 1, func(*Message) error { n++; return nil })
	if err != nil || n != 3 {
		t.Errorf("%d outcomes, want 3 (%v)", n, err)
	}
}

func TestSameEventIDOfAnotherConnectionIsAnotherEvent(t *testing.T) {
	b := newBus(t)
	publish(t, b, "cus_1", "evt_1")
	ack, err := b.PublishEvent(t.Context(), "other", "cus_1", "stripe", "charge", "succeeded",
		Event{ID: "evt_1", Type: "x.y", Source: "/other/stripe", Data: []byte(`{}`)})
	if err != nil || ack.Duplicate {
		t.Errorf("ack = %+v, err = %v: two accounts must not swallow each other's events", ack, err)
	}
}

func TestLanesKeepTheirOrder(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(nil)
	start(t, b, rec.handle, nil)
	want := map[string][]string{}
	for i := range 60 {
		lane, id := fmt.Sprintf("cus_%d", i%5), fmt.Sprintf("evt_%d", i)
		publish(t, b, lane, id)
		want[lane] = append(want[lane], id)
	}
	rec.wait(t, 60)
	for lane, ids := range want {
		if !slices.Equal(rec.applied[lane], ids) {
			t.Errorf("%s = %v, want %v", lane, rec.applied[lane], ids)
		}
	}
}

func TestRejectedMessageParksItsLaneOnly(t *testing.T) {
	b := newBus(t)
	broken := true
	var mu sync.Mutex
	rec := newRecorder(func(m *Message, _ int) error {
		mu.Lock()
		defer mu.Unlock()
		if broken && m.Event.ID == "bad_1" {
			return fault.New("link.conflict", errors.New("two of them"))
		}
		return nil
	})
	start(t, b, rec.handle, nil)
	publish(t, b, "bad", "bad_1")
	publish(t, b, "bad", "bad_2")
	for i := range 8 { // both partitions
		publish(t, b, fmt.Sprintf("good_%d", i), fmt.Sprintf("good_%d", i))
	}
	rec.wait(t, 8)
	eventually(t, "both messages of the lane tell that they are parked", func() bool {
		got := outcomes(t, b)
		return slices.Equal(got["bad_1"], []string{"parked"}) && slices.Equal(got["bad_2"], []string{"parked"})
	})
	blocks, err := b.Blocks(t.Context(), "transform")
	if err != nil || len(blocks) != 1 || !blocks[0].Parked || blocks[0].Code != "link.conflict" || blocks[0].Hint == "" {
		t.Fatalf("blocks = %+v, err = %v", blocks, err)
	}

	mu.Lock()
	broken = false
	mu.Unlock()
	if err := b.Release(t.Context(), "transform", "default", "bad", schemas.Decision{Reason: "mended", By: "test", At: time.Now().UTC()}); err != nil {
		t.Fatal(err)
	}
	rec.wait(t, 10)
	if want := []string{"bad_1", "bad_2"}; !slices.Equal(rec.applied["bad"], want) {
		t.Errorf("after release: %v, want %v", rec.applied["bad"], want)
	}
	eventually(t, "the record is gone", func() bool {
		blocks, err := b.Blocks(t.Context(), "transform")
		return err == nil && len(blocks) == 0
	})
}

func TestTransientFailureBlocksTheLaneAndGoesOnInOrder(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(func(m *Message, nth int) error {
		if m.Event.ID == "evt_0" && nth < 3 {
			return fault.New("internal.unclassified", errors.New("boom")).After(3 * time.Second / 2)
		}
		return nil
	})
	start(t, b, rec.handle, nil)
	var want []string
	for i := range 10 {
		id := fmt.Sprintf("evt_%d", i)
		publish(t, b, "cus_1", id)
		want = append(want, id)
	}
	rec.wait(t, 10)
	if !slices.Equal(rec.applied["cus_1"], want) {
		t.Errorf("order = %v, want %v", rec.applied["cus_1"], want)
	}
}

func TestDownParksAndBlocksNothing(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(func(_ *Message, nth int) error {
		if nth < 3 {
			return fault.New("bus.unavailable", errors.New("refused"))
		}
		return nil
	})
	start(t, b, rec.handle, nil)
	publish(t, b, "cus_1", "evt_1")
	rec.wait(t, 1)
	eventually(t, "one outcome", func() bool { return slices.Equal(outcomes(t, b)["evt_1"], []string{"applied"}) })
	if blocks, err := b.Blocks(t.Context(), ""); err != nil || len(blocks) != 0 {
		t.Errorf("blocks = %v, err = %v: downtime of the other system blocks no lane", blocks, err)
	}
}

func TestPanicIsParkedWithItsStack(t *testing.T) {
	b := newBus(t)
	start(t, b, func(context.Context, *Message) (schemas.Outcome, error) { panic("ouch") }, nil)
	publish(t, b, "cus_1", "evt_1")
	eventually(t, "parked", func() bool { return slices.Equal(outcomes(t, b)["evt_1"], []string{"parked"}) })
}

// TestBlockIsNotDeletedUnderACoveredMessage is the race that loses events in
// the naive protocol: a message is covered between the re-driver's last look
// and its delete.
func TestBlockIsNotDeletedUnderACoveredMessage(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(func(m *Message, nth int) error {
		if m.Event.ID == "evt_0" && nth == 1 {
			return fault.New("internal.unclassified", errors.New("boom")).After(3 * time.Second)
		}
		return nil
	})
	atDelete, goOn := make(chan struct{}, 8), make(chan struct{})
	start(t, b, rec.handle, func(point string) {
		if point == "before-delete" {
			atDelete <- struct{}{}
			<-goOn
		}
	})
	publish(t, b, "cus_1", "evt_0")
	<-atDelete
	publish(t, b, "cus_1", "evt_1")
	key := laneKey("transform", "default", "cus_1")
	eventually(t, "the second message is covered", func() bool {
		rec, _, err := b.readBlock(t.Context(), key)
		return err == nil && rec.Last > rec.Cur
	})
	close(goOn)
	rec.wait(t, 2)
	if want := []string{"evt_0", "evt_1"}; !slices.Equal(rec.applied["cus_1"], want) {
		t.Errorf("order = %v, want %v", rec.applied["cus_1"], want)
	}
}

func TestWorkGoesOnAfterTheBrokerRestarts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	b, srv := newBusAt(t, dir)
	rec := newRecorder(nil)
	stop := start(t, b, rec.handle, nil)
	publish(t, b, "cus_1", "evt_1")
	rec.wait(t, 1)
	stop()
	_ = b.Close()
	srv.Shutdown()

	b2, _ := newBusAt(t, dir)
	if ack := publish(t, b2, "cus_1", "evt_1"); !ack.Duplicate {
		t.Errorf("ack = %+v: ids are remembered across a restart", ack)
	}
	publish(t, b2, "cus_1", "evt_2")
	start(t, b2, rec.handle, nil)
	rec.wait(t, 2)
}

func TestOtherPartitionCountRefusesToStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nats")
	b, srv := newBusAt(t, dir)
	_, err := Connect(t.Context(), Options{InProcess: srv, Token: srv.Token(), Partitions: 3})
	if fault.KindOf(err) != fault.Misconfigured {
		t.Errorf("err = %v, want bus.partitions_mismatch", err)
	}
	if err := b.Verify(t.Context()); err != nil {
		t.Errorf("verify: %v", err)
	}
}

func TestTwoReplicasApplyEachMessageInOrder(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(nil)
	start(t, b, rec.handle, nil)
	start(t, b, rec.handle, nil)
	for i := range 40 {
		publish(t, b, fmt.Sprintf("cus_%d", i%3), fmt.Sprintf("evt_%d", i))
	}
	rec.wait(t, 40)
	for lane, ids := range rec.applied {
		if !slices.IsSortedFunc(ids, func(a, b string) int { return seqOf(a) - seqOf(b) }) {
			t.Errorf("%s out of order: %v", lane, ids)
		}
	}
}

func seqOf(id string) int {
	var n int
	_, _ = fmt.Sscanf(id, "evt_%d", &n)
	return n
}

func TestLeaseIsHeldByOne(t *testing.T) {
	b := newBus(t)
	l, ok, err := b.Lease(t.Context(), "poll", "a", time.Minute)
	if err != nil || !ok {
		t.Fatalf("first: %v, %v", ok, err)
	}
	if _, ok, err := b.Lease(t.Context(), "poll", "b", time.Minute); err != nil || ok {
		t.Errorf("second: %v, %v", ok, err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := b.Lease(t.Context(), "poll", "b", time.Minute); err != nil || !ok {
		t.Errorf("after release: %v, %v", ok, err)
	}
}
