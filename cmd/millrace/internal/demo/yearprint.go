package demo

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Print writes the result for people who keep books.
func (r *YearResult) Print(w io.Writer) {
	r.printMonths(w)
	r.printPayouts(w)
	r.printKinds(w)
	for _, m := range r.Missing {
		fmt.Fprintf(w, "not right: %s\n", m)
	}
	fmt.Fprintf(w, "%d customers, %d invoices in Acumatica; %d statements of millrace reconcile say the same; %.1f s\n",
		r.Played.Customers, r.Played.Invoices, r.Statements, float64(r.TookMS)/1000)
	fmt.Fprintln(w, r.Summary())
}

// printMonths is the year at Stripe, and what the ledger has at the end of each
// month. Currencies that Stripe exchanges at once have no balance.
func (r *YearResult) printMonths(w io.Writer) {
	fmt.Fprintln(w, "What moved Stripe's balance, and the clearing account at the end of each month:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "MONTH\t\tPAYMENTS\tREFUNDS\tDISPUTES\tFEES\tOTHER\tPAID OUT\tSTRIPE HAS\tLEDGER HAS\tDIFFERENCE\t")
	last := ""
	for _, m := range r.Months {
		period := m.Period
		if period == last {
			period = ""
		}
		last = m.Period
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			period, m.Currency, m.Payments, m.Refunds, m.Disputes, m.Fees, m.Other, m.Payouts, m.Stripe, m.Books, m.Difference)
	}
	_ = t.Flush() // the writer's errors are those of stdout
	fmt.Fprintln(w, "Ledger: with payouts that had not arrived yet, and bank debits that failed later.")
}

// printPayouts counts the payouts that agree and shows the others.
func (r *YearResult) printPayouts(w io.Writer) {
	agree, all := 0, 0
	for _, l := range r.Reconciliation {
		if l.Payout == "" {
			continue
		}
		all++
		if l.Difference == "0.00" {
			agree++
			continue
		}
		fmt.Fprintf(w, "payout %s: Stripe %s %s, ledger %s, difference %s\n", l.Payout, l.Stripe, l.Currency, l.Books, l.Difference)
	}
	fmt.Fprintf(w, "%d of %d payouts have a difference of 0.00.\n\n", agree, all)
}

// printKinds says how often each kind of thing happened.
func (r *YearResult) printKinds(w io.Writer) {
	fmt.Fprintln(w, "What happened, and how often:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	const columns = 3
	rows := (len(r.Kinds) + columns - 1) / columns
	for i := range rows {
		for c := range columns {
			if n := c*rows + i; n < len(r.Kinds) {
				fmt.Fprintf(t, "  %5d  %s\t", r.Kinds[n].Count, r.Kinds[n].Name)
			}
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // as above
	fmt.Fprintln(w)
}
