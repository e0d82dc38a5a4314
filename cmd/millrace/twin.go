package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"millrace/internal/acumaticatwin"
	"millrace/internal/fault"
	"millrace/internal/stripetwin"
	"millrace/internal/twinfault"
)

// twinMemory is from how many bytes on a twin would rather collect garbage more
// often than grow: with a million objects it stays under 1 GiB.
const twinMemory = 900 << 20

func limitMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 { // GOMEMLIMIT does not say otherwise
		debug.SetMemoryLimit(twinMemory)
	}
}

// twinResult is the result of `twin`, printed once it listens.
type twinResult struct {
	System string            `json:"system"`
	URL    string            `json:"url"`
	Env    map[string]string `json:"env"`    // settings with which Millrace works against it
	Faults int               `json:"faults"` // that --faults scripted
	order  []string
}

func (a *app) twinCommand() *cobra.Command {
	return group("twin", "A stateful stand-in for Stripe or Acumatica", a.twinStripe(), a.twinAcumatica())
}

// twinFlags are those that both twins have.
type twinFlags struct {
	listen, state, faults string
}

func (t *twinFlags) add(c *cobra.Command, listen string) {
	c.Flags().StringVar(&t.listen, "listen", listen, "host:port; port 0 takes a free one")
	c.Flags().StringVar(&t.state, "state", "", "file that keeps what the twin knows; without it, it forgets")
	c.Flags().StringVar(&t.faults, "faults", "", "file in YAML or JSON that scripts what goes wrong")
}

// claim locks the state file for this process until it ends; it tells what
// stands in the way.
func (t *twinFlags) claim() (release func() error, err error) {
	if t.state == "" {
		return func() error { return nil }, nil
	}
	release, err = lock(t.state + ".lock")
	if errors.Is(err, errLocked) {
		err = fmt.Errorf("--state %s: another twin works with this file: stop it, or name another file", t.state)
	} else if err != nil {
		err = fmt.Errorf("--state %s cannot be written: %w", t.state, err)
	}
	if err != nil {
		return nil, usage(err)
	}
	return release, nil
}

// script gives the twin the faults of the file, all of them or none.
func (t *twinFlags) script(s *twinfault.Script) error {
	if t.faults == "" {
		return nil
	}
	f, err := os.Open(t.faults)
	if err != nil {
		return usage(fmt.Errorf("--faults: %w", err))
	}
	defer func() { _ = f.Close() }()
	if err := s.Load(f); err != nil {
		return usage(fmt.Errorf("--faults %s: %w", t.faults, err))
	}
	return nil
}

func (a *app) twinStripe() *cobra.Command {
	var f twinFlags
	var key, hook, secret, scenario string
	var objects int
	c := &cobra.Command{
		Use: "stripe", Short: "A stand-in for Stripe", Args: cobra.NoArgs,
		Example: "  millrace twin stripe --listen 127.0.0.1:8091 \\\n    --webhook-url http://127.0.0.1:8080/webhooks/stripe --webhook-secret whsec_twin",
	}
	f.add(c, "127.0.0.1:8091")
	c.Flags().StringVar(&key, "api-key", "sk_test_twin", "the key it accepts")
	c.Flags().StringVar(&hook, "webhook-url", "", "where it sends its events")
	c.Flags().StringVar(&secret, "webhook-secret", "whsec_twin", "what it signs them with")
	c.Flags().StringVar(&scenario, "scenario", "", "what it starts with: quick, year or empty")
	c.Flags().IntVar(&objects, "objects", 0, "makes the year this large, up to a million objects")
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		if u, err := url.Parse(hook); hook != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
			return nil, usage(fmt.Errorf("--webhook-url %q: want http:// or https:// and a host, such as http://127.0.0.1:8080/webhooks/stripe", hook))
		}
		log, err := a.logger("info")
		if err != nil {
			return nil, err
		}
		limitMemory()
		release, err := f.claim()
		if err != nil {
			return nil, err
		}
		defer func() { _ = release() }() // ends with the process in any case
		twin, err := stripetwin.New(stripetwin.Options{APIKey: key, StateFile: f.state, Log: log, Seed: scenario, Objects: objects})
		if err != nil {
			return nil, usage(err)
		}
		if err := f.script(twin.Faults()); err != nil {
			return nil, err
		}
		return nil, a.serveTwin(ctx, f.listen, twin.Handler(), func(url string) twinResult {
			twin.SetBaseURL(url)
			if hook != "" {
				twin.SetWebhook(hook, secret)
			}
			return twinResult{
				System: "stripe", URL: url, Faults: len(twin.Faults().Reports()),
				Env:   map[string]string{"STRIPE_API_BASE": url, "STRIPE_API_KEY": key, "STRIPE_WEBHOOK_SECRET": secret},
				order: []string{"STRIPE_API_BASE", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"},
			}
		}, twin.Run)
	})
}

