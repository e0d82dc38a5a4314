package stripetwin_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"
	"go.uber.org/goleak"

	"millrace/internal/stripetwin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "whsec_0123456789abcdef0123456789abcdef"

// receiver verifies every webhook with Stripe's own code and answers with what
// status says.
func receiver(t *testing.T, status func(attempt int) int) (*httptest.Server, <-chan stripe.Event) {
	t.Helper()
	got := make(chan stripe.Event, 1000)
	attempts := make(chan int, 1)
	attempts <- 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		n := <-attempts + 1
		attempts <- n
		if code := status(n); code != http.StatusOK {
			w.WriteHeader(code)
			return
		}
		ev, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), secret)
		if err != nil {
			t.Errorf("signature: %v", err)
		}
		got <- ev
	}))
	t.Cleanup(srv.Close)
	return srv, got
}

func always(code int) func(int) int { return func(int) int { return code } }

// run delivers webhooks until the returned function is called.
func run(t *testing.T, tw *stripetwin.Twin) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tw.Run(ctx) }()
	stop := func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		done <- nil
	}
	t.Cleanup(stop)
	return stop
}

func wait(t *testing.T, got <-chan stripe.Event, n int) []stripe.Event {
	t.Helper()
	var out []stripe.Event
	for len(out) < n {
		select {
		case ev := <-got:
			out = append(out, ev)
		case <-time.After(20 * time.Second):
			t.Fatalf("%d webhooks of %d came", len(out), n)
		}
	}
	return out
}

