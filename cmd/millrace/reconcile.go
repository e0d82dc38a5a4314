package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"millrace/cmd/millrace/internal/proof"
	"millrace/internal/basis"
	"millrace/internal/budget"
	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/reconcile"
	"millrace/internal/service"
)

// reconcileFlags say what is proved, and how it is told.
type reconcileFlags struct {
	connection       string
	period, from, to string
	payouts          []string
	each             bool
	quick            bool
	csv              bool
	html             string
	sign             string
}

// reconciled is the result of `reconcile`.
type reconciled struct {
	Reconciliation []*reconcile.Statement `json:"reconciliation"`
	Signed         []reconcile.Signature  `json:"signed,omitempty"`
	NotSigned      []string               `json:"not_signed,omitempty"` // why something that agrees was not signed
	HTML           string                 `json:"html,omitempty"`       // the file that was written

	signatures []reconcile.Signature // all that there are
}

const reconcileLong = `What moved at Stripe, what our postings say, and the documents as read back from
Acumatica, side by side, for a month or a payout, in every currency. Changes
nothing in either system; its requests wait for those of posting.

A month also compares the clearing account with Stripe's balance at its end.
That reads everything since the start of the books; --quick leaves it out.
Amounts are signed as the clearing account has them. docs/reconcile.md explains
the causes. Exit code 1 unless every difference is 0.00.`

func (a *app) reconcileCommand() *cobra.Command {
	var f reconcileFlags
	c := &cobra.Command{
		Use: "reconcile", Short: "The proof: Stripe, our postings and Acumatica's documents agree", Long: reconcileLong, Args: cobra.NoArgs,
		Example: "  millrace reconcile --period 2026-03\n  millrace reconcile --payout po_1PgafmB7WZ01zgkW\n" +
			"  millrace reconcile --from 2026-01 --to 2026-03 --html statement.html --sign \"Ann Ledger\"\n  millrace reconcile --period 2026-03 --each-payout --csv > march.csv",
	}
	l := c.Flags()
	l.StringVar(&f.period, "period", "", "one month of the books, YYYY-MM [default: this month]")
	l.StringVar(&f.from, "from", "", "first of several months, YYYY-MM")
	l.StringVar(&f.to, "to", "", "last of several months, YYYY-MM [default: this month]")
	l.StringSliceVar(&f.payouts, "payout", nil, "these payouts instead of months; may be repeated")
	l.BoolVar(&f.each, "each-payout", false, "the payouts that were created in the months, instead of the months")
	l.BoolVar(&f.quick, "quick", false, "without the clearing account against Stripe's balance")
	l.BoolVar(&f.csv, "csv", false, "print CSV on stdout")
	l.StringVar(&f.html, "html", "", "also write a statement to print and file into this file")
	l.StringVar(&f.sign, "sign", "", "store that this person signs what agrees, of months that are over; see millrace reconcile history")
	addConnection(c, &f.connection)
	a.addDataDir(c)
	a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		if f.csv && a.json {
			return nil, usage(errors.New("--csv and --json: only one of them can be on stdout"))
		}
		if len(f.payouts) > 0 && (f.each || f.period != "" || f.from != "" || f.to != "") || f.period != "" && (f.from != "" || f.to != "") {
			return nil, usage(errors.New("name either --period, or --from and --to, or --payout"))
		}
		if f.sign != "" && f.quick {
			return nil, usage(errors.New("--sign and --quick: what is signed has the clearing account compared"))
		}
		return looking(ctx, a, func(v *view) (*reply, error) { return a.reconcile(ctx, v, f) })
	})
	c.AddCommand(a.reconcileHistory(), a.reconcileWriteOff())
	return c
}

func addConnection(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "connection", "", "the connection [default: the default one]")
}

// books is a connection whose proof can be had.
type books struct {
	o   reconcile.Options
	c   config.Connection
	bus *bus.Bus
	now time.Time
}

// proving runs do with what the proof of a connection needs. Its requests yield
// to those of posting.
func proving[T any](ctx context.Context, a *app, v *view, name string, do func(ctx context.Context, b *books) (T, error)) (result T, err error) {
	cfg, origins, err := config.Load(a.source())
	if err != nil {
		return result, err
	}
	if _, err := config.Check(cfg, origins); err != nil {
		return result, err
	}
	name = cmp.Or(name, defaultFirst(cfg.ConnectionNames())[0])
	conn, ok := cfg.Connection(name)
	if !ok {
		return result, usage(fmt.Errorf("--connection %q: the configuration has %s", name, strings.Join(cfg.ConnectionNames(), ", ")))
	}
	if err := v.bus.Verify(ctx); err != nil {
		return result, err
	}
	chosen, err := basis.Of(&conn.Books)
	if err != nil {
		return result, err
	}
	if err := basis.Agrees(ctx, v.bus.Bucket(basis.BucketName), name, chosen, time.Now()); err != nil {
		return result, err // by other choices the ledger looks wrong that is right
	}
	log, err := a.logger("error")
	if err != nil {
		return result, err
	}
	cfg.Ops.Listen = "" // that port is of the services
	rt, err := service.Open(ctx, service.Options{Name: "millrace-reconcile", Config: cfg, Log: log, Getenv: a.getenv, Bus: v.bus})
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, rt.Stop(context.WithoutCancel(ctx))) }()
	ctx = budget.Yield(ctx)
	o, err := proof.Options(ctx, rt, v.bus, conn)
	if err != nil {
		return result, err
	}
	return do(ctx, &books{o: o, c: conn, bus: v.bus, now: time.Now()})
}

