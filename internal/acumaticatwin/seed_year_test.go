package acumaticatwin

import (
	"strings"
	"testing"
)

func seeded(t *testing.T, seed string, documents int) *Twin {
	t.Helper()
	o := testOptions(newClock())
	o.Seed, o.Documents = seed, documents
	twin, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return twin
}

func TestSeededYearIsABelievableCompany(t *testing.T) {
	twin := seeded(t, SeedYear, 0)
	currencies, statuses := map[string]int{}, map[string]int{}
	for _, i := range twin.Invoices() {
		currencies[i.CurrencyID]++
		switch {
		case i.Type == typeCreditMemo:
			statuses[typeCreditMemo]++
		case i.Status == statusOpen && i.Balance.LessThan(i.Amount):
			statuses["partly paid"]++
		default:
			statuses[i.Status]++
		}
	}
	for _, c := range []string{"USD", "EUR", "GBP"} {
		if currencies[c] < 50 {
			t.Errorf("invoices in %s: got %d, want some", c, currencies[c])
		}
	}
	for _, s := range []string{typeCreditMemo, "partly paid", statusOpen, statusClosed} {
		if statuses[s] < 10 {
			t.Errorf("%s: got %d, want some", s, statuses[s])
		}
	}
	voided := 0
	for _, p := range twin.Payments() {
		if p.Type == typeVoidedPayment {
			voided++
		}
	}
	if voided == 0 {
		t.Error("voided payments: got none")
	}
	if n := len(twin.begin().all(entityCustomer)); n != yearBuyers {
		t.Errorf("customers: got %d, want %d", n, yearBuyers)
	}
	period := func(month string) string {
		m, err := parseMonth(month)
		if err != nil {
			t.Fatal(err)
		}
		return twin.begin().period(m).get("Status")
	}
	want(t, "this month", period("2026-05"), periodOpen)
	want(t, "last month", period("2026-04"), periodOpen)
	want(t, "the month before", period("2026-03"), periodClosed)
	want(t, "last year", period("2025-01"), periodClosed)
	checkBooks(t, twin)
}

// The same seed on the same day answers every GET with the same bytes.
func TestSeedIsRepeatable(t *testing.T) {
	if testing.Short() {
		t.Skip("seeds twice")
	}
	read := func(twin *Twin) string {
		cookie := twin.call("POST", "/entity/auth/login", `{"name":"api","password":"`+testPassword+`"}`, "").Result().Cookies()[0].String()
		var all strings.Builder
		for _, path := range []string{"Customer", "Invoice", "Payment", "JournalTransaction", "StockItem", "FinancialPeriod"} {
			all.WriteString(twin.call("GET", root+path+"?$top=300", "", cookie).Body.String())
		}
		return all.String()
	}
	a, b := read(seeded(t, SeedYear, 300)), read(seeded(t, SeedYear, 300))
	if a != b {
		t.Error("two twins with one seed differ")
	}
	if len(a) < 500_000 {
		t.Errorf("got %d bytes, want many rows", len(a))
	}
}
