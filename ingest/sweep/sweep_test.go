package sweep

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/internal/stripetwin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a Stripe account, and the sweeper that reads its events.
type shop struct {
	t     *testing.T
	twin  *stripetwin.Twin
	clock time.Time
	bus   *bus.Bus
	s     *Sweeper
	log   *strings.Builder
	fail  func(id string) error // of publishing
	reads int                   // requests to the list of events
	url   string                // of the twin
	http  *http.Client
}

func newShop(t *testing.T) *shop {
	t.Helper()
	sh := &shop{t: t, clock: time.Now(), bus: bustest.New(t, "default"), log: &strings.Builder{}}
	var err error
	if sh.twin, err = stripetwin.New(stripetwin.Options{APIKey: "sk_test_sweep", Now: func() time.Time { return sh.clock }}); err != nil {
		t.Fatal(err)
	}
	twin := sh.twin.Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/events" {
			sh.reads++
		}
		twin.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	sh.url, sh.http = srv.URL, srv.Client()
	client, err := stripeapi.New(stripeapi.Config{APIKey: "sk_test_sweep", BaseURL: srv.URL, HTTPClient: srv.Client()})
	if err != nil {
		t.Fatal(err)
	}
	sh.s = New(Options{
		Connection: "default", Interval: time.Minute, Stripe: client, Cursors: sh.bus.Bucket("cursors"), Publish: sh.publish,
		Movements: client.Movements, Posted: link.New(sh.bus).ByStripe,
		Pipeline: sh.bus, Outcome: sh.bus.PublishOutcome, Log: slog.New(slog.NewTextHandler(sh.log, nil)),
	})
	return sh
}

func (sh *shop) publish(ctx context.Context, connection, lane, source, object, verb string, ev bus.Event) (bus.PubAck, error) {
	if sh.fail != nil {
		if err := sh.fail(ev.ID); err != nil {
			return bus.PubAck{}, err
		}
	}
	return sh.bus.PublishEvent(ctx, connection, lane, source, object, verb, ev)
}

// sell makes n charges without a customer; each is one event that is swept.
func (sh *shop) sell(n int) {
	sh.t.Helper()
	for range n {
		if _, err := sh.twin.ChargeCustomer(sh.t.Context(), "", 1000, "usd", "sold"); err != nil {
			sh.t.Fatal(err)
		}
	}
}

func (sh *shop) sweep() {
	sh.t.Helper()
	if _, err := sh.s.Sweep(sh.t.Context()); err != nil {
		sh.t.Fatal(err)
	}
}

// stored counts what is on the bus, by type.
func (sh *shop) stored() map[string]int {
	sh.t.Helper()
	n := map[string]int{}
	ids := map[string]bool{}
	err := sh.bus.Scan(sh.t.Context(), bus.Events, 1, func(m *bus.Message) error {
		n[m.Event.Type]++
		if ids[m.Event.ID] {
			return fmt.Errorf("%s is stored twice", m.Event.ID)
		}
		ids[m.Event.ID] = true
		return nil
	})
	if err != nil {
		sh.t.Fatal(err)
	}
	return n
}

const sold = "io.millrace.stripe.charge.succeeded.v1"

func TestWhatNoWebhookBroughtIsStoredOnce(t *testing.T) {
	sh := newShop(t)
	sh.sell(3)
	sh.sweep() // begins here: what was before is not ours
	if got := sh.stored()[sold]; got != 0 {
		t.Errorf("%d events from before the installation", got)
	}
	sh.clock = sh.clock.Add(time.Hour)
	sh.sell(250) // more than two pages
	sh.sweep()
	sh.sweep()
	if got := sh.stored()[sold]; got != 250 {
		t.Errorf("%d of 250 are stored", got)
	}
	if !strings.Contains(sh.log.String(), "missed=250") {
		t.Errorf("log: %s", sh.log)
	}
}

func TestNewAccountIsSweptFromItsFirstEvent(t *testing.T) {
	sh := newShop(t)
	sh.sweep()
	sh.sell(120)
	sh.sweep()
	sh.sweep()
	if got := sh.stored()[sold]; got != 120 {
		t.Errorf("%d of 120 are stored", got)
	}
}

