package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/internal/fault"
	"millrace/internal/fence"
	"millrace/schemas"
)

// The lane protocol. A stage that cannot handle a message of a lane writes a
// block record and acknowledges the message; later messages of the lane are
// acknowledged and covered by the record; the re-driver applies the lane from
// the stream, in order, and then removes the record. Every write is a
// compare-and-set on the record's revision.
//
//	I1  record present  ⇒ every message of the lane below cur is applied
//	I2  an ack was sent ⇒ the message is applied, or a record is present with cur ≤ seq ≤ last
//	I3  a message is handed out ⇒ an ack was sent for every earlier one of its partition
//
// Together: first applications are in stream order and none is lost
// (Invariants 4 and 7). Clocks, claims and scans decide speed and duplicates
// only.

// Block is the record that holds a lane of a stage.
type Block struct {
	Cur     uint64    `json:"cur"`             // every message of the lane below it is applied
	Last    uint64    `json:"last"`            // highest sequence acknowledged under this record
	Kept    uint64    `json:"kept,omitempty"`  // every message of the lane from cur through it is also in the bucket of kept messages
	Claim   string    `json:"claim,omitempty"` // the current re-driver; empty = waiting
	Until   time.Time `json:"until"`           // before it nobody may claim; also the back-off
	Tries   int       `json:"tries"`
	Parked  bool      `json:"parked,omitempty"` // waits for a person, not for the clock
	Created time.Time `json:"created"`          // of the stream: with another one, sequences mean nothing
	Since   time.Time `json:"since"`
	Code    string    `json:"code"`
	Hint    string    `json:"hint,omitempty"`
	Error   string    `json:"error,omitempty"`
	ID      string    `json:"id,omitempty"` // of the event or intent that failed
	Stage   string    `json:"stage"`
	Lane    string    `json:"lane"`
	Conn    string    `json:"connection"`
	Verdict *Verdict  `json:"verdict,omitempty"` // what a person decided; it goes with the message it is about. Of a parked lane: only what was edited
}

// laneKey names the record of a lane, whatever partition the lane is in.
func laneKey(stage, connection, lane string) string { return Key(stage, connection, lane) }

func (b *Bus) readBlock(ctx context.Context, key string) (rec Block, rev uint64, err error) {
	data, rev, err := b.Bucket(bucketBlocks).Get(ctx, key)
	if err != nil {
		return Block{}, 0, err
	}
	if err := json.Unmarshal(data, &rec); err != nil {
		return Block{}, 0, fmt.Errorf("block record %s: %w", key, err)
	}
	return rec, rev, nil
}

func (b *Bus) createBlock(ctx context.Context, key string, rec Block) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("block record %s: %w", key, err)
	}
	_, err = b.Bucket(bucketBlocks).Create(ctx, key, data)
	return err
}

func (b *Bus) updateBlock(ctx context.Context, key string, rec Block, rev uint64) (uint64, error) {
	data, err := json.Marshal(rec)
	if err != nil {
		return 0, fmt.Errorf("block record %s: %w", key, err)
	}
	return b.Bucket(bucketBlocks).Update(ctx, key, data, rev)
}

// handle runs the lane protocol for one message and reports whether it may be
// acknowledged. An error means: do not acknowledge, it will come again.
func (r *runner) handle(ctx context.Context, m *Message) error {
	key := laneKey(r.stage.Name, m.Subject.Connection, m.Subject.Lane)
	for {
		r.at("before-read")
		rec, rev, err := r.bus.readBlock(ctx, key)
		if errors.Is(err, ErrNotFound) {
			done, err := r.work(ctx, key, m)
			if done || err != nil {
				return err
			}
			continue // the record appeared meanwhile
		}
		if err != nil {
			return err
		}
		if m.Seq <= rec.Last || m.Seq < rec.Cur {
			return nil // applied or already covered
		}
		covered, err := r.cover(ctx, key, rec, rev, m)
		if covered || err != nil {
			return err
		}
	}
}

