package basis

import (
	"context"
	"errors"
	"fmt"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

// keyAccount is before the id of an account; no connection has such a name.
const keyAccount = "_account"

// claim makes sure that no other connection settles the same account: each would
// post all of its payouts, fees and disputes. An account whose id the key may not
// read is not known to be anybody's.
func (g *Guard) claim(ctx context.Context) error {
	if g.o.Account == nil || g.o.Is == nil || g.claimed {
		return nil
	}
	id, err := g.o.Account(ctx)
	if err != nil || id == "" {
		return err
	}
	mode := "test"
	if g.o.Livemode {
		mode = "live"
	}
	key := bus.Key(keyAccount, id, mode)
	_, err = g.o.Bucket.Create(ctx, key, []byte(g.o.Connection))
	if errors.Is(err, bus.ErrConflict) {
		var whose []byte
		if whose, _, err = g.o.Bucket.Get(ctx, key); err == nil && string(whose) != g.o.Connection {
			return fault.Newf("config.account_shared", "connection %s: Stripe account %s (%s mode) is settled by connection %s", g.o.Connection, id, mode, whose)
		}
	}
	if err != nil {
		return fmt.Errorf("claim Stripe account %s: %w", id, err)
	}
	g.claimed = true
	return nil
}
