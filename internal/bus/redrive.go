package bus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/internal/fault"
	"millrace/internal/fence"
	"millrace/schemas"
)

const (
	// scanEvery is how often it is looked which lanes are due. It only affects
	// how soon a lane goes on.
	scanEvery = 500 * time.Millisecond
	// claimFor is how long a re-driver's claim lasts without being renewed.
	claimFor = 2 * time.Second
	// redriveTries is after how many tries, about two hours with the schedule
	// below, a message that always fails is parked for a person to look at.
	redriveTries = 32
	// redriveLimit bounds how many lanes of a stage one process re-drives at
	// once.
	redriveLimit   = 8
	firstRedrive   = 250 * time.Millisecond
	slowestRedrive = 5 * time.Minute
)

// redriveDelay is the automatic retry schedule of a blocked lane.
func redriveDelay(tries int) time.Duration {
	return jitter(min(firstRedrive<<min(tries, 20), slowestRedrive))
}

// redriveLoop looks for block records whose time has come and re-drives their
// lanes, until ctx is done.
func (r *runner) redriveLoop(ctx, work context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, redriveLimit)
	var busy sync.Map
	t := time.NewTicker(scanEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for _, key := range r.due.due(time.Now()) {
			if _, running := busy.LoadOrStore(key, true); running {
				continue
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				defer func() { busy.Delete(key); <-slots }()
				if err := r.redrive(work, key); err != nil && !errors.Is(err, errStopping) && ctx.Err() == nil {
					r.bus.log.Warn("lane not re-driven", "stage", r.stage.Name, "key", key, "err", err)
				}
			})
		}
	}
}

// drive is one lane in the hands of a re-driver. The record is renewed beside
// the work, so it is guarded.
type drive struct {
	r    *runner
	key  string
	mu   sync.Mutex
	rec  Block
	rev  uint64
	lost bool // another re-driver has claimed it
	held *fence.Fence
}

