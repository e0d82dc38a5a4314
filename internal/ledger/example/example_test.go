package example

import (
	"bytes"
	"os"
	"testing"

	"millrace/internal/ledger"
)

// TestEveryExampleTiesOut: documents and journals move the clearing account by
// the net of the movements, and no other clearing account.
func TestEveryExampleTiesOut(t *testing.T) {
	for _, c := range All() {
		for i := range c.Examples {
			e := &c.Examples[i]
			t.Run(e.Title, func(t *testing.T) {
				res, err := e.Run()
				if err != nil {
					t.Fatal(err)
				}
				books := map[string]int64{}
				for k, entries := range res.entries() {
					if accountTitles[k.account] == "" {
						t.Errorf("account %s has no title", k.account)
					}
					var balance int64
					for _, x := range entries {
						balance += x.debit - x.credit
					}
					books[k.currency] += balance
					if k.account == res.Rules.Clearing[k.currency].Account && balance != res.Net[k.currency] {
						t.Errorf("clearing %s is %d, Stripe's balance moved by %d", k.currency, balance, res.Net[k.currency])
					}
				}
				for currency, sum := range books {
					if sum != 0 {
						t.Errorf("debits exceed credits by %d %s", sum, currency)
					}
				}
			})
		}
	}
}

// TestEveryCategoryHasAnExample: and every kind of fee.
func TestEveryCategoryHasAnExample(t *testing.T) {
	seen := map[string]bool{"fee": true, "fx": true} // their kinds have
	for _, c := range All() {
		for _, e := range c.Examples {
			res, err := e.Run()
			if err != nil {
				t.Fatal(err)
			}
			for i := range e.Movements {
				seen[e.Movements[i].Category] = true
				parts, err := res.Rules.Parts(&e.Movements[i])
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range parts {
					seen[p.Category] = true
				}
			}
			for _, j := range res.Journals {
				for _, l := range j.Lines {
					seen[l.Category] = true
				}
			}
		}
	}
	for _, n := range ledger.Chart() {
		if n.Category && !seen[n.Name] {
			t.Errorf("no example of %s", n.Name)
		}
		if n.Title == "" {
			t.Errorf("%s: nothing says what is posted there", n.Name)
		}
	}
	for _, kind := range []string{
		"fee.processing", "fee.processing.returned", "fee.dispute", "fee.dispute.returned", "fee.billing", "fee.product", "fee.network_cost",
		"fee.fx", "fee.payout", "fee.application", "fee.credit", "fx.charge", "fx.refund", "fx.partial_capture", "tax",
	} {
		if !seen[kind] {
			t.Errorf("no example of %s", kind)
		}
	}
}

// TestThePageIsUpToDate: the page is the golden file of the examples.
func TestThePageIsUpToDate(t *testing.T) {
	want, err := os.ReadFile("../../../docs/accounting.md")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := Page(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("docs/accounting.md is not what the examples say now: make generate, and read the difference")
	}
}
