package bus

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/internal/fault"
	"millrace/internal/fence"
	"millrace/schemas"
)

// queued is a handler whose requests wait for leave, as in a budget, until the
// fence is down; open lets them through.
type queued struct {
	waiting chan string
	refused chan string
	open    chan struct{}
}

func newQueued() *queued {
	return &queued{waiting: make(chan string, 16), refused: make(chan string, 16), open: make(chan struct{})}
}

func (q *queued) handle(ctx context.Context, m *Message) (schemas.Outcome, error) {
	q.waiting <- m.Event.ID
	select {
	case <-q.open:
		return schemas.Outcome{Outcome: schemas.Applied, Reason: "sent"}, nil
	case <-fence.Down(ctx):
		q.refused <- m.Event.ID
		return schemas.Outcome{}, fault.Newf("budget.waiting", "no request is sent: %w", fence.Err(ctx))
	}
}

// What waits for leave ends at once when the process stops, and is handled by
// the next one.
func TestWhatWaitsEndsAtOnceWhenTheProcessStops(t *testing.T) {
	b := newBus(t)
	q := newQueued()
	stop := start(t, b, q.handle, nil)
	publish(t, b, "cus_1", "m1")
	<-q.waiting
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > drainTimeout/3 {
		t.Errorf("stopped after %v", took)
	}
	<-q.refused
	if blocks, err := b.Blocks(t.Context(), ""); err != nil || len(blocks) != 0 {
		t.Errorf("held %+v, %v", blocks, err)
	}
	close(q.open)
	start(t, b, q.handle, nil)
	eventually(t, "the next one handles it", func() bool { return len(outcomes(t, b)["m1"]) == 1 })
}

// A re-driver whose lane another one has taken stops to wait.
func TestWhatWaitsEndsWhenAnotherReplicaHasTheLane(t *testing.T) {
	b := newBus(t)
	q := newQueued()
	var once sync.Once
	stop := start(t, b, func(ctx context.Context, m *Message) (o schemas.Outcome, err error) {
		once.Do(func() { err = fault.Newf("posting.held", "by somebody else").After(inPlaceBudget + time.Second) }) // the lane is blocked at once
		if err != nil {
			return o, err
		}
		return q.handle(ctx, m)
	}, nil)
	publish(t, b, "cus_1", "m1")
	<-q.waiting
	key := laneKey("transform", "default", "cus_1")
	for {
		rec, rev, err := b.readBlock(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		rec.Claim, rec.Until = "another", time.Now().UTC().Add(time.Minute)
		if _, err := b.updateBlock(t.Context(), key, rec, rev); err == nil {
			break
		}
	}
	select {
	case <-q.refused:
	case <-time.After(2 * claimFor):
		t.Error("still waits")
	}
	stop()
	rec, _, err := b.readBlock(t.Context(), key)
	if text, _ := json.Marshal(rec); err != nil || rec.Claim != "another" || rec.Cur != 1 {
		t.Errorf("record %s, %v", text, err)
	}
}

// mute is a message whose signs of life do not reach the broker while it is
// away.
type mute struct {
	jetstream.Msg
	away func() bool
}

func (m mute) InProgress() error {
	if m.away() {
		return context.DeadlineExceeded
	}
	return nil
}

// When AckWait has passed without a sign of life the broker may have handed the
// message to another replica.
func TestTheFenceOfAMessageIsDownWhenAckWaitHasPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, held := fence.With(context.Background(), errStopping)
		begun := time.Now()
		stop := keepAlive(mute{away: func() bool { return time.Since(begun) > time.Minute }}, func() bool { return true }, held)
		defer stop()
		time.Sleep(time.Minute)
		if err := fence.Err(ctx); err != nil {
			t.Errorf("worked on for long: %v", err)
		}
		time.Sleep(ackWait + heartbeat)
		if fence.Err(ctx) == nil {
			t.Error("nothing was heard of it")
		}
		<-fence.Down(ctx)
	})
}

// A worker that was overtaken does not park the lane at a message that another
// one may have ended meanwhile.
func TestAnOvertakenWorkerParksNothing(t *testing.T) {
	b := newBus(t)
	publish(t, b, "cus_1", "m1")
	ctx, held := fence.With(t.Context(), errStopping)
	r := &runner{bus: b, metrics: must(newMetrics()), breakers: map[string]*breaker{"default": newBreaker()}, stage: Stage{
		Name: "transform", Stream: Events, Handle: func(context.Context, *Message) (schemas.Outcome, error) {
			held.Cut()
			return schemas.Outcome{}, fault.Newf("link.conflict", "refused before it was stopped")
		},
	}}
	m, err := b.laneMessage(t.Context(), stageSpecs()[0], Block{Conn: "default", Lane: "cus_1"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.handle(ctx, m); !errors.Is(err, errStopping) {
		t.Errorf("ended %v", err)
	}
	if blocks, err := b.Blocks(t.Context(), ""); err != nil || len(blocks) != 0 || len(trail(t, b)) != 0 {
		t.Errorf("held %+v, told %+v, %v", blocks, trail(t, b), err)
	}
}
