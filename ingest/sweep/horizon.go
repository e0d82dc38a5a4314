package sweep

import (
	"context"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

// Pipeline tells how far the stages behind the sweep are. Handled is true when
// a stage has ended, or put aside, everything of the connection up to a
// sequence of its stream.
type Pipeline interface {
	LastSeq(ctx context.Context, stream string) (uint64, error)
	Handled(ctx context.Context, stage, connection string, seq uint64) (bool, error)
}

// checkEvery is after how many sweeps the movements are checked again.
const checkEvery = 10

// A horizon is what the ledger must know before the movements up to an instant
// can be compared with it: after an outage everything that was missed is stored
// at once, and posted only after a while.
type horizon struct {
	at      time.Time // in Stripe
	events  uint64    // stored by then
	intents uint64    // made of them; 0: not known yet
}

// checkWhenHandled begins a check after a sweep, and makes it as soon as the
// pipeline has caught up with what the sweep had stored.
func (s *Sweeper) checkWhenHandled(ctx context.Context, at time.Time) error {
	if s.horizon == nil {
		if s.rounds%checkEvery != 0 {
			return nil
		}
		if at.IsZero() {
			return fault.Newf("stripe.response_malformed", "the list of events does not tell the time: the answer has no Date header")
		}
		last, err := s.o.Pipeline.LastSeq(ctx, bus.Events)
		if err != nil {
			return err
		}
		s.horizon = &horizon{at: at, events: last}
	}
	if reached, err := s.reached(ctx, s.horizon); err != nil || !reached {
		return err
	}
	if err := s.Check(ctx, s.horizon.at); err != nil {
		return err
	}
	s.horizon = nil
	return nil
}

// reached follows what was stored through the stages that make the ledger.
func (s *Sweeper) reached(ctx context.Context, h *horizon) (bool, error) {
	done, err := s.o.Pipeline.Handled(ctx, "transform", s.o.Connection, h.events)
	if err != nil || !done {
		return false, err
	}
	if h.intents == 0 {
		if h.intents, err = s.o.Pipeline.LastSeq(ctx, bus.Intents); err != nil {
			return false, err
		}
	}
	return s.o.Pipeline.Handled(ctx, "sink-acumatica", s.o.Connection, h.intents)
}
