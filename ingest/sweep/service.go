package sweep

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"millrace/internal/basis"
	"millrace/internal/budget"
	"millrace/internal/config"
	"millrace/internal/ledger"
	"millrace/internal/link"
	"millrace/internal/service"
	"millrace/internal/stripeapi"
)

// Service is the sweep of every connection. It runs beside the webhook
// endpoint, or in a process of its own.
var Service = service.Service{Name: "sweep", Run: run}

func run(ctx context.Context, rt *service.Runtime) error {
	yielding := budget.Yield(ctx) // sinks go first: a sweep can wait
	var running sync.WaitGroup
	for _, c := range rt.Config.Connections {
		client, err := rt.Stripe(c)
		if err != nil {
			return err
		}
		settle, err := settling(c, client)
		if err != nil {
			return err
		}
		chosen, err := basis.Of(&c.Books)
		if err != nil {
			return fmt.Errorf("connection %s: %w", c.Name, err)
		}
		guard := basis.New(basis.Options{
			Bucket: rt.Bus.Bucket(basis.BucketName), Service: Stage, Connection: c.Name, Is: chosen, Livemode: c.Stripe.Livemode, Account: client.Account,
		})
		rt.OnReady(Stage+" books "+c.Name, guard.Check)
		s := New(Options{
			Connection: c.Name, Interval: c.Stripe.SweepInterval, Stripe: client,
			Cursors: rt.Bus.Bucket("cursors"), Publish: rt.Bus.PublishEvent,
			Movements: client.Movements, Posted: link.New(rt.Bus).ByStripe,
			Pipeline: rt.Bus, Outcome: rt.Bus.PublishOutcome, Log: rt.Log, Settle: settle, Basis: guard.Accept,
		})
		running.Go(func() { s.Run(yielding) })
	}
	<-ctx.Done()
	running.Wait()
	return nil
}

// settling is what the books of a connection want to be told beside events; nil
// where nothing is settled.
func settling(c config.Connection, client *stripeapi.Client) (*Settle, error) {
	if !c.Books.Settles() {
		return nil, nil //nolint:nilnil // nil is a value of Options.Settle
	}
	rules, err := c.Books.Rules()
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", c.Name, err)
	}
	var summary *time.Time
	switch {
	case rules.Mode == ledger.Summary:
		summary = new(time.Time)
	case !rules.SummaryFrom.IsZero():
		summary = new(rules.SummaryFrom)
	}
	sales := func(currency string) bool {
		_, _, found := rules.Find("charge", strings.ToUpper(currency))
		return found
	}
	each := rules.Fees == ledger.FeesPerTransaction
	return &Settle{
		Payouts: client.ListPayouts, Disputes: client.ListDisputes, Zone: rules.Location, Start: rules.Start, Livemode: c.Stripe.Livemode, Summary: summary, Sales: sales, Opening: !rules.Start.IsZero() && !rules.NoOpening,
		Refunds: rules.Refunds != ledger.RefundJournal, Each: each, Days: !each && c.Books.Payouts == config.PayoutsManual,
	}, nil
}
