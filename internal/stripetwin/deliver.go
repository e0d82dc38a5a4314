package stripetwin

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	deliverParallel = 4 // per endpoint: Stripe promises no order either
	deliverTimeout  = 20 * time.Second
	maxWait         = time.Minute // between two looks at the queue
)

// A delivery is one event on its way to one endpoint. It stays in the state
// until the endpoint answered 2xx, so a restart goes on with it.
type delivery struct {
	Seq      int64
	Event    string
	Endpoint string
	Since    int64 // Unix seconds
	Tries    int

	next      time.Time // not before, on the twin's clock; a restart forgets it
	planned   bool      // the trouble on its way was drawn
	copying   copying
	heldUntil time.Time // at the latest, on the wall clock; zero: it does not wait for a later one
	done      bool      // no longer in the queue
}

func (d *delivery) id() string { return deliveryPrefix + d.Event + "/" + d.Endpoint }

// A parcel is one attempt of a delivery, with all it needs outside the lock.
type parcel struct {
	d       *delivery
	url     string
	secrets []string
	typ     string
	body    []byte
	chunked bool
	copying copying
}

// Run delivers webhooks until ctx ends, and returns nil then. A webhook that
// is not answered with 2xx is tried again with back-off and a new signature.
func (t *Twin) Run(ctx context.Context) error {
	transport := &http.Transport{MaxIdleConnsPerHost: deliverParallel}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport, Timeout: deliverTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // Stripe: 3xx is a failure
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due, wait := t.takeDue(time.Now())
		for _, p := range due {
			wg.Go(func() { t.attempt(ctx, client, p) })
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-t.poked:
		case <-timer.C:
		}
	}
}

// takeDue marks the deliveries whose time has come as busy and returns them,
// with the time until the next one. wall paces what is held back; all else is
// on the twin's clock.
func (t *Twin) takeDue(wall time.Time) (due []parcel, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait = maxWait
	now := t.now()
	for _, name := range slices.Sorted(maps.Keys(t.s.Deliveries.lanes)) {
		l := t.s.Deliveries.lanes[name]
		wait = min(wait, l.release(wall))
		for l.busy < deliverParallel && len(l.waiting) > 0 { // whoever is busy pokes when done
			d := l.waiting[0]
			if left := d.next.Sub(now); left > 0 && !d.done {
				wait = min(wait, left)
				break
			}
			heap.Pop(&l.waiting)
			if p, ok := t.take(l, d, wall); ok {
				due = append(due, p)
			}
		}
		wait = min(wait, l.release(wall)) // those that were held just now
		if len(l.waiting)+len(l.held)+l.busy == 0 {
			delete(t.s.Deliveries.lanes, name)
		}
	}
	return due, wait
}

// take packs a delivery that is due, unless it is over or comes later after
// all. Stripe: a retry that finds its endpoint gone or disabled is the last.
func (t *Twin) take(l *lane, d *delivery, wall time.Time) (parcel, bool) {
	if d.done {
		return parcel{}, false
	}
	if !d.planned {
		t.trouble.plan(d, t.now(), wall)
		if !d.heldUntil.IsZero() {
			l.held = append(l.held, d)
			return parcel{}, false
		}
		if d.next.After(t.now()) {
			heap.Push(&l.waiting, d)
			return parcel{}, false
		}
	}
	ep, ev := t.s.Endpoints.get(d.Endpoint), t.s.Events.get(d.Event)
	if ev == nil || ep == nil || ep.Disabled {
		t.giveUp(d)
		return parcel{}, false
	}
	l.busy++
	p := parcel{d: d, url: ep.URL, secrets: ep.secrets(t.now().Unix()), typ: ev.Type, chunked: t.trouble.Chunked, body: encode(ev.render())}
	if d.Tries == 0 {
		p.copying = d.copying
	}
	return p, true
}

// giveUp forgets a delivery; its event still counts as undelivered.
func (t *Twin) giveUp(d *delivery) {
	t.s.Deliveries.delete(d.id())
	t.log.Warn("webhook_given_up", "event_id", d.Event, "endpoint", d.Endpoint, "attempt", d.Tries)
}

// attempt sends one parcel, maybe twice, and books what came of it.
func (t *Twin) attempt(ctx context.Context, client *http.Client, p parcel) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if p.copying == beside {
		wg.Go(func() { _, _ = t.post(ctx, client, p) })
	}
	status, err := t.post(ctx, client, p)
	if p.copying == after {
		_, _ = t.post(ctx, client, p)
	}
	took := err == nil && status >= 200 && status <= 299
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.s.Deliveries.lane(p.d.Endpoint)
	l.busy--
	l.passed = max(l.passed, p.d.Seq)
	p.d.Tries++
	defer t.poke()
	t.log.Debug("webhook", "event_id", p.d.Event, "type", p.typ, "attempt", p.d.Tries, "status", status, "delivered", took, "err", err)
	if p.d.done {
		return
	}
	if !took {
		t.later(l, p.d)
		return
	}
	t.s.Deliveries.delete(p.d.id())
	if ev := t.s.Events.get(p.d.Event); ev != nil {
		ev.Pending--
		t.s.mark(p.d.Event)
	}
	if err := t.commit(); err != nil {
		t.log.Error("delivery_not_saved", "event_id", p.d.Event, "err", err) // worst case it is delivered twice
	}
}

// later puts a delivery that was not taken back into its lane, or gives it up.
func (t *Twin) later(l *lane, d *delivery) {
	now := t.now()
	wait, again := t.trouble.retry(d.Tries, now.Sub(time.Unix(d.Since, 0)))
	if !again {
		t.giveUp(d)
		return
	}
	d.next = now.Add(wait)
	heap.Push(&l.waiting, d)
}

func (t *Twin) post(ctx context.Context, client *http.Client, p parcel) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(p.body))
	if err != nil {
		return 0, fmt.Errorf("deliver webhook: %w", err)
	}
	if p.chunked {
		req.ContentLength = -1
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	req.Header.Set("Stripe-Signature", signature(p.secrets, t.wall().Unix(), p.body))
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("deliver webhook: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody)) // so that the connection can be used again
	return res.StatusCode, nil
}
