package acumaticatwin

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Limits are those of a licence; zero is no limit.
type Limits struct {
	// Sessions is how many API sessions may be open at once.
	Sessions int
	// Refusal is how a session too many is refused: "" by the way of signing
	// in (a 500 with the reason for a login, a redirect to an error page for a
	// bearer token), "429" with a text body for both.
	Refusal string
	// RequestsPerMinute delays every request from half of it on, by the rest
	// of the minute divided by the rest of the requests.
	RequestsPerMinute int
	// Concurrent requests are worked on at once; the others wait in a queue.
	// A request that finds more than 20 waiting, or waits for more than ten
	// minutes, is declined with 429.
	Concurrent int
	// Wait delays a request; nil waits for real.
	Wait func(time.Duration)
}

const (
	queueLength = 20
	queueTTL    = 10 * time.Minute
)

// A gate holds requests back as the licence says.
type gate struct {
	limits Limits
	now    func() time.Time
	slots  chan struct{} // nil: no limit on concurrency

	mu      sync.Mutex
	waiting int
	minute  time.Time
	count   int // of this minute, without those declined
}

func newGate(l Limits, now func() time.Time) *gate {
	g := &gate{limits: l, now: now}
	if l.Concurrent > 0 {
		g.slots = make(chan struct{}, l.Concurrent)
	}
	if g.limits.Wait == nil {
		g.limits.Wait = func(d time.Duration) { <-time.After(d) }
	}
	return g
}

// enter waits for a slot and for the delay of the minute; false declines.
func (g *gate) enter() (leave func(), ok bool) {
	if !g.queue() {
		return nil, false
	}
	if d := g.delay(); d > 0 {
		g.limits.Wait(d)
	}
	return func() {
		if g.slots != nil {
			<-g.slots
		}
	}, true
}

func (g *gate) queue() bool {
	if g.slots == nil {
		return true
	}
	select {
	case g.slots <- struct{}{}:
		return true
	default:
	}
	g.mu.Lock()
	full := g.waiting > queueLength
	if !full {
		g.waiting++
	}
	g.mu.Unlock()
	if full {
		return false
	}
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waiting--
	}()
	select {
	case g.slots <- struct{}{}:
		return true
	case <-time.After(queueTTL):
		return false
	}
}

// delay counts a request and says how long it is held back.
func (g *gate) delay() time.Duration {
	limit := g.limits.RequestsPerMinute
	if limit <= 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if start := now.Truncate(time.Minute); !start.Equal(g.minute) {
		g.minute, g.count = start, 0
	}
	g.count++
	if g.count*2 <= limit {
		return 0
	}
	rest := g.minute.Add(time.Minute).Sub(now)
	return rest / time.Duration(max(1, limit-g.count+1))
}

// pruneSessions closes what is idle: cookie sessions after ten minutes; that
// of a bearer token keeps its slot as long as a token lives.
func (t *Twin) pruneSessions() {
	now := t.now()
	for key, s := range t.sessions {
		idle := sessionIdle
		if strings.HasPrefix(key, grantPrefix) {
			idle = tokenTTL
		}
		if now.Sub(s.seen) > idle {
			delete(t.sessions, key)
		}
	}
}

const tooManyLogins = "The number of concurrent API logins has been reached."

// refuseSession is the answer when no further session may be opened; nil lets
// it open. Acumatica: seen in three shapes; which one is not up to the client.
func (t *Twin) refuseSession(bearer bool) *reply {
	t.pruneSessions()
	if t.o.Limits.Sessions <= 0 || len(t.sessions) < t.o.Limits.Sessions {
		return nil
	}
	answer := pxError(tooManyAPILogins).reply()
	switch {
	case t.o.Limits.Refusal == "429":
		answer = statusFault(http.StatusTooManyRequests, "")
	case bearer:
		answer = statusFault(http.StatusFound, "")
	}
	return &answer
}
