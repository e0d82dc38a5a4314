package reconcile

import (
	"context"
	"testing"
	"time"

	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
)

// busy is a Stripe account where something moves each time that its balance was
// read, so many times.
type busy struct {
	*world

	moves int
	step  time.Duration
}

func (b *busy) balance(ctx context.Context) (map[string]int64, error) {
	sum, err := b.world.balance(ctx)
	if b.moves > 0 {
		b.moves--
		last := b.world.moves[len(b.world.moves)-1]
		m := b.move("2026-05-12", "stripe_fee", "fee", -1_00, 0, "", ledger.Source{})
		m.Created = last.Created.Add(b.step)
		m.AvailableOn = m.Created
	}
	return sum, err
}

func (b *busy) EachMovement(ctx context.Context, q stripeapi.MovementQuery, each func(*ledger.Movement) error) error {
	return b.world.EachMovement(ctx, q, each)
}

// TestWhatMovesWhileItIsReadIsNoDifference: within the same second, within the
// minute that is read twice, and later.
func TestWhatMovesWhileItIsReadIsNoDifference(t *testing.T) {
	for _, step := range []time.Duration{0, time.Second, 40 * time.Second, 3 * time.Minute} {
		for moves, calm := range map[int]bool{1: true, 2: true, 4: true, 8: true, 40: false} {
			w := twoMonths(t)
			w.move("2026-05-12", "stripe_fee", "fee", -3_00, 0, "", ledger.Source{})
			w.post()
			b := &busy{world: w, moves: moves, step: step}
			w.o.Stripe, w.o.Balance = b, b.balance
			all, err := Months(t.Context(), w.o, "2026-05", "2026-05", false, now())
			switch {
			case !calm:
				if fault.Of(err).Code != "reconcile.balance_moves" {
					t.Errorf("%d moves, %s apart: %v", moves, step, err)
				}
			case err != nil || len(all) != 1 || !all[0].OK():
				t.Errorf("%d moves, %s apart: %v %s", moves, step, err, dump(all[0]))
			}
		}
	}
}
