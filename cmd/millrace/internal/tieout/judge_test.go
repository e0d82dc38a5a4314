package tieout

import (
	"fmt"
	"strings"

	"millrace/cmd/millrace/internal/oracle"
	"millrace/cmd/millrace/internal/proof"
	"millrace/internal/acumaticatwin"
	"millrace/internal/reconcile"
)

// judge says what is not as it should be, in words. It asks everybody who can
// tell.
func (w *world) judge(k keeping) []string {
	var bad []string
	blocks, err := w.rt.Bus.Blocks(w.t.Context(), "")
	if err != nil {
		return []string{err.Error()}
	}
	for _, b := range blocks {
		bad = append(bad, fmt.Sprintf("lane %s waits at %s, parked %v: %s: %s", b.Lane, b.Stage, b.Parked, b.Code, b.Error))
	}
	found, err := oracle.Prove(w.t.Context(), oracle.Sources{
		Stripe: w.get, ERP: w.erp, Clearing: acumaticatwin.SeedClearing(), Connection: connection, Documents: k.documents, ByDay: k.byHand,
	}, w.now())
	if err != nil {
		return append(bad, err.Error())
	}
	for _, p := range found.Problems {
		bad = append(bad, "oracle: "+p)
	}
	statements, err := w.statements()
	if err != nil {
		return append(bad, "reconcile: "+err.Error())
	}
	for _, s := range statements {
		if !s.OK() {
			var text strings.Builder
			s.Print(&text)
			bad = append(bad, "reconcile: "+text.String())
		}
	}
	return bad
}

// statements are what `millrace reconcile` says of every month and of every
// payout.
func (w *world) statements() ([]*reconcile.Statement, error) {
	ctx := w.t.Context()
	o, err := proof.Options(ctx, w.rt, w.rt.Bus, w.conn)
	if err != nil {
		return nil, err
	}
	const first = "2026-01"
	last := reconcile.Month(w.now().Format("2006-01"))
	all, err := reconcile.Months(ctx, o, first, last, false, w.now())
	if err != nil {
		return nil, err
	}
	ids, err := reconcile.Payouts(ctx, o, first, last)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		s, err := reconcile.ByPayout(ctx, o, id)
		if err != nil {
			return nil, err
		}
		all = append(all, s...)
	}
	return all, nil
}
