package sweep

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

func (sh *shop) outcomes() map[string]schemas.Outcome {
	sh.t.Helper()
	all := map[string]schemas.Outcome{}
	err := sh.bus.Scan(sh.t.Context(), bus.Outcomes, 1, func(m *bus.Message) error {
		var o schemas.Outcome
		if err := json.Unmarshal(m.Event.Data, &o); err != nil {
			return err
		}
		all[m.Event.ID] = o
		return nil
	})
	if err != nil {
		sh.t.Fatal(err)
	}
	return all
}

// TestOddMovementIsToldAndTheOthersAreChecked: one that is unreadable, refused,
// or no movement at all stops nothing.
func TestOddMovementIsToldAndTheOthersAreChecked(t *testing.T) {
	sh := newShop(t)
	now := sh.clock
	charge := func(id string) json.RawMessage {
		return json.RawMessage(`{"id":"` + id + `","object":"charge","customer":null,"invoice":null}`)
	}
	rows := []stripeapi.Movement{
		{ID: "txn_1", Type: "charge", Created: now, Source: json.RawMessage(`null`)},
		{ID: "txn_2", Type: "payment", Created: now, Source: json.RawMessage(`{"object":"refund","id":"re_1"}`)},
		{ID: "txn_3", Source: json.RawMessage(`{"id":"txn_3","created":"yesterday"}`), Odd: fault.Newf("stripe.response_malformed", "no number")},
		{Source: json.RawMessage(`{}`), Odd: fault.Newf("stripe.response_malformed", "no id")},
		{ID: "txn_4", Type: "charge", Created: now, Source: charge("ch_refused")},
		{ID: "txn_" + strings.Repeat("x", 5000), Type: "charge", Created: now, Source: json.RawMessage(`null`)},
		{ID: "txn_5", Type: "charge", Created: now, Source: charge("ch_5")},
	}
	sh.s.o.Movements = func(context.Context, time.Time, time.Time, string) ([]stripeapi.Movement, bool, error) {
		return rows, false, nil
	}
	posted := sh.s.o.Posted
	sh.s.o.Posted = func(ctx context.Context, connection, kind, id string) (link.Link, bool, error) {
		if id == "ch_refused" {
			return link.Link{}, false, fault.Newf("link.conflict", "two documents")
		}
		return posted(ctx, connection, kind, id)
	}
	check := func() {
		t.Helper()
		now = now.Add(2 * settled)
		if err := sh.s.Check(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	check() // begins here
	check()
	check()
	if got := sh.stored()[sold]; got != 1 {
		t.Errorf("%d charges are told, want the one that is in order", got)
	}
	all := sh.outcomes()
	if len(all) != 6 {
		t.Errorf("%d outcomes, want one of each odd movement: %v", len(all), all)
	}
	for id, o := range all {
		if o.Stage != Stage || o.Outcome != schemas.Skipped || o.Code != oddMovement || o.Hint == "" || o.Error == "" || len(o.Refs) != 1 {
			t.Errorf("%s: %+v", id, o)
		}
	}
	rows[0].Source = json.RawMessage(`{"object":"topup"}`)
	check()
	if got := len(sh.outcomes()); got != 7 {
		t.Errorf("%d outcomes after one movement changed, want 7", got)
	}
}

// TestCheckWaitsOutWhatPasses: a failure that is not about the movement moves
// nothing on.
func TestCheckWaitsOutWhatPasses(t *testing.T) {
	sh := newShop(t)
	if err := sh.s.Check(t.Context(), sh.clock); err != nil { // begins here
		t.Fatal(err)
	}
	sh.clock = sh.clock.Add(time.Hour)
	sh.sell(1)
	sh.fail = func(string) error { return fault.Newf("bus.unavailable", "no answer") }
	if err := sh.s.Check(t.Context(), sh.clock.Add(2*settled)); err == nil {
		t.Fatal("the failure was swallowed")
	}
	sh.fail = nil
	if err := sh.s.Check(t.Context(), sh.clock.Add(2*settled)); err != nil {
		t.Fatal(err)
	}
	if got := sh.stored()[sold]; got != 1 || len(sh.outcomes()) != 0 {
		t.Errorf("%d charges are told, %v", got, sh.outcomes())
	}
}
