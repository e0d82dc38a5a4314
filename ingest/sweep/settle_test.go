package sweep

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/internal/stripetwin"
)

// settles lets the shop's sweeper tell what the books settle.
func (sh *shop) settles(set Settle) {
	sh.t.Helper()
	client, err := stripeapi.New(stripeapi.Config{APIKey: "sk_test_sweep", BaseURL: sh.url, HTTPClient: sh.http})
	if err != nil {
		sh.t.Fatal(err)
	}
	set.Payouts, set.Disputes = client.ListPayouts, client.ListDisputes
	sh.s.o.Settle = &set
}

// told lists the ids of the events of our own making, in their order on the
// bus, with what they are about.
func (sh *shop) told() []string {
	sh.t.Helper()
	var ids []string
	err := sh.bus.Scan(sh.t.Context(), bus.Events, 1, func(m *bus.Message) error {
		if id, ours := strings.CutPrefix(m.Event.ID, "sweep-"); ours {
			ids = append(ids, id+" "+m.Subject.B+"."+m.Subject.C)
		}
		return nil
	})
	if err != nil {
		sh.t.Fatal(err)
	}
	return ids
}

func (sh *shop) settle(at time.Time) {
	sh.t.Helper()
	sh.s.rounds = 0
	if err := sh.s.settleUntil(sh.t.Context(), at); err != nil {
		sh.t.Fatal(err)
	}
}

func (sh *shop) book(currency string) string {
	sh.t.Helper()
	id, err := sh.twin.Book(sh.t.Context(), stripetwin.Movement{Type: "stripe_fee", Amount: -250, Currency: currency})
	if err != nil {
		sh.t.Fatal(err)
	}
	return id
}

// A day ends where the books are, is told when Stripe's clock is past it, and
// once for each currency that moved; an absence is caught up with.
func TestDaysThatAreOverAreToldOnce(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	sh := newShop(t)
	sh.settles(Settle{Zone: zone, Days: true})
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 30, 0, 0, zone) }
	sh.clock = at(10, 23)
	sh.settle(sh.clock) // begins here
	sh.book("usd")
	sh.book("eur")
	sh.settle(at(11, 0)) // over, but not for long enough
	if got := sh.told(); len(got) != 0 {
		t.Fatalf("told %v", got)
	}
	sh.settle(at(11, 1))
	want := []string{"day-eur-2026-03-10 balance.day_closed", "day-usd-2026-03-10 balance.day_closed"}
	if got := sh.told(); !slices.Equal(got, want) {
		t.Fatalf("told %v, want %v", got, want)
	}
	sh.clock = at(14, 12)
	sh.book("usd")
	sh.settle(at(20, 12))
	sh.settle(at(20, 13))
	want = append(want, "day-usd-2026-03-14 balance.day_closed")
	if got := sh.told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// Where clocks go forward at midnight, the next day begins later, and it comes.
func TestDaysGoOnWhereMidnightIsLeftOut(t *testing.T) {
	for name, first := range map[string]time.Time{
		"America/Santiago": time.Date(2026, 9, 4, 12, 0, 0, 0, time.UTC), "America/Havana": time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC),
		"Africa/Cairo": time.Date(2026, 4, 22, 12, 0, 0, 0, time.UTC),
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		sh := newShop(t)
		sh.settles(Settle{Zone: zone, Days: true})
		sh.clock = first
		sh.settle(sh.clock)
		var want []string
		for range 5 {
			sh.book("usd")
			want = append(want, "day-usd-"+sh.clock.Format(time.DateOnly)+" balance.day_closed")
			sh.clock = sh.clock.AddDate(0, 0, 1)
		}
		sh.settle(sh.clock)
		sh.settle(sh.clock.Add(time.Hour))
		if got := sh.told(); !slices.Equal(got, want) {
			t.Errorf("%s: told %v, want %v", name, got, want)
		}
	}
}

// A broker that refuses leaves the day for the next sweep (Invariant 1).
func TestADayThatWasNotStoredIsToldAgain(t *testing.T) {
	sh := newShop(t)
	sh.settles(Settle{Days: true, Start: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)})
	sh.clock = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	sh.book("usd")
	sh.fail = func(string) error { return context.DeadlineExceeded }
	if err := sh.s.settleUntil(t.Context(), sh.clock.AddDate(0, 0, 1)); err == nil {
		t.Fatal("no error")
	}
	sh.fail = nil
	sh.settle(sh.clock.AddDate(0, 0, 1))
	if got := sh.told(); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}

// The change of payouts to manual would tell the days of the past on top of the
// payouts that have them.
func TestChangedBooksAreToldNothing(t *testing.T) {
	sh := newShop(t)
	sh.settles(Settle{Days: true, Start: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)})
	sh.clock = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	sh.book("usd")
	sh.clock = sh.clock.AddDate(0, 0, 2)
	refuses := true
	sh.s.o.Basis = func(_ context.Context, at time.Time) error {
		if d := at.Sub(sh.clock); d < -time.Minute || d > time.Minute {
			t.Errorf("asked for %s; Stripe's time is %s", at, sh.clock)
		}
		if refuses {
			return fault.Newf("config.books_changed", "books.payouts was automatic and is manual")
		}
		return nil
	}
	if err := sh.s.round(t.Context()); fault.Of(err).Code != "config.books_changed" || len(sh.told()) != 0 {
		t.Errorf("%v, told %v", err, sh.told())
	}
	refuses = false
	sh.round()
	if got := sh.told(); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}

