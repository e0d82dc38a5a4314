package webhook

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/config"
	"millrace/internal/service"
)

// start runs the service on a free port until the test ends, or stop is
// called, which returns what run returned.
func start(tb testing.TB, b *bus.Bus) (url string, stop func() error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	tb.Cleanup(cancel)
	rt := &service.Runtime{Log: slog.New(slog.DiscardHandler), Bus: b, Config: &config.Config{
		Connections: []config.Connection{{Name: "default", Stripe: config.Stripe{WebhookSecrets: []config.Secret{newSecret}}}},
		Ingest:      config.Ingest{Listen: "127.0.0.1:0", MaxBody: 512 << 10, MaxAge: 5 * time.Minute},
	}}
	done := make(chan error, 1)
	listening := make(chan struct{})
	rt.Log = slog.New(onMessage{Handler: rt.Log.Handler(), message: "webhooks listening", seen: listening})
	go func() { done <- run(ctx, rt) }()
	select {
	case <-listening:
	case err := <-done:
		tb.Fatal(err)
	}
	addr, _ := rt.Addr(name)
	return "http://" + addr.String() + "/webhooks/stripe", func() error { cancel(); return <-done }
}

// onMessage tells when a log message was written.
type onMessage struct {
	slog.Handler

	message string
	seen    chan struct{}
}

func (h onMessage) Enabled(context.Context, slog.Level) bool { return true }

func (h onMessage) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		close(h.seen)
	}
	return nil
}

// deliver posts a body as Stripe would and returns the status.
func deliver(tb testing.TB, client *http.Client, url, body string) int {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Stripe-Signature", sign(body, newSecret, time.Now()))
	res, err := client.Do(req)
	if err != nil {
		tb.Error(err)
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func TestServiceStoresOnARealBroker(t *testing.T) {
	b := bustest.New(t, "default")
	url, stop := start(t, b)
	client := &http.Client{}
	long := strings.Repeat("é", 100) // escaped, three times as long
	bodies := []string{
		paid,
		"garbage \x00\xff",
		`{"id":"evt_2","object":"event","type":"a.b.c.d","data":{"object":{"id":"*.>","customer":" "}}}`,
		`{"id":"evt_3","object":"event","type":"` + long[:60] + `.x","data":{"object":{"id":" ","customer":"` + long + `"}}}`,
		`{"id":"evt_4%0d","object":"event","type":"invoice.paid","api_version":"\r\n","account":"\"","data":{"object":{"customer":"a\r\nNats-Msg-Id: x"}}}`,
		`{"id":"evt_5","object":"event","type":"invoice.paid","created":-5,"livemode":true}`,
	}
	for range 2 {
		for _, body := range bodies {
			if got := deliver(t, client, url, body); got != http.StatusOK {
				t.Errorf("%.60q: status = %d", body, got)
			}
		}
	}
	var got []string
	err := b.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error {
		if m.Event.Type == "" || m.Subject.Lane == "" || m.Event.ID == "" {
			t.Errorf("message %d: %+v", m.Seq, m.Event)
		}
		got = append(got, string(m.Event.Data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, bodies) {
		t.Errorf("stored %q, want each body once, unchanged", got)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestDrainFinishesWhatIsHeldAndTakesNothingNew(t *testing.T) {
	var l ledger
	held, release := make(chan struct{}), make(chan struct{})
	h := newHandler(t, func(ctx context.Context, c, lane, s, o, v string, ev bus.Event) (bus.PubAck, error) {
		close(held)
		<-release
		return l.publish(ctx, c, lane, s, o, v, ev)
	}, io.Discard)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- serve(ctx, listener, h, slog.New(slog.DiscardHandler)) }()
	url := fmt.Sprintf("http://%s/webhooks/stripe", listener.Addr())
	status := make(chan int, 1)
	go func() { status <- deliver(t, &http.Client{}, url, paid) }()
	<-held
	cancel()
	// The listener is closed before the held request is done.
	for {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	select {
	case err := <-done:
		t.Fatalf("stopped with a webhook in hand: %v", err)
	default:
	}
	close(release)
	if got := <-status; got != http.StatusOK {
		t.Errorf("held webhook = %d, want 200", got)
	}
	if err := <-done; err != nil {
		t.Errorf("drain: %v", err)
	}
	if len(l.events) != 1 {
		t.Errorf("stored %d events, want 1", len(l.events))
	}
}

func TestReadyNeedsASecretSomewhere(t *testing.T) {
	var l ledger
	h := newHandler(t, l.publish, io.Discard)
	if err := h.ready(); err != nil {
		t.Errorf("ready = %v with one connection without a secret", err)
	}
	h.o.Secrets = map[string][]string{"default": nil}
	if h.ready() == nil {
		t.Error("ready without any secret")
	}
}

// BenchmarkWebhook is one delivery over HTTP, signature checked, published to
// an embedded broker that syncs every write. It reports the median and the
// 99th percentile in milliseconds.
func BenchmarkWebhook(b *testing.B) {
	url, stop := start(b, bustest.NewSynced(b, "default"))
	client := &http.Client{}
	filler := strings.Repeat(`"line_item_description",`, 200) // a real invoice event has some 5 kB
	took := make([]time.Duration, 0, b.N)
	for i := 0; b.Loop(); i++ {
		body := fmt.Sprintf(`{"id":"evt_%d","object":"event","created":1700000000,"type":"invoice.paid",`+
			`"data":{"object":{"id":"in_%d","object":"invoice","customer":"cus_%d","lines":[%s1]}}}`, i, i, i%100, filler)
		begin := time.Now()
		if got := deliver(b, client, url, body); got != http.StatusOK {
			b.Fatalf("status = %d", got)
		}
		took = append(took, time.Since(begin))
	}
	b.StopTimer()
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	if err := stop(); err != nil {
		b.Error(err)
	}
}
