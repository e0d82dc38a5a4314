package stripesink

import (
	"fmt"
	"slices"
	"testing"

	"millrace/schemas"
)

// lines are n lines, of which the last ones stand apart: over 1, 2, 3 and so on.
func lines(n, apart int) (all []schemas.StripeInvoiceLine, total int64) {
	for i := range n {
		l := schemas.StripeInvoiceLine{Description: fmt.Sprintf("line %d", i), Amount: int64(i + 1), Apart: i >= n-apart}
		if l.Apart {
			l.Description = fmt.Sprintf("tax %d", i)
		}
		all = append(all, l)
		total += l.Amount
	}
	return all, total
}

func TestLinesThatAreTooManyBecomeOne(t *testing.T) {
	for _, tt := range []struct {
		lines, apart int
		want         int
		at           int    // where the rest is
		rest         string // its description
	}{
		{1, 0, 1, 0, ""},
		{249, 2, 249, 0, ""},
		{250, 2, 250, 0, ""},
		{251, 0, 250, 249, "2 more lines"},
		{251, 1, 250, 248, "2 more lines"},
		{1000, 4, 250, 245, "751 more lines"},
		{1000, 249, 250, 0, "751 more lines"},
		{1000, 250, 250, 249, "751 more lines"},
		{400, 400, 250, 249, "151 more lines"},
	} {
		all, total := lines(tt.lines, tt.apart)
		before := slices.Clone(all)
		got := fewer(all)
		var sum int64
		apart := 0
		for _, l := range got {
			sum += l.Amount
			if l.Apart {
				apart++
			}
		}
		if sum != total || len(got) != tt.want || !slices.Equal(all, before) {
			t.Errorf("%d lines: %d over %d, want %d over %d", tt.lines, len(got), sum, tt.want, total)
		}
		if tt.rest != "" && got[tt.at].Description != tt.rest {
			t.Errorf("%d lines, %d apart: got %q at %d, want %q", tt.lines, tt.apart, got[tt.at].Description, tt.at, tt.rest)
		}
		if tt.apart < maxLines && apart != tt.apart {
			t.Errorf("%d of %d lines stand apart", apart, tt.apart)
		}
	}
}

// TestAThousandLinesAreOverTheirTotal makes invoices of many lines, with what
// stands apart, and looks at what Stripe has of them.
func TestAThousandLinesAreOverTheirTotal(t *testing.T) {
	for _, n := range []int{250, 251, 1000} {
		w := newWorld(t)
		w.apply(customerIntent("1", "Ada"), schemas.Applied)
		w.apply(invoiceIntent(func(f *schemas.StripeInvoice) { f.Lines, f.Total = lines(n, 3) }), schemas.Applied)
		_, total := lines(n, 3)
		inv := w.invoices()[0]
		if inv.Total != total || inv.Remaining != total || inv.Status != statusOpen {
			t.Errorf("%d lines: %+v, want it over %d", n, inv, total)
		}
		items, err := w.client.ListItems(t.Context(), inv.ID)
		if err != nil || len(items) != maxLines {
			t.Fatalf("%d items, %v", len(items), err)
		}
		shown := make(map[string]int64)
		for _, item := range items {
			shown[item.Description] = item.Amount
		}
		for i := n - 3; i < n; i++ {
			if name := fmt.Sprintf("tax %d", i); shown[name] != int64(i+1) {
				t.Errorf("%s is over %d", name, shown[name])
			}
		}
	}
}
