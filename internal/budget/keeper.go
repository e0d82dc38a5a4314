package budget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

const (
	// brokerRetry is how often the broker is tried while it is away.
	brokerRetry = 200 * time.Millisecond
	// farthest bounds how far ahead tokens are taken for a slow broker.
	farthest = 5 * time.Second
)

// keeper is what only the goroutine that settles touches.
type keeper struct {
	failing time.Time     // since when the broker does not answer; zero: it does
	ahead   time.Duration // tokens are taken for so far in the future, because the broker is slow
}

// turn is a settlement that is not stored yet.
type turn struct {
	record record
	demand demand
	v      verdict
	at     time.Time // of the broker; from then on it may be used
	rev    uint64    // that it is based on
	told   int       // requests to slow down that it has
}

// keep settles with the record whenever there is reason to.
func (b *Budget) keep(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.poke:
		case <-timer.C:
		}
		again, err := b.settle(ctx)
		if err != nil {
			again = brokerRetry
		}
		b.failed(err)
		timer.Stop()
		if again > 0 {
			timer.Reset(again)
		}
	}
}

// failed notes how the broker does. Who waits for one that is away is refused
// after a while: nothing could be recorded of what a request brings.
func (b *Budget) failed(err error) {
	k := &b.keeper
	switch {
	case err == nil:
		k.failing = time.Time{}
		return
	case errors.Is(err, context.Canceled):
		return
	case k.failing.IsZero():
		k.failing = time.Now()
		b.log.Warn("requests wait for the broker", "system", b.o.System, "connection", b.o.Connection, "err", err)
	}
	if time.Since(k.failing) < brokerPatience {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse(fmt.Errorf("budget of %s: %w", b.o.System, err))
}

// settle stores a turn if there is need to, and says when to come again at
// the latest; 0 is never.
func (b *Budget) settle(ctx context.Context) (again time.Duration, err error) {
	if !b.needed() {
		return 0, nil
	}
	if err := b.clock.sync(ctx); err != nil {
		return 0, err
	}
	if err := b.load(ctx, false); err != nil {
		return 0, err
	}
	for ctx.Err() == nil {
		t, store := b.propose()
		if !store {
			return b.until(t), nil
		}
		begun := time.Now()
		rev, err := b.store(ctx, t)
		if errors.Is(err, bus.ErrConflict) {
			b.restore(t)
			if err := b.load(ctx, true); err != nil {
				return 0, err
			}
			continue
		}
		if err != nil {
			// It may be stored or not: what it has is not used. The next turn
			// sets right what the record holds for us.
			b.mu.Lock()
			b.loaded = false
			b.mu.Unlock()
			return 0, err
		}
		return b.apply(ctx, t, rev, time.Since(begun)), nil
	}
	return 0, ctx.Err()
}

func (b *Budget) needed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting() || b.idle != [classes]int{} || b.limits.slots > 0 && b.used != [classes]int{} || len(b.told) > 0 || b.holdsRecord()
}

// load reads the record from the leader.
func (b *Budget) load(ctx context.Context, again bool) error {
	b.mu.Lock()
	loaded := b.loaded
	b.mu.Unlock()
	if loaded && !again {
		return nil
	}
	data, rev, err := b.bucket.Get(ctx, b.key)
	if errors.Is(err, bus.ErrNotFound) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.view, b.rev, b.loaded = record{}, 0, true
		return nil
	}
	if err != nil {
		return err
	}
	return b.see(data, rev)
}

// see takes over what the record says.
func (b *Budget) see(data []byte, rev uint64) error {
	r, err := decode(data)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loaded = true
	if rev > b.rev {
		b.know(r, rev)
	}
	return nil
}

// know is the record from now on. mu is held.
func (b *Budget) know(r record, rev uint64) {
	b.view, b.rev = r, rev
	b.notBefore = later(b.notBefore, r.NotBefore)
	b.contended = r.contended(b.id)
	if err := b.onHold(); err != nil {
		b.refuse(err)
	}
}

// watch follows the record, so that a hold, or a slot that came free, is known
// at once. Without it everything goes on, a little slower.
func (b *Budget) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.bucket.Watch(ctx, b.key, func(data []byte, rev uint64) {
			if err := b.see(data, rev); err != nil {
				b.log.Warn("budget not readable", "system", b.o.System, "connection", b.o.Connection, "err", err)
				return
			}
			b.wake()
		})
		if err == nil {
			return
		}
		t := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// propose makes a turn of what this process has and wants now. When it must be
