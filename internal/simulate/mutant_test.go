package simulate

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The oracle is worth what it finds. Each test plants one bug, from outside,
// that breaks the product's promise, and expects a seed that shows it.

// mutantSeeds is how many seeds may pass before the bug counts as missed.
const mutantSeeds = 50

// A mutant is the product with one bug.
type mutant struct {
	first uint64   // seeds are tried from here on: one that is known to show the bug
	kinds []string // of problems that it must lead to: being late, or stuck, proves nothing
	plant Options
}

func TestOracleFindsAcksBeforePosting(t *testing.T) {
	mustBeFound(t, mutant{first: 3, kinds: []string{lost, disordered}, plant: Options{beside: func(ctx context.Context, w *world) {
		withBroker(ctx, w, func(nc *nats.Conn) {
			_, _ = nc.Subscribe("_INBOX.>", func(m *nats.Msg) {
				if strings.HasPrefix(m.Reply, "$JS.ACK.EVENTS.") || strings.HasPrefix(m.Reply, "$JS.ACK.INTENTS.") {
					_ = nc.Publish(m.Reply, []byte("+ACK"))
				}
			})
		})
	}}})
}

func TestOracleFindsSkippedSearch(t *testing.T) {
	mustBeFound(t, mutant{first: 17, kinds: []string{doubled}, plant: Options{interpose: func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/Payment") && strings.Contains(req.URL.Query().Get("$filter"), "PaymentRef") {
				return &http.Response{
					StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
					Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte("[]"))),
				}, nil
			}
			return next.RoundTrip(req)
		})
	}}})
}

func TestOracleFindsIgnoredBlocks(t *testing.T) {
	mustBeFound(t, mutant{first: 5, kinds: []string{lost, disordered}, plant: Options{beside: func(ctx context.Context, w *world) {
		withBroker(ctx, w, func(nc *nats.Conn) {
			js, err := jetstream.New(nc)
			if err != nil {
				return
			}
			kv, err := js.KeyValue(ctx, "mr_blocks")
			if err != nil {
				return
			}
			keys, err := kv.WatchAll(ctx, jetstream.IgnoreDeletes())
			if err != nil {
				return
			}
			for e := range keys.Updates() {
				if e != nil {
					_ = kv.Delete(ctx, e.Key())
				}
			}
		})
	}}})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// withBroker runs do with a connection of its own, again after each restart of
// the broker.
func withBroker(ctx context.Context, w *world, do func(*nats.Conn)) {
	for ctx.Err() == nil {
		o := w.busOptions("saboteur", newLine())
		nc, err := nats.Connect("", nats.InProcessServer(o.InProcess), nats.Token(o.Token), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
		if err != nil {
			wait(ctx, 20*time.Millisecond)
			continue
		}
		stop := context.AfterFunc(ctx, nc.Close)
		do(nc)
		<-ctx.Done()
		stop()
		nc.Close()
	}
}

// mustBeFound wants a seed that shows the bug, and passes without it.
func mustBeFound(t *testing.T, m mutant) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs many seeds")
	}
	t.Parallel() // most of a run is waiting
	o := m.plant
	o.Services, o.Dir, o.Patience = services(), t.TempDir(), mutantPatience
	for tried, next := 0, m.first; tried < mutantSeeds; {
		caught, ran := catch(t, o, next, mutantSeeds-tried, m.kinds)
		tried += ran
		if len(caught) == 0 {
			break
		}
		for _, r := range caught {
			healthy, err := Run(t.Context(), Options{Services: o.Services, Dir: o.Dir}, r.Plan)
			if err != nil {
				t.Fatal(err)
			}
			if healthy.OK() {
				t.Logf("seed %d, one of %d: %q", r.Plan.Seed, tried, r.Problems)
				return
			}
			t.Errorf("seed %d fails without the bug too: %s", r.Plan.Seed, healthy.Problems[0])
		}
		next += uint64(ran)
	}
	t.Fatalf("no seed of %d from %d on shows the planted bug", mutantSeeds, m.first)
}

// mutantPatience is shorter than else: a run that shows nothing but waiting is
// followed by another.
const mutantPatience = 12 * time.Second

// catch runs seeds until one of them ends with a problem of the kinds. It
// returns all those, and how many seeds were begun.
func catch(t *testing.T, o Options, first uint64, n int, kinds []string) (caught []Result, ran int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Seeds(ctx, o, first, n, 4, func(r Result) {
		ran++
		if slices.ContainsFunc(kinds, verdict(r.Problems).has) {
			caught = append(caught, r)
			cancel()
			return
		}
		t.Logf("seed %d shows nothing of %v: %q", r.Plan.Seed, kinds, r.Problems)
	})
	if err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return caught, ran
}
