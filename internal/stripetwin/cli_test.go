package stripetwin_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"millrace/internal/stripespec"
	"millrace/internal/stripetwin"
)

// stripeCLI finds Stripe's own command-line tool (npm package @stripe/cli):
// MILLRACE_STRIPE_CLI names it, else it is in the PATH. Without it the test is
// skipped, or fails where MILLRACE_STRIPE_CLI_REQUIRED is set.
func stripeCLI(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath(cmp.Or(os.Getenv("MILLRACE_STRIPE_CLI"), "stripe")) //nolint:forbidigo // where a test tool is
	if err == nil {
		return bin
	}
	if os.Getenv("MILLRACE_STRIPE_CLI_REQUIRED") != "" { //nolint:forbidigo // as above
		t.Fatalf("Stripe's command-line tool is required: %v", err)
	}
	t.Skipf("Stripe's command-line tool is not here (npm package @stripe/cli; MILLRACE_STRIPE_CLI names the binary): %v", err)
	return ""
}

// A mailbox takes webhooks, checks their signatures and counts their types.
type mailbox struct {
	mu     sync.Mutex
	types  map[string]int
	arrive chan struct{}
	secret string // set before anything is delivered
	bad    []string
}

func (m *mailbox) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	ev, err := webhook.ConstructEvent(body, req.Header.Get("Stripe-Signature"), m.secret)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.bad = append(m.bad, err.Error())
	} else {
		m.types[string(ev.Type)]++
	}
	select {
	case m.arrive <- struct{}{}:
	default:
	}
	w.WriteHeader(http.StatusOK)
}

// missing returns which of the types have not come yet.
func (m *mailbox) missing(want []string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(want), func(typ string) bool { return m.types[typ] > 0 })
}

// A trigger is an event that the tool causes, and the webhooks that Stripe
// documents for what the tool does on the way.
type trigger struct {
	event string
	later time.Duration // the clock is advanced before the last of them come
	want  []string
}

