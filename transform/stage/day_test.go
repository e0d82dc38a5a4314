package stage

import (
	"context"
	"testing"
	"time"

	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
	"millrace/transform/flow"
)

// one is an account with a single movement.
type one struct {
	Movements
	at time.Time
}

func (o one) EachMovement(_ context.Context, q stripeapi.MovementQuery, each func(*ledger.Movement) error) error {
	if o.at.Before(q.From) || !o.at.Before(q.Until) {
		return nil
	}
	return each(&ledger.Movement{ID: "txn_1", Type: "stripe_fee", Category: "fee", Amount: -250, Net: -250, Currency: "USD", Created: o.at})
}

// Where clocks go forward at midnight the day before has an hour less, and a
// fee is still in the journal of one day.
func TestAFeeIsInOneDayWhereMidnightIsLeftOut(t *testing.T) {
	for zone, instants := range map[string][]string{
		"Africa/Cairo":     {"2026-04-24T01:00:00+03:00", "2026-04-24T23:59:59+03:00", "2026-04-25T00:30:00+03:00"},
		"America/Santiago": {"2026-09-05T23:30:00-04:00", "2026-09-06T01:00:00-03:00", "2026-09-07T00:30:00-03:00"},
	} {
		books := testBooks
		books.TimeZone = zone
		rules, err := books.Rules()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range instants {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			var days []string
			for d := -2; d <= 2; d++ {
				day := at.AddDate(0, 0, d).Format(time.DateOnly)
				need := flow.SettleNeed{Unit: "day", Keys: []string{"usd", day}}
				got, err := New(Options{}).settle(t.Context(), Connection{Rules: &rules, Movements: one{at: at}}, "default", need)
				if err != nil {
					t.Fatal(err)
				}
				if len(got.(map[string]any)["journals"].([]any)) > 0 {
					days = append(days, day)
				}
			}
			if len(days) != 1 || days[0] != text[:len(time.DateOnly)] {
				t.Errorf("%s: %s is settled with %v", zone, text, days)
			}
		}
	}
}
