package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/embednats"
	"millrace/internal/stripetwin"
)

const (
	connection    = config.DefaultName
	stripeKey     = "sk_test_simulated"
	webhookSecret = "whsec_simulated"
	tenant        = "Simulated"
	stateField    = "Document.UsrStripeState"
	partitions    = 4 // few, so that lanes share them
)

// A world is one installation with both systems around it.
type world struct {
	dir string
	log *slog.Logger

	erp       *acumaticatwin.Twin
	stripe    *stripetwin.Twin
	erpURL    string
	stripeURL string

	mu       sync.Mutex
	server   *embednats.Server // nil while the broker is down
	outage   sync.Mutex        // one outage after the other
	watch    *bus.Bus          // the observer's own connection
	procs    []*process
	turn     atomic.Uint64 // of the load balancer
	lose     float64       // share of webhooks that it loses
	together int           // requests that Acumatica may be sent at once
	dice     *rand.Rand
	ahead    atomic.Int64 // nanoseconds that Acumatica's clock is ahead of ours
	away     atomic.Bool  // nothing of ours may run
	servers  []*http.Server
	running  sync.WaitGroup
	stopTwin context.CancelFunc

	interpose func(http.RoundTripper) http.RoundTripper // nil: nothing
}

// newWorld makes the world of a plan, with its files in a folder of its own
// that goes with it.
func newWorld(ctx context.Context, o Options, plan Plan, log *slog.Logger) (*world, error) {
	dir, err := os.MkdirTemp(o.Dir, "seed-")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, interpose: o.interpose, log: log, lose: plan.LostWebhooks, together: plan.Concurrency, dice: rand.New(rand.NewPCG(plan.Seed, 1))} //nolint:gosec // G404: a repeatable choice is wanted
	if err := w.open(ctx, plan.Webhooks); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *world) open(ctx context.Context, webhooks stripetwin.Trouble) (err error) {
	w.erp, err = acumaticatwin.New(acumaticatwin.Options{
		Tenant: tenant, Username: "api", Password: "simulated", Log: w.log, Now: w.erpNow,
		UserFields: []acumaticatwin.UserField{{Entity: "Invoice", Name: stateField}},
	})
	if err != nil {
		return fmt.Errorf("acumatica twin: %w", err)
	}
	w.stripe, err = stripetwin.New(stripetwin.Options{APIKey: stripeKey, Webhooks: webhooks, Log: w.log})
	if err != nil {
		return fmt.Errorf("stripe twin: %w", err)
	}
	if w.erpURL, err = w.serve(ctx, w.erp.Handler()); err != nil {
		return err
	}
	if w.stripeURL, err = w.serve(ctx, w.stripe.Handler()); err != nil {
		return err
	}
	balancer, err := w.serve(ctx, http.HandlerFunc(w.balance))
	if err != nil {
		return err
	}
	w.stripe.SetBaseURL(w.stripeURL)
	w.stripe.SetWebhook(balancer, webhookSecret)
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stopTwin = stop
	w.running.Go(func() { _ = w.stripe.Run(run) }) // returns nil when asked to stop
	if err := w.startBroker(); err != nil {
		return err
	}
	if w.watch, err = bus.Connect(ctx, w.busOptions("observer", newLine())); err != nil {
		return err
	}
	for range 3 { // a machine may be too busy for the time that the broker has
		if err = w.watch.Provision(ctx, []string{connection}); err == nil {
			break
		}
	}
	return err
}

func (w *world) erpNow() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func (w *world) serve(ctx context.Context, h http.Handler) (url string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(w.log.Handler(), slog.LevelDebug)}
	w.servers = append(w.servers, srv)
	w.running.Go(func() { _ = srv.Serve(l) }) // returns when it is closed
	return "http://" + l.Addr().String(), nil
}

