package stripetwin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	deliverParallel = 4 // per endpoint: Stripe promises no order either
	deliverTimeout  = 20 * time.Second
	firstRetry      = 200 * time.Millisecond // Stripe starts slower; nobody wants to wait for a twin
	lastRetry       = 5 * time.Second
	giveUpAfter     = 3 * 24 * 3600 // seconds; Stripe: live mode retries for up to three days
)

// A delivery is one event on its way to one endpoint. It stays in the state
// until the endpoint answered 2xx, so a restart goes on with it.
type delivery struct {
	Seq      int64
	Event    string
	Endpoint string
	Since    int64 // Unix seconds
	Tries    int

	next time.Time // not before; wall clock, because it paces real requests
	busy bool
}

func (d *delivery) id() string { return deliveryPrefix + d.Event + "/" + d.Endpoint }

// A parcel is one attempt of a delivery, with all it needs outside the lock.
type parcel struct {
	d      *delivery
	url    string
	secret string
	typ    string
	body   []byte
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
// with the time until the next one.
func (t *Twin) takeDue(now time.Time) ([]parcel, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropDead()
	busy := map[string]int{}
	for _, d := range t.s.Deliveries.rows {
		if d.busy {
			busy[d.Endpoint]++
		}
	}
	var due []parcel
	wait := time.Minute
	for _, d := range t.s.Deliveries.rows {
		if d.busy || busy[d.Endpoint] >= deliverParallel {
			continue // whoever is busy pokes when done
		}
		if left := d.next.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		ep, ev := t.s.Endpoints.get(d.Endpoint), t.s.Events.get(d.Event)
		d.busy = true
		busy[d.Endpoint]++
		due = append(due, parcel{d: d, url: ep.URL, secret: ep.Secret, typ: ev.Type, body: encode(ev.render())})
	}
	return due, wait
}

// dropDead forgets deliveries whose endpoint is gone or disabled and those
// that nobody took for three days; their events still count as undelivered.
func (t *Twin) dropDead() {
	now := t.now().Unix()
	t.s.Deliveries.rows = slices.DeleteFunc(t.s.Deliveries.rows, func(d *delivery) bool {
		ep := t.s.Endpoints.get(d.Endpoint)
		dead := t.s.Events.get(d.Event) == nil || ep == nil || ep.Disabled || now-d.Since > giveUpAfter
		if dead {
			t.s.mark(d.id())
			t.log.Warn("webhook_given_up", "event_id", d.Event, "endpoint", d.Endpoint, "attempt", d.Tries)
		}
		return dead
	})
}

// attempt sends one parcel and books what came of it.
func (t *Twin) attempt(ctx context.Context, client *http.Client, p parcel) {
	status, err := t.post(ctx, client, p)
	took := err == nil && status >= 200 && status <= 299
	t.mu.Lock()
	defer t.mu.Unlock()
	p.d.busy = false
	p.d.Tries++
	t.log.Debug("webhook", "event_id", p.d.Event, "type", p.typ, "attempt", p.d.Tries, "status", status, "delivered", took, "err", err)
	if !took {
		p.d.next = time.Now().Add(retryDelay(p.d.Tries))
		t.poke()
		return
	}
	if slices.Contains(t.s.Deliveries.rows, p.d) {
		t.s.Deliveries.delete(p.d.id())
		t.s.Events.get(p.d.Event).Pending--
		t.s.mark(p.d.Event)
	}
	if err := t.commit(); err != nil {
		t.log.Error("delivery_not_saved", "event_id", p.d.Event, "err", err) // worst case it is delivered twice
	}
}

func retryDelay(tries int) time.Duration {
	return min(lastRetry, firstRetry<<min(tries-1, 10))
}

func (t *Twin) post(ctx context.Context, client *http.Client, p parcel) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(p.body))
	if err != nil {
		return 0, fmt.Errorf("deliver webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	req.Header.Set("Stripe-Signature", signature(p.secret, t.now().Unix(), p.body))
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("deliver webhook: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody)) // so that the connection can be used again
	return res.StatusCode, nil
}

// signature is the Stripe-Signature header. Stripe: HMAC-SHA256 over
// "<t>.<body>", the key is the whole secret with its prefix.
func signature(secret string, at int64, body []byte) string {
	ts := strconv.FormatInt(at, 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(ts + "."))
	mac.Write(body)
	return "t=" + ts + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