func eventTypes(t *testing.T, sc *client.API, p *stripe.EventListParams) []string {
	t.Helper()
	if p == nil {
		p = &stripe.EventListParams{}
	}
	var out []string
	it := sc.Events.List(p)
	for it.Next() {
		out = append(out, string(it.Event().Type))
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return out
}

func TestWebhooksOfAPaidInvoice(t *testing.T) {
	hook, got := receiver(t, always(200))
	tw, sc, _ := start(t, stripetwin.Options{})
	tw.SetWebhook(hook.URL, secret)
	tw.SetWebhook(hook.URL, secret)
	run(t, tw)
	in := newOpen(t, sc, newCustomer(t, sc).ID, 4200)
	p := &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}
	p.SetIdempotencyKey("pay:7")
	must(sc.Invoices.Pay(in.ID, p))(t)

	all := eventTypes(t, sc, nil)
	slices.Reverse(all)
	want := []string{
		"customer.created", "invoice.created", "invoiceitem.created", "invoice.updated", "payment_intent.created", "invoice.finalized",
		"invoice.updated", "charge.succeeded", "payment_intent.succeeded", "invoice.updated", "invoice.paid", "invoice.payment_succeeded",
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	events := wait(t, got, len(want)-1) // all but invoice.created
	seen := map[string]bool{}
	for _, ev := range events {
		if ev.Type == "invoice.created" || seen[ev.ID] {
			t.Fatalf("%s %s must not come", ev.Type, ev.ID)
		}
		seen[ev.ID] = true
		if _, there := ev.Data.Object["refunds"]; there {
			t.Fatal("refunds must be absent unless expanded")
		}
		if ev.Type != "invoice.paid" {
			continue
		}
		var paid stripe.Invoice
		if err := json.Unmarshal(ev.Data.Raw, &paid); err != nil {
			t.Fatal(err)
		}
		if paid.ID != in.ID || !paid.Paid || ev.Request.IdempotencyKey != "pay:7" || ev.Request.ID == "" || ev.Livemode || ev.PendingWebhooks != 1 {
			t.Fatalf("invoice.paid: %+v, request %+v", paid, ev.Request)
		}
	}
	waitDelivered(t, sc)
}

// waitDelivered waits until no event is pending any more.
func waitDelivered(t *testing.T, sc *client.API) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		pending := eventTypes(t, sc, &stripe.EventListParams{DeliverySuccess: new(false)})
		if len(pending) == 0 {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("still pending: %v", pending)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestUndeliveredWebhooksAreRetriedAndSurviveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stripe.json")
	refused := make(chan struct{}, 1000)
	deaf, _ := receiver(t, func(int) int { refused <- struct{}{}; return http.StatusServiceUnavailable })
	tw, sc, srv := start(t, stripetwin.Options{StateFile: file})
	tw.SetWebhook(deaf.URL, secret)
	stop := run(t, tw)
	cus := newCustomer(t, sc)
	<-refused
	stop()
	srv.Close()

	tw, sc, _ = start(t, stripetwin.Options{StateFile: file})
	hook, got := receiver(t, func(n int) int {
		if n < 3 {
			return http.StatusFound // a redirect is a failure
		}
		return http.StatusOK
	})
	tw.SetWebhook(hook.URL, secret) // the same endpoint at a new address
	run(t, tw)
	if ev := wait(t, got, 1)[0]; ev.Type != "customer.created" || ev.Data.Object["id"] != cus.ID {
		t.Fatalf("got %s", ev.Type)
	}
	waitDelivered(t, sc)
}

func TestPreviousAttributes(t *testing.T) {
	hook, got := receiver(t, always(200))
	tw, sc, _ := start(t, stripetwin.Options{})
	cus := newCustomer(t, sc)
	tw.SetWebhook(hook.URL, secret)
	run(t, tw)
	p := &stripe.CustomerParams{Email: new("new@acme.example")}
	p.AddMetadata("erp_status", "Active")
	must(sc.Customers.Update(cus.ID, p))(t)
	must(sc.Customers.Update(cus.ID, &stripe.CustomerParams{Email: new("new@acme.example")}))(t) // changes nothing: no event
	ev := wait(t, got, 1)[0]
	want := map[string]any{"email": "ap@acme.example", "metadata": map[string]any{"erp_status": nil}}
	if diff := cmp.Diff(want, ev.Data.PreviousAttributes); diff != "" {
		t.Fatalf("previous_attributes (-want +got):\n%s", diff)
	}
	if n := len(eventTypes(t, sc, &stripe.EventListParams{Type: new("customer.*")})); n != 2 {
		t.Fatalf("%d customer events, want created and one update", n)
	}
}

func TestEndpointsMadeThroughTheAPI(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{})
	type hit struct{ sig, body string }
	hits := make(chan hit, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		hits <- hit{r.Header.Get("Stripe-Signature"), string(b)}
	}))
	t.Cleanup(hook.Close)
	ep := must(sc.WebhookEndpoints.New(&stripe.WebhookEndpointParams{
		URL: &hook.URL, EnabledEvents: stripe.StringSlice([]string{"invoice.created"}), APIVersion: new("2023-10-16"),
	}))(t)
	if !strings.HasPrefix(ep.Secret, "whsec_") {
		t.Fatalf("secret %q", ep.Secret)
	}
	if again := must(sc.WebhookEndpoints.Get(ep.ID, nil))(t); again.Secret != "" {
		t.Fatal("the secret is told once only")
	}
	run(t, tw)
	newDraft(t, sc, newCustomer(t, sc).ID, 100)
	h := <-hits
	ev, err := webhook.ConstructEvent([]byte(h.body), h.sig, ep.Secret)
	if err != nil || ev.Type != "invoice.created" {
		t.Fatalf("%s: %v", ev.Type, err)
	}
	waitDelivered(t, sc)
	must(sc.WebhookEndpoints.Update(ep.ID, &stripe.WebhookEndpointParams{Disabled: new(true)}))(t)
	if got := must(sc.WebhookEndpoints.Del(ep.ID, nil))(t); !got.Deleted {
		t.Fatal("not deleted")
	}
}

// TestSignedNowAlsoWhenTheClockIsAhead: receivers refuse a signature that is
// minutes off their own clock.
func TestSignedNowAlsoWhenTheClockIsAhead(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{})
	url, got := hits(t, func(int) int { return http.StatusOK })
	tw.SetWebhook(url, secret)
	advance(t, tw, 72*time.Hour)
	run(t, tw)
	newCustomer(t, sc)
	h := next(t, got)
	if _, err := webhook.ConstructEvent([]byte(h.body), h.sig, secret); err != nil {
		t.Error(err)
	}
}

func TestEventsByTypeAndCursor(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	cus := newCustomer(t, sc)
	newOpen(t, sc, cus.ID, 100)
	it := sc.Events.List(&stripe.EventListParams{Type: new("customer.created")})
	if !it.Next() {
		t.Fatal(it.Err())
	}
	p := &stripe.EventListParams{Types: stripe.StringSlice([]string{"invoice.finalized", "payment_intent.created"})}
	p.EndingBefore = new(it.Event().ID) // a cursor of another type
	got := eventTypes(t, sc, p)
	if diff := cmp.Diff([]string{"payment_intent.created", "invoice.finalized"}, got); diff != "" {
		t.Fatalf("catch-up must be chronological (-want +got):\n%s", diff)
	}
}