// close ends everything, whatever state it is in.
func (w *world) close() error {
	for _, p := range w.processes() {
		p.kill()
	}
	for _, p := range w.processes() {
		<-p.gone
	}
	var err error
	if w.watch != nil {
		err = w.watch.Close()
	}
	w.stopBroker()
	if w.stopTwin != nil {
		w.stopTwin()
	}
	for _, s := range w.servers {
		err = errors.Join(err, s.Close())
	}
	w.running.Wait()
	return errors.Join(err, os.RemoveAll(w.dir))
}

func (w *world) startBroker() error {
	s, err := embednats.Start(embednats.Options{StoreDir: filepath.Join(w.dir, "nats")})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.server = s
	return nil
}

func (w *world) stopBroker() {
	w.mu.Lock()
	s := w.server
	w.server = nil
	w.mu.Unlock()
	if s != nil {
		s.Shutdown()
	}
}

// broker is how one process reaches whichever broker runs now.
type broker struct {
	w    *world
	line *line
}

// InProcessConn opens a connection through the process's line.
func (b broker) InProcessConn() (net.Conn, error) {
	b.w.mu.Lock()
	s := b.w.server
	b.w.mu.Unlock()
	if s == nil {
		return nil, errors.New("the broker is down")
	}
	if err := b.line.pass(); err != nil {
		return nil, err
	}
	c, err := s.InProcessConn()
	if err != nil {
		return nil, err
	}
	return b.line.wire(c), nil
}

func (w *world) busOptions(name string, l *line) bus.Options {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := bus.Options{InProcess: broker{w, l}, Name: name, Partitions: partitions, Log: w.log}
	if w.server != nil {
		o.Token = w.server.Token()
	}
	return o
}

// balance hands a webhook to one of the running ingests, as a load balancer
// in front of the replicas does.
func (w *world) balance(rw http.ResponseWriter, r *http.Request) {
	if w.loses() {
		return // with 200
	}
	procs := w.processes()
	for range procs {
		p := procs[w.turn.Add(1)%uint64(len(procs))]
		addr, ok := p.ingest()
		if !ok {
			continue
		}
		status, err := w.forward(r, p, addr)
		if err != nil {
			break // Stripe delivers again
		}
		rw.WriteHeader(status)
		return
	}
	rw.WriteHeader(http.StatusBadGateway)
}

func (w *world) loses() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dice.Float64() < w.lose
}

func (w *world) forward(r *http.Request, p *process, addr string) (int, error) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://"+addr+"/webhooks/stripe", r.Body)
	if err != nil {
		return 0, err
	}
	req.Header = r.Header.Clone()
	req.ContentLength = r.ContentLength
	t := &transport{line: p.line, next: http.DefaultTransport}
	res, err := t.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

func (w *world) config() *config.Config {
	return &config.Config{
		Connections: []config.Connection{{
			Name:   connection,
			Stripe: config.Stripe{APIKey: stripeKey, APIBase: w.stripeURL, WebhookSecrets: []config.Secret{webhookSecret}, SweepInterval: 300 * time.Millisecond},
			Acumatica: config.Acumatica{
				URL: w.erpURL, Tenant: tenant, Endpoint: "Default/24.200.001", Username: "api", Password: "simulated",
				Timeout: 3 * time.Second, SettleDelay: 500 * time.Millisecond, Concurrency: w.together,
			},
			Books: config.Books{
				TimeZone: "UTC", PaymentMethod: acumaticatwin.SeedPaymentMethod,
				CashAccounts: map[string]string{"USD": acumaticatwin.SeedCashAccountUSD, "EUR": acumaticatwin.SeedCashAccountEUR},
			},
			Invoices:  config.Invoices{WriteBack: config.InvoiceBack{Note: true, Fields: config.InvoiceFields{PaymentState: stateField}}},
			Customers: config.Customers{WriteBack: config.CustomerBack{Note: true}},
			Poll:      config.Poll{Interval: 100 * time.Millisecond, Overlap: 5 * time.Second, Settle: 20 * time.Millisecond, PageSize: 20},
		}},
		Ingest:     config.Ingest{Listen: "127.0.0.1:0", MaxBody: 512 << 10, MaxAge: 5 * time.Minute},
		DataDir:    w.dir,
		Partitions: partitions,
	}
}