// redrive claims a lane and applies its messages from cur through last. It
// deletes the record only when cur > last, on exactly the revision where it
// saw that last: a message that is covered meanwhile changes the revision.
func (r *runner) redrive(ctx context.Context, key string) error {
	rec, rev, err := r.bus.readBlock(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if rec.Parked || rec.Until.After(time.Now()) {
		return nil
	}
	rec.Claim, rec.Until = r.id, time.Now().UTC().Add(claimFor)
	ctx, held := fence.With(ctx, errStopping)
	defer held.Cut()
	d := &drive{r: r, key: key, rec: rec, held: held}
	if d.rev, err = r.bus.updateBlock(ctx, key, rec, rev); err != nil {
		if errors.Is(err, ErrConflict) {
			return nil
		}
		return err
	}
	held.Until(rec.Until)
	stop := d.renew(ctx)
	defer stop()
	for {
		more, err := d.step(ctx)
		if !more || err != nil {
			return err
		}
	}
}

// step applies one message, or removes the record when nothing is left.
func (d *drive) step(ctx context.Context) (more bool, err error) {
	d.mu.Lock()
	cur, last, lost := d.rec.Cur, d.rec.Last, d.lost
	d.mu.Unlock()
	switch {
	case lost:
		return false, nil
	case cur > last:
		return d.remove(ctx)
	}
	m, err := d.next(ctx, cur)
	if err == nil && m.Seq > last {
		// A stale read or an expired message: last itself was not applied, so
		// the record stays and says so.
		err = fault.Newf("bus.blocked_message_missing", "lane %s: sequences %d to %d are not in %s", d.rec.Lane, cur, last, d.r.stage.Stream)
	}
	if err != nil {
		return false, d.giveBack(ctx, err)
	}
	if m.unreadable != nil {
		return true, d.passUnreadable(ctx, m)
	}
	d.decided(m)
	o, err := d.r.attemptInPlace(ctx, m)
	if errors.Is(err, errStopping) {
		return false, errors.Join(d.giveBack(ctx, nil), err)
	}
	if err != nil {
		d.mu.Lock()
		d.rec.ID = m.Event.ID
		d.mu.Unlock()
		if d.parksNow(err) {
			if perr := d.park(ctx, m, o, err); perr != nil {
				return false, perr
			}
		}
		return false, d.giveBack(ctx, err)
	}
	if err := d.r.publishOutcome(ctx, m, o); err != nil {
		return false, err
	}
	d.advance(m.Seq + 1)
	return true, nil
}

// advance says that everything of the lane below cur is applied.
func (d *drive) advance(cur uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rec.Cur, d.rec.Tries = cur, 0
	if v := d.rec.Verdict; v != nil && cur > v.Through {
		d.rec.Verdict = nil
	}
}

// parksNow: what the target refuses is parked at once, and so is a lane whose
// message has failed too often to go on trying unseen.
func (d *drive) parksNow(cause error) bool {
	f := fault.Of(cause)
	return parks(f) || f.Kind == fault.Transient && d.rec.Tries+1 >= redriveTries
}

// park tells the outcome of the message that holds the lane from now on, and
// of every message that is covered behind it (Invariant 3).
func (d *drive) park(ctx context.Context, m *Message, o schemas.Outcome, cause error) error {
	if err := d.r.publishOutcome(ctx, m, parked(o, cause)); err != nil {
		return err
	}
	d.mu.Lock()
	rec := d.rec
	d.mu.Unlock()
	rec.Cur, rec.Code, rec.Hint = m.Seq, fault.Of(cause).Code, fault.Of(cause).Hint
	for seq := m.Seq + 1; seq <= rec.Last; {
		next, err := d.next(ctx, seq)
		if err != nil {
			return err
		}
		if next.Seq > rec.Last {
			return nil
		}
		if err := d.r.publishOutcome(ctx, next, behind(next, rec)); err != nil {
			return err
		}
		seq = next.Seq + 1
	}
	return nil
}

// passUnreadable does with a message that is not ours what the consumer does
// with one: it tells so, and the lane goes on.
func (d *drive) passUnreadable(ctx context.Context, m *Message) error {
	if err := d.r.publishOutcome(ctx, m, parked(schemas.Outcome{}, m.unreadable)); err != nil {
		return err
	}
	d.advance(m.Seq + 1)
	return nil
}

func (d *drive) next(ctx context.Context, seq uint64) (*Message, error) {
	d.mu.Lock()
	rec := d.rec // renew changes it beside the work
	d.mu.Unlock()
	s := d.r.stage
	return d.r.bus.laneMessage(ctx, stageSpec{s.Name, s.Stream, s.Target}, rec, seq)
}

// laneMessage reads a held lane's next message at or after seq.
func (b *Bus) laneMessage(ctx context.Context, s stageSpec, rec Block, seq uint64) (*Message, error) {
	raw, err := b.rawLaneMessage(ctx, s, rec, seq)
	if err != nil {
		return nil, err
	}
	m, err := decodeMessage(s.stream, raw.Subject, raw.Seq, raw.Stored, raw.Header, raw.Data)
	if err != nil {
		return unreadable(rec.Conn, s.stream, raw.Subject, raw.Seq, raw.Stored, err), nil
	}
	return m, nil
}

// rawLaneMessage reads from the leader. That what lies below the message is
// applied is only known while everything of the lane from seq on is still
// there, in the stream or kept beside it: messages that retention has removed
// are missing, not applied.
func (b *Bus) rawLaneMessage(ctx context.Context, s stageSpec, rec Block, seq uint64) (*keptMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	stream, err := b.stream(ctx, s.stream)
	if err != nil {
		return nil, unavailable(err, "read stream %s", s.stream)
	}
	raw, err := stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(filter(s.stream, rec.Conn, "*", Escape(rec.Lane), s.target)))
	missing := errors.Is(err, jetstream.ErrMsgNotFound)
	if err != nil && !missing {
		return nil, unavailable(err, "read lane %s", rec.Lane)
	}
	info, err := stream.Info(ctx) // after the read: what begins at seq now was whole then
	if err != nil {
		return nil, unavailable(err, "read stream %s", s.stream)
	}
	if begin := info.State.FirstSeq; begin > seq {
		m, err := b.readKept(ctx, laneKey(s.name, rec.Conn, rec.Lane), rec, seq, begin)
		if m != nil || err != nil {
			return m, err
		}
	}
	if missing {
		return nil, fault.Newf("bus.blocked_message_missing", "lane %s: nothing at or after sequence %d in %s", rec.Lane, seq, s.stream)
	}
	return &keptMessage{Seq: raw.Sequence, Subject: raw.Subject, Stored: raw.Time, Header: raw.Header, Data: raw.Data}, nil
}