func TestSweepAndWebhookStoreTheSameEventOnce(t *testing.T) {
	sh := newShop(t)
	sh.sell(1)
	sh.sweep()
	sh.sell(2)
	client := sh.s.o.Stripe
	page, err := client.EventsBefore(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(page.Events, func(e stripeapi.RawEvent) bool { return e.Type == "charge.succeeded" })
	if _, err := sh.s.store(t.Context(), page.Events[i]); err != nil { // as its webhook would
		t.Fatal(err)
	}
	sh.sweep()
	if got := sh.stored()[sold]; got != 3 {
		t.Errorf("%d events, want the one of the webhook and two that it lacked", got)
	}
}

func TestPositionStaysBehindWhatIsNotStored(t *testing.T) {
	sh := newShop(t)
	sh.sell(1)
	sh.sweep()
	sh.clock = sh.clock.Add(time.Hour)
	sh.sell(150)
	sh.clock = sh.clock.Add(time.Hour)
	sh.sell(5)
	n := 0
	sh.fail = func(string) error {
		if n++; n == 120 {
			return fmt.Errorf("the broker is away")
		}
		return nil
	}
	if _, err := sh.s.Sweep(t.Context()); err == nil {
		t.Fatal("the failure was swallowed")
	}
	sh.sweep()
	if got := sh.stored()[sold]; got != 155 {
		t.Errorf("%d of 155 are stored", got)
	}
}

func TestAwayForLongerThanStripeListsEvents(t *testing.T) {
	sh := newShop(t)
	sh.sell(1)
	sh.sweep()
	sh.clock = sh.clock.Add(40 * 24 * time.Hour)
	sh.sell(120)
	if err := sh.twin.Advance(t.Context(), time.Second); err != nil { // old events leave the list
		t.Fatal(err)
	}
	sh.sweep()
	sh.sweep()
	if got := sh.stored()[sold]; got != 120 {
		t.Errorf("%d of 120 are stored", got)
	}
	if !strings.Contains(sh.log.String(), "ingest.gap") {
		t.Errorf("the gap was not told: %s", sh.log)
	}
}

func TestPaymentThatNobodyToldOfIsToldOnce(t *testing.T) {
	sh := newShop(t)
	sh.sell(1)
	if err := sh.s.Check(t.Context(), sh.clock.Add(time.Minute)); err != nil { // begins here
		t.Fatal(err)
	}
	sh.clock = sh.clock.Add(2 * time.Hour)
	ids := make([]string, 130)
	for i := range ids {
		var err error
		if ids[i], err = sh.twin.ChargeCustomer(t.Context(), "", 1000, "usd", "sold"); err != nil {
			t.Fatal(err)
		}
	}
	posted := link.New(sh.bus)
	for i, id := range ids[:100] {
		l := link.Link{Kind: link.Payment, StripeID: id, AcumaticaID: fmt.Sprint("Payment ", i), IntentID: "in", At: sh.clock}
		if err := posted.Put(t.Context(), "default", l); err != nil {
			t.Fatal(err)
		}
	}
	if err := sh.s.Check(t.Context(), sh.clock.Add(settled/2)); err != nil {
		t.Fatal(err)
	}
	if got := sh.stored()[sold]; got != 0 {
		t.Errorf("%d are told before they had the time to be posted", got)
	}
	for range 2 {
		if err := sh.s.Check(t.Context(), sh.clock.Add(2*settled)); err != nil {
			t.Fatal(err)
		}
	}
	if got := sh.stored()[sold]; got != 30 {
		t.Errorf("%d of 30 are told", got)
	}
}

func TestPaymentOfAnInvoiceIsToldAsItsInvoice(t *testing.T) {
	sh := newShop(t)
	source := func(invoice string) json.RawMessage {
		return json.RawMessage(`{"id":"ch_1","object":"charge","customer":"cus_1","livemode":false,"invoice":` + invoice + `}`)
	}
	for typ, m := range map[string]stripeapi.Movement{
		"io.millrace.stripe.invoice.paid.v1":     {ID: "txn_1", Type: "payment", Created: sh.clock, Source: source(`"in_1"`)},
		"io.millrace.stripe.charge.succeeded.v1": {ID: "txn_2", Type: "charge", Created: sh.clock, Source: source(`null`)},
	} {
		if missing, err := sh.s.check(t.Context(), m); err != nil || !missing {
			t.Errorf("%s: %t, %v", typ, missing, err)
		}
	}
	for typ, want := range map[string]int{
		"io.millrace.stripe.invoice.paid.v1":     1,
		"io.millrace.stripe.charge.succeeded.v1": 2, // also of the one with an invoice, which may have been void by then
	} {
		if got := sh.stored()[typ]; got != want {
			t.Errorf("%s is stored %d times, want %d", typ, got, want)
		}
	}
	if _, err := sh.s.check(t.Context(), stripeapi.Movement{ID: "txn_3", Type: "charge", Source: json.RawMessage(`null`)}); err == nil {
		t.Error("a charge without its source was accepted")
	}
}