func triggers() []trigger {
	paid := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"}
	draft := []string{"customer.created", "invoiceitem.created", "invoice.created"}
	open := append([]string{"invoice.finalized", "invoice.updated", "payment_intent.created"}, draft...)
	subscribed := append([]string{
		"customer.created", "product.created", "price.created", "payment_method.attached", "customer.subscription.created",
		"invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded",
	}, paid...)
	with := func(base []string, more ...string) []string { return append(slices.Clone(base), more...) }
	return []trigger{
		{"balance.available", 0, paid},
		{"charge.captured", 0, []string{"charge.captured", "payment_intent.amount_capturable_updated", "payment_intent.succeeded"}},
		{"charge.dispute.created", 0, with(paid, "charge.dispute.created")},
		{"charge.dispute.updated", 0, with(paid, "charge.dispute.created", "charge.dispute.updated")},
		{"charge.dispute.closed", 0, with(paid, "charge.dispute.created", "charge.dispute.closed")},
		{"charge.failed", 0, []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"}},
		{"charge.refunded", 0, with(paid, "charge.refunded")},
		{"charge.refund.updated", 0, with(paid, "charge.refunded", "charge.refund.updated")},
		{"charge.succeeded", 0, paid},
		{"checkout.session.completed", 0, with(paid, "product.created", "price.created", "checkout.session.completed")},
		{"checkout.session.expired", 0, []string{"product.created", "price.created", "checkout.session.expired"}},
		{"checkout.session.async_payment_succeeded", 5 * 24 * time.Hour, []string{
			"payment_intent.created", "charge.pending", "payment_intent.processing", "checkout.session.completed", "charge.succeeded",
			"payment_intent.succeeded", "checkout.session.async_payment_succeeded",
		}},
		{"checkout.session.async_payment_failed", 5 * 24 * time.Hour, []string{
			"payment_intent.created", "charge.pending", "checkout.session.completed", "charge.failed", "payment_intent.payment_failed",
			"checkout.session.async_payment_failed",
		}},
		{"credit_note.created", 0, with(open, "credit_note.created")},
		{"credit_note.updated", 0, with(open, "credit_note.created", "credit_note.updated")},
		{"credit_note.voided", 0, with(open, "credit_note.created", "credit_note.voided")},
		{"customer.created", 0, []string{"customer.created"}},
		{"customer.updated", 0, []string{"customer.created", "customer.updated"}},
		{"customer.deleted", 0, []string{"customer.created", "customer.deleted"}},
		{"customer.subscription.created", 0, []string{"customer.created", "product.created", "price.created", "customer.subscription.created"}},
		{"customer.subscription.updated", 0, with(subscribed, "customer.subscription.updated")},
		{"customer.subscription.deleted", 0, with(subscribed, "customer.subscription.deleted")},
		{"customer.subscription.trial_will_end", 0, []string{"customer.subscription.created", "customer.subscription.trial_will_end"}},
		{"invoice.created", 0, draft},
		{"invoice.deleted", 0, with(draft, "invoice.deleted")},
		{"invoice.updated", 0, with(draft, "invoice.updated")},
		{"invoice.finalized", 0, open},
		{"invoice.sent", 0, with(open, "invoice.sent")},
		{"invoice.marked_uncollectible", 0, with(open, "invoice.marked_uncollectible")},
		{"invoice.voided", 0, with(open, "invoice.voided", "payment_intent.canceled")},
		{"invoice.paid", 0, with(open, "payment_method.attached", "charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded")},
		{"invoice.payment_succeeded", 0, with(open, "payment_method.attached", "charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded")},
		{"invoice.payment_failed", 0, with(open, "payment_method.attached", "charge.failed", "payment_intent.payment_failed", "invoice.payment_failed")},
		{"invoice.payment_action_required", 0, with(open, "payment_method.attached", "payment_intent.requires_action", "invoice.payment_action_required")},
		{"invoiceitem.created", 0, []string{"customer.created", "invoiceitem.created"}},
		{"invoiceitem.deleted", 0, []string{"invoiceitem.created", "invoiceitem.deleted"}},
		{"payment_intent.amount_capturable_updated", 0, []string{"payment_intent.created", "payment_intent.amount_capturable_updated"}},
		{"payment_intent.canceled", 0, []string{"payment_intent.created", "payment_intent.canceled"}},
		{"payment_intent.created", 0, []string{"payment_intent.created"}},
		{"payment_intent.payment_failed", 0, []string{"payment_intent.created", "payment_intent.payment_failed"}},
		{"payment_intent.processing", 0, []string{"payment_intent.created", "charge.pending", "payment_intent.processing"}},
		{"payment_intent.requires_action", 0, []string{"payment_intent.created", "payment_intent.requires_action"}},
		{"payment_intent.succeeded", 0, paid},
		{"payment_method.attached", 0, []string{"customer.created", "payment_method.attached"}},
		{"payment_method.detached", 0, []string{"payment_method.attached", "payment_method.detached"}},
		{"payment_method.updated", 0, []string{"setup_intent.succeeded", "payment_method.attached", "payment_method.updated"}},
		{"payout.created", 0, with(paid, "payout.created")},
		{"payout.updated", 0, with(paid, "payout.created", "payout.updated")},
		{"price.created", 0, []string{"product.created", "price.created"}},
		{"price.updated", 0, []string{"product.created", "price.created", "price.updated"}},
		{"product.created", 0, []string{"product.created"}},
		{"product.updated", 0, []string{"product.created", "product.updated"}},
		{"product.deleted", 0, []string{"product.created", "product.deleted"}},
		{"setup_intent.created", 0, []string{"setup_intent.created"}},
		{"setup_intent.canceled", 0, []string{"setup_intent.created", "setup_intent.canceled"}},
		{"setup_intent.requires_action", 0, []string{"setup_intent.created", "setup_intent.requires_action"}},
		{"setup_intent.setup_failed", 0, []string{"setup_intent.created", "setup_intent.setup_failed"}},
		{"setup_intent.succeeded", 0, []string{"setup_intent.created", "setup_intent.succeeded"}},
		{"subscription.payment_succeeded", 0, subscribed},
		{"subscription.payment_failed", 0, []string{
			"customer.subscription.created", "invoice.created", "invoice.finalized", "payment_intent.created", "charge.failed",
			"payment_intent.payment_failed", "invoice.payment_failed",
		}},
		{"topup.created", 0, []string{"topup.created"}},
		{"tax_rate.created", 0, []string{"tax_rate.created"}},
		{"tax_rate.updated", 0, []string{"tax_rate.created", "tax_rate.updated"}},
	}
}

// TestStripesOwnToolDrivesTheTwin: request scripts that Stripe wrote end well,
// and cause the webhooks that Stripe documents for them. The watch holds every
// answer, and with the list of events every object in a webhook, against
// Stripe's description.
func TestStripesOwnToolDrivesTheTwin(t *testing.T) {
	bin := stripeCLI(t)
	for _, tr := range triggers() {
		t.Run(tr.event, func(t *testing.T) {
			t.Parallel()
			box := &mailbox{types: map[string]int{}, arrive: make(chan struct{}, 1)}
			tw, srv := startForCLI(t, box)
			cmd := exec.CommandContext(t.Context(), bin, "trigger", tr.event, "--api-base", srv.URL, "--api-key", testKey)
			home := t.TempDir()
			cmd.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "STRIPE_CLI_TELEMETRY_OPTOUT=1"}
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "Trigger succeeded") {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if tr.later > 0 {
				advance(t, tw, tr.later)
			}
			box.await(t, tr.want)
			if res, _ := send(t, srv, "GET", "/v1/events?limit=100", ""); res.StatusCode != http.StatusOK {
				t.Errorf("events: status %d", res.StatusCode)
			}
		})
	}
}

// startForCLI serves a twin that delivers to box.
func startForCLI(t *testing.T, box *mailbox) (*stripetwin.Twin, *httptest.Server) {
	t.Helper()
	hook := httptest.NewServer(box)
	t.Cleanup(hook.Close)
	tw, err := stripetwin.New(stripetwin.Options{APIKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	plain, watched := tw.Handler(), stripespec.Watch(t, tw.Handler())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/v1/payment_pages/") { // not in the public description
			plain.ServeHTTP(w, req)
			return
		}
		watched.ServeHTTP(w, req)
	}))
	t.Cleanup(srv.Close)
	tw.SetBaseURL(srv.URL)
	form := "enabled_events[]=*&enabled_events[]=invoice.created&url=" + hook.URL
	_, ep := send(t, srv, "POST", "/v1/webhook_endpoints", form)
	if ep["id"] == nil {
		t.Fatalf("endpoint: %v", ep)
	}
	box.secret = ep["secret"].(string)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tw.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return tw, srv
}

// await waits for webhooks of all the types.
func (m *mailbox) await(t *testing.T, want []string) {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for len(m.missing(want)) > 0 {
		select {
		case <-m.arrive:
		case <-timeout:
			got, _ := json.Marshal(m.types)
			t.Fatalf("no webhook %v; got %s", m.missing(want), got)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.bad) > 0 {
		t.Errorf("signatures: %v", m.bad)
	}
}
