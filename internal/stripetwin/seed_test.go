package stripetwin

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func seeded(t *testing.T, o Options) *Twin {
	t.Helper()
	o.APIKey = "sk_test_0123456789abcdef"
	if o.Now == nil {
		o.Now = func() time.Time { return time.Date(2024, 3, 14, 12, 0, 0, 0, time.UTC) }
	}
	tw, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return tw
}

func TestSameScenarioIsTheSame(t *testing.T) {
	for _, name := range []string{"quick", "year"} {
		if diff := cmp.Diff(asJSON(t, seeded(t, Options{Seed: name}).s), asJSON(t, seeded(t, Options{Seed: name}).s)); diff != "" {
			t.Errorf("%s (-first +second):\n%.2000s", name, diff)
		}
	}
}

// TestYearIsABelievableCompany: 50 customers in three currencies, everything
// there is to see, and the identities of the ledger.
func TestYearIsABelievableCompany(t *testing.T) {
	tw := seeded(t, Options{Seed: "year"})
	s := tw.s
	if n := s.len(); n < yearObjects || n > yearObjects*6/5 {
		t.Errorf("%d objects, want about %d", n, yearObjects)
	}
	if s.Customers.len() != 50 {
		t.Errorf("%d customers", s.Customers.len())
	}
	types, currencies := map[string]int{}, map[string]int{}
	for m := range s.Moves.all() {
		types[m.Type+"/"+m.Category]++
		currencies[m.Currency]++
	}
	for _, want := range []string{
		"charge/charge", "payment/charge", "payment_failure_refund/charge_failure", "refund/refund", "adjustment/dispute", "payout/payout",
	} {
		if types[want] == 0 {
			t.Errorf("no balance transaction %s among %v", want, types)
		}
	}
	if len(currencies) != 3 {
		t.Errorf("settled in %v", currencies)
	}
	statuses := map[string]int{}
	for inv := range s.Invoices.all() {
		statuses[inv.Status]++
	}
	for _, want := range []string{"open", "paid", "void"} {
		if statuses[want] == 0 {
			t.Errorf("no invoice is %s: %v", want, statuses)
		}
	}
	holds(t, tw)
}

// holds checks the identities: fee is the sum of its parts, the balance that
// of the transactions, an automatic payout that of its parts.
func holds(t *testing.T, tw *Twin) {
	t.Helper()
	sums := newPurse()
	parts := map[string]int64{}
	for m := range tw.s.Moves.all() {
		sums.add(m)
		var fees int64
		for _, p := range m.Fees {
			fees += p.Amount
		}
		if fees != m.Fee {
			t.Errorf("%s: fee %d, parts %d", m.ID, m.Fee, fees)
		}
		if m.Source != m.Payout {
			parts[m.Payout] += m.Amount - m.Fee
		}
	}
	if diff := cmp.Diff([]any{sums.available, sums.pending}, []any{tw.s.balance.available, tw.s.balance.pending}); diff != "" {
		t.Errorf("balance (-sum of transactions +running):\n%s", diff)
	}
	n := 0
	for p := range tw.s.Payouts.all() {
		if p.Automatic && parts[p.ID] != p.Amount {
			t.Errorf("payout %s of %d has parts of %d", p.ID, p.Amount, parts[p.ID])
		}
		n++
	}
	if n < 300 {
		t.Errorf("%d payouts in a year of days", n)
	}
}

// TestASizeIsMet and what is loaded is in the file.
func TestASizeIsMet(t *testing.T) {
	o := Options{Objects: 20_000, StateFile: filepath.Join(t.TempDir(), "s.json")}
	tw := seeded(t, o)
	if n := tw.s.len(); n < 20_000 || n > 22_000 {
		t.Errorf("%d objects, want 20000", n)
	}
	holds(t, tw)
	if diff := cmp.Diff(asJSON(t, tw.s), asJSON(t, seeded(t, o).s)); diff != "" {
		t.Errorf("after a restart (-built +file):\n%.2000s", diff)
	}
}

func TestUnknownScenariosAreRefused(t *testing.T) {
	for _, o := range []Options{{Seed: "decade"}, {Seed: "quick", Objects: 5}, {Objects: -1}} {
		o.APIKey = "sk_test_0123456789abcdef"
		if _, err := New(o); err == nil {
			t.Errorf("%q, %d objects: want an error", o.Seed, o.Objects)
		}
	}
}
