package acumaticatwin

import "testing"

// TestSettlementAccountsAreInTheChart: what the demo is configured with can be
// posted to.
func TestSettlementAccountsAreInTheChart(t *testing.T) {
	x := seeded(t, "", 0).begin()
	find := func(name, account, currency string) {
		t.Helper()
		a := x.byKey(entityAccount, account)
		if a == nil || !a.yes("Active") || a.get("CurrencyID") != currency {
			t.Errorf("%s %s: %+v", name, account, a)
		}
	}
	for _, m := range []map[string]string{SeedClearing(), SeedBanks()} {
		for currency, account := range m {
			find(currency, account, currency)
		}
	}
	for name, account := range SeedAccounts() {
		find(name, account, "")
	}
	ids := map[string]bool{}
	for a := range x.walk(entityAccount, "") {
		if id := a.get("AccountID"); ids[id] {
			t.Errorf("two accounts have the id %s", id)
		} else {
			ids[id] = true
		}
	}
}
