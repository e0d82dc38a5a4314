package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"millrace/cmd/millrace/internal/year"
	"millrace/internal/acumaticatwin"
	"millrace/internal/config"
	"millrace/internal/service"
	"millrace/internal/stripetwin"
)

const (
	// patience is how long the pipeline may need for what is before it.
	patience = 2 * time.Minute
	// settled is how long nothing may happen in the end: longer than ten sweeps,
	// the tenth of which looks for what nobody told of.
	settled = 5 * time.Second

	sweepEvery = 300 * time.Millisecond

	yearCustomers = 50
	yearSeed      = 1
	feeTax        = 200 // per mille
)

// yearStart is what the twins' clocks show in the beginning.
func yearStart() time.Time { return time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC) }

// yearOptions lets both twins begin at the start of the year with nothing, and
// forget it in the end.
func (d *Demo) yearOptions(so *stripetwin.Options, eo *acumaticatwin.Options) {
	d.began = time.Now()
	now := func() time.Time { return yearStart().Add(time.Since(d.began)) }
	so.StateFile, so.Now, so.Wall = "", now, time.Now
	so.Settle, so.RateSeed, so.FeeTax = []string{"usd"}, yearSeed, feeTax
	eo.StateFile, eo.Seed, eo.Wall = "", "", time.Now
	eo.Now = d.erpNow
	if d.o.Scenario == Mirror {
		d.skew.Store(int64(mirrorSkew))
		eo.Ledger = d.worth.note
		so.Settle = []string{"usd", "eur", "gbp"} // exchange is another year's business
	}
}

// erpNow is what the clock of Acumatica shows.
func (d *Demo) erpNow() time.Time {
	if at := d.frozen.Load(); at != 0 {
		return time.Unix(0, at).UTC()
	}
	return yearStart().Add(time.Since(d.began) + time.Duration(d.ahead.Load()+d.skew.Load()))
}

// yearConfig keeps the books on the accounts that every tenant of the twin has.
func yearConfig(c *config.Config) {
	conn := &c.Connections[0]
	conn.Stripe.SweepInterval = sweepEvery
	b := &conn.Books
	b.CashAccounts = acumaticatwin.SeedCashAccounts()
	b.Clearing, b.Accounts = map[string]config.Account{}, map[string]config.ByCurrency{"bank": {}}
	for currency, a := range acumaticatwin.SeedClearing() {
		b.Clearing[currency] = config.Account{Account: a}
	}
	for currency, a := range acumaticatwin.SeedBanks() {
		b.Accounts["bank"][currency] = config.Account{Account: a}
	}
	for name, a := range acumaticatwin.SeedAccounts() {
		b.Accounts[name] = config.ByCurrency{"": {Account: a}}
	}
}

// RunYear points the Stripe twin at the webhook endpoint, plays a year and
// returns what an oracle says of both books. It returns nil without an error
// when ctx ends before that.
func (d *Demo) RunYear(ctx context.Context, rt *service.Runtime) (*YearResult, error) {
	addr, ok := rt.Addr("ingest")
	if !ok {
		return nil, errors.New("demo: ingest does not listen")
	}
	d.stripe.SetWebhook("http://"+addr.String()+"/webhooks/stripe", d.secret)
	start := time.Now()
	w := newWatch(rt.Bus, io.Discard)
	follow, stop := context.WithCancel(ctx)
	followed := make(chan error, 1)
	go func() { followed <- w.run(follow) }()
	defer func() { stop(); <-followed }()

	days := d.days()
	quiet := func(least time.Duration) func(context.Context) error {
		return func(ctx context.Context) error { return d.quiet(ctx, rt, w, least) }
	}
	played, err := year.Play(ctx, year.Options{
		Stripe: d.stripe, ERP: d.erp, StripeURL: d.stripeURL, Key: d.key, Client: d.client,
		Start: yearStart(), Days: days, Customers: min(yearCustomers, 10+days/5), Seed: yearSeed,
		Pass: d.pass, CatchUp: quiet(0), Quiet: quiet(quietAfterPoll),
		Told: func(day int) { d.tell(start, fmt.Sprintf("day %3d", day)) },
	})
	if err == nil {
		err = d.quiet(ctx, rt, w, settled)
	}
	if ctx.Err() != nil {
		return nil, nil //nolint:nilnil // documented: stopped before the end
	}
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return d.yearResult(ctx, rt, w, played, start)
}

// tell says how far the year is, and how long it took until there.
func (d *Demo) tell(start time.Time, what string) {
	fmt.Fprintf(d.o.Arrows, "  %-28s  %6.1f s\n", what, time.Since(start).Seconds())
}

// quietAfterPoll is longer than a round of polling.
const quietAfterPoll = 700 * time.Millisecond

// pass lets time pass in both systems.
func (d *Demo) pass(ctx context.Context, by time.Duration) error {
	d.ahead.Add(int64(by))
	return d.stripe.Advance(ctx, by)
}

// quiet waits until no stage has work and nothing has ended for so long. It
// goes on without when that takes too long: the oracle will tell.
func (d *Demo) quiet(ctx context.Context, rt *service.Runtime, w *watch, least time.Duration) error {
	over := time.Now().Add(patience)
	if least > 0 { // something new may be about to be polled
		over = over.Add(least)
	}
	began := time.Now()
	t := time.NewTicker(tick / 4)
	defer t.Stop()
	for time.Now().Before(over) {
		if min(w.quietFor(), time.Since(began)) >= least {
			if idle, err := d.idle(ctx, rt); err == nil && idle {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
	return nil
}