func TestEveryMovementIsToldOnce(t *testing.T) {
	sh := newShop(t)
	start := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	sh.settles(Settle{Each: true, Start: start})
	sh.clock = start.Add(-time.Hour)
	sh.book("usd") // in the opening balance
	sh.clock = start.Add(time.Hour)
	first := sh.book("usd")
	sh.clock = start.AddDate(0, 0, 2)
	second := sh.book("usd")
	sh.settle(sh.clock)
	sh.settle(sh.clock.Add(settled + time.Second))
	sh.settle(sh.clock.Add(2 * settled))
	want := []string{"settle-" + first + " balance_transaction.created", "settle-" + second + " balance_transaction.created"}
	if got := sh.told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

func TestAPayoutWhoseEventsWereMissedIsTold(t *testing.T) {
	sh := newShop(t)
	start := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	sh.settles(Settle{Start: start})
	var page []stripeapi.Payout
	var asked []stripeapi.PayoutQuery
	sh.s.o.Settle.Payouts = func(_ context.Context, q stripeapi.PayoutQuery) ([]stripeapi.Payout, bool, error) {
		asked = append(asked, q)
		return page, false, nil
	}
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	page = []stripeapi.Payout{
		{ID: "po_5", Status: "paid", Automatic: true, Reconciliation: "completed", Created: day(5), Arrival: day(30)}, // has not arrived, whatever its status
		{ID: "po_4", Status: "in_transit", Automatic: true, Reconciliation: "in_progress", Created: day(4), Arrival: day(9)},
		{ID: "po_3", Status: "failed", Reconciliation: "not_applicable", Created: day(3), Arrival: day(5)},
		{ID: "po_2", Status: "paid", Automatic: true, Reconciliation: "in_progress", Created: day(2), Arrival: day(4)},
		{ID: "po_1", Status: "paid", Automatic: true, Reconciliation: "completed", Created: day(1), Arrival: day(3)},
	}
	sh.settle(day(8))
	want := []string{"po_3-failed-not_applicable payout.failed", "po_2-paid-in_progress payout.paid", "po_1-paid-completed payout.reconciliation_completed"}
	if got := sh.told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	page = page[:4]
	page[3].Reconciliation, page[1].Status, page[1].Reconciliation = "completed", "paid", "completed"
	sh.settle(day(10))
	want = append(want, "po_4-paid-completed payout.reconciliation_completed", "po_2-paid-completed payout.reconciliation_completed")
	if got := sh.told(); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	page = page[:1]
	sh.settle(day(31))
	if got := sh.told(); !slices.Equal(got, append(want, "po_5-paid-completed payout.reconciliation_completed")) {
		t.Errorf("told %v", got)
	}
	for i, from := range []time.Time{start, day(2), day(5)} {
		if !asked[i].CreatedFrom.Equal(from) {
			t.Errorf("asked from %v, want %v", asked[i].CreatedFrom, from)
		}
	}
}

func TestWhatIsToldIsAnEventOfTheConnection(t *testing.T) {
	sh := newShop(t)
	sh.settles(Settle{Days: true, Livemode: true, Start: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)})
	sh.clock = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	sh.book("usd")
	sh.settle(sh.clock.AddDate(0, 0, 1))
	err := sh.bus.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error {
		var body struct {
			Livemode bool
			Data     struct {
				Object struct{ Currency, Day string }
			}
		}
		if err := json.Unmarshal(m.Event.Data, &body); err != nil {
			return err
		}
		if o := body.Data.Object; strings.HasPrefix(m.Event.ID, "sweep-") && (!body.Livemode || o.Currency != "usd" || o.Day != "2026-03-10" || m.Subject.Lane != "day-usd-2026-03-10") {
			t.Errorf("lane %s: %s", m.Subject.Lane, m.Event.Data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What the books take in with a journal has no document to be missed.
func TestOnlyChargesWithDocumentsAreMissed(t *testing.T) {
	start := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	summary := start.AddDate(0, 1, 0)
	sales := func(currency string) bool { return currency == "usd" }
	for _, tt := range []struct {
		name      string
		settle    *Settle
		created   time.Time
		somebodys bool
		want      bool
	}{
		{"nothing is settled", nil, start, false, true},
		{"a customer's", &Settle{Start: start, Sales: sales}, start, true, true},
		{"nobody's, with an account for it", &Settle{Start: start, Sales: sales}, start, false, false},
		{"nobody's, parked until there is one", &Settle{Start: start}, start, false, true},
		{"before the start", &Settle{Start: start}, start.Add(-time.Second), true, false},
		{"before summary mode", &Settle{Summary: &summary}, summary.Add(-time.Second), true, true},
		{"in summary mode", &Settle{Summary: &summary}, summary, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.settle.document(stripeapi.Movement{Currency: "usd", Created: tt.created}, tt.somebodys); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestTheStartIsToldOnceItIsOver(t *testing.T) {
	sh := newShop(t)
	start := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	sh.settles(Settle{Start: start, Opening: true})
	sh.settle(start.Add(-time.Hour))
	sh.settle(start)
	if got := sh.told(); len(got) != 0 {
		t.Errorf("told %v", got)
	}
	sh.settle(start.Add(dayMargin))
	sh.settle(start.Add(2 * dayMargin))
	if got, want := sh.told(), []string{"opening balance.opened"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}
