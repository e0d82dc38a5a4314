package budget

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"log/slog"
	"sync"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/fence"
)

const (
	// longHold is the hold from which a request is not kept waiting any more:
	// its caller is told to come back, and can stop meanwhile.
	longHold = 10 * time.Second
	// brokerPatience is how long a request waits for a broker that is away.
	brokerPatience = 5 * time.Second
	// linger is how long a slot is kept for the next request of this process
	// when nobody else wants it.
	linger = time.Second
	// slotMargin is how long before its slots expire a process stops to use
	// them for new requests.
	slotMargin = slotTTL / 5
)

// Options say what is divided, and among whom.
type Options struct {
	System     string // "acumatica", "stripe"
	Connection string
	Requests   int           // at most so many in any span of length Per; 0: no limit
	Per        time.Duration // of Requests
	Concurrent int           // requests at once; 0: no limit
	Log        *slog.Logger  // nil discards
}

// Budget is the part of this process in one budget. Safe for concurrent use.
type Budget struct {
	o       Options
	limits  limits
	id      string
	key     string
	bucket  *bus.Bucket
	clock   clock
	metrics *metrics
	log     *slog.Logger
	poke    chan struct{} // something to settle
	running sync.WaitGroup
	keeper  keeper

	mu        sync.Mutex
	stop      context.CancelFunc // nil: not started
	used      [classes]int
	idle      [classes]int
	tokens    [classes]int
	queues    [classes][]*waiter
	goodUntil time.Time // of tokens in hand
	heldUntil time.Time // of slots
	notBefore time.Time
	contended time.Time // until then somebody else is known to wait
	lastUse   time.Time
	told      []time.Duration // to slow down, by the system; not in the record yet
	view      record
	rev       uint64 // of view; 0: there is none
	loaded    bool   // view is known
	closed    bool
}

// waiter is a request that waits.
type waiter struct {
	since time.Time
	ended chan error // nil: may be sent
}

// New joins the budget. It makes no request: a broker that is away makes the
// first request wait.
func New(b *bus.Bus, o Options) (*Budget, error) {
	x := &Budget{
		o: o, limits: limits{slots: max(0, o.Concurrent), pace: newPace(o.Requests, o.Per)},
		id: crand.Text()[:12], key: bus.Key(o.System, o.Connection), bucket: b.Bucket("budgets"),
		clock: clock{ask: b.Clock}, log: o.Log, poke: make(chan struct{}, 1),
	}
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if x.metrics, err = newMetrics(x); err != nil {
		return nil, err
	}
	return x, nil
}

// start begins to follow the record, when the first request comes. mu is held.
func (b *Budget) start() {
	if b.stop != nil || b.closed {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	b.running.Go(func() { b.keep(ctx) })
	b.running.Go(func() { b.watch(ctx) })
}

// Close gives back what this process holds. Who still waits is refused.
func (b *Budget) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	b.refuse(fault.Newf("budget.waiting", "the process stops"))
	if b.stop != nil {
		b.stop()
	}
	b.mu.Unlock()
	b.running.Wait()
	b.metrics.close()
	b.mu.Lock()
	b.lastUse = time.Time{}
	held := b.idle != [classes]int{} || b.used != [classes]int{} || b.holdsRecord()
	b.mu.Unlock()
	if !held {
		return nil
	}
	_, err := b.settle(ctx)
	return err
}

// Admit waits until one request may be sent. done must be called when its
// answer was read or it failed. budget.waiting when ctx is done first, when the
// worker was overtaken or is asked to stop meanwhile (package fence), or when
// the system has asked for a long pause; bus.unavailable when the broker is away.
func (b *Budget) Admit(ctx context.Context) (done func(), err error) {
	begun, c := time.Now(), classOf(ctx)
	defer func() { b.metrics.waited(ctx, c, time.Since(begun), err) }()
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil, fault.Newf("budget.waiting", "the process stops")
	}
	b.start()
	if err := cmp.Or(b.fenced(ctx), b.onHold()); err != nil {
		b.mu.Unlock()
		return nil, err
	}
	if b.free(c) {
		b.use(c)
		b.mu.Unlock()
		return b.leave(c), nil
	}
	w := &waiter{since: b.clock.now(), ended: make(chan error, 1)}
	b.queues[c] = append(b.queues[c], w)
	b.mu.Unlock()
	b.wake()
	select {
	case err := <-w.ended:
		if err != nil {
			return nil, err
		}
		if err := b.fenced(ctx); err != nil {
			b.leave(c)()
			return nil, err
		}
		return b.leave(c), nil
	case <-ctx.Done():
		err = fault.Newf("budget.waiting", "no leave to send a request to %s: %w", b.o.System, context.Cause(ctx))
	case <-fence.Down(ctx):
		err = b.fenced(ctx)
	}
	if b.forget(c, w) { // granted at the same moment
		b.leave(c)()
	}
	b.wake()
	return nil, err
}