// remove deletes the record on the revision that was seen; a conflict means
// that a message was covered meanwhile, or that the claim is gone.
func (d *drive) remove(ctx context.Context) (more bool, err error) {
	d.r.at("before-delete")
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rec.Cur <= d.rec.Last || d.lost {
		return !d.lost, nil
	}
	err = d.r.bus.Bucket(bucketBlocks).Delete(ctx, d.key, d.rev)
	if errors.Is(err, ErrConflict) {
		return d.merge(ctx)
	}
	if err == nil {
		d.lost = true // nothing to renew any more
		if d.rec.Kept > 0 {
			err = d.r.bus.dropKept(ctx, d.key)
		}
	}
	return false, err
}

// merge takes over what others wrote to the record, as long as the claim is
// still ours. The caller holds the lock.
func (d *drive) merge(ctx context.Context) (mine bool, err error) {
	rec, rev, err := d.r.bus.readBlock(ctx, d.key)
	if errors.Is(err, ErrNotFound) || err == nil && rec.Claim != d.r.id {
		d.lost = true
		d.held.Cut()
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d.rec.Last, d.rec.Cur, d.rec.Kept, d.rev = max(d.rec.Last, rec.Last), max(d.rec.Cur, rec.Cur), max(d.rec.Kept, rec.Kept), rev
	return true, nil
}

// save writes the record by compare-and-set, merging until it succeeds or the
// claim is lost. The caller holds the lock.
func (d *drive) save(ctx context.Context) error {
	for !d.lost {
		rev, err := d.r.bus.updateBlock(ctx, d.key, d.rec, d.rev)
		if err == nil {
			d.rev = rev
			d.held.Until(d.rec.Until)
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if _, err := d.merge(ctx); err != nil {
			return err
		}
	}
	return nil
}

// giveBack ends the claim and says when, or for whom, the lane goes on. A nil
// cause means that the process drains.
func (d *drive) giveBack(ctx context.Context, cause error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rec.Claim, d.rec.Until = "", time.Now().UTC()
	if cause != nil {
		f := fault.Of(cause)
		d.rec.Code, d.rec.Hint, d.rec.Error, d.rec.Parked = f.Code, f.Hint, cause.Error(), d.parksNow(cause)
		if d.rec.Parked && !d.rec.Verdict.edited(d.rec.Cur) {
			d.rec.Verdict = nil // it did not help: somebody must decide anew
		}
		d.rec.Tries++
		d.rec.Until = d.rec.Until.Add(max(f.RetryAfter, redriveDelay(d.rec.Tries)))
	}
	err := d.save(ctx)
	d.lost = true
	return err
}

// renew keeps the claim alive, and saves cur, while messages are applied.
func (d *drive) renew(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(claimFor / 2)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
			}
			d.r.at("before-renew")
			d.mu.Lock()
			if !d.lost {
				d.rec.Until = time.Now().UTC().Add(claimFor)
				if err := d.save(ctx); err != nil {
					d.r.bus.log.Warn("claim not renewed", "key", d.key, "err", err)
				}
			}
			d.mu.Unlock()
		}
	})
	return func() { close(done); wg.Wait() }
}
