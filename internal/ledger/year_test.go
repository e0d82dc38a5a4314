package ledger_test

import (
	"maps"
	"net/http/httptest"
	"testing"

	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
	"millrace/internal/stripetwin"
)

// TestAYearTiesOut settles every payout of a year of trade: documents, units
// and bank journals leave on the clearing accounts what Stripe's balance holds.
func TestAYearTiesOut(t *testing.T) {
	const key = "sk_test_year"
	twin, err := stripetwin.New(stripetwin.Options{APIKey: key, Seed: "year"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(twin.Handler())
	t.Cleanup(server.Close)
	client, err := stripeapi.New(stripeapi.Config{APIKey: key, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	rules := ledger.Rules{Clearing: map[string]ledger.Account{}, Accounts: map[string]map[string]ledger.Account{}}
	for _, currency := range []string{"USD", "EUR", "GBP", "JPY", "CHF", "CAD"} {
		rules.Clearing[currency] = ledger.Account{Account: "clearing"}
	}
	for _, name := range []string{"bank", "dispute", "sales", "fee", "fx", "suspense"} {
		rules.Accounts[name] = map[string]ledger.Account{"": {Account: name}}
	}
	clearing, balance := map[string]int64{}, map[string]int64{}
	journals := func(js []ledger.Journal, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range js {
			for _, l := range j.Lines {
				if l.Account == "clearing" {
					clearing[j.Currency] += l.Debit - l.Credit
				}
			}
		}
	}
	open := map[string]ledger.Movement{} // in no payout yet
	var payouts []string
	err = client.EachMovement(t.Context(), stripeapi.MovementQuery{}, func(m *ledger.Movement) error {
		balance[m.Currency] += m.Net
		parts, err := rules.Parts(m)
		for _, p := range parts {
			if p.Cover == ledger.ByDocument {
				clearing[p.Currency] += p.Effect
			}
		}
		if m.Type == "payout" {
			payouts = append(payouts, m.Source.ID)
		} else {
			open[m.ID] = *m
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	settled := 0
	for _, id := range payouts {
		p, err := client.GetPayout(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		journals(ledger.Bank(rules, &p.Movement, p.Arrival))
		if p.Reconciliation != "completed" {
			continue
		}
		settled++
		u := ledger.NewUnit(rules, p.ID, p.Currency)
		u.Pays(p.Amount)
		err = client.EachMovement(t.Context(), stripeapi.MovementQuery{Payout: p.ID}, func(m *ledger.Movement) error {
			delete(open, m.ID)
			return u.Add(m)
		})
		if err != nil {
			t.Fatal(err)
		}
		journals(u.Journals())
		if len(u.Flags()) > 0 {
			t.Errorf("%s: %+v", p.ID, u.Flags())
		}
	}
	for _, m := range open {
		u := ledger.NewUnit(rules, m.ID, m.Currency)
		if err := u.Add(&m); err != nil {
			t.Fatal(err)
		}
		journals(u.Journals())
	}
	maps.DeleteFunc(clearing, func(_ string, n int64) bool { return n == 0 })
	maps.DeleteFunc(balance, func(_ string, n int64) bool { return n == 0 })
	if settled < 600 || len(open) == 0 || !maps.Equal(clearing, balance) {
		t.Errorf("%d payouts settled, %d movements open: clearing %v, Stripe's balance %v", settled, len(open), clearing, balance)
	}
}