func (a *app) twinAcumatica() *cobra.Command {
	var f twinFlags
	o := acumaticatwin.Options{}
	var userFields []string
	c := &cobra.Command{
		Use: "acumatica", Short: "A stand-in for Acumatica", Args: cobra.NoArgs,
		Example: "  millrace twin acumatica --listen 127.0.0.1:8092 --scenario quick",
	}
	f.add(c, "127.0.0.1:8092")
	c.Flags().StringVar(&o.Tenant, "tenant", "Company", "its one tenant")
	c.Flags().StringVar(&o.Username, "username", "admin", "the user it accepts")
	c.Flags().StringVar(&o.Password, "password", "twin", "and that user's password")
	c.Flags().StringVar(&o.ClientID, "client-id", "", "for OAuth; without it cookie sign-in only")
	c.Flags().StringVar(&o.ClientSecret, "client-secret", "", "for OAuth")
	c.Flags().StringVar(&o.CustomEndpoint, "custom-endpoint", "", "the tenant's own endpoint, such as Millrace/1.0.0, which has CreditMemo, CashAccount and BankDeposit")
	c.Flags().StringSliceVar(&userFields, "user-field", nil, "a field of a customisation, such as Invoice:Document.UsrStripeURL, with :<size> and :locked behind it")
	c.Flags().StringVar(&o.Seed, "scenario", "quick", "what it starts with: quick, year or empty")
	c.Flags().IntVar(&o.Documents, "documents", 0, "invoices and payments of a year that it starts with on top, up to a million")
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		log, err := a.logger("info")
		if err != nil {
			return nil, err
		}
		o.StateFile, o.Log = f.state, log
		for _, text := range userFields {
			field, err := acumaticatwin.ParseUserField(text)
			if err != nil {
				return nil, usage(err)
			}
			o.UserFields = append(o.UserFields, field)
		}
		limitMemory()
		release, err := f.claim()
		if err != nil {
			return nil, err
		}
		defer func() { _ = release() }() // ends with the process in any case
		twin, err := acumaticatwin.New(o)
		if err != nil {
			return nil, usage(err)
		}
		if err := f.script(twin.Faults()); err != nil {
			return nil, err
		}
		return nil, a.serveTwin(ctx, f.listen, twin.Handler(), func(url string) twinResult {
			return twinResult{
				System: "acumatica", URL: url, Faults: len(twin.Faults().Reports()),
				Env: map[string]string{
					"ACUMATICA_URL": url, "ACUMATICA_TENANT": o.Tenant, "ACUMATICA_ENDPOINT": "Default/24.200.001", "ACUMATICA_USERNAME": o.Username, "ACUMATICA_PASSWORD": o.Password,
					"MILLRACE_PAYMENT_METHOD": acumaticatwin.SeedPaymentMethod,
					"MILLRACE_CASH_ACCOUNTS":  pairs(acumaticatwin.SeedCashAccounts()),
					"MILLRACE_CLEARING":       pairs(acumaticatwin.SeedClearing()),
					"MILLRACE_ACCOUNTS":       pairs(twinAccounts()),
				},
				order: []string{"ACUMATICA_URL", "ACUMATICA_TENANT", "ACUMATICA_ENDPOINT", "ACUMATICA_USERNAME", "ACUMATICA_PASSWORD", "MILLRACE_PAYMENT_METHOD", "MILLRACE_CASH_ACCOUNTS", "MILLRACE_CLEARING", "MILLRACE_ACCOUNTS"},
			}
		}, twin.Run)
	})
}

// twinAccounts are the accounts of a seeded tenant, as MILLRACE_ACCOUNTS names
// them.
func twinAccounts() map[string]string {
	accounts := acumaticatwin.SeedAccounts()
	for currency, account := range acumaticatwin.SeedBanks() {
		accounts["bank."+currency] = account
	}
	return accounts
}

// pairs is a mapping as a variable holds it: "k=v,k=v".
func pairs(m map[string]string) string {
	texts := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		texts = append(texts, k+"="+m[k])
	}
	return strings.Join(texts, ",")
}

// serveTwin serves until ctx is done. ready runs once the address is known;
// what it returns is printed.
func (a *app) serveTwin(ctx context.Context, addr string, h http.Handler, ready func(url string) twinResult, background func(context.Context) error) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fault.New("service.listen", err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	res := ready("http://" + l.Addr().String())
	if err := a.emit(&reply{summary: res.System + " twin on " + res.URL, result: res, text: res.print}, nil); err != nil {
		return errors.Join(err, l.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 2)
	go func() { done <- srv.Serve(l) }()
	go func() { done <- background(ctx) }()
	select {
	case err = <-done:
		cancel()
	case <-ctx.Done():
	}
	stop, release := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer release()
	if serr := srv.Shutdown(stop); serr != nil {
		err = errors.Join(err, srv.Close())
	}
	err = errors.Join(err, <-done)
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (t twinResult) print(w io.Writer) {
	fmt.Fprintf(w, "%s twin on %s; Ctrl-C stops it. Millrace works against it with\n\n", t.System, t.URL)
	for _, name := range t.order {
		fmt.Fprintf(w, "  export %s=%s\n", name, t.Env[name])
	}
	if t.Faults > 0 {
		fmt.Fprintf(w, "\nfaults scripted: %d; what is left of them: %s/_twin/faults\n", t.Faults, t.URL)
	}
}