// stored, what it has is put aside meanwhile.
func (b *Budget) propose() (t turn, store bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.onHold(); err != nil { // seen before the time was known
		b.refuse(err)
	}
	now := b.clock.now()
	t = turn{at: now.Add(b.keeper.ahead), rev: b.rev, told: len(b.told)}
	t.demand = b.demand(now)
	old := b.view.clone()
	for _, d := range b.told {
		old.hold(d, now)
	}
	t.record, t.v = settle(old, b.limits, b.id, t.demand, t.at)
	if b.lingers() && b.idle != [classes]int{} {
		t.v.wakeAt(now.Add(linger - time.Since(b.lastUse)))
	}
	if !changed(b.view, t.record, b.id) {
		b.told = nil // everybody waits already
		if !now.Before(b.notBefore) {
			b.hand(posting, now)
			b.hand(polling, now)
		}
		return t, false
	}
	b.idle, b.tokens = [classes]int{}, [classes]int{}
	return t, true
}

func (b *Budget) lingers() bool { return !b.closed && time.Since(b.lastUse) < linger }

func (b *Budget) demand(now time.Time) demand {
	d := demand{used: b.used, idle: b.idle, linger: b.lingers()}
	if now.Before(b.goodUntil) {
		d.tokens = b.tokens
	}
	for c, q := range b.queues {
		for _, w := range q {
			if w.since.IsZero() { // came before the time was known
				w.since = now
			}
			d.waiting[c] = append(d.waiting[c], w.since)
		}
	}
	return d
}

func (b *Budget) store(ctx context.Context, t turn) (rev uint64, err error) {
	data, err := json.Marshal(t.record)
	if err != nil {
		return 0, fault.Newf("internal.panic", "budget: %w", err)
	}
	if t.rev == 0 {
		return b.bucket.Create(ctx, b.key, data)
	}
	return b.bucket.Update(ctx, b.key, data, t.rev)
}

// restore takes back what a turn that was not stored had put aside.
func (b *Budget) restore(t turn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range classes {
		b.idle[c] += t.demand.idle[c]
		b.tokens[c] += t.demand.tokens[c]
	}
}

// apply uses a turn that was stored.
func (b *Budget) apply(ctx context.Context, t turn, rev uint64, took time.Duration) (again time.Duration) {
	b.mu.Lock()
	b.loaded, b.told = true, b.told[min(t.told, len(b.told)):]
	if rev > b.rev {
		b.know(t.record, rev)
	}
	early := t.at.Sub(b.clock.now())
	b.mu.Unlock()
	if early > 0 {
		timer := time.NewTimer(early)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	late := b.give(t)
	switch life := b.limits.pace.life; {
	case late:
		b.keeper.ahead = min(2*took, farthest)
		return time.Millisecond
	case took < life/2:
		b.keeper.ahead = 0
	}
	return b.until(t)
}

// give takes a turn into hand and passes it on; late says that its tokens were
// not good any more when the broker had answered. mu is held.
func (b *Budget) give(t turn) (late bool) {
	now := b.clock.now()
	if w, ok := t.record.Workers[b.id]; ok {
		b.heldUntil = w.Until
	}
	if t.demand.tokens == ([classes]int{}) {
		b.goodUntil = t.at.Add(b.limits.pace.life) // else as good as the oldest
	}
	for c := range classes {
		if b.limits.slots > 0 {
			b.idle[c] += t.v.slots[c]
		}
		if b.limits.pace.gap > 0 {
			b.tokens[c] += t.v.tokens[c]
		}
	}
	if b.limits.pace.gap > 0 && !now.Before(b.goodUntil) {
		late = b.tokens != [classes]int{}
		b.tokens = [classes]int{}
	}
	if now.Before(b.notBefore) {
		return late
	}
	for c := range classes {
		b.hand(c, now)
	}
	return late
}

func (b *Budget) until(t turn) time.Duration {
	if t.v.wake.IsZero() {
		return 0
	}
	return max(t.v.wake.Sub(b.clock.now()), time.Millisecond)
}
