package bus

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"millrace/internal/fault"
	"millrace/schemas"
)

// replicated answers as a replicated stream does while a message of another
// worker for the same event is under way.
type replicated struct {
	jetstream.JetStream

	busy int // so many times
}

func (r *replicated) PublishMsg(ctx context.Context, m *nats.Msg, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if r.busy--; r.busy >= 0 {
		code := jetstream.JSErrCodeStreamWrongLastSequenceConstant
		if r.busy%2 == 0 {
			code = sameIDUnderWay
		}
		return nil, &jetstream.APIError{Code: 400, ErrorCode: code, Description: "busy"}
	}
	return r.JetStream.PublishMsg(ctx, m, o...)
}

// Two workers that have the same event publish at the same time: that is no
// sign that somebody has skipped it. One that takes it for that would end the
// event as skipped, and its intents would be lost.
func TestOnlyAClosedEventRefusesItsIntents(t *testing.T) {
	b := newBus(t)
	broker := b.js
	m := &Message{Stream: Events, Seq: 7, Subject: Subject{Connection: "default", Lane: "cus_1"}, Event: Event{ID: "m1"}}
	intent := func(id string) schemas.Intent {
		return schemas.Intent{ID: id, Connection: "default", Lane: "cus_1", Target: "acumatica", Document: "payment", Verb: "create", Key: id}
	}
	b.js = &replicated{JetStream: broker, busy: 3}
	if ack, err := b.PublishIntentFor(t.Context(), m, intent("one")); err != nil || ack.Seq == 0 {
		t.Errorf("while another is under way: %+v, %v", ack, err)
	}
	b.js = &replicated{JetStream: broker, busy: 1 << 30}
	ctx, cancel := context.WithTimeout(t.Context(), 5*underWayPause)
	defer cancel()
	if _, err := b.PublishIntentFor(ctx, m, intent("two")); errors.Is(err, ErrSkipped) || fault.KindOf(err) != fault.Down {
		t.Errorf("another is under way for ever: %v", err)
	}
	b.js = broker
	if err := b.CloseEvent(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if _, err := b.PublishIntentFor(t.Context(), m, intent("three")); !errors.Is(err, ErrSkipped) {
		t.Errorf("closed: %v", err)
	}
}
