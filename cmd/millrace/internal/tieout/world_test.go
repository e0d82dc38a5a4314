package tieout

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"millrace/ingest/sweep"
	"millrace/ingest/webhook"
	"millrace/internal/acumaticatwin"
	"millrace/internal/bustest"
	"millrace/internal/config"
	"millrace/internal/ledger"
	"millrace/internal/service"
	"millrace/internal/stripetwin"
	"millrace/sink-acumatica/acusink"
	"millrace/sink-stripe/stripesink"
	"millrace/source-acumatica/poller"
	"millrace/transform/stage"
)

const (
	connection = config.DefaultName
	stripeKey  = "sk_test_tieout"
	secret     = "whsec_tieout"
	tenant     = "Tie-out"
	day        = 24 * time.Hour
	sweepEvery = 80 * time.Millisecond
	checkEvery = 10 * sweepEvery // every tenth sweep looks for what nobody told of
)

// keeping is how the books are kept.
type keeping struct {
	mode    ledger.Mode
	fees    ledger.FeeStyle
	refunds ledger.RefundStyle
	byHand  bool      // payouts: the unit is the day
	summary time.Time // from here on; zero: never
}

// documents tells whether what a customer paid has a document, see oracle.
func (k keeping) documents(moved time.Time, refund bool) bool {
	switch {
	case k.mode == ledger.Summary, !k.summary.IsZero() && !moved.Before(k.summary):
		return false
	}
	return !refund || k.refunds != ledger.RefundJournal
}

// world is one installation with both twins around it.
type world struct {
	t         *testing.T
	erp       *acumaticatwin.Twin
	stripe    *stripetwin.Twin
	stripeURL string
	rt        *service.Runtime
	conn      config.Connection
	ahead     atomic.Int64 // nanoseconds that the twins' time has passed faster than ours
	now       func() time.Time
}

