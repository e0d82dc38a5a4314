package bus

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/propagation"

	"millrace/schemas"
)

// PublishEvent stores an event of a source system and returns once the broker
// has it on disk. Publishing the same id of the same connection again within
// the dedupe window is success and stores nothing. bus.unavailable otherwise.
func (b *Bus) PublishEvent(ctx context.Context, connection, lane, source, object, verb string, ev Event) (PubAck, error) {
	return b.publish(ctx, Subject{Stream: Events, Connection: connection, Lane: lane, A: source, B: object, C: verb}, ev)
}

// PublishIntent stores an intent; its id is the message id.
func (b *Bus) PublishIntent(ctx context.Context, in schemas.Intent) (PubAck, error) {
	return b.publishIntent(ctx, in)
}

func (b *Bus) publishIntent(ctx context.Context, in schemas.Intent, more ...jetstream.PublishOpt) (PubAck, error) {
	data, err := json.Marshal(in)
	if err != nil {
		return PubAck{}, fmt.Errorf("intent %s: %w", in.ID, err)
	}
	s := Subject{Stream: Intents, Connection: in.Connection, Lane: in.Lane, A: in.Target, B: in.Document, C: in.Verb}
	return b.publish(ctx, s, Event{
		ID: in.ID, Type: schemas.IntentType, Source: "/" + Escape(in.Connection) + "/transform",
		Subject: in.Key, Data: data,
	}, more...)
}

// PublishOutcome stores how a message ended. The id is made of the message,
// the outcome and the error, so that telling the same again stores nothing.
func (b *Bus) PublishOutcome(ctx context.Context, o schemas.Outcome) error {
	data, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("outcome of %s: %w", o.EventID, err)
	}
	parts := []string{o.Stage, o.Stream, strconv.FormatUint(o.Seq, 10), o.Outcome}
	if o.Code != "" {
		parts = append(parts, o.Code, fmt.Sprintf("%.4x", sha256.Sum256([]byte(o.Error))))
	}
	if o.Attempt == 0 { // told beside the lane: it neither stands for how the message ended nor for another such line
		parts = append(parts, fmt.Sprintf("%.4x", sha256.Sum256([]byte(o.Reason))))
	}
	id := strings.Join(parts, "/")
	s := Subject{Stream: Outcomes, Connection: o.Connection, Lane: o.Lane, A: o.Stage, B: o.Document, C: o.Outcome}
	_, err = b.publish(ctx, s, Event{
		ID: id, Type: schemas.OutcomeType, Source: "/" + Escape(o.Connection) + "/" + o.Stage,
		Subject: o.EventID, Time: o.At, Data: data,
	})
	return err
}

func (b *Bus) publish(ctx context.Context, s Subject, ev Event, more ...jetstream.PublishOpt) (PubAck, error) {
	s.Partition = Partition(s.Connection, s.Lane, b.Partitions())
	if ev.TraceParent == "" {
		c := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(ctx, c)
		ev.TraceParent = c.Get(extTrace)
	}
	m, err := encode(s.String(), s.Lane, ev)
	if err != nil {
		return PubAck{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	opts := append([]jetstream.PublishOpt{jetstream.WithMsgID(s.Connection + ":" + ev.ID), jetstream.WithExpectStream(s.Stream)}, more...)
	ack, err := b.js.PublishMsg(ctx, m, opts...)
	for underWay(err) && sleep(ctx, jitter(underWayPause)) {
		ack, err = b.js.PublishMsg(ctx, m, opts...)
	}
	if isConflict(err) && !underWay(err) {
		return PubAck{}, fmt.Errorf("publish %s: %w", ev.ID, ErrConflict)
	}
	if err != nil {
		return PubAck{}, unavailable(err, "publish %s", ev.ID)
	}
	return PubAck{Seq: ack.Sequence, Duplicate: ack.Duplicate}, nil
}
