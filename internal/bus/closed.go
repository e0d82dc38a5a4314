package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/schemas"
)

// ErrSkipped says that a person has skipped the event for which an intent was
// to be published.
var ErrSkipped = errors.New("a person has skipped the event")

// CloseEvent closes an event that is skipped: from its return on the broker refuses
// every intent that is published for it, whichever worker does so and however
// long that one was stopped. What was published before stays. Doing it again
// changes nothing.
//
// That is a message beside the intents, because the broker checks a
// condition and stores a message in one step only within one stream.
func (b *Bus) CloseEvent(ctx context.Context, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	_, err := b.js.Publish(ctx, closingOf(m), []byte(m.Event.ID), jetstream.WithExpectStream(Intents))
	return unavailable(err, "close event %s", m.Event.ID)
}

// PublishIntentFor is PublishIntent on behalf of an event. ErrSkipped, and
// nothing is stored, when the event was closed before.
func (b *Bus) PublishIntentFor(ctx context.Context, m *Message, in schemas.Intent) (PubAck, error) {
	ack, err := b.publishIntent(ctx, in, jetstream.WithExpectLastSequenceForSubject(0, closingOf(m)))
	if errors.Is(err, ErrConflict) {
		return PubAck{}, fmt.Errorf("publish %s: %w", in.ID, ErrSkipped)
	}
	return ack, err
}

// closingOf is the subject that closes an event: mr.intent.closed.<connection>.<seq>-<ns>.
// It is no intent's, which have eight tokens, so that no consumer gets it and
// no reader takes it for one. With the nanosecond at which the broker stored
// the event it names no event of another stream that uses sequences again.
func closingOf(m *Message) string {
	return "mr." + prefixes[Intents] + ".closed." + Escape(m.Subject.Connection) + "." +
		strconv.FormatUint(m.Seq, 10) + "-" + strconv.FormatInt(m.Stored.UnixNano(), 10)
}
