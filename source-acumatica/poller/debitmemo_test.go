package poller

import (
	"slices"
	"testing"
	"time"

	"millrace/internal/acumatica"
)

// TestDebitMemosArePolledWhereTheyAreWanted in every version of the endpoint.
func TestDebitMemosArePolledWhereTheyAreWanted(t *testing.T) {
	for _, version := range []string{"22.200.001", "23.200.001", "24.200.001"} {
		for _, wanted := range []bool{false, true} {
			x, b := newTwin(t, "Default/"+version), newBroker()
			p := newPoller(t, newERP(), b, func(o *Options) {
				o.List, o.Invoices.DebitMemos = x.client.List, wanted
				allLinked(o)
			})
			memo := func(kind string) string {
				number := x.put(t, "Invoice", map[string]any{
					"Type": acumatica.Value(kind), "Customer": acumatica.Value(x.customer), "Hold": acumatica.Value(false),
					"Details": []any{map[string]any{"TransactionDescription": acumatica.Value("late fee"), "Amount": acumatica.Value(15)}},
				}).String("ReferenceNbr")
				x.invoke(t, "Invoice", "ReleaseInvoice", kind, number)
				return kind + " " + number
			}
			invoice, debit, credit := "Invoice "+x.invoice(), memo("Debit Memo"), memo("Credit Memo")
			x.pass(10 * time.Second)
			round(t, p)
			var told []string
			for _, e := range b.events {
				told = append(told, e.ev.Subject)
			}
			if !slices.Contains(told, invoice) || slices.Contains(told, credit) || slices.Contains(told, debit) != wanted {
				t.Errorf("%s, wanted %t: told %v", version, wanted, told)
			}
		}
	}
}
