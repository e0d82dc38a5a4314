package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"millrace/internal/fault"
)

// A held message must not be lost to retention: what a lane holds is copied
// out of the stream long before the stream lets it go, and read from there
// when it has.

// keepEvery is how often the held lanes are looked at, and keptShare the share
// of the stream's age at which their messages are copied: the two leave months
// between the copy and the loss.
const (
	keepEvery = 10 * time.Minute
	keptShare = 2 // half of the age
)

// keptMessage is a message outside its stream.
type keptMessage struct {
	Seq     uint64              `json:"seq"`
	Subject string              `json:"subject"`
	Stored  time.Time           `json:"stored"`
	Header  map[string][]string `json:"header"`
	Data    []byte              `json:"data"`
}

// keepLoop copies what needs it, until ctx is done.
func (r *runner) keepLoop(ctx context.Context) {
	for {
		if err := r.keepHeld(ctx, keptShare); err != nil && ctx.Err() == nil {
			r.bus.log.Warn("held messages not kept", "stage", r.stage.Name, "err", err)
		}
		if !r.pause(ctx, keepEvery) {
			return
		}
	}
}

// keepHeld copies the messages of every lane that has been held for longer
// than a share of the stream's age.
func (r *runner) keepHeld(ctx context.Context, share time.Duration) error {
	info, err := r.bus.js.Stream(ctx, r.stage.Stream)
	if err != nil {
		return unavailable(err, "read stream %s", r.stage.Stream)
	}
	age := info.CachedInfo().Config.MaxAge
	if age == 0 {
		return nil
	}
	var errs []error
	for _, conn := range r.stage.Connections {
		blocks, err := r.bus.blocks(ctx, Key(r.stage.Name, conn))
		if err != nil {
			return err
		}
		for key, rec := range blocks {
			if rec.Last > rec.Kept && time.Since(rec.Since) >= age/share {
				errs = append(errs, r.bus.keep(ctx, key, r.stage, rec))
			}
		}
	}
	return errors.Join(errs...)
}

// keep copies the messages of a lane from cur, or from where the last copy
// ended, through last, and then says so in its record.
func (b *Bus) keep(ctx context.Context, key string, s Stage, rec Block) error {
	kept, spec := b.Bucket(bucketKept), stageSpec{s.Name, s.Stream, s.Target}
	for seq := max(rec.Cur, rec.Kept+1); seq <= rec.Last; {
		raw, err := b.rawLaneMessage(ctx, spec, rec, seq)
		if err != nil {
			return err
		}
		if raw.Seq > rec.Last {
			break
		}
		data, err := json.Marshal(raw)
		if err != nil {
			return fmt.Errorf("keep message %d: %w", raw.Seq, err)
		}
		if _, err := kept.Put(ctx, key+"."+strconv.FormatUint(raw.Seq, 10), data); err != nil {
			return err
		}
		seq = raw.Seq + 1
	}
	for {
		now, rev, err := b.readBlock(ctx, key)
		if errors.Is(err, ErrNotFound) || err == nil && now.Since != rec.Since {
			return b.dropKept(ctx, key) // the lane went on meanwhile
		}
		if err != nil {
			return err
		}
		now.Kept = max(now.Kept, rec.Last)
		_, err = b.updateBlock(ctx, key, now, rev)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err == nil {
			b.log.Warn("lane held for so long that its messages are kept outside the stream", "stage", rec.Stage,
				"connection", rec.Conn, "lane", rec.Lane, "since", rec.Since, "code", rec.Code, "hint", rec.Hint)
		}
		return err
	}
}

// readKept finds the first kept message of a lane at or after seq, when the
// stream begins behind seq. Everything below the stream's begin must have been
// kept: a hole is told, never jumped over.
func (b *Bus) readKept(ctx context.Context, key string, rec Block, seq, begin uint64) (*keptMessage, error) {
	if rec.Kept < rec.Last && rec.Kept+1 < begin {
		return nil, fault.Newf("bus.blocked_message_missing", "lane %s: held at sequence %d, but its stream begins at %d", rec.Lane, seq, begin)
	}
	bucket := b.Bucket(bucketKept)
	keys, err := bucket.Keys(ctx, key) // without the messages: a lane may hold many
	if err != nil {
		return nil, err
	}
	first := uint64(0)
	for _, k := range keys {
		n, err := strconv.ParseUint(strings.TrimPrefix(k, key+"."), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("kept message %s: %w", k, err)
		}
		if n >= seq && (first == 0 || n < first) {
			first = n
		}
	}
	if first == 0 {
		return nil, nil
	}
	data, _, err := bucket.Get(ctx, key+"."+strconv.FormatUint(first, 10))
	if err != nil {
		return nil, err
	}
	var m keptMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("kept message %d of %s: %w", first, key, err)
	}
	return &m, nil
}

// dropKept forgets the copies of a lane that is free again.
func (b *Bus) dropKept(ctx context.Context, key string) error {
	bucket := b.Bucket(bucketKept)
	entries, err := bucket.Entries(ctx, key)
	if err != nil {
		return err
	}
	for k := range entries {
		if err := bucket.Delete(ctx, k, 0); err != nil {
			return err
		}
	}
	return nil
}
