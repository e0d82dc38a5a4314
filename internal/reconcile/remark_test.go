package reconcile

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/schemas"
)

// TestEditsThatMoveNoMoneyAreNoted: the statement agrees, and says what is not
// as it was posted.
func TestEditsThatMoveNoMoneyAreNoted(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		edit      func(f map[string]any)
		says      string
	}{
		{"nothing", "ch_000", nil, ""},
		{"another day of the month", "ch_000", func(f map[string]any) { f["ApplicationDate"] = "2026-03-12" }, "date: posted 2026-03-10, is 2026-03-12"},
		{"a journal on another day", "po_1/USD/2026-03", func(f map[string]any) { f["TransactionDate"] = "2026-03-30" }, "date: posted 2026-03-11, is 2026-03-30"},
		{"an application taken off", "ch_000", func(f map[string]any) { delete(f, "DocumentsToApply") }, "applied to documents: posted 60.00, is 0.00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := twoMonths(t)
			number := w.twin.AddInvoice(acumaticatwin.Invoice{
				CustomerID: w.customer, Date: "2026-03-01", Lines: []acumaticatwin.InvoiceLine{{Description: "x", Qty: decimal.NewFromInt(1), UnitPrice: decimal.NewFromInt(60)}},
			})
			w.applied = map[string]*schemas.AcumaticaApplication{"ch_000": {DocType: "Invoice", ReferenceNbr: number, AmountPaid: "60.00"}}
			w.edit, w.editKey = tt.edit, tt.key
			w.post()
			for _, s := range []*Statement{w.months("2026-03", "2026-03")[0], w.ofPayout("po_1")} {
				if !s.OK() || s.Difference != "0.00" || len(s.Notes) != min(len(tt.says), 1) {
					t.Fatalf("%s", dump(s))
				}
				if tt.says == "" {
					continue
				}
				if n := s.Notes[0]; n.Cause != Edited || n.ID != tt.key || !strings.Contains(n.Detail, tt.says) {
					t.Errorf("%+v", n)
				}
			}
		})
	}
}

// TestLinesThatMovedWithinTheirAccountAreSeen: what Acumatica chose, and how it
// writes a subaccount, is no edit.
func TestLinesThatMovedWithinTheirAccountAreSeen(t *testing.T) {
	two := []line{{"61000", 5_00}, {"61000", 5_00}, {"10250", -10_00}}
	for _, tt := range []struct {
		was, is []place
		says    string
	}{
		{[]place{{}, {}, {}}, []place{{"000000", "MAIN"}, {"000000", "MAIN"}, {"000000", "MAIN"}}, ""},
		{[]place{{"000-100", "MAIN"}, {"000200", "MAIN"}, {}}, []place{{"000200", "main"}, {"000100", "MAIN"}, {"1", "X"}}, ""},
		{[]place{{"000100", ""}, {"000200", ""}, {}}, []place{{"000100", "MAIN"}, {"000300", "MAIN"}, {}}, "line of 5.00 on 61000: posted to subaccount 000200, is on subaccount 000300 branch MAIN"},
		{[]place{{"", "MAIN"}, {"", "MAIN"}, {}}, []place{{"", "MAIN"}, {"", "NORTH"}, {}}, "line of 5.00 on 61000: posted to branch MAIN, is on branch NORTH"},
	} {
		p, d := &posted{lines: two, places: tt.was}, &document{lines: two, places: tt.is, currency: "USD"}
		if got := p.moved(d); got != tt.says {
			t.Errorf("%v as %v: %q", tt.was, tt.is, got)
		}
	}
}