// fenced refuses who must not send anything any more: a worker that was
// overtaken would write beside the one that has its work (Invariant 4).
func (b *Budget) fenced(ctx context.Context) error {
	if err := fence.Err(ctx); err != nil {
		return fault.Newf("budget.waiting", "no request is sent to %s any more: %w", b.o.System, err)
	}
	return nil
}

// SlowDown makes everybody wait for d, because the system said so; 0 when it
// did not say for how long.
func (b *Budget) SlowDown(d time.Duration) {
	b.mu.Lock()
	b.told = append(b.told, max(d, 0))
	// At once in this process, in the others when the record is stored.
	if at := b.clock.now().Add(max(d, firstHold)); at.After(b.notBefore) {
		b.notBefore = at
	}
	b.mu.Unlock()
	b.wake()
}

func (b *Budget) wake() {
	select {
	case b.poke <- struct{}{}:
	default:
	}
}

// onHold refuses when it will take long. As long as the broker's time is not
// known, nothing is: not even whether the hold is over. mu is held, as below.
func (b *Budget) onHold() error {
	now := b.clock.now()
	if now.IsZero() {
		return nil
	}
	rest := b.notBefore.Sub(now)
	if rest <= longHold {
		return nil
	}
	return fault.Newf("budget.waiting", "%s has asked everybody to wait %v", b.o.System, rest.Round(time.Second)).After(rest)
}

// free says whether a request may be sent without asking anybody.
func (b *Budget) free(c class) bool {
	now := b.clock.now()
	if now.IsZero() || now.Before(b.notBefore) || now.Before(b.contended) || len(b.queues[posting])+len(b.queues[polling]) > 0 {
		return false
	}
	return b.have(c, now)
}

// have says whether a slot and a token are in hand and still good.
func (b *Budget) have(c class, now time.Time) bool {
	slot := b.limits.slots == 0 || b.idle[c] > 0 && now.Before(b.heldUntil.Add(-slotMargin))
	token := b.limits.pace.gap == 0 || b.tokens[c] > 0 && now.Before(b.goodUntil)
	return slot && token
}

func (b *Budget) use(c class) {
	b.used[c]++
	if b.limits.slots > 0 {
		b.idle[c]--
	}
	if b.limits.pace.gap > 0 {
		b.tokens[c]--
	}
}

// leave returns the function that ends a request.
func (b *Budget) leave(c class) func() {
	return sync.OnceFunc(func() {
		b.mu.Lock()
		b.used[c]--
		if b.limits.slots > 0 {
			b.idle[c]++
		}
		b.lastUse = time.Now()
		now := b.clock.now()
		overtakes := c == polling && len(b.queues[posting]) > 0
		if !now.Before(b.contended) && !now.Before(b.notBefore) && !overtakes {
			b.hand(c, now)
		}
		unsettled := b.limits.slots > 0 || b.waiting() || b.holdsRecord()
		b.mu.Unlock()
		if unsettled {
			b.wake()
		}
	})
}

// hand gives what is in hand to those who wait.
func (b *Budget) hand(c class, now time.Time) {
	for len(b.queues[c]) > 0 && b.have(c, now) {
		w := b.queues[c][0]
		b.queues[c] = b.queues[c][1:]
		b.use(c)
		w.ended <- nil
	}
}

// forget takes a waiter out of its queue; it says whether it was granted
// before that.
func (b *Budget) forget(c class, w *waiter) (granted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, x := range b.queues[c] {
		if x == w {
			b.queues[c] = append(b.queues[c][:i:i], b.queues[c][i+1:]...)
			return false
		}
	}
	return <-w.ended == nil
}

// refuse ends all waiting.
func (b *Budget) refuse(err error) {
	for c := range b.queues {
		for _, w := range b.queues[c] {
			w.ended <- err
		}
		b.queues[c] = nil
	}
}

func (b *Budget) waiting() bool { return len(b.queues[posting])+len(b.queues[polling]) > 0 }

// holdsRecord says whether the record, as last seen, has something of ours.
func (b *Budget) holdsRecord() bool {
	_, ok := b.view.Workers[b.id]
	return ok
}
