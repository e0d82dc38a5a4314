package acumaticatwin

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	pushTries   = 5 // Acumatica: then it is listed as failed
	pushPause   = 2 * time.Second
	pushTimeout = 10 * time.Second
	pushPoll    = time.Second    // how soon a twin's clock that was moved is noticed
	failedTTL   = 48 * time.Hour // Acumatica: how long a failed one can be sent again
	maxFailed   = 10_000         // bounds the list; the oldest go first
	maxQueued   = 10_000         // for each destination; what comes on top is listed as failed
)

// A destination is a Destination with what waits for it.
type destination struct {
	Destination
	queue  pushQueue // without the one that is being sent
	queued int64     // so far
	full   bool      // something was dropped since there was room
	busy   bool
}

// A pushQueue is a heap of notifications by when they are due.
type pushQueue []*notification

// Len implements heap.Interface.
func (q pushQueue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q pushQueue) Less(i, j int) bool {
	return cmp.Or(q[i].due.Compare(q[j].due), cmp.Compare(q[i].number, q[j].number)) < 0
}

// Swap implements heap.Interface.
func (q pushQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *pushQueue) Push(x any) { *q = append(*q, x.(*notification)) }

// Pop implements heap.Interface.
func (q *pushQueue) Pop() any {
	last := len(*q) - 1
	n := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return n
}

// A notification is one request to a destination.
type notification struct {
	id    string // of the transaction
	query string
	to    *destination
	body  []byte
	tries int
	due   time.Time

	number int64 // in the queue

	failedAt time.Time
	reason   string
}

// A FailedNotification is one that no try delivered.
type FailedNotification struct {
	ID       string    `json:"id"` // of the transaction, the same for all of its notifications
	Query    string    `json:"query"`
	URL      string    `json:"url"`
	Tries    int       `json:"tries"`
	Error    string    `json:"error"` // of the last try
	FailedAt time.Time `json:"failed_at"`
}

// Run delivers push notifications until ctx is done. What waits then is lost
// with the twin, as it can be in Acumatica.
func (t *Twin) Run(ctx context.Context) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport, Timeout: pushTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var senders sync.WaitGroup
	defer senders.Wait()
	tick := time.NewTicker(pushPoll)
	defer tick.Stop()
	for {
		for _, d := range t.takeDue() {
			senders.Go(func() { t.deliver(ctx, client, d) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.poked:
		case <-tick.C:
		}
	}
}

// poke lets Run look for work.
func (t *Twin) poke() {
	select {
	case t.poked <- struct{}{}:
	default:
	}
}

// takeDue marks the destinations that have something to send and no sender.
func (t *Twin) takeDue() []*destination {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for len(t.failed) > 0 && now.Sub(t.failed[0].failedAt) > failedTTL {
		t.forgetFailed()
	}
	var due []*destination
	for _, d := range t.destinations {
		if !d.busy && d.due(now) {
			d.busy = true
			due = append(due, d)
		}
	}
	return due
}

func (d *destination) due(now time.Time) bool { return len(d.queue) > 0 && !now.Before(d.queue[0].due) }

// next takes the notification out of the queue that is due, or returns nil.
func (d *destination) next(now time.Time) *notification {
	if !d.due(now) {
		return nil
	}
	return heap.Pop(&d.queue).(*notification)
}

// lineUp lets a notification wait until it is due, or lists it as failed
// when too many do: what nobody takes must not fill the memory.
func (t *Twin) lineUp(d *destination, n *notification) {
	if len(d.queue) >= maxQueued {
		if !d.full {
			t.o.Log.Warn("acumatica twin notifications dropped", "url", d.URL, "waiting", len(d.queue))
		}
		d.full = true
		t.fail(n, fmt.Sprintf("the queue is full: %d notifications wait", len(d.queue)))
		return
	}
	d.full = false
	d.queued++
	n.number = d.queued
	heap.Push(&d.queue, n)
}

// fail lists a notification as failed.
func (t *Twin) fail(n *notification, reason string) {
	n.reason, n.failedAt = reason, t.now()
	if len(t.failed) == maxFailed {
		t.forgetFailed()
	}
	t.failed = append(t.failed, n)
}

// forgetFailed forgets the one that failed first.
func (t *Twin) forgetFailed() {
	t.failed[0] = nil
	t.failed = t.failed[1:]
}

// deliver sends what is due, one after the other. One that failed lets the
// others go first: receivers order by TimeStamp.
func (t *Twin) deliver(ctx context.Context, client *http.Client, d *destination) {
	for {
		t.mu.Lock()
		var n *notification
		if ctx.Err() == nil {
			n = d.next(t.now())
		}
		d.busy = n != nil
		t.mu.Unlock()
		if n == nil {
			return
		}
		err := d.post(ctx, client, n)
		t.mu.Lock()
		t.sent(d, n, err)
		t.mu.Unlock()
	}
}

func (d *destination) post(ctx context.Context, client *http.Client, n *notification) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(n.body))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	if d.Header != "" {
		req.Header.Set(d.Header, d.Value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("http %d", resp.StatusCode)
	}
	return nil
}

// sent plans the next try of a notification that was not taken after a pause
// that doubles, or lists it as failed. Twin.mu is held.
func (t *Twin) sent(d *destination, n *notification, err error) {
	if err == nil {
		return
	}
	if n.tries++; n.tries < pushTries {
		n.due = t.now().Add(pushPause << (n.tries - 1))
		t.lineUp(d, n)
		return
	}
	t.fail(n, err.Error())
	t.o.Log.Warn("acumatica twin notification failed", "url", d.URL, "query", n.query, "error", err)
}

// FailedNotifications returns what was given up within the last two days,
// oldest first.
func (t *Twin) FailedNotifications() []FailedNotification {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []FailedNotification{}
	for _, n := range t.failed {
		list = append(list, FailedNotification{ID: n.id, Query: n.query, URL: n.to.URL, Tries: n.tries, Error: n.reason, FailedAt: n.failedAt})
	}
	return list
}

// ResendNotifications puts failed notifications back into the queue, with five
// tries each: those of one transaction, or all when id is empty, as far as the
// queue has room. It returns how many.
func (t *Twin) ResendNotifications(id string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.failed)
	t.failed = slices.DeleteFunc(t.failed, func(n *notification) bool {
		if id != "" && n.id != id || len(n.to.queue) >= maxQueued {
			return false
		}
		n.tries, n.due = 0, t.now()
		t.lineUp(n.to, n)
		return true
	})
	t.poke()
	return before - len(t.failed)
}