// cover raises last to this message. A message behind a parked one is parked
// itself, and says so before it is acknowledged (Invariant 3).
func (r *runner) cover(ctx context.Context, key string, rec Block, rev uint64, m *Message) (bool, error) {
	if rec.Parked {
		if err := r.publishOutcome(ctx, m, behind(m, rec)); err != nil {
			return false, err
		}
	}
	rec.Last = m.Seq
	r.at("before-cover")
	_, err := r.bus.updateBlock(ctx, key, rec, rev)
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// behind is the outcome of a message whose lane is parked at an earlier one.
func behind(m *Message, rec Block) schemas.Outcome {
	first := cmp.Or(rec.ID, "message "+strconv.FormatUint(rec.Cur, 10)+" of its lane")
	return schemas.Outcome{
		Document: m.Subject.B, Outcome: schemas.Parked, Code: rec.Code, Hint: rec.Hint,
		Reason: "waits behind " + first + ", parked with " + rec.Code,
	}
}

// work handles a message of a free lane. Done means it may be acknowledged;
// neither done nor an error means that a block record appeared.
func (r *runner) work(ctx context.Context, key string, m *Message) (done bool, err error) {
	o, err := r.attemptInPlace(ctx, m)
	if err == nil {
		return true, r.publishOutcome(ctx, m, o)
	}
	if ctx.Err() != nil || errors.Is(err, errStopping) || fence.Err(ctx) != nil {
		return false, errStopping // who has the message now may end it otherwise
	}
	rec, err := r.blockFor(ctx, m, o, err)
	if err != nil {
		return false, err
	}
	r.at("before-create")
	switch err := r.bus.createBlock(ctx, key, rec); {
	case errors.Is(err, ErrConflict):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// blockFor makes the record for a message that failed. A parked message gets
// its outcome first: with the record in place a redelivery would be
// acknowledged without one.
func (r *runner) blockFor(ctx context.Context, m *Message, o schemas.Outcome, cause error) (Block, error) {
	f := fault.Of(cause)
	park := parks(f)
	if park {
		if err := r.publishOutcome(ctx, m, parked(o, cause)); err != nil {
			return Block{}, err
		}
	}
	created, err := r.bus.streamCreated(ctx, m.Stream)
	if err != nil {
		return Block{}, err
	}
	now := time.Now().UTC()
	return Block{
		Cur: m.Seq, Last: m.Seq, Until: now.Add(max(f.RetryAfter, redriveDelay(0))), Parked: park,
		Created: created, Since: now, Code: f.Code, Hint: f.Hint, Error: cause.Error(), ID: m.Event.ID,
		Stage: r.stage.Name, Lane: m.Subject.Lane, Conn: m.Subject.Connection,
	}, nil
}

func parks(f *fault.Error) bool { return f.Kind == fault.Rejected || f.Kind == fault.Invalid }

// parked turns what the handler knew, and why it failed, into an outcome.
func parked(o schemas.Outcome, cause error) schemas.Outcome {
	f := fault.Of(cause)
	o.Outcome, o.Code, o.Hint = schemas.Parked, f.Code, f.Hint
	o.Reason, o.Error = reasonOf(f.Code), cause.Error()
	return o
}

func reasonOf(code string) string {
	if c, ok := fault.Lookup(code); ok {
		return c.Meaning
	}
	return code
}

// Blocks lists the block records of a stage, or of all stages when it is
// empty.
func (b *Bus) Blocks(ctx context.Context, stage string) ([]Block, error) {
	prefix := ""
	if stage != "" {
		prefix = Key(stage)
	}
	byKey, err := b.blocks(ctx, prefix)
	if err != nil {
		return nil, err
	}
	list := make([]Block, 0, len(byKey))
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		list = append(list, byKey[key])
	}
	return list, nil
}

func (b *Bus) blocks(ctx context.Context, prefix string) (map[string]Block, error) {
	entries, err := b.Bucket(bucketBlocks).Entries(ctx, prefix)
	if err != nil {
		return nil, err
	}
	blocks := make(map[string]Block, len(entries))
	for key, data := range entries {
		var rec Block
		if err := json.Unmarshal(data, &rec); err != nil {
			return nil, fmt.Errorf("block record %s: %w", key, err)
		}
		blocks[key] = rec
	}
	return blocks, nil
}

// streamCreated identifies a stream: after a loss and a new start its
// sequences begin again and stored positions mean nothing.
func (b *Bus) streamCreated(ctx context.Context, name string) (time.Time, error) {
	s, err := b.js.Stream(ctx, name) // not a handle from before: the stream may be another one by now
	if err != nil {
		return time.Time{}, unavailable(err, "read stream %s", name)
	}
	return s.CachedInfo().Created.UTC(), nil
}

// checkPositions refuses to run when a block record lies beyond the end of
// its stream: the broker has lost data and would use sequences again.
func (b *Bus) checkPositions(ctx context.Context, s Stage) error {
	blocks, err := b.Blocks(ctx, s.Name)
	if err != nil || len(blocks) == 0 {
		return err
	}
	info, err := b.js.Stream(ctx, s.Stream)
	if err != nil {
		return unavailable(err, "read stream %s", s.Stream)
	}
	state := info.CachedInfo()
	for _, rec := range blocks {
		if !rec.Created.Equal(state.Created.UTC()) || rec.Last > state.State.LastSeq {
			return fault.Newf("bus.stream_rewound", "lane %s of %s is held up to sequence %d; %s ends at %d",
				rec.Lane, strings.Join([]string{rec.Conn, rec.Stage}, "/"), rec.Last, s.Stream, state.State.LastSeq)
		}
	}
	return nil
}
