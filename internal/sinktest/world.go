package sinktest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripetwin"
	"millrace/internal/twinfault"
	"millrace/schemas"
)

// What the twins accept.
const (
	Tenant    = "Books"
	Username  = "bridge"
	Password  = "password"
	Endpoint  = "Default/24.200.001"
	StripeKey = "sk_test_conformance"
	UserField = "Document.UsrStripeState" // of invoices
)

// A World is one target system, empty at first, with everything that outlives
// a process of the sink.
type World struct {
	Bus        *bus.Bus
	Clock      *Clock
	Connection string // no other world has it
	URL        string // of the target's API

	// ERP or Stripe is the target's twin.
	ERP    *acumaticatwin.Twin
	Stripe *stripetwin.Twin

	mu        sync.Mutex
	idle      sync.Cond // on mu: nothing is being worked on
	working   int
	requests  []request
	deleted   []string          // paths of what the sink asked to delete
	published []schemas.Intent  // stored, not duplicates
	told      []schemas.Outcome // by the sink itself, beside those that Handle returned
}

// A request is one that reached the target.
type request struct{ method, path string }

func (r request) String() string { return r.method + " " + r.path }

// write reports that the request may change something.
func (r request) write() bool { return r.method != http.MethodGet }

func newWorld(tb testing.TB, b *bus.Bus, target string) *World {
	tb.Helper()
	w := &World{Bus: b, Clock: newClock(), Connection: fmt.Sprintf("world%d", worlds.Add(1))}
	w.idle.L = &w.mu
	var err error
	var api http.Handler
	if target == schemas.Acumatica {
		w.ERP, err = acumaticatwin.New(acumaticatwin.Options{
			Tenant: Tenant, Username: Username, Password: Password, Now: w.Clock.Now,
			UserFields: []acumaticatwin.UserField{{Entity: "Invoice", Name: UserField}},
		})
		if err == nil {
			api = w.ERP.Handler()
		}
	} else {
		w.Stripe, err = stripetwin.New(stripetwin.Options{APIKey: StripeKey, Now: w.Clock.Now, SearchLag: searchLag})
		if err == nil {
			api = w.Stripe.Handler()
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	srv := httptest.NewServer(w.watched(api))
	tb.Cleanup(srv.Close)
	w.URL = srv.URL
	return w
}

// worlds numbers them: connections of one bus must differ.
var worlds atomic.Int64

// root is below what all requests for work are, and none to sign in.
func (w *World) root() string {
	if w.ERP != nil {
		return "/entity/" + Endpoint
	}
	return "/v1/"
}

// watched notes the requests for work and which of them still run.
func (w *World) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, w.root()) {
			next.ServeHTTP(rw, r)
			return
		}
		w.mu.Lock()
		w.working++
		w.requests = append(w.requests, request{r.Method, r.URL.Path})
		if r.Method == http.MethodDelete {
			w.deleted = append(w.deleted, r.URL.Path)
		}
		w.mu.Unlock()
		defer func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.working--; w.working == 0 {
				w.idle.Broadcast()
			}
		}()
		next.ServeHTTP(rw, r)
	})
}

// quiet waits until the target works on nothing, not even on what nobody waits
// for any more.
func (w *World) quiet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.working > 0 {
		w.idle.Wait()
	}
}

// forget begins a new list of requests; seen returns it.
func (w *World) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = nil
}

func (w *World) seen() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]request(nil), w.requests...)
}

// script is what goes wrong in the target.
func (w *World) script() *twinfault.Script {
	if w.ERP != nil {
		return w.ERP.Faults()
	}
	return w.Stripe.Faults()
}

// Postings is the store of postings as that process has it.
func (w *World) Postings(holder string) *posting.Store {
	return posting.New(w.Bus, holder).WithClock(w.Clock.Now)
}

// Links is the store of links.
func (w *World) Links() *link.Store { return link.New(w.Bus) }

// PublishIntent publishes on the bus, and remembers.
func (w *World) PublishIntent(ctx context.Context, in schemas.Intent) (bus.PubAck, error) {
	ack, err := w.Bus.PublishIntent(ctx, in)
	if err == nil && !ack.Duplicate {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.published = append(w.published, in)
	}
	return ack, err
}

// PublishOutcome publishes on the bus, and remembers.
func (w *World) PublishOutcome(ctx context.Context, o schemas.Outcome) error {
	if err := w.Bus.PublishOutcome(ctx, o); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, o)
	return nil
}
