package stripetwin_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"millrace/internal/stripetwin"
)

// A hit is one webhook that came.
type hit struct {
	body, sig string
	chunked   bool
}

// verify fails unless Stripe's own code accepts the webhook.
func (h hit) verify(t *testing.T, secret string) stripe.Event {
	t.Helper()
	ev, err := webhook.ConstructEventIgnoringTolerance([]byte(h.body), h.sig, secret)
	if err != nil {
		t.Errorf("%s: %v", h.sig, err)
	}
	return ev
}

// at is when the webhook was signed.
func (h hit) at() string {
	ts, _, _ := strings.Cut(h.sig, ",")
	return strings.TrimPrefix(ts, "t=")
}

// hits serves an endpoint that answers what status says of the event that
// comes for the nth time.
func hits(t *testing.T, status func(n int) int) (url string, got <-chan hit) {
	t.Helper()
	c := make(chan hit, 1000)
	var mu sync.Mutex
	seen := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var ev struct{ ID string }
		if err := json.Unmarshal(b, &ev); err != nil {
			t.Error(err)
		}
		mu.Lock()
		seen[ev.ID]++
		n := seen[ev.ID]
		mu.Unlock()
		c <- hit{string(b), r.Header.Get("Stripe-Signature"), slices.Contains(r.TransferEncoding, "chunked")}
		w.WriteHeader(status(n))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, c
}

func next(t *testing.T, got <-chan hit) hit {
	t.Helper()
	select {
	case h := <-got:
		return h
	case <-time.After(10 * time.Second):
		t.Fatal("no webhook came")
	}
	return hit{}
}

// waitIdle waits until what is due was sent and booked.
func waitIdle(t *testing.T, tw *stripetwin.Twin) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(time.Millisecond); !tw.Idle(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("webhooks are still under way")
		}
	}
}

// TestEveryEventComesWhateverTheTrouble: also to an endpoint that refuses each
// event at first. What is duplicated depends on the seed alone.
func TestEveryEventComesWhateverTheTrouble(t *testing.T) {
	const customers = 16
	// play returns how often each event came, in order of creation.
	play := func(tr stripetwin.Trouble, refusals int) (times []int, sorted bool) {
		tw, sc, _ := start(t, stripetwin.Options{Webhooks: tr})
		url, got := hits(t, func(n int) int {
			if n <= refusals {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		})
		tw.SetWebhook(url, secret)
		run(t, tw)
		var made []string
		for range customers {
			made = append(made, newCustomer(t, sc).ID)
		}
		waitDelivered(t, sc)
		var order []int
		times = make([]int, customers)
		for len(got) > 0 {
			h := <-got
			ev := h.verify(t, secret)
			if h.chunked != tr.Chunked {
				t.Errorf("chunked: %v", h.chunked)
			}
			i := slices.Index(made, ev.Data.Object["id"].(string))
			times[i]++
			order = append(order, i)
		}
		if slices.Contains(times, 0) {
			t.Errorf("%+v: an event never came: %v", tr, times)
		}
		return times, slices.IsSorted(order)
	}
	bad := stripetwin.Trouble{Duplicate: 0.5, DelayMax: 30 * time.Millisecond, Reorder: 0.3, Seed: 5, Chunked: true}
	times, sorted := play(bad, 0)
	if sorted {
		t.Error("nothing was reordered")
	}
	if again, _ := play(bad, 0); slices.Max(times) != 2 || slices.Min(times) != 1 || !slices.Equal(times, again) {
		t.Errorf("duplicates %v, then %v", times, again)
	}
	play(bad, 1)
	play(stripetwin.Trouble{Reorder: 1, Duplicate: 1}, 2)
	if times, _ = play(stripetwin.Trouble{}, 1); slices.Max(times) != 2 {
		t.Errorf("duplicates without trouble: %v", times)
	}
}

// TestOneChangeMayMakeTwoEvents, alike but for their ids.
func TestOneChangeMayMakeTwoEvents(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Webhooks: stripetwin.Trouble{TwoEvents: 0.5, Seed: 3}})
	url, got := hits(t, always(http.StatusOK))
	tw.SetWebhook(url, secret)
	run(t, tw)
	for range 20 {
		newCustomer(t, sc)
	}
	waitDelivered(t, sc)
	ids, changed := map[string]bool{}, map[string]bool{}
	for len(got) > 0 {
		ev := (<-got).verify(t, secret)
		ids[ev.ID], changed[ev.Data.Object["id"].(string)] = true, true
	}
	if len(changed) != 20 || len(ids) <= 22 || len(ids) >= 38 {
		t.Errorf("%d events of %d customers", len(ids), len(changed))
	}
}

