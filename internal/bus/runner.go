package bus

import (
	"context"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/internal/fence"
	"millrace/schemas"
)

// errStopping means that the process drains, or that somebody else may have the
// message by now: it is left to the next worker.
var errStopping = errors.New("stopping")

// drainTimeout is how long a message in hand may still take after the process
// was asked to stop. It must stay below the service's own drain time.
const drainTimeout = 15 * time.Second

// runner is one stage of one process.
type runner struct {
	bus      *Bus
	stage    Stage
	id       string // claims of this process
	breakers map[string]*breaker
	metrics  *metrics
	due      dueList
	hook     func(point string) // tests stop the world here
}

func (r *runner) at(point string) {
	if r.hook != nil {
		r.hook(point)
	}
}

// Run consumes a stage until ctx is done, then finishes what it holds and
// returns nil. Any number of processes may run the same stage: the broker
// lets one message per partition be in flight. bus.not_provisioned when the
// assets are missing, bus.stream_rewound when the broker has lost data.
func (b *Bus) Run(ctx context.Context, s Stage) error { return b.run(ctx, s, nil) }

func (b *Bus) run(ctx context.Context, s Stage, hook func(string)) error {
	if err := b.checkPositions(ctx, s); err != nil {
		return err
	}
	m, err := newMetrics()
	if err != nil {
		return err
	}
	r := &runner{
		bus: b, stage: s, id: crand.Text(), breakers: make(map[string]*breaker),
		metrics: m, hook: hook,
	}
	// work goes on a little after ctx is done: stop taking, finish holding.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	work, waiting := fence.With(work, errStopping)
	defer waiting.Cut()
	stop := context.AfterFunc(ctx, func() {
		waiting.Cut() // what waits ends at once, work in hand goes on
		time.AfterFunc(drainTimeout, cancel)
	})
	defer stop()

	var wg sync.WaitGroup
	fail := make(chan error, len(s.Connections)*b.Partitions())
	pull, stopPulling := context.WithCancel(ctx)
	defer stopPulling()
	for _, conn := range s.Connections {
		r.breakers[conn] = newBreaker()
	}
	for _, conn := range s.Connections {
		for p := range b.Partitions() {
			cons, err := b.consumer(ctx, s, conn, p)
			if err != nil {
				stopPulling()
				wg.Wait()
				return err
			}
			wg.Go(func() {
				if err := r.consume(pull, work, cons); err != nil {
					fail <- err
					stopPulling()
				}
			})
		}
	}
	wg.Go(func() { r.followBlocks(pull) })
	wg.Go(func() { r.redriveLoop(pull, work) })
	wg.Go(func() { r.keepLoop(pull) })
	wg.Wait()
	select {
	case err := <-fail:
		return err
	default:
		return nil
	}
}

// consume handles the messages of one partition, one at a time: the next one
// is asked for only after the last was acknowledged.
func (r *runner) consume(ctx, work context.Context, cons jetstream.Consumer) error {
	it, err := cons.Messages(jetstream.PullMaxMessages(1), jetstream.WithMessagesErrOnMissingHeartbeat(false))
	if err != nil {
		return unavailable(err, "consume %s", cons.CachedInfo().Name)
	}
	defer it.Stop()
	defer context.AfterFunc(ctx, it.Stop)()
	for ctx.Err() == nil {
		msg, err := it.Next()
		switch {
		case errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return nil
		case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, jetstream.ErrConsumerNotFound):
			return unavailable(err, "consume %s", cons.CachedInfo().Name)
		case err != nil:
			r.bus.log.Warn("waiting for the broker", "stage", r.stage.Name, "err", err)
			if !sleep(ctx, time.Second) {
				return nil
			}
			continue
		}
		r.receive(ctx, work, msg)
	}
	return nil
}

// receive keeps the broker patient while the message is handled, and
// acknowledges it only when its effect, or its place in a block record, is
// durable (Invariant 1). Without an ack the broker brings it again, and
// nothing later of its partition before it.
func (r *runner) receive(ctx, work context.Context, msg jetstream.Msg) {
	if ctx.Err() != nil {
		return
	}
	work, held := fence.With(work, errStopping)
	defer keepAlive(msg, r.connected, held)()
	m, err := message(r.stage.Stream, msg)
	if err != nil {
		err = r.refuse(work, msg, err)
	} else {
		err = r.handle(work, m)
	}
	if err != nil {
		if !errors.Is(err, errStopping) {
			r.bus.log.Warn("message not settled", "stage", r.stage.Name, "subject", msg.Subject(), "err", err)
			sleep(ctx, ackWait)
		}
		return
	}
	r.at("before-ack")
	if err := msg.Ack(); err != nil {
		r.bus.log.Warn("ack not sent", "stage", r.stage.Name, "subject", msg.Subject(), "err", err)
	}
}

