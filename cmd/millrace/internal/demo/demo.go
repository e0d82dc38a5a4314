// Package demo plays a day of business against the twins: released invoices
// in Acumatica, buyers who pay in Stripe, one who pays without an invoice. It
// looks at the result in the twins themselves, not in what the pipeline says
// of itself.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/acumaticatwin"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/stripetwin"
)

// Options of a demo.
type Options struct {
	Dir    string       // data directory; what the twins know is kept below it
	Log    *slog.Logger // of the twins
	Arrows io.Writer    // gets a line for each thing that went somewhere

	Scenario string // Quick, Year or Mirror; "" is Quick
	Days     int    // of business in Year or Mirror; 0: all of them
	Endpoint string // of Acumatica, in Mirror: one of Endpoints; "" is the newest
	Seed     uint64 // of what happens in Mirror
}

// What the demo can play.
const (
	Quick  = "quick"  // a few invoices and a payment without one
	Year   = "year"   // a year of everything that moves money, compared in the end
	Mirror = "mirror" // a year of bookkeeping: what can be paid in Stripe is what is open
)

// Demo is the two twins, served on free ports of this machine.
type Demo struct {
	o         Options
	stripe    *stripetwin.Twin
	erp       *acumaticatwin.Twin
	stripeURL string
	erpURL    string
	key       string // the API key that the Stripe twin accepts
	secret    string // what it signs webhooks with
	password  string
	client    *http.Client

	ahead   atomic.Int64 // nanoseconds that the year has passed faster than our clock
	skew    atomic.Int64 // of Acumatica's clock, in Mirror
	frozen  atomic.Int64 // what Acumatica's clock shows while it stands still, in unix nanoseconds; 0: it goes
	began   time.Time    // of the twins' time
	worth   worths       // of what stands in Acumatica, in Mirror
	lines   [2]*line     // from the pipeline to Stripe and to Acumatica, in Mirror
	linked  [2]string    // their URLs
	servers []*http.Server
	cancel  context.CancelFunc
	running sync.WaitGroup
}

const (
	tenant   = "Millrace Demo"
	username = "millrace"
	endpoint = "Default/24.200.001"
	clientID = "8F2A4C1E-7B3D-4E59-9C60-1D2E3F4A5B6C@" + tenant
)

// New starts the twins. Credentials are made up for this run.
func New(ctx context.Context, o Options) (*Demo, error) {
	d := &Demo{
		o: o, key: "sk_test_" + rand.Text(), secret: "whsec_" + rand.Text(), password: rand.Text(),
		client: &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.Close(ctx))
	}
	return d, nil
}

func (d *Demo) start(ctx context.Context) error {
	dir := filepath.Join(d.o.Dir, "twins")
	so := stripetwin.Options{APIKey: d.key, StateFile: filepath.Join(dir, "stripe.json"), Log: d.o.Log}
	eo := acumaticatwin.Options{
		Tenant: tenant, Username: username, Password: d.password, ClientID: clientID, ClientSecret: d.password,
		StateFile: filepath.Join(dir, "acumatica.json"), Log: d.o.Log, Seed: acumaticatwin.SeedQuick,
	}
	mkdir := os.MkdirAll
	if d.o.Scenario == Year || d.o.Scenario == Mirror {
		mkdir = os.Mkdir // a year begins with nothing
		d.yearOptions(&so, &eo)
	}
	if err := mkdir(dir, 0o700); err != nil {
		return fault.New("config.data_dir", err)
	}
	var err error
	if d.stripe, err = stripetwin.New(so); err != nil {
		return fmt.Errorf("stripe twin: %w", err)
	}
	if d.erp, err = acumaticatwin.New(eo); err != nil {
		return fmt.Errorf("acumatica twin: %w", err)
	}
	if d.stripeURL, err = d.serve(ctx, d.stripe.Handler()); err != nil {
		return err
	}
	d.stripe.SetBaseURL(d.stripeURL)
	if d.erpURL, err = d.serve(ctx, d.erp.Handler()); err != nil {
		return err
	}
	d.lines = [2]*line{{to: d.stripe.Handler()}, {to: d.erp.Handler()}}
	for n, l := range d.lines {
		if d.linked[n], err = d.serve(ctx, l); err != nil {
			return err
		}
	}
	ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx)) // Close ends it, after the services drained
	d.running.Go(func() {
		if err := d.stripe.Run(ctx); err != nil {
			d.o.Log.Error("stripe twin stopped", "err", err)
		}
	})
	d.running.Go(func() {
		if err := d.erp.Run(ctx); err != nil {
			d.o.Log.Error("acumatica twin stopped", "err", err)
		}
	})
	return nil
}

func (d *Demo) serve(ctx context.Context, h http.Handler) (url string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.New("service.listen", err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	d.servers = append(d.servers, srv)
	d.running.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			d.o.Log.Error("twin stopped", "err", err)
		}
	})
	return "http://" + l.Addr().String(), nil
}

// Close stops the twins. What they know stays in their files.
func (d *Demo) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if d.cancel != nil {
		d.cancel()
	}
	var errs []error
	for _, srv := range d.servers {
		if err := srv.Shutdown(ctx); err != nil {
			errs = append(errs, err, srv.Close())
		}
	}
	d.running.Wait()
	d.client.CloseIdleConnections()
	return errors.Join(errs...)
}

// Config is the configuration with which the services work against the twins.
// Nothing in it says that they are twins; only the times are shorter than in
// real life.
func (d *Demo) Config() *config.Config {
	c := &config.Config{
		Connections: []config.Connection{{
			Name: config.DefaultName,
			Stripe: config.Stripe{
				APIKey: config.Secret(d.key), APIBase: d.stripeURL, WebhookSecrets: []config.Secret{config.Secret(d.secret)}, SweepInterval: time.Minute,
			},
			Acumatica: config.Acumatica{
				URL: d.erpURL, Tenant: tenant, Endpoint: endpoint, Username: username, Password: config.Secret(d.password),
				ClientID: clientID, ClientSecret: config.Secret(d.password),
				Timeout: 30 * time.Second, SettleDelay: time.Second, Concurrency: 2,
			},
			Books: config.Books{
				TimeZone: "UTC", PaymentMethod: acumaticatwin.SeedPaymentMethod,
				CashAccounts: map[string]string{"USD": acumaticatwin.SeedCashAccountUSD, "EUR": acumaticatwin.SeedCashAccountEUR},
			},
			Poll: config.Poll{Interval: 300 * time.Millisecond, Overlap: 10 * time.Second, Settle: 50 * time.Millisecond, PageSize: 100},
		}},
		NATS:       config.NATS{Listen: "127.0.0.1:0"},
		Ingest:     config.Ingest{Listen: "127.0.0.1:0", MaxBody: 512 << 10, MaxAge: 5 * time.Minute},
		Ops:        config.Ops{Listen: "127.0.0.1:0"},
		DataDir:    d.o.Dir,
		Partitions: 32,
	}
	switch d.o.Scenario {
	case Year:
		yearConfig(c)
	case Mirror:
		d.mirrorConfig(c)
	}
	return c
}