// TestRetriesAreOnTheTwinsClock and signed anew each, by the receiver's clock.
func TestRetriesAreOnTheTwinsClock(t *testing.T) {
	for schedule, waits := range map[string][]time.Duration{
		stripetwin.RetryTest: {5 * time.Minute, time.Hour, 3 * time.Hour},
		stripetwin.RetryLive: {
			5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
			12 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour,
		},
	} {
		t.Run(schedule, func(t *testing.T) {
			var passed atomic.Int64 // on the receiver's clock
			now := func() time.Time { return noon.Add(time.Duration(passed.Load())) }
			tw, sc, _ := start(t, stripetwin.Options{Now: now, Webhooks: stripetwin.Trouble{Retries: schedule}})
			url, got := hits(t, always(http.StatusInternalServerError))
			tw.SetWebhook(url, secret)
			run(t, tw)
			newCustomer(t, sc)
			seen := map[string]bool{}
			for _, wait := range append(waits, 0) {
				h := next(t, got)
				h.verify(t, secret)
				if seen[h.sig] {
					t.Errorf("signed with an old timestamp: %s", h.at())
				}
				seen[h.sig] = true
				waitIdle(t, tw)
				passed.Add(int64(time.Second))
				if wait > 0 {
					advance(t, tw, wait-2*time.Second)
				}
				if len(got) != 0 {
					t.Fatalf("%v: a webhook came too early", wait)
				}
				advance(t, tw, time.Second)
			}
			advance(t, tw, 7*24*time.Hour)
			newCustomer(t, sc)
			if h := next(t, got); seen[h.sig] || !strings.Contains(h.body, "customer.created") {
				t.Errorf("after giving up: %s", h.body)
			}
			waitIdle(t, tw)
			if len(got) != 0 {
				t.Error("what was given up came again")
			}
			if n := len(eventTypes(t, sc, &stripe.EventListParams{DeliverySuccess: new(false)})); n != 2 {
				t.Errorf("%d events are undelivered, want both", n)
			}
		})
	}
}

func TestDelaysAreOnTheTwinsClock(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon, Webhooks: stripetwin.Trouble{DelayMin: time.Hour, DelayMax: 2 * time.Hour}})
	url, got := hits(t, always(http.StatusOK))
	tw.SetWebhook(url, secret)
	run(t, tw)
	newCustomer(t, sc)
	waitIdle(t, tw)
	advance(t, tw, time.Hour-time.Second)
	waitIdle(t, tw)
	if len(got) != 0 {
		t.Fatal("the webhook came too early")
	}
	advance(t, tw, time.Hour+time.Second)
	next(t, got).verify(t, secret)
}

func TestTwoSignaturesWhileASecretIsRolled(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{Now: atNoon})
	url, got := hits(t, always(http.StatusOK))
	ep := must(sc.WebhookEndpoints.New(&stripe.WebhookEndpointParams{URL: &url, EnabledEvents: stripe.StringSlice([]string{"customer.created"})}))(t)
	run(t, tw)
	path := "/_twin/webhook_endpoints/" + ep.ID + "/roll"
	res, out := send(t, srv, "POST", path, `{"overlap":"24h"}`)
	rolled, _ := out["secret"].(string)
	if res.StatusCode != 200 || !strings.HasPrefix(rolled, "whsec_") || rolled == ep.Secret {
		t.Fatalf("%d %v", res.StatusCode, out)
	}
	newCustomer(t, sc)
	h := next(t, got)
	h.verify(t, rolled)
	h.verify(t, ep.Secret)
	if strings.Count(h.sig, ",v1=") != 2 || strings.Count(h.sig, ",v0=") != 1 {
		t.Errorf("signatures: %s", h.sig)
	}
	advance(t, tw, 24*time.Hour)
	newCustomer(t, sc)
	h = next(t, got)
	h.verify(t, rolled)
	if strings.Count(h.sig, ",v1=") != 1 {
		t.Errorf("the old secret still signs: %s", h.sig)
	}
	for path, want := range map[string]int{path: 400, "/_twin/webhook_endpoints/we_x/roll": 404} {
		body := `{"overlap":"25h"}`
		if want == 404 {
			body = `{}`
		}
		if res, out := send(t, srv, "POST", path, body); res.StatusCode != want {
			t.Errorf("%s: %d %v, want %d", path, res.StatusCode, out, want)
		}
	}
	if secret, err := tw.RollSecret(t.Context(), ep.ID, 0); err != nil || secret == rolled {
		t.Errorf("rolled without overlap: %v", err)
	}
	newCustomer(t, sc)
	if h = next(t, got); strings.Count(h.sig, ",v1=") != 1 {
		t.Errorf("the old secret still signs: %s", h.sig)
	}
}

