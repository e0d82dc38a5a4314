package reconcile

import (
	"context"
	"maps"
	"time"

	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
)

const (
	// tailTries is how often the newest movements are read for a balance that
	// stays the same meanwhile.
	tailTries = 5
	// overlap is how far before the newest movement they are read again: Stripe's
	// times are whole seconds.
	overlap = time.Minute
)

// movements puts those of the query through the rules. Unless quick, they end
// with the balance: what moves while they are read is added until the balance is
// the same before and after.
func (p *period) movements(ctx context.Context, q stripeapi.MovementQuery) error {
	seen := map[string]bool{} // of the newest
	var newest time.Time
	add := func(m *ledger.Movement) error {
		if newest.Before(m.Created) {
			newest = m.Created
		}
		if seen[m.ID] {
			return nil
		}
		if !m.Created.Before(newest.Add(-overlap)) { // only those are read again
			seen[m.ID] = true
		}
		return p.truth.add(m, "")
	}
	if err := p.o.Stripe.EachMovement(ctx, q, add); err != nil || p.quick {
		return err
	}
	for range tailTries {
		var err error
		if p.balance, err = p.o.Balance(ctx); err != nil {
			return err
		}
		tail := q
		if from := newest.Add(-overlap); from.After(q.From) {
			tail.From = from
		}
		if err := p.o.Stripe.EachMovement(ctx, tail, add); err != nil {
			return err
		}
		after, err := p.o.Balance(ctx)
		if err != nil {
			return err
		}
		if maps.Equal(p.balance, after) {
			return nil
		}
	}
	return fault.Newf("reconcile.balance_moves", "the balance changed while the newest movements were read, %d times", tailTries)
}
