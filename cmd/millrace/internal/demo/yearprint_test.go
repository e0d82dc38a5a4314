package demo

import (
	"strings"
	"testing"

	"millrace/cmd/millrace/internal/oracle"
	"millrace/cmd/millrace/internal/year"
)

// TestTheStatementShowsWhatLeadsFromTheLedgerToStripe: a reader can add it up.
func TestTheStatementShowsWhatLeadsFromTheLedgerToStripe(t *testing.T) {
	month := oracle.Month{
		Period: "2026-03", Currency: "USD", Payments: "900.00", Refunds: "5.00", Disputes: "0.00", Fees: "0.00", Other: "0.00", Payouts: "0.00",
		Stripe: "-80.00", Ledger: "20.00", InTransit: "-150.00", Pending: "50.00", Books: "-80.00", Difference: "0.00",
	}
	plain := month
	plain.Refunds, plain.Stripe, plain.Ledger, plain.InTransit, plain.Pending, plain.Books = "-5.00", "20.00", "20.00", "0.00", "0.00", "20.00"
	say := func(m oracle.Month) string {
		r := YearResult{
			Months: []oracle.Month{m}, Played: &year.Played{}, Disputes: oracle.Disputes{Won: 2, Lost: 3, Inquiries: 1, Open: 4},
			Trial: []oracle.Trial{{Currency: "EUR", Debits: "7.00", Credits: "7.00", Difference: "0.00"}, {Currency: "USD", Base: true, Debits: "8.00", Credits: "8.00", Difference: "0.00"}},
		}
		var text strings.Builder
		r.Print(&text)
		return strings.Join(strings.Fields(text.String()), " ")
	}
	for _, tt := range []struct {
		name      string
		month     oracle.Month
		want, not []string
	}{
		{"on its way", month, []string{
			"2026-03 USD 20.00 -150.00 50.00 -80.00 -80.00", "Refunds above zero", "Stripe below zero",
			"EUR 7.00 7.00 0.00 all, in USD 8.00 8.00 0.00", "10 disputes and inquiries: 2 won, 3 lost, 1 inquiries closed without money, 4 still open",
		}, []string{"Nothing was on its way"}},
		{"nothing on its way", plain, []string{"Nothing was on its way"}, []string{"Refunds above zero", "Stripe below zero", "IN TRANSIT"}},
	} {
		text := say(tt.month)
		for _, s := range tt.want {
			if !strings.Contains(text, s) {
				t.Errorf("%s: no %q in\n%s", tt.name, s, text)
			}
		}
		for _, s := range tt.not {
			if strings.Contains(text, s) {
				t.Errorf("%s: %q in\n%s", tt.name, s, text)
			}
		}
	}
}