// months are those that the flags name; by default the one of now.
func (b *books) months(f reconcileFlags) (first, last reconcile.Month, err error) {
	zone := cmp.Or(b.o.Rules.Location, time.UTC)
	today := b.now.In(zone).Format("2006-01")
	from, to := cmp.Or(f.period, f.from, f.to, today), cmp.Or(f.period, f.to, today)
	for _, m := range []string{from, to} {
		if _, err := time.Parse("2006-01", m); err != nil {
			return "", "", usage(fmt.Errorf("month %q: want YYYY-MM; the journals are kept by month", m))
		}
	}
	if from > to {
		return "", "", usage(fmt.Errorf("--from %s is after --to %s", from, to))
	}
	return reconcile.Month(from), reconcile.Month(to), nil
}

// signable refuses to sign a month that is not over: it will say something else.
func (b *books) signable(f reconcileFlags) error {
	if f.sign == "" || len(f.payouts) > 0 || f.each {
		return nil
	}
	_, last, err := b.months(f)
	if err != nil {
		return err
	}
	if today := b.now.In(cmp.Or(b.o.Rules.Location, time.UTC)).Format(time.DateOnly); last.Last() >= today {
		return usage(fmt.Errorf("--sign: %s is not over", last))
	}
	return nil
}

// prove makes the statements that the flags ask for.
func (b *books) prove(ctx context.Context, f reconcileFlags) ([]*reconcile.Statement, error) {
	ids := f.payouts
	if len(ids) == 0 {
		first, last, err := b.months(f)
		if err != nil {
			return nil, err
		}
		if !f.each {
			return reconcile.Months(ctx, b.o, first, last, f.quick, b.now)
		}
		if ids, err = reconcile.Payouts(ctx, b.o, first, last); err != nil {
			return nil, err
		}
	}
	return reconcile.ByPayout(ctx, b.o, ids...)
}

func (a *app) reconcile(ctx context.Context, v *view, f reconcileFlags) (*reply, error) {
	res, err := proving(ctx, a, v, f.connection, func(ctx context.Context, b *books) (*reconciled, error) {
		if err := b.signable(f); err != nil {
			return nil, err
		}
		all, err := b.prove(ctx, f)
		if err != nil {
			return nil, err
		}
		res := &reconciled{Reconciliation: slices.Clip(append([]*reconcile.Statement{}, all...))}
		store := reconcile.NewSignatures(b.bus)
		for _, s := range all {
			if err := store.State(ctx, s); err != nil {
				return nil, err
			}
			if f.sign == "" || !s.OK() {
				continue
			}
			if err := s.Signable(); err != nil {
				res.NotSigned = append(res.NotSigned, fault.Of(err).Err.Error())
				continue
			}
			g, err := store.Sign(ctx, s, f.sign, b.now)
			if err != nil {
				return nil, err
			}
			res.Signed = append(res.Signed, g)
		}
		res.signatures, err = store.History(ctx, b.o.Connection)
		return res, err
	})
	if err != nil {
		return nil, err
	}
	if f.html != "" {
		if err := writeStatement(f.html, res.Reconciliation, res.signatures); err != nil {
			return nil, err
		}
		res.HTML = f.html
	}
	return res.reply(f.csv)
}

// writeStatement writes the printable page.
func writeStatement(path string, all []*reconcile.Statement, signed []reconcile.Signature) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // the user names the file
	if err != nil {
		return usage(err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return reconcile.HTML(file, all, signed, time.Now())
}

// reply tells the statements. What does not agree is the finding of a command
// that did its work.
func (r *reconciled) reply(csv bool) (*reply, error) {
	off := 0
	for _, s := range r.Reconciliation {
		if !s.OK() {
			off++
		}
	}
	summary := count(len(r.Reconciliation), "statement") + ", every difference is 0.00"
	if off > 0 {
		summary = fmt.Sprintf("%d of %s with a difference", off, count(len(r.Reconciliation), "statement"))
	}
	out := &reply{summary: summary, result: r, text: func(w io.Writer) {
		if csv {
			_ = reconcile.CSV(w, r.Reconciliation) // w reports nothing that could be acted on
			return
		}
		for _, s := range r.Reconciliation {
			s.Print(w)
			s.PrintSigned(w, r.signatures)
			fmt.Fprintln(w)
		}
		for _, g := range r.Signed {
			fmt.Fprintf(w, "signed by %s: %s %s, difference %s, hash %s\n", g.By, g.Scope, g.Currency, g.Difference, g.Hash)
		}
		for _, why := range r.NotSigned {
			fmt.Fprintf(w, "not signed: %s\n", why)
		}
		fmt.Fprintln(w, summary)
	}}
	if off > 0 {
		return out, found{fault.New("reconcile.difference", errors.New(summary))}
	}
	if len(r.NotSigned) > 0 {
		return out, found{fault.New("reconcile.not_signed", errors.New(strings.Join(r.NotSigned, "; ")))}
	}
	return out, nil
}
