package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
)

const (
	oldSecret = "whsec_old"
	newSecret = "whsec_new"
	maxBody   = 4 << 10
	paid      = `{"id":"evt_1","object":"event","api_version":"2023-10-16","created":1700000000,"livemode":false,"type":"invoice.paid",` +
		`"data":{"object":{"id":"in_1","object":"invoice","customer":"cus_1","amount_paid":12050}}}`
)

// published is one call to the bus.
type published struct {
	connection, lane, source, object, verb string
	ev                                     bus.Event
}

// ledger is a bus in memory that stores an id once.
type ledger struct {
	mu     sync.Mutex
	events []published
	err    error
}

func (l *ledger) publish(_ context.Context, connection, lane, source, object, verb string, ev bus.Event) (bus.PubAck, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return bus.PubAck{}, l.err
	}
	for i, p := range l.events {
		if p.ev.ID == ev.ID && p.connection == connection {
			return bus.PubAck{Seq: uint64(i) + 1, Duplicate: true}, nil
		}
	}
	l.events = append(l.events, published{connection, lane, source, object, verb, ev})
	return bus.PubAck{Seq: uint64(len(l.events))}, nil
}

func sign(body, secret string, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, t+"."+body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

func newHandler(tb testing.TB, publish Publish, log io.Writer) *Handler {
	tb.Helper()
	h, err := New(Options{
		Secrets: map[string][]string{"default": {newSecret, oldSecret}, "eu": {"whsec_eu"}, "bare": nil},
		Default: "default", MaxBody: maxBody, MaxAge: 5 * time.Minute, InFlight: 2,
		Verify: stripeapi.VerifyWebhook, Parse: ParseEvent, Publish: publish,
		Log: slog.New(slog.NewJSONHandler(log, nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func post(path, body, signature string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if signature != "" {
		r.Header.Set("Stripe-Signature", signature)
	}
	return r
}

func TestOnlyWhatIsProvenIsStored(t *testing.T) {
	const path = "/webhooks/stripe"
	now := time.Now()
	chunked := post(path, strings.Repeat("x", maxBody+1), "t=1,v1=00")
	chunked.ContentLength = -1
	huge := post(path, paid, sign(paid, newSecret, now))
	huge.ContentLength = 1 << 62 // must not become memory
	broken := httptest.NewRequest(http.MethodPost, path, iotest.ErrReader(io.ErrUnexpectedEOF))
	broken.Header.Set("Stripe-Signature", "t=1,v1=00")
	live := strings.Replace(paid, `"livemode":false`, `"livemode":true`, 1)
	for _, tt := range []struct {
		name   string
		r      *http.Request
		status int
		stored int
	}{
		{"signed with the current secret", post(path, paid, sign(paid, newSecret, now)), 200, 1},
		{"signed with the secret that is being rolled out", post(path, paid, sign(paid, oldSecret, now)), 200, 1},
		{"another connection by name", post(path+"/eu", paid, sign(paid, "whsec_eu", now)), 200, 1},
		{"another livemode is stored; transform skips it with a reason", post(path, live, sign(live, newSecret, now)), 200, 1},
		{"signed garbage is kept under its content", post(path, "not json", sign("not json", newSecret, now)), 200, 1},
		{"wrong secret", post(path, paid, sign(paid, "whsec_other", now)), 400, 0},
		{"secret of another connection", post(path+"/eu", paid, sign(paid, newSecret, now)), 400, 0},
		{"signature of another body", post(path, paid, sign(paid+" ", newSecret, now)), 400, 0},
		{"no signature", post(path, paid, ""), 400, 0},
		{"signature without sense", post(path, paid, "hello"), 400, 0},
		{"too old", post(path, paid, sign(paid, newSecret, now.Add(-6*time.Minute))), 400, 0},
		{"too far in the future", post(path, paid, sign(paid, newSecret, now.Add(6*time.Minute))), 400, 0},
		{"over the limit, as announced", post(path, strings.Repeat("x", maxBody+1), "t=1,v1=00"), 413, 0},
		{"over the limit, in chunks", chunked, 413, 0},
		{"announced larger than any memory", huge, 413, 0},
		{"sender breaks off", broken, 400, 0},
		{"unknown connection", post(path+"/us", paid, sign(paid, newSecret, now)), 404, 0},
		{"connection without a secret", post(path+"/bare", paid, sign(paid, "", now)), 503, 0},
		{"other path", post("/webhooks", paid, sign(paid, newSecret, now)), 404, 0},
		{"GET", httptest.NewRequest(http.MethodGet, path, nil), 405, 0},
		{"PUT", httptest.NewRequest(http.MethodPut, path+"/eu", strings.NewReader(paid)), 405, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var l ledger
			w := httptest.NewRecorder()
			newHandler(t, l.publish, io.Discard).ServeHTTP(w, tt.r)
			if w.Code != tt.status {
				t.Errorf("status = %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			if len(l.events) != tt.stored {
				t.Errorf("stored %d events, want %d", len(l.events), tt.stored)
			}
		})
	}
}

func TestEventIsPublishedUnchangedInItsCustomersLane(t *testing.T) {
	var l ledger
	w := httptest.NewRecorder()
	newHandler(t, l.publish, io.Discard).ServeHTTP(w, post("/webhooks/stripe", paid, sign(paid, newSecret, time.Now())))
	if w.Code != http.StatusOK {
		t.Fatalf("status = %d: %s", w.Code, w.Body)
	}
	want := []published{{
		connection: "default", lane: "cus_1", source: "stripe", object: "invoice", verb: "paid",
		ev: bus.Event{
			ID: "evt_1", Type: "io.millrace.stripe.invoice.paid.v1", Source: "/default/stripe", Subject: "in_1",
			Time: time.Unix(1700000000, 0).UTC(), Data: []byte(paid),
			Ext: map[string]string{"livemode": "false", "apiversion": "2023-10-16"},
		},
	}}
	if diff := cmp.Diff(want, l.events, cmp.AllowUnexported(published{})); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestSecondDeliveryIsSuccessAndStoredOnce(t *testing.T) {
	for _, body := range []string{paid, "garbage"} {
		var l ledger
		h := newHandler(t, l.publish, io.Discard)
		for i := range 2 {
			// Stripe: each delivery is signed anew.
			w := httptest.NewRecorder()
			h.ServeHTTP(w, post("/webhooks/stripe", body, sign(body, newSecret, time.Now().Add(time.Duration(i)*time.Second))))
			if w.Code != http.StatusOK {
				t.Errorf("delivery %d of %q: status = %d", i+1, body, w.Code)
			}
		}
		if len(l.events) != 1 {
			t.Errorf("%q stored %d times", body, len(l.events))
		}
	}
}

func TestWhatCannotBeNamedIsStoredAsUnknown(t *testing.T) {
	long := strings.Repeat("x", maxID+1)
	for _, tt := range []struct{ name, body, id, object, verb string }{
		{"not JSON", "<html>", contentID([]byte("<html>")), unknown, unknown},
		{"no id", `{"object":"event","type":"invoice.paid"}`, "", unknown, unknown},
		{"id that no system could have made", `{"id":"` + long + `","object":"event","type":"invoice.paid"}`, "", unknown, unknown},
		{"id with a line break", `{"id":"evt\r\nX: y","object":"event","type":"invoice.paid"}`, "", unknown, unknown},
		{"an event of API v2", `{"id":"evt_2","object":"v2.core.event","type":"v1.billing.meter.no_meter_found"}`, "evt_2", unknown, unknown},
		{"a type without a dot", `{"id":"evt_3","object":"event","type":"ping"}`, "evt_3", "ping", unknown},
		{"a type that is no name", `{"id":"evt_4","object":"event","type":"` + long + `.paid"}`, "evt_4", unknown, unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.id == "" {
				tt.id = contentID([]byte(tt.body))
			}
			var l ledger
			w := httptest.NewRecorder()
			newHandler(t, l.publish, io.Discard).ServeHTTP(w, post("/webhooks/stripe", tt.body, sign(tt.body, newSecret, time.Now())))
			if w.Code != http.StatusOK || len(l.events) != 1 {
				t.Fatalf("status = %d, stored %d", w.Code, len(l.events))
			}
			got := l.events[0]
			if got.ev.ID != tt.id || got.object != tt.object || got.verb != tt.verb || got.lane == "" {
				t.Errorf("published id %q object %q verb %q lane %q, want %q %q %q and a lane", got.ev.ID, got.object, got.verb, got.lane, tt.id, tt.object, tt.verb)
			}
			if string(got.ev.Data) != tt.body {
				t.Errorf("data = %q, want the body unchanged", got.ev.Data)
			}
		})
	}
}

func TestBrokerDownMeansStripeMustRetry(t *testing.T) {
	for _, err := range []error{fault.Newf("bus.unavailable", "no responders"), context.DeadlineExceeded} {
		var log bytes.Buffer
		l := ledger{err: err}
		w := httptest.NewRecorder()
		newHandler(t, l.publish, &log).ServeHTTP(w, post("/webhooks/stripe", paid, sign(paid, newSecret, time.Now())))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("status = %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		if strings.Contains(w.Body.String(), err.Error()) {
			t.Errorf("answer tells the stranger %q", w.Body)
		}
		if !strings.Contains(log.String(), `"outcome":"unavailable"`) {
			t.Errorf("log = %s", log.String())
		}
	}
}

func TestOneLinePerWebhookWithoutPayloadOrSecret(t *testing.T) {
	var log bytes.Buffer
	var l ledger
	h := newHandler(t, l.publish, &log)
	for _, secret := range []string{newSecret, "whsec_wrong"} {
		log.Reset()
		header := sign(paid, secret, time.Now())
		h.ServeHTTP(httptest.NewRecorder(), post("/webhooks/stripe", paid, header))
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%d lines: %s", n, log.String())
		}
		_, mac, _ := strings.Cut(header, "v1=")
		for _, bad := range []string{"12050", "amount_paid", newSecret, oldSecret, "whsec", mac} {
			if strings.Contains(log.String(), bad) {
				t.Errorf("log holds %q: %s", bad, log.String())
			}
		}
	}
}

func TestSenderWhoHangsUpDoesNotLoseTheEvent(t *testing.T) {
	var l ledger
	h := newHandler(t, func(ctx context.Context, c, lane, s, o, v string, ev bus.Event) (bus.PubAck, error) {
		if err := ctx.Err(); err != nil {
			return bus.PubAck{}, err
		}
		if _, ok := ctx.Deadline(); !ok {
			return bus.PubAck{}, errors.New("no deadline")
		}
		return l.publish(ctx, c, lane, s, o, v, ev)
	}, io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	h.o.Verify = func([]byte, string, []string, time.Duration, time.Time) error { cancel(); return nil }
	h.ServeHTTP(httptest.NewRecorder(), post("/webhooks/stripe", paid, "t=1,v1=00").WithContext(ctx))
	if len(l.events) != 1 {
		t.Error("the event was proven and here, but is not stored")
	}
}

func TestWebhooksHeldAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		release := make(chan struct{})
		h := newHandler(t, func(ctx context.Context, c, lane, s, o, v string, ev bus.Event) (bus.PubAck, error) {
			<-release
			return l.publish(ctx, c, lane, s, o, v, ev)
		}, io.Discard)
		send := func(id string) int {
			body := strings.Replace(paid, "evt_1", id, 1)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, post("/webhooks/stripe", body, sign(body, newSecret, time.Now())))
			return w.Code
		}
		codes := make(chan int, 2)
		go func() { codes <- send("evt_a") }()
		synctest.Wait()
		go func() { codes <- send("evt_b") }()
		synctest.Wait()
		if got := send("evt_c"); got != http.StatusServiceUnavailable {
			t.Errorf("third at once = %d, want 503", got)
		}
		close(release)
		synctest.Wait()
		for range 2 {
			if got := <-codes; got != http.StatusOK {
				t.Errorf("held webhook = %d, want 200", got)
			}
		}
		if got := send("evt_d"); got != http.StatusOK {
			t.Errorf("after the jam = %d, want 200", got)
		}
	})
}

func TestEveryOutcomeHasAnAnswer(t *testing.T) {
	for _, o := range []outcome{stored, duplicate, unsigned, tooLarge, aborted, overloaded, unavailable, unconfigured, unknownConnection} {
		ok := o == stored || o == duplicate
		if got := o.status() == http.StatusOK; got != ok {
			t.Errorf("%s answers %d", o, o.status())
		}
		if got := o.level() == slog.LevelInfo; got != ok {
			t.Errorf("%s logs at %s", o, o.level())
		}
		if o.say() == "" {
			t.Errorf("%s says nothing", o)
		}
	}
}
