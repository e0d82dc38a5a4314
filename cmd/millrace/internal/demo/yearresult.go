package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/cmd/millrace/internal/oracle"
	"millrace/cmd/millrace/internal/year"
	"millrace/internal/acumaticatwin"
	"millrace/internal/service"
	"millrace/schemas"
)

// YearResult is what the year came to.
type YearResult struct {
	Reconciliation []oracle.Line    `json:"reconciliation"`
	Months         []oracle.Month   `json:"months"`
	Kinds          []oracle.Kind    `json:"kinds"`
	Disputes       oracle.Disputes  `json:"disputes"`
	Trial          []oracle.Trial   `json:"trial_balance"`
	Accounts       []oracle.Account `json:"accounts"`
	Statements     int              `json:"statements"` // of millrace reconcile about the same, that agree with the oracle
	Movements      int              `json:"movements"`  // of Stripe's balance
	ByType         map[string]int   `json:"by_type"`    // the same, by their type
	Played         *year.Played     `json:"played"`
	Applied        int              `json:"applied"` // messages by how they ended, over all stages
	Duplicate      int              `json:"duplicate"`
	Skipped        int              `json:"skipped"`
	Parked         int              `json:"parked"`
	Missing        []string         `json:"missing"` // what is not as it should be, in words
	TookMS         int64            `json:"took_ms"`
}

// OK reports whether all is as it should be.
func (r *YearResult) OK() bool { return r.Parked == 0 && len(r.Missing) == 0 }

// Summary is the one line that matters.
func (r *YearResult) Summary() string {
	if r.OK() {
		return fmt.Sprintf("%d movements of Stripe's balance reconcile: every payout and every month 0.00, nothing parked", r.Movements)
	}
	return fmt.Sprintf("%d movements, %d parked, %d things are not as they should be", r.Movements, r.Parked, len(r.Missing))
}

// yearResult asks the oracle, and then the pipeline's own proof about the same.
func (d *Demo) yearResult(ctx context.Context, rt *service.Runtime, w *watch, played *year.Played, start time.Time) (*YearResult, error) {
	p, err := oracle.Prove(ctx, oracle.Sources{
		Stripe: d.get, ERP: d.erp, Clearing: acumaticatwin.SeedClearing(), Connection: connection,
	}, played.End)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	blocked, err := held(ctx, rt)
	if err != nil {
		return nil, err
	}
	d.tell(start, "both books compared")
	agree, differ, err := d.statements(ctx, rt, played.End)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	d.tell(start, "millrace reconcile ran")
	n := w.counts()
	r := &YearResult{
		Reconciliation: p.Lines, Months: p.Months, Kinds: p.Kinds,
		Disputes: p.Disputes, Trial: p.Trial, Accounts: p.Accounts, Statements: agree, Movements: p.Movements, ByType: p.ByType, Played: played,
		Applied: n[schemas.Applied], Duplicate: n[schemas.Duplicate], Skipped: n[schemas.Skipped], Parked: n[schemas.Parked],
		Missing: append([]string{}, slices.Concat(played.Problems, w.parked(), blocked, p.Problems, differ)...),
	}
	if d.days() >= year.Days { // a part of a year need not have all
		for _, k := range r.Kinds {
			if k.Count == 0 {
				r.Missing = append(r.Missing, "never happened: "+k.Name)
			}
		}
	}
	r.TookMS = time.Since(start).Milliseconds()
	return r, nil
}

// days is how long the business goes on.
func (d *Demo) days() int {
	if d.o.Days > 0 {
		return d.o.Days
	}
	return year.Days
}

// parked tells of every message that is parked.
func (w *watch) parked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, o := range w.outcomes {
		if o.Outcome == schemas.Parked && w.latest[ending{o.Stage, o.Stream, o.Seq}] == schemas.Parked {
			out = append(out, "parked: "+strings.Join(nonEmpty(o.Stage, o.Document, o.EventID, o.Code, o.Error), ": "))
		}
	}
	return out
}
