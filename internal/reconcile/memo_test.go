package reconcile

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/schemas"
)

// TestWhatBecameOfCreditMemosIsNoted: they are not on the clearing account.
func TestWhatBecameOfCreditMemosIsNoted(t *testing.T) {
	for _, tt := range []struct {
		name, day, amount string
		unreleased, gone  bool
		cause, says       string
	}{
		{"as posted", "2026-03-12", "20.00", false, false, "", ""},
		{"deleted", "2026-03-12", "20.00", false, true, Deleted, "is not there any more"},
		{"not released", "2026-03-12", "20.00", true, false, Unreleased, "Balanced"},
		{"another amount", "2026-03-12", "19.00", false, false, Edited, "amount: posted 20.00, is 19.00"},
		{"another day", "2026-03-13", "20.00", false, false, Edited, "date: posted 2026-03-12, is 2026-03-13"},
		{"another month", "2026-05-02", "20.00", false, false, Edited, "date: posted 2026-03-12, is 2026-05-02"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoMonths(t)
			w.post()
			number := w.twin.AddInvoice(acumaticatwin.Invoice{
				Type: memoType, CustomerID: w.customer, Date: tt.day, Unreleased: tt.unreleased,
				Lines: []acumaticatwin.InvoiceLine{{Description: "x", Qty: decimal.NewFromInt(1), UnitPrice: decimal.RequireFromString(tt.amount)}},
			})
			if tt.gone {
				number = "009999"
			}
			w.intent(creditMemo, "cn_1", schemas.AcumaticaCreditMemo{Type: memoType, Customer: w.customer, CurrencyID: "USD", Date: "2026-03-12", Amount: "20.00"},
				map[string]string{"Type": memoType, "ReferenceNbr": number})
			w.intent(creditMemo, "cn_2", schemas.AcumaticaCreditMemo{Type: memoType, CurrencyID: "USD", Date: "2026-03-12", Amount: "20.00"}, nil) // not wanted
			for _, s := range w.months("2026-03", "2026-05") {
				want := 0
				if tt.cause != "" && s.Period == "2026-03" {
					want = 1
				}
				if !s.OK() || len(s.Notes) != want {
					t.Fatalf("%s", dump(s))
				}
				if want == 1 && (s.Notes[0].Cause != tt.cause || s.Notes[0].ID != "cn_1" || !strings.Contains(s.Notes[0].Detail, tt.says)) {
					t.Errorf("%+v", s.Notes[0])
				}
			}
		})
	}
}
