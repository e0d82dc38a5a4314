package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"millrace/internal/fault"
	"millrace/internal/reconcile"
	"millrace/schemas"
)

func (a *app) reconcileHistory() *cobra.Command {
	c := &cobra.Command{
		Use: "history", Short: "Who signed which statement, and when", Args: cobra.NoArgs,
		Long:    "Who signed which statement, when, and what it said. A statement that says\nsomething else later has another hash and is signed anew; one that was last\nproved with another hash is marked out of date.",
		Example: "  millrace reconcile history\n  millrace reconcile history --connection eu --json",
	}
	var connection string
	addConnection(c, &connection)
	a.addDataDir(c)
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		all, err := looking(ctx, a, func(v *view) ([]signed, error) {
			if err := v.bus.Verify(ctx); err != nil {
				return nil, err
			}
			name := connection
			if name == "" {
				name = v.connections[0]
			}
			return readSigned(ctx, reconcile.NewSignatures(v.bus), name)
		})
		if err != nil {
			return nil, err
		}
		summary := count(len(all), "signature")
		return &reply{summary: summary, result: all, text: func(w io.Writer) {
			fmt.Fprintln(w, summary)
			tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			for _, g := range all {
				fmt.Fprintf(tw, "%s\t%s\t%s\tdifference %s\t%s\t%.12s\t%s\n", g.At.Format(timeForm), g.Scope, g.Currency, g.Difference, g.By, g.Hash, g.remark())
			}
			_ = tw.Flush() // w reports nothing that could be acted on
		}}, nil
	})
}

// signed is a signature in the list.
type signed struct {
	reconcile.Signature

	OutOfDate bool `json:"out_of_date"` // its scope said something else when it was last proved
}

func (s *signed) remark() string {
	if s.OutOfDate {
		return "out of date: the statement changed since"
	}
	return ""
}

func readSigned(ctx context.Context, store *reconcile.Signatures, connection string) ([]signed, error) {
	all, err := store.History(ctx, connection)
	if err != nil {
		return nil, err
	}
	old, err := store.Outdated(ctx, all)
	if err != nil {
		return nil, err
	}
	list := make([]signed, 0, len(all))
	for n, g := range all {
		list = append(list, signed{g, old[n]})
	}
	return list, nil
}

// writeOffFlags say what is written off.
type writeOffFlags struct {
	reconcileFlags

	currency, amount, date, reason string
	dryRun                         bool
}

func (a *app) reconcileWriteOff() *cobra.Command {
	c := &cobra.Command{
		Use: "write-off --reason <why>", Short: "End a small difference with a journal", Args: cobra.NoArgs,
		Long: "End a small difference of a month or payout with a journal between the clearing\n" +
			"account and the account write_off, up to books.write_off_limit. It is posted like\n" +
			"any other journal, once: a statement has one write-off in a currency. One that was\ndropped (millrace parked drop) never was: another may follow.",
		Example: "  millrace reconcile write-off --period 2026-03 --currency USD --reason \"rounding at the bank\"\n" +
			"  millrace reconcile write-off --payout po_1PgafmB7WZ01zgkW --currency EUR --amount -0.02 --reason \"half a cent twice\"",
	}
	var f writeOffFlags
	var payout string
	l := c.Flags()
	l.StringVar(&f.period, "period", "", "the month, YYYY-MM")
	l.StringVar(&payout, "payout", "", "or the payout")
	l.StringVar(&f.currency, "currency", "", "of the statement, such as USD; required")
	l.StringVar(&f.amount, "amount", "", "what the clearing account gets, -0.02 to lessen it [default: all that it is off by]")
	l.StringVar(&f.date, "date", "", "of the journal, YYYY-MM-DD, in the month that is off [default: its last day, or today]")
	l.BoolVar(&f.dryRun, "dry-run", false, "say what would be posted, and post nothing")
	l.StringVar(&f.reason, "reason", "", "why; required, in the journal and the audit trail")
	addConnection(c, &f.connection)
	a.addDataDir(c)
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		if (f.period == "") == (payout == "") || f.currency == "" || strings.TrimSpace(f.reason) == "" {
			return nil, usage(errors.New("--reason, --currency and either --period or --payout are required"))
		}
		if payout != "" {
			f.payouts = []string{payout}
		}
		f.currency = strings.ToUpper(f.currency)
		in, err := looking(ctx, a, func(v *view) (schemas.Intent, error) {
			return proving(ctx, a, v, f.connection, func(ctx context.Context, b *books) (schemas.Intent, error) { return a.writeOff(ctx, b, f) })
		})
		if err != nil {
			return nil, err
		}
		return f.answer(in)
	})
}

// answer tells what is posted: the lines of the journal.
func (f *writeOffFlags) answer(in schemas.Intent) (*reply, error) {
	var j schemas.AcumaticaJournal
	if err := json.Unmarshal(in.Fields, &j); err != nil {
		return nil, fmt.Errorf("write-off: %w", err)
	}
	parts := []string{in.Key, "dated " + j.TransactionDate}
	for _, l := range j.Details {
		if l.DebitAmount != "" {
			parts = append(parts, fmt.Sprintf("debit %s %s %s", l.Account, l.DebitAmount, j.CurrencyID))
		} else {
			parts = append(parts, fmt.Sprintf("credit %s %s %s", l.Account, l.CreditAmount, j.CurrencyID))
		}
	}
	what := strings.Join(parts, ", ")
	if f.dryRun {
		return &reply{summary: "would post " + what + "; nothing is posted", result: in}, nil
	}
	return &reply{summary: "asked to post " + what + "; see millrace trace " + in.Key, result: in}, nil
}

// writeOff proves the statement anew and publishes the intent.
func (a *app) writeOff(ctx context.Context, b *books, f writeOffFlags) (schemas.Intent, error) {
	all, err := b.prove(ctx, f.reconcileFlags)
	if err != nil {
		return schemas.Intent{}, err
	}
	limit, err := b.c.Books.WriteOff()
	if err != nil {
		return schemas.Intent{}, err
	}
	for _, s := range all {
		if s.Currency != f.currency {
			continue
		}
		amount := s.Lacks()
		if f.amount != "" {
			if amount, err = decimal.NewFromString(f.amount); err != nil {
				return schemas.Intent{}, usage(fmt.Errorf("--amount %q: want a number such as -0.02", f.amount))
			}
		}
		d := a.decision("write_off", f.reason)
		date, err := b.writeOffDate(f, s)
		if err != nil {
			return schemas.Intent{}, err
		}
		in, err := reconcile.WriteOff(b.o.Rules, s, amount, limit, date, d.Reason, d.By)
		if err != nil {
			return in, found{err}
		}
		if !f.dryRun {
			_, err = b.bus.PublishIntent(ctx, in)
		}
		return in, err
	}
	return schemas.Intent{}, found{fault.Newf("reconcile.write_off_amount", "there is no statement of it in %s", f.currency)}
}

// writeOffDate is the date of the journal.
func (b *books) writeOffDate(f writeOffFlags, s *reconcile.Statement) (string, error) {
	if f.date != "" {
		if _, err := time.Parse(time.DateOnly, f.date); err != nil {
			return "", usage(fmt.Errorf("--date %q: want YYYY-MM-DD", f.date))
		}
	}
	date, err := reconcile.WriteOffDate(s, f.date, b.now.In(cmp.Or(b.o.Rules.Location, time.UTC)).Format(time.DateOnly))
	if err != nil {
		return "", found{err}
	}
	return date, nil
}
