package acumaticatwin

import (
	"bytes"
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
)

// A destination is a Destination with what waits for it.
type destination struct {
	Destination
	queue []*notification
	busy  bool
}

// A notification is one request to a destination.
type notification struct {
	id    string // of the transaction
	query string
	to    *destination
	body  []byte
	tries int
	due   time.Time

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
	t.failed = slices.DeleteFunc(t.failed, func(n *notification) bool { return now.Sub(n.failedAt) > failedTTL })
	var due []*destination
	for _, d := range t.destinations {
		if !d.busy && d.next(now) != nil {
			d.busy = true
			due = append(due, d)
		}
	}
	return due
}

func (d *destination) next(now time.Time) *notification {
	for _, n := range d.queue {
		if !now.Before(n.due) {
			return n
		}
	}
	return nil
}

// deliver sends what is due, one after the other. One that failed lets the
// others go first: receivers order by TimeStamp.
func (t *Twin) deliver(ctx context.Context, client *http.Client, d *destination) {
	for {
		t.mu.Lock()
		n := d.next(t.now())
		d.busy = n != nil && ctx.Err() == nil
		t.mu.Unlock()
		if n == nil || ctx.Err() != nil {
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

// sent takes a notification out of the queue, or plans its next try after a
// pause that doubles, or lists it as failed. Twin.mu is held.
func (t *Twin) sent(d *destination, n *notification, err error) {
	n.tries++
	now := t.now()
	if err != nil && n.tries < pushTries {
		n.due = now.Add(pushPause << (n.tries - 1))
		return
	}
	d.queue = slices.DeleteFunc(d.queue, func(o *notification) bool { return o == n })
	if err == nil {
		return
	}
	n.reason, n.failedAt = err.Error(), now
	if len(t.failed) == maxFailed {
		t.failed = slices.Delete(t.failed, 0, 1)
	}
	t.failed = append(t.failed, n)
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
// tries each: those of one transaction, or all when id is empty. It returns
// how many.
func (t *Twin) ResendNotifications(id string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.failed)
	t.failed = slices.DeleteFunc(t.failed, func(n *notification) bool {
		if id != "" && n.id != id {
			return false
		}
		n.tries, n.due = 0, t.now()
		n.to.queue = append(n.to.queue, n)
		return true
	})
	t.poke()
	return before - len(t.failed)
}