// TestDisabledEndpoint: nothing is sent to it, and a retry that finds it
// disabled is the last; enabled again before that, the retry comes.
func TestDisabledEndpoint(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon, Webhooks: stripetwin.Trouble{Retries: stripetwin.RetryLive}})
	url, got := hits(t, always(http.StatusInternalServerError))
	ep := must(sc.WebhookEndpoints.New(&stripe.WebhookEndpointParams{URL: &url, EnabledEvents: stripe.StringSlice([]string{"customer.created"})}))(t)
	disable := func(v bool) {
		t.Helper()
		if ep := must(sc.WebhookEndpoints.Update(ep.ID, &stripe.WebhookEndpointParams{Disabled: &v}))(t); (ep.Status == "disabled") != v {
			t.Fatalf("status %s", ep.Status)
		}
	}
	run(t, tw)
	first := newCustomer(t, sc).ID
	next(t, got)
	waitIdle(t, tw)
	disable(true)
	newCustomer(t, sc)
	disable(false)
	advance(t, tw, 5*time.Minute)
	if h := next(t, got); !strings.Contains(h.body, first) {
		t.Errorf("the retry is of %s", h.body)
	}
	waitIdle(t, tw)
	disable(true)
	advance(t, tw, 30*time.Minute)
	waitIdle(t, tw)
	disable(false)
	advance(t, tw, 24*time.Hour)
	last := newCustomer(t, sc).ID
	if h := next(t, got); !strings.Contains(h.body, last) || len(got) != 0 {
		t.Errorf("got %s, want only what came after", h.body)
	}
}

func TestTroubleByControl(t *testing.T) {
	tw, _, srv := start(t, stripetwin.Options{})
	all := `{"duplicate":0.2,"delay":["1s","1m30s"],"reorder":0.3,"two_events":0.1,"seed":7,"chunked":true,"retries":"live"}`
	want := map[string]any{"duplicate": 0.2, "delay": []any{"1s", "1m30s"}, "reorder": 0.3, "two_events": 0.1, "seed": 7.0, "chunked": true, "retries": "live"}
	if _, out := send(t, srv, "POST", "/_twin/webhooks", all); cmp.Diff(want, out) != "" {
		t.Error(cmp.Diff(want, out))
	}
	if _, out := send(t, srv, "GET", "/_twin/webhooks", ""); cmp.Diff(want, out) != "" {
		t.Error(cmp.Diff(want, out))
	}
	for _, bad := range []string{
		`{"duplicate":2}`, `{"reorder":-1}`, `{"delay":["5s","1s"]}`, `{"delay":["1s"]}`, `{"delay":["1","2"]}`, `{"retries":"never"}`, `{"twice":1}`,
	} {
		if res, out := send(t, srv, "POST", "/_twin/webhooks", bad); res.StatusCode != http.StatusBadRequest || out["error"] == "" {
			t.Errorf("%s: %d %v", bad, res.StatusCode, out)
		}
	}
	if err := tw.SetTrouble(stripetwin.Trouble{}); err != nil {
		t.Error(err)
	}
	if _, err := stripetwin.New(stripetwin.Options{APIKey: testKey, Webhooks: stripetwin.Trouble{Duplicate: 2}}); err == nil || !strings.Contains(err.Error(), "duplicate") {
		t.Errorf("options: %v", err)
	}
}