// refuse parks a message that is not ours: it has no lane to block, so the
// outcome alone keeps it.
func (r *runner) refuse(ctx context.Context, msg jetstream.Msg, cause error) error {
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	m := unreadable(r.stage.Connections[0], r.stage.Stream, msg.Subject(), meta.Sequence.Stream, meta.Timestamp, cause)
	return r.publishOutcome(ctx, m, parked(schemas.Outcome{}, cause))
}

// unreadable stands for a message on our subjects that is not ours.
func unreadable(connection, stream, subject string, seq uint64, stored time.Time, cause error) *Message {
	parsed, err := ParseSubject(subject)
	if err != nil {
		parsed = Subject{Connection: connection, Lane: subject, B: "unknown"}
	}
	return &Message{Stream: stream, Seq: seq, Subject: parsed, Stored: stored, Event: Event{ID: "unreadable"}, unreadable: cause}
}

func message(stream string, msg jetstream.Msg) (*Message, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return nil, err
	}
	return decodeMessage(stream, msg.Subject(), meta.Sequence.Stream, meta.Timestamp, msg.Headers(), msg.Data())
}

func decodeMessage(stream, subject string, seq uint64, stored time.Time, h map[string][]string, data []byte) (*Message, error) {
	s, err := ParseSubject(subject)
	if err != nil {
		return nil, err
	}
	ev, err := decode(h, data)
	if err != nil {
		return nil, err
	}
	return &Message{Stream: stream, Seq: seq, Subject: s, Event: ev, Stored: stored}, nil
}

func (r *runner) connected() bool {
	r.at("heartbeat")
	return r.bus.nc.IsConnected()
}

// keepAlive tells the broker every third of AckWait that the message is still
// worked on. When AckWait has passed without that, another worker may have the
// message, and the fence is down.
func keepAlive(msg jetstream.Msg, connected func() bool, held *fence.Fence) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	ours := time.Now().Add(ackWait)
	held.Until(ours)
	wg.Go(func() {
		t := time.NewTicker(heartbeat)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
			}
			now := time.Now()
			if now.After(ours) {
				held.Cut()
			}
			// A lost heartbeat costs at most a duplicate.
			if err := msg.InProgress(); err == nil && connected() {
				ours = now.Add(ackWait)
				held.Until(ours)
			}
		}
	})
	return func() { close(done); wg.Wait(); held.Cut() }
}

// publishOutcome fills what the bus knows and stores the outcome.
func (r *runner) publishOutcome(ctx context.Context, m *Message, o schemas.Outcome) error {
	o.Connection, o.Lane, o.Stage = m.Subject.Connection, m.Subject.Lane, r.stage.Name
	o.Stream, o.Seq, o.At, o.Decision = m.Stream, m.Seq, time.Now().UTC(), m.decision
	if o.Document == "" {
		o.Document = m.Subject.B
	}
	describe(m, &o)
	r.metrics.outcome(ctx, r.stage.Name, &o)
	return r.bus.PublishOutcome(ctx, o)
}

// describe fills the ids that the message itself carries.
func describe(m *Message, o *schemas.Outcome) {
	if m.Stream == Events {
		o.EventID, o.EventType = m.Event.ID, m.Event.Type
		return
	}
	o.IntentID = m.Event.ID
	var in schemas.Intent
	if json.Unmarshal(m.Event.Data, &in) != nil {
		return
	}
	o.EventID, o.EventType = in.Cause.EventID, in.Cause.EventType
	for _, ref := range in.Refs {
		if !slices.Contains(o.Refs, ref) {
			o.Refs = append(o.Refs, ref)
		}
	}
}

// pause waits for d unless the process drains meanwhile, or somebody else has
// the work by then.
func (r *runner) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-fence.Down(ctx):
		return false
	case <-t.C:
		return true
	}
}

// sleep waits for d, or less when ctx is done; it says whether it waited d.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// jitter is a random duration in [d/2, d].
func jitter(d time.Duration) time.Duration {
	if d < 2 {
		return d
	}
	return d/2 + rand.N(d/2) //nolint:gosec // spreads retries, guards nothing
}
