package demo

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/shopspring/decimal"
)

// Print writes the result for people who keep books.
func (r *YearResult) Print(w io.Writer) {
	r.printMonths(w)
	r.printBridge(w)
	r.printPayouts(w)
	r.printTrial(w)
	r.printKinds(w)
	d := r.Disputes
	fmt.Fprintf(w, "%d disputes and inquiries: %d won, %d lost, %d inquiries closed without money, %d still open at the end.\n\n",
		d.Won+d.Lost+d.Inquiries+d.Open, d.Won, d.Lost, d.Inquiries, d.Open)
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
	fmt.Fprintln(t, "MONTH\t\tPAYMENTS\tREFUNDS\tDISPUTES\tFEES\tOTHER\tPAID OUT\tSTRIPE HAS\tBOOKS HAVE\tDIFFERENCE\t")
	last, back, below := "", false, false
	for _, m := range r.Months {
		back = back || amount(m.Refunds).IsPositive()
		below = below || amount(m.Stripe).IsNegative()
		period := m.Period
		if period == last {
			period = ""
		}
		last = m.Period
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			period, m.Currency, m.Payments, m.Refunds, m.Disputes, m.Fees, m.Other, m.Payouts, m.Stripe, m.Books, m.Difference)
	}
	_ = t.Flush() // the writer's errors are those of stdout
	if back {
		fmt.Fprintln(w, "Refunds above zero: refunds failed, and more of them came back in the month than was refunded.")
	}
	if below {
		fmt.Fprintln(w, "Stripe below zero: refunds, disputes and what Stripe withheld were more than had come in; later payments or the bank make up for it.")
	}
	fmt.Fprintln(w)
}

// amount reads an exact decimal that the oracle wrote.
func amount(s string) decimal.Decimal {
	d, _ := decimal.NewFromString(s) // the oracle writes no other text
	return d
}

// printBridge leads from the clearing account to Stripe's balance where the two
// are not the same, as a bank reconciliation does.
func (r *YearResult) printBridge(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	rows := 0
	for _, m := range r.Months {
		if m.InTransit == "0.00" && m.Pending == "0.00" {
			continue
		}
		if rows++; rows == 1 {
			fmt.Fprintln(w, "From the ledger to Stripe's balance, at the ends of months where something was on its way:")
			fmt.Fprintln(t, "MONTH\t\tLEDGER\t+ IN TRANSIT\t+ PENDING DEBITS\t= BOOKS\tSTRIPE HAS\t")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", m.Period, m.Currency, m.Ledger, m.InTransit, m.Pending, m.Books, m.Stripe)
	}
	if rows == 0 {
		fmt.Fprintf(w, "Nothing was on its way at the end of a month: the clearing account alone is Stripe's balance.\n\n")
		return
	}
	_ = t.Flush() // as above
	fmt.Fprintln(w, "In transit: payouts that left Stripe and had not arrived. Pending debits: Stripe showed them, they failed later, and the books never had them.")
	fmt.Fprintln(w)
}

// printTrial shows that the ledger balances.
func (r *YearResult) printTrial(w io.Writer) {
	fmt.Fprintln(w, "Trial balance of the ledger at the end:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tDEBITS\tCREDITS\tDIFFERENCE\t")
	for _, b := range r.Trial {
		name := b.Currency
		if b.Base {
			name = "all, in " + name
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", name, b.Debits, b.Credits, b.Difference)
	}
	_ = t.Flush() // as above
	fmt.Fprintln(w)
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
