package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"millrace/internal/acumatica"
	"millrace/internal/config"
	"millrace/internal/doctor"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/transform/flows"
)

// doctorResult is the result of `doctor`.
type doctorResult struct {
	File     string           `json:"file"` // of the configuration; empty: only the environment counts
	Wrong    int              `json:"wrong"`
	Notes    int              `json:"notes"`
	Findings []doctor.Finding `json:"findings"`
}

const doctorLong = `Checks the configuration, the broker and, for each connection, what the key of
Stripe and the API user of Acumatica can reach and see: rights, fields of the
endpoint, hidden records, webhooks, currencies, accounts, the financial period.

Only reads, one request at a time, and needs no broker. In Acumatica it opens a
session of its own and signs out. Exit code 1 when something is wrong; a note
is good to know and no more. docs/operations.md explains the checks.`

func (a *app) doctorCommand() *cobra.Command {
	var connection string
	c := &cobra.Command{
		Use: "doctor", Short: "Find what would go wrong: rights, hidden records, accounts, webhooks", Long: doctorLong, Args: cobra.NoArgs,
		Example: "  millrace doctor\n  millrace doctor --connection eu --json",
	}
	c.Flags().StringVar(&connection, "connection", "", "only this connection [default: all]")
	a.addDataDir(c)
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		cfg, origins, err := config.Load(a.source())
		if err != nil {
			return nil, err
		}
		if _, ok := cfg.Connection(connection); connection != "" && !ok {
			return nil, usage(fmt.Errorf("--connection %q: the configuration has %s", connection, strings.Join(cfg.ConnectionNames(), ", ")))
		}
		problems, _, err := config.Lint(a.source())
		if err != nil {
			return nil, err
		}
		res := &doctorResult{File: origins.File(), Findings: append(linted(problems), a.brokerFindings(ctx)...)}
		for _, conn := range cfg.Connections {
			if connection != "" && conn.Name != connection {
				continue
			}
			found, err := examine(ctx, conn, cfg.Ingest.MaxAge)
			if err != nil {
				return nil, err
			}
			res.Findings = append(res.Findings, found...)
		}
		return res.reply()
	})
}

// linted are the findings of `config lint`.
func linted(problems config.Problems) []doctor.Finding {
	list := []doctor.Finding{}
	for _, p := range problems {
		f := doctor.Finding{System: "local", Check: "configuration", State: doctor.Note, Detail: p.Path + ": " + p.Message, Hint: p.Hint}
		if !p.Note {
			f.State, f.Code = doctor.Wrong, "config.invalid"
		}
		list = append(list, f)
	}
	if len(list) == 0 {
		list = append(list, doctor.Finding{System: "local", Check: "configuration", State: doctor.OK, Detail: "no problems"})
	}
	return list
}

// brokerFindings looks at the installation, if there is one yet.
func (a *app) brokerFindings(ctx context.Context) []doctor.Finding {
	detail, err := looking(ctx, a, func(v *view) (string, error) {
		return fmt.Sprintf("%s: streams as they should be, %d partitions", v.where, v.bus.Partitions()), v.bus.Verify(ctx)
	})
	switch {
	case err != nil && fault.Of(err).Code == "config.no_installation":
		return []doctor.Finding{{System: "local", Check: "broker", State: doctor.Note, Detail: "nothing was ever run here, and nats.url is not set"}}
	case err != nil:
		return []doctor.Finding{doctor.Failure("local", "broker", err)}
	}
	return []doctor.Finding{{System: "local", Check: "broker", State: doctor.OK, Detail: detail}}
}

// examine makes clients of its own: the doctor works without a broker, which
// is where the budgets of requests are.
func examine(ctx context.Context, conn config.Connection, maxSkew time.Duration) (list []doctor.Finding, err error) {
	documents, err := flows.Load()
	if err != nil {
		return nil, err
	}
	stripe, err := stripeapi.New(stripeapi.Config{APIKey: conn.Stripe.APIKey.Reveal(), BaseURL: conn.Stripe.APIBase})
	if err != nil {
		f := doctor.Failure("stripe", "client", err)
		f.Connection = conn.Name
		return []doctor.Finding{f}, nil
	}
	c := conn.Acumatica
	erp, err := acumatica.New(acumatica.Config{
		BaseURL: c.URL, Tenant: c.Tenant, Endpoint: c.Endpoint, Username: c.Username, Password: c.Password.Reveal(),
		ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Branch: c.Branch, Timeout: c.Timeout, Concurrency: 1,
	})
	if err != nil {
		f := doctor.Failure("acumatica", "client", fault.New("config.invalid", err))
		f.Connection = conn.Name
		return []doctor.Finding{f}, nil
	}
	defer func() { err = errors.Join(err, erp.Close(context.WithoutCancel(ctx))) }()
	return doctor.Examine(ctx, doctor.Options{
		Connection: conn, Stripe: stripe, Acumatica: erp, Flows: documents, Now: time.Now(), MaxSkew: maxSkew,
	}), nil
}

func (r *doctorResult) reply() (*reply, error) {
	r.Wrong, r.Notes = doctor.Count(r.Findings, doctor.Wrong), doctor.Count(r.Findings, doctor.Note)
	summary := fmt.Sprintf("%s, %d wrong, %s", count(len(r.Findings), "finding"), r.Wrong, count(r.Notes, "note"))
	out := &reply{summary: summary, result: r, text: func(w io.Writer) { r.print(w, summary) }}
	if r.Wrong > 0 {
		return out, found{fault.New("doctor.findings", errors.New(summary))}
	}
	return out, nil
}

// subject is what a hint begins with: the setting, or else what many findings
// have in common.
func subject(f doctor.Finding) string {
	if setting, _, ok := strings.Cut(f.Detail, ": "); ok && f.Check == "configuration" {
		return setting
	}
	return cmp.Or(f.Code, f.Check)
}

// print shows the findings as a table, and below it each hint once.
func (r *doctorResult) print(w io.Writer, summary string) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", f.State, strings.TrimPrefix(f.Connection+" "+f.System, " "), f.Check, cmp.Or(f.Detail, "-"))
	}
	_ = tw.Flush() // w reports nothing that could be acted on
	var hints []string
	for _, f := range r.Findings {
		hint := subject(f) + ": " + f.Hint
		if f.Hint == "" || f.State == doctor.OK || slices.Contains(hints, hint) {
			continue
		}
		if len(hints) == 0 {
			fmt.Fprintln(w)
		}
		hints = append(hints, hint)
		fmt.Fprintln(w, hint)
	}
	fmt.Fprintf(w, "\n%s\n", summary)
}
