package simulate

import (
	"bytes"
	"context"
	"io"
	"net/http"
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

func TestOracleFindsAcksBeforePosting(t *testing.T) {
	mustBeFound(t, Options{beside: func(ctx context.Context, w *world) {
		withBroker(ctx, w, func(nc *nats.Conn) {
			_, _ = nc.Subscribe("_INBOX.>", func(m *nats.Msg) {
				if strings.HasPrefix(m.Reply, "$JS.ACK.EVENTS.") || strings.HasPrefix(m.Reply, "$JS.ACK.INTENTS.") {
					_ = nc.Publish(m.Reply, []byte("+ACK"))
				}
			})
		})
	}})
}

func TestOracleFindsSkippedSearch(t *testing.T) {
	mustBeFound(t, Options{interpose: func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/Payment") && strings.Contains(req.URL.Query().Get("$filter"), "PaymentRef") {
				return &http.Response{
					StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
					Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte("[]"))),
				}, nil
			}
			return next.RoundTrip(req)
		})
	}})
}

func TestOracleFindsIgnoredBlocks(t *testing.T) {
	mustBeFound(t, Options{beside: func(ctx context.Context, w *world) {
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
	}})
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

func mustBeFound(t *testing.T, o Options) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs many seeds")
	}
	o.Services, o.Dir, o.Patience = services(), t.TempDir(), 15*time.Second
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var caught Result
	passed := 0
	err := Seeds(ctx, o, 1, mutantSeeds, 8, func(r Result) {
		switch {
		case r.OK():
			passed++
		case caught.Plan.Seed == 0:
			caught = r
			cancel()
		}
	})
	if caught.Plan.Seed == 0 {
		t.Fatalf("no seed of %d shows the planted bug (%v)", passed, err)
	}
	t.Logf("seed %d, after %d that passed: %s", caught.Plan.Seed, passed, caught.Problems[0])
}
