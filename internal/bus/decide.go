package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"millrace/internal/fault"
	"millrace/schemas"
)

// A Verdict is what a person decided about a parked lane. It is kept in the
// block record, so that it takes effect exactly where the lane is held,
// whichever replica goes on with it and however often that one dies. Data that
// was edited stays with its message when that is parked again, so that a
// release tries what the person wrote, not what they had corrected.
type Verdict struct {
	schemas.Decision
	From    uint64 `json:"from"`    // the message that held the lane when it was decided; Data is of this one
	Through uint64 `json:"through"` // the last message that it is about
}

// edited reports whether the verdict has data for the message at which a lane
// is held.
func (v *Verdict) edited(cur uint64) bool { return v != nil && v.Data != nil && v.From >= cur }

// covers reports whether the verdict is about the message.
func (v *Verdict) covers(seq uint64) bool { return v != nil && v.From <= seq && seq <= v.Through }

// Held is a lane that a person must decide about.
type Held struct {
	Block
	Message *Message // the one that holds the lane
	Waiting []uint64 // sequences of those behind it that are acknowledged already
}

// Held reads a lane that is held, with the message that holds it, as it was
// edited if it was, and what waits behind it. ErrNotFound when it is not held.
func (b *Bus) Held(ctx context.Context, stage, connection, lane string) (Held, error) {
	h, err := b.HeldBy(ctx, stage, connection, lane)
	if err != nil || h.Message == nil {
		return h, err
	}
	spec, _ := stageSpecOf(stage)
	for seq := h.Message.Seq + 1; seq <= h.Last; {
		m, err := b.laneMessage(ctx, spec, h.Block, seq)
		if err != nil {
			return h, err
		}
		if m.Seq > h.Last {
			break
		}
		h.Waiting = append(h.Waiting, m.Seq)
		seq = m.Seq + 1
	}
	return h, nil
}

// HeldBy is Held without what waits behind the message, which takes one read
// for each. No message: the one that holds the lane is not there.
func (b *Bus) HeldBy(ctx context.Context, stage, connection, lane string) (h Held, err error) {
	if h.Block, _, err = b.readBlock(ctx, laneKey(stage, connection, lane)); err != nil {
		return h, err
	}
	spec, known := stageSpecOf(stage)
	if !known {
		return h, ErrNotFound
	}
	if h.Cur > h.Last { // everything is applied, the record is about to go
		return h, nil
	}
	m, err := b.laneMessage(ctx, spec, h.Block, h.Cur)
	if err != nil || m.Seq > h.Last {
		return h, err
	}
	if h.Verdict.edited(m.Seq) {
		m.Event.Data = h.Verdict.Data
	}
	h.Message = m
	return h, nil
}

func stageSpecOf(stage string) (stageSpec, bool) {
	i := slices.IndexFunc(stageSpecs(), func(s stageSpec) bool { return s.name == stage })
	if i < 0 {
		return stageSpec{}, false
	}
	return stageSpecs()[i], true
}

// Decide lets a parked lane go on with other data for the message that holds
// it (schemas.Edit), or without that message (schemas.Skip). from is the
// message that the person saw there; through is the last one that is skipped.
// ErrNotFound when the lane is not held, ErrConflict when another message holds
// it by now or it is not parked any more.
func (b *Bus) Decide(ctx context.Context, stage, connection, lane string, d schemas.Decision, from, through uint64) error {
	if d.Do != schemas.Edit {
		d.Data = nil
	} else if !json.Valid(d.Data) {
		return fault.Newf("cli.usage", "the edited data of lane %s is not JSON", lane)
	}
	h, err := b.HeldBy(ctx, stage, connection, lane)
	if err != nil {
		return err
	}
	if h.Message == nil || h.Message.Seq != from {
		return ErrConflict
	}
	return b.goOn(ctx, stage, connection, lane, func(rec Block) (*Verdict, error) {
		if !rec.Parked || rec.Cur != h.Cur {
			return nil, ErrConflict
		}
		v := &Verdict{Decision: d, From: from, Through: max(from, min(through, rec.Last))}
		if d.Do != schemas.Edit && rec.Verdict.edited(from) {
			v.Data = rec.Verdict.Data // whoever ends it must know what it became
		}
		return v, nil
	})
}

// Release lets a parked lane go on from the message that failed, in order, with
// everything as it is, and as it was edited before; d.Do is ignored. ErrNotFound when the lane is not held;
// one that waits for the clock is left to it.
func (b *Bus) Release(ctx context.Context, stage, connection, lane string, d schemas.Decision) error {
	d.Do = schemas.Release
	err := b.goOn(ctx, stage, connection, lane, func(rec Block) (*Verdict, error) {
		if !rec.Parked {
			return nil, ErrConflict
		}
		v := &Verdict{Decision: d, From: rec.Cur, Through: rec.Last}
		if was := rec.Verdict; was.edited(rec.Cur) {
			v.Data, v.From = was.Data, was.From
		}
		return v, nil
	})
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// goOn ends the parking with a verdict, which decide makes of the record as it
// is at that moment.
func (b *Bus) goOn(ctx context.Context, stage, connection, lane string, decide func(Block) (*Verdict, error)) error {
	key := laneKey(stage, connection, lane)
	for {
		rec, rev, err := b.readBlock(ctx, key)
		if err != nil {
			return err
		}
		if rec.Verdict, err = decide(rec); err != nil {
			return err
		}
		rec.Parked, rec.Until, rec.Tries = false, time.Now().UTC(), 0
		if _, err = b.updateBlock(ctx, key, rec, rev); !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

// decided gives the message what a person decided about it: other data, or
// that it is to be skipped, which attempt carries out.
func (d *drive) decided(m *Message) {
	d.mu.Lock()
	v := d.rec.Verdict
	d.mu.Unlock()
	if !v.covers(m.Seq) {
		return
	}
	what := v.Decision
	if m.Seq != v.From {
		what.Data = nil
	}
	m.decision = &what
	if what.Data != nil {
		m.Event.Data = what.Data
	}
}

// end is what ends the message: the stage's handler, or its Skip when a person
// decided so.
func (r *runner) end(ctx context.Context, m *Message) (schemas.Outcome, error) {
	if m.decision == nil || m.decision.Do != schemas.Skip {
		return r.stage.Handle(ctx, m)
	}
	o, err := r.stage.Skip(ctx, m)
	if err != nil {
		return o, fmt.Errorf("skip: %w", err)
	}
	if o.Outcome == schemas.Skipped {
		by := "skipped by " + m.decision.By + ": " + m.decision.Reason
		if o.Reason != "" {
			by += "; " + o.Reason
		}
		o.Reason = by
	}
	return o, nil
}
