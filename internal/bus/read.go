package bus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// Scan calls fn with every stored message of a stream from fromSeq on up to
// what was the end when it started, in order, then returns. fn's error ends
// it. A message that is not ours is skipped.
func (b *Bus) Scan(ctx context.Context, stream string, fromSeq uint64, fn func(*Message) error) error {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return unavailable(err, "read stream %s", stream)
	}
	state := s.CachedInfo().State
	if state.Msgs == 0 || fromSeq > state.LastSeq {
		return nil
	}
	return b.read(ctx, stream, fromSeq, func(seq uint64, m *Message) (bool, error) {
		if m != nil {
			if err := fn(m); err != nil {
				return false, err
			}
		}
		return seq < state.LastSeq, nil
	})
}

// Follow calls fn with every message of a stream from fromSeq on, as they
// come, until ctx is done. fn's error ends it.
func (b *Bus) Follow(ctx context.Context, stream string, fromSeq uint64, fn func(*Message) error) error {
	err := b.read(ctx, stream, fromSeq, func(_ uint64, m *Message) (bool, error) {
		if m == nil {
			return true, nil
		}
		return true, fn(m)
	})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// read drives an ordered consumer: ephemeral, in memory, no acks.
func (b *Bus) read(ctx context.Context, stream string, fromSeq uint64, fn func(uint64, *Message) (more bool, err error)) error {
	cons, err := b.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(fromSeq, 1),
	})
	if err != nil {
		return unavailable(err, "read stream %s", stream)
	}
	it, err := cons.Messages(jetstream.WithMessagesErrOnMissingHeartbeat(false))
	if err != nil {
		return unavailable(err, "read stream %s", stream)
	}
	defer it.Stop()
	defer context.AfterFunc(ctx, it.Stop)()
	for {
		msg, err := it.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return ctx.Err()
		}
		if err != nil {
			return unavailable(err, "read stream %s", stream)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return unavailable(err, "read stream %s", stream)
		}
		m, err := message(stream, msg)
		if err != nil {
			m = nil
		}
		more, err := fn(meta.Sequence.Stream, m)
		if err != nil || !more {
			return err
		}
	}
}

// StageLag is how far a stage of a connection is behind.
type StageLag struct {
	Stage        string `json:"stage"`
	Connection   string `json:"connection"`
	Pending      uint64 `json:"pending"`       // stored, not handed out yet
	AckPending   int    `json:"ack_pending"`   // in hand
	Asking       int    `json:"asking"`        // partitions whose next message a process asks for
	Free         int    `json:"free"`          // partitions of which nothing is in hand
	BlockedLanes int    `json:"blocked_lanes"` // waiting for the clock
	ParkedLanes  int    `json:"parked_lanes"`  // waiting for a person
}

// Unconsumed reports whether nobody asks for the messages of the stage. A
// process that works on a message asks for the next one of its partition only
// afterwards, so when every partition has one in hand this cannot be told; and
// between two messages it may look so for a moment.
func (l StageLag) Unconsumed() bool { return l.Asking == 0 && l.Free > 0 }

// Waits counts the messages that the stage has before it, those in hand too.
func (l StageLag) Waits() uint64 { return l.Pending + uint64(l.AckPending) } //nolint:gosec // a count is not negative

// Lag reads how far every stage is behind, per connection.
func (b *Bus) Lag(ctx context.Context, connections []string) ([]StageLag, error) {
	var lags []StageLag
	for _, spec := range stageSpecs() {
		blocks, err := b.Blocks(ctx, spec.name)
		if err != nil {
			return nil, err
		}
		for _, conn := range connections {
			lag := StageLag{Stage: spec.name, Connection: conn}
			l := b.layout.Load()
			for p := range l.partitions {
				c, err := b.js.Consumer(ctx, spec.stream, consumerName(spec.name, conn, l.epoch, p))
				if err != nil {
					return nil, unavailable(err, "read consumer of %s", spec.name)
				}
				info := c.CachedInfo()
				lag.Pending += info.NumPending
				lag.AckPending += info.NumAckPending
				if info.NumWaiting > 0 {
					lag.Asking++
				}
				if info.NumAckPending == 0 {
					lag.Free++
				}
			}
			for _, rec := range blocks {
				switch {
				case rec.Conn != conn:
				case rec.Parked:
					lag.ParkedLanes++
				default:
					lag.BlockedLanes++
				}
			}
			lags = append(lags, lag)
		}
	}
	return lags, nil
}
