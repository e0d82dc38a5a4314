package poller

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/config"
	"millrace/internal/service"
)

// erpTwin is a twin with a customer, its address, and a client of it.
type erpTwin struct {
	*acumaticatwin.Twin
	url      string
	client   *acumatica.Client
	customer string
	ahead    atomic.Int64 // of its clock against ours, ns
}

func newTwin(t *testing.T, endpoint string) *erpTwin {
	t.Helper()
	x := &erpTwin{}
	var err error
	x.Twin, err = acumaticatwin.New(acumaticatwin.Options{
		Tenant: "U100", Username: "api", Password: "secret", Wall: time.Now,
		Now: func() time.Time { return time.Now().Add(time.Duration(x.ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(x.Handler())
	t.Cleanup(srv.Close)
	x.url = srv.URL
	x.client, err = acumatica.New(acumatica.Config{
		BaseURL: srv.URL, Tenant: "U100", Endpoint: endpoint, Username: "api", Password: "secret", Timeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.client.Close(context.WithoutCancel(t.Context())) })
	x.customer = x.AddCustomer(acumaticatwin.Customer{Name: "Harbor Supply"})
	return x
}

// pass lets the twin's clock run ahead.
func (x *erpTwin) pass(d time.Duration) { x.ahead.Add(int64(d)) }

func (x *erpTwin) invoice(more ...func(*acumaticatwin.Invoice)) string {
	i := acumaticatwin.Invoice{
		CustomerID: x.customer,
		Lines:      []acumaticatwin.InvoiceLine{{Description: "Rope", Qty: decimal.NewFromInt(2), UnitPrice: decimal.NewFromInt(60)}},
	}
	for _, f := range more {
		f(&i)
	}
	return x.AddInvoice(i)
}

func (x *erpTwin) put(t *testing.T, entity string, body map[string]any) acumatica.Record {
	t.Helper()
	r, err := x.client.Put(t.Context(), entity, body, acumatica.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (x *erpTwin) invoke(t *testing.T, entity, action, kind, number string) {
	t.Helper()
	keys := map[string]any{"Type": acumatica.Value(kind), "ReferenceNbr": acumatica.Value(number)}
	if err := x.client.Invoke(t.Context(), entity, action, keys); err != nil {
		t.Fatal(err)
	}
}

// pay pays an invoice in full by other means than Stripe.
func (x *erpTwin) pay(t *testing.T, number string, amount int) {
	t.Helper()
	p := x.put(t, "Payment", map[string]any{
		"Type": acumatica.Value("Payment"), "CustomerID": acumatica.Value(x.customer), "PaymentMethod": acumatica.Value("STRIPE"),
		"CashAccount": acumatica.Value("10250ST"), "PaymentAmount": acumatica.Value(amount), "Hold": acumatica.Value(false),
		"PaymentRef": acumatica.Value("cheque 7"),
		"DocumentsToApply": []any{map[string]any{
			"DocType": acumatica.Value("Invoice"), "ReferenceNbr": acumatica.Value(number), "AmountPaid": acumatica.Value(amount),
		}},
	})
	x.invoke(t, "Payment", "ReleasePayment", "Payment", p.String("ReferenceNbr"))
}

// TestEveryVersionOfTheEndpointIsPolled: released, paid, through the form of
// sales invoices (which in 22.200.001 tells no change time of its own), and read
// in full.
func TestEveryVersionOfTheEndpointIsPolled(t *testing.T) {
	for _, version := range []string{"22.200.001", "23.200.001", "24.200.001"} {
		t.Run(version, func(t *testing.T) {
			x, b := newTwin(t, "Default/"+version), newBroker()
			p := newPoller(t, newERP(), b, func(o *Options) {
				o.List, o.Poll.PageSize = x.client.List, 2
				allLinked(o)
			})
			x.put(t, "NonStockItem", map[string]any{"InventoryID": acumatica.Value("SETUP"), "DefaultPrice": acumatica.Value(50)})
			draft := x.invoice(func(i *acumaticatwin.Invoice) { i.Unreleased = true })
			paid, part := x.invoice(), x.invoice()
			x.pass(10 * time.Second)
			round(t, p)
			n := len(b.events)
			x.invoke(t, "Invoice", "ReleaseInvoice", "Invoice", draft)
			x.pay(t, paid, 120)
			x.pay(t, part, 20)
			sold := x.put(t, "SalesInvoice", map[string]any{
				"Type": acumatica.Value("Invoice"), "CustomerID": acumatica.Value(x.customer), "Hold": acumatica.Value(false),
				"Details": []any{map[string]any{"InventoryID": acumatica.Value("SETUP"), "Qty": acumatica.Value(1), "UnitPrice": acumatica.Value(50)}},
			}).String("ReferenceNbr")
			x.invoke(t, "SalesInvoice", "ReleaseSalesInvoice", "Invoice", sold)
			x.pass(10 * time.Second)
			round(t, p)
			got := map[string]string{}
			for _, e := range b.events[n:] {
				got[e.ev.Subject] = e.ev.ID[strings.Index(e.ev.ID, "~"):]
			}
			want := map[string]string{
				"Invoice " + draft: "~120_Open", "Invoice " + paid: "~0_Closed~1", "Invoice " + part: "~100_Open~1", "Invoice " + sold: "~50_Open",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			x.pass(25 * time.Hour)
			n = len(b.events)
			for last := fullReading(t, b).At; fullReading(t, b).At.Equal(last); {
				round(t, p)
			}
			for _, e := range b.events[n:] {
				if e.object == "invoice" {
					t.Errorf("the full reading tells %s again", e.ev.ID)
				}
			}
		})
	}
}

// TestWhatTenThousandChangesCost counts the requests for a mass change: lists
// only, 1.1 for a hundred rows at most, the reading after the overlap included.
func TestWhatTenThousandChangesCost(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of invoices")
	}
	t.Parallel()
	const n = 10_000
	x := newTwin(t, "Default/24.200.001")
	told := map[string]bool{}
	p := newPoller(t, newERP(), newBroker(), func(o *Options) {
		o.List, o.Poll.PageSize, o.Told = x.client.List, defaultPageSize, forgetful{}
		o.Publish = func(_ context.Context, _, _, _, _, _ string, ev bus.Event) (bus.PubAck, error) {
			told[ev.Subject] = true
			return bus.PubAck{Seq: 1}, nil
		}
	})
	round(t, p)
	for range n {
		x.invoice()
	}
	before := len(x.Requests())
	const rounds = 12
	for range rounds { // three minutes: the overlap passes
		x.pass(15 * time.Second)
		round(t, p)
	}
	kinds := map[string]int{}
	for _, q := range x.Requests()[before:] {
		kinds[q.Method+" "+q.Path[strings.LastIndex(q.Path, "/")+1:]]++
	}
	t.Logf("%d invoices: %v", len(told)-1, kinds)
	if len(told) != n+1 { // and their customer
		t.Errorf("%d documents are told, want %d", len(told)-1, n)
	}
	if lists := kinds["GET Invoice"]; lists > 110 {
		t.Errorf("%d lists for %d invoices", lists, n)
	}
	if all := kinds["GET Invoice"] + kinds["GET Customer"]; len(kinds) != 2 || all > 110+3*rounds {
		t.Errorf("requests %v, want lists only, and those of quiet rounds", kinds)
	}
}

// TestPushMakesThePollerLook sets the twin up as the manual says and sees that a
// change is polled long before its time, that a notification is sent again until
// it is taken, and that one with a wrong secret changes nothing.
func TestPushMakesThePollerLook(t *testing.T) {
	t.Parallel()
	b := bustest.New(t, "default")
	x := newTwin(t, "Default/24.200.001")
	x.pass(10 * time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	rt := &service.Runtime{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Bus: b, Config: &config.Config{
		Push: config.Push{Listen: "127.0.0.1:0", MaxBody: 1 << 20},
		Connections: []config.Connection{{
			Name: "default",
			Acumatica: config.Acumatica{
				URL: x.url, Tenant: "U100", Endpoint: "Default/24.200.001", Username: "api", Password: "secret", Timeout: 10 * time.Second,
				PushHeader: "X-Millrace-Secret", PushSecrets: []config.Secret{"old", "hush"},
			},
			Poll: config.Poll{Interval: time.Hour, Overlap: 2 * time.Minute},
		}},
	}}
	defer func() { _ = rt.Stop(context.Background()) }()
	var services sync.WaitGroup
	defer services.Wait()
	defer cancel()
	services.Go(func() {
		if err := run(ctx, rt); err != nil {
			t.Error(err)
		}
	})
	events := make(chan string, 10)
	services.Go(func() {
		_ = b.Follow(ctx, bus.Events, 1, func(m *bus.Message) error { events <- m.Event.Subject; return nil })
	})
	next := func() string {
		select {
		case s := <-events:
			return s
		case <-ctx.Done():
			return "nothing"
		}
	}
	if got := next(); got != x.customer {
		t.Fatalf("the first round tells %s", got)
	}
	addr, ok := rt.Addr("push")
	if !ok {
		t.Fatal("no endpoint")
	}
	// A destination that refuses twice, as one that restarts does.
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	refusals := atomic.Int64{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refusals.Add(1) <= 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r2, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+addr.String()+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		r2.Header = r.Header
		res, err := client.Do(r2)
		if err != nil {
			t.Error(err)
			return
		}
		_ = res.Body.Close()
		w.WriteHeader(res.StatusCode)
	}))
	defer front.Close()
	for _, d := range []acumaticatwin.Destination{
		{URL: front.URL + "/webhooks/acumatica", Header: "X-Millrace-Secret", Value: "hush", Entities: []string{"Invoice"}},
		{URL: "http://" + addr.String() + "/webhooks/acumatica/default", Header: "X-Millrace-Secret", Value: "guess", Entities: []string{"Invoice"}},
	} {
		if err := x.AddDestination(d); err != nil {
			t.Fatal(err)
		}
	}
	services.Go(func() { _ = x.Run(ctx) })
	number := x.invoice()
	services.Go(func() { // the pauses between tries are by the twin's clock
		for ctx.Err() == nil && len(x.FailedNotifications()) == 0 {
			wait(ctx, 100*time.Millisecond)
			x.pass(10 * time.Second)
		}
	})
	if got := next(); got != "Invoice "+number {
		t.Errorf("after the notification %s is told", got)
	}
	for ctx.Err() == nil && len(x.FailedNotifications()) == 0 {
		wait(ctx, 50*time.Millisecond)
	}
	failed := x.FailedNotifications()
	if len(failed) == 0 || failed[0].Tries != 5 || !strings.Contains(failed[0].Error, "401") {
		t.Errorf("failed: %+v, want those with the wrong secret after five tries", failed)
	}
	if !slices.ContainsFunc(failed, func(f acumaticatwin.FailedNotification) bool {
		return strings.HasPrefix(f.URL, "http://"+addr.String())
	}) {
		t.Error("the stranger's notification was taken")
	}
}