func newWorld(t *testing.T, s script, k keeping) *world {
	t.Helper()
	w := &world{t: t}
	began := time.Now()
	w.now = func() time.Time { return s.start.Add(time.Since(began) + time.Duration(w.ahead.Load())) }
	var err error
	w.erp, err = acumaticatwin.New(acumaticatwin.Options{Tenant: tenant, Username: "api", Password: "tieout", Now: w.now, Wall: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.stripe, err = stripetwin.New(stripetwin.Options{
		APIKey: stripeKey, Now: func() time.Time { return s.start.Add(time.Since(began)) }, Wall: time.Now,
		Settle: s.settle, RateSeed: 1, FeeTax: s.feeTax, RefundFees: s.refundFees, DailyPayouts: s.daily,
	})
	if err != nil {
		t.Fatal(err)
	}
	erp, stripe := httptest.NewServer(w.erp.Handler()), httptest.NewServer(w.stripe.Handler())
	t.Cleanup(erp.Close)
	t.Cleanup(stripe.Close)
	w.stripeURL = stripe.URL
	w.stripe.SetBaseURL(stripe.URL)
	w.conn = connectionOf(erp.URL, stripe.URL, k)
	w.run()
	return w
}

func connectionOf(erp, stripe string, k keeping) config.Connection {
	b := config.Books{
		TimeZone: "UTC", PaymentMethod: acumaticatwin.SeedPaymentMethod, FeeEntryType: acumaticatwin.SeedFeeEntryType,
		CashAccounts: map[string]string{"USD": acumaticatwin.SeedCashAccountUSD, "EUR": acumaticatwin.SeedCashAccountEUR, "GBP": acumaticatwin.SeedCashAccountGBP},
		Mode:         string(k.mode), Fees: string(k.fees), Refunds: string(k.refunds), SummaryFrom: k.summary,
		Clearing: map[string]config.Account{}, Accounts: map[string]config.ByCurrency{"bank": {}},
	}
	if k.byHand {
		b.Payouts = config.PayoutsManual
	}
	for currency, a := range acumaticatwin.SeedClearing() {
		b.Clearing[currency] = config.Account{Account: a}
	}
	for currency, a := range acumaticatwin.SeedBanks() {
		b.Accounts["bank"][currency] = config.Account{Account: a}
	}
	for name, a := range acumaticatwin.SeedAccounts() {
		b.Accounts[name] = config.ByCurrency{"": {Account: a}}
	}
	return config.Connection{
		Name:   connection,
		Stripe: config.Stripe{APIKey: stripeKey, APIBase: stripe, WebhookSecrets: []config.Secret{secret}, SweepInterval: sweepEvery},
		Acumatica: config.Acumatica{
			URL: erp, Tenant: tenant, Endpoint: "Default/24.200.001", Username: "api", Password: "tieout",
			Timeout: 30 * time.Second, SettleDelay: time.Second, Concurrency: 2,
		},
		Books: b,
		Poll:  config.Poll{Interval: 200 * time.Millisecond, Overlap: 10 * time.Second, Settle: 20 * time.Millisecond, PageSize: 100},
	}
}

// run starts the services, and the webhooks of Stripe.
func (w *world) run() {
	b := bustest.New(w.t, connection)
	cfg := &config.Config{
		Connections: []config.Connection{w.conn}, DataDir: w.t.TempDir(), Partitions: 2,
		Ingest: config.Ingest{Listen: "127.0.0.1:0", MaxBody: 512 << 10, MaxAge: 5 * time.Minute},
	}
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() && *verbose {
		log = slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	rt, err := service.Open(w.t.Context(), service.Options{Name: "tieout", Config: cfg, Log: log, Bus: b})
	if err != nil {
		w.t.Fatal(err)
	}
	w.rt = rt
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() {
		ended <- service.Run(ctx, rt, webhook.Service, sweep.Service, poller.Service, stage.Service, acusink.Service, stripesink.Service)
	}()
	go func() { ended <- w.stripe.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		for range cap(ended) {
			if err := <-ended; err != nil && ctx.Err() == nil {
				w.t.Error(err)
			}
		}
		http.DefaultTransport.(*http.Transport).CloseIdleConnections() //nolint:forcetypeassert // the standard library's own
	})
	w.until("the webhook endpoint listens", func() bool {
		addr, ok := rt.Addr("ingest")
		if ok {
			w.stripe.SetWebhook("http://"+addr.String()+"/webhooks/stripe", secret)
		}
		return ok
	})
}

// patience is how long the pipeline may need for what is before it; a machine
// may be busy with something else.
const patience = time.Minute

// until waits for what must come, and gives up after a while.
func (w *world) until(what string, done func() bool) {
	w.t.Helper()
	if !w.wait(patience, done) {
		w.t.Fatalf("after %v: not yet: %s", patience, what)
	}
}

func (w *world) wait(long time.Duration, done func() bool) bool {
	over := time.Now().Add(long)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		if time.Now().After(over) || w.t.Context().Err() != nil {
			return false
		}
		<-tick.C
	}
	return true
}

// pass lets time pass in both systems.
func (w *world) pass(by time.Duration) {
	w.ahead.Add(int64(by))
	if err := w.stripe.Advance(w.t.Context(), by); err != nil {
		w.t.Fatal(err)
	}
}

// idle: no stage has work, no lane waits, every webhook was taken.
func (w *world) idle() bool {
	lags, err := w.rt.Bus.Lag(w.t.Context(), []string{connection})
	if err != nil {
		return false
	}
	for _, l := range lags {
		if l.Pending > 0 || l.AckPending > 0 || l.BlockedLanes > 0 {
			return false
		}
	}
	var events struct {
		Data []struct{} `json:"data"`
	}
	err = w.ask("GET", "/v1/events?limit=1&delivery_success=false", nil, &events)
	return err == nil && len(events.Data) == 0
}

// catchUp waits until the pipeline has nothing left to do that it knows of.
func (w *world) catchUp() {
	w.t.Helper()
	w.until("the pipeline is idle", w.idle)
}
