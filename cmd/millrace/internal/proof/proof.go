// Package proof connects the proof (internal/reconcile) with the clients of a
// process and the configuration of a connection.
package proof

import (
	"context"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/ledger"
	"millrace/internal/posting"
	"millrace/internal/reconcile"
	"millrace/internal/service"
)

// Options are what there is to compare of a connection. The blocks are those
// of now.
func Options(ctx context.Context, rt *service.Runtime, b *bus.Bus, c config.Connection) (reconcile.Options, error) {
	rules, err := c.Books.Rules()
	if err != nil {
		return reconcile.Options{}, err
	}
	stripe, err := rt.Stripe(c)
	if err != nil {
		return reconcile.Options{}, err
	}
	erp, err := rt.Acumatica(c)
	if err != nil {
		return reconcile.Options{}, err
	}
	blocks, err := b.Blocks(ctx, "")
	if err != nil {
		return reconcile.Options{}, err
	}
	return reconcile.Options{
		Connection: c.Name, Rules: rules, CashAccounts: c.Books.CashAccounts,
		ByDay: c.Books.Payouts == config.PayoutsManual, NextOpen: c.Books.ClosedPeriod == config.ClosedPeriodNext,
		Charges: rules.Fees == ledger.FeesOnPayments,
		Stripe:  stripe, Balance: stripe.Balance, ERP: erp, Postings: posting.New(b, "reconcile"), Log: b, Blocks: blocks,
	}, nil
}
