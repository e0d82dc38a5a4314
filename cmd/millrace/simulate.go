package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"millrace/internal/fault"
	"millrace/internal/simulate"
)

// simulateFlags are the flags of `simulate`.
type simulateFlags struct {
	first, seed     uint64
	one             bool // seed is given
	seeds, parallel int
	plan            string
	printPlan       bool
	shrink          time.Duration
}

// simulateResult is the result of `simulate`.
type simulateResult struct {
	First   uint64            `json:"first"`
	Seeds   int               `json:"seeds"` // how many were run
	Done    simulate.Tally    `json:"done"`  // what was done in all of them
	Failed  []simulate.Result `json:"failed"`
	Minimal *simulate.Result  `json:"minimal"` // the first failure with every step left out that it does not need
	TookMS  int64             `json:"took_ms"`
}

const simulateLong = `Runs the real services against both twins and an embedded broker, all in this
process, once for each seed. A seed decides what business is done and what goes
wrong: processes that die between any two of their operations, or stand still and
wake up late, broker restarts, lost answers, floods of 429 and 5xx, webhooks more
than once, late, out of order or lost, days in which nothing of ours runs, clocks
that jump, a closed period. In the end an oracle compares the books of both twins:
every movement once, of the right amount, in the order of its lane, with links that
agree and nothing left over.

A seed always makes the same plan. The order in which goroutines run within it,
the broker's among them, is not ours to decide, so a seed that failed fails again
most of the time, not always: run it several times, or its minimal plan.

After a failure steps are left out as long as it still fails; the smallest plan
is printed with what was said of the things that went wrong. --print-plan prints
the plan of a seed, as JSON that --plan takes: docs/simulate.md has its format.`

func (a *app) simulateCommand() *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use: "simulate", Short: "Order and completeness under seeded faults", Long: simulateLong, Args: cobra.NoArgs,
		Example: "  millrace simulate --seeds 200\n  millrace simulate --seed 42 --log-level debug\n" +
			"  millrace simulate --seed 42 --print-plan > plan.json\n  millrace simulate --plan plan.json",
	}
	c.Flags().Uint64Var(&f.first, "first", 1, "the first seed")
	c.Flags().IntVar(&f.seeds, "seeds", 20, "how many seeds")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "this seed alone")
	c.Flags().BoolVar(&f.printPlan, "print-plan", false, "print the plan of --seed as JSON, and run nothing")
	c.Flags().IntVar(&f.parallel, "parallel", 6, "how many at a time; most of a run is waiting")
	c.Flags().StringVar(&f.plan, "plan", "", "a file with a plan, as a failed run prints it, instead of seeds")
	c.Flags().DurationVar(&f.shrink, "shrink", 5*time.Minute, "how long to look for a minimal plan after a failure; 0 does not")
	c.MarkFlagsMutuallyExclusive("plan", "seed", "first")
	c.MarkFlagsMutuallyExclusive("plan", "seed", "seeds")
	c.MarkFlagsMutuallyExclusive("plan", "print-plan")
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		if f.one = c.Flags().Changed("seed"); f.one {
			f.first, f.seeds = f.seed, 1
		}
		return a.simulate(ctx, f)
	})
}

func (a *app) simulate(ctx context.Context, f simulateFlags) (*reply, error) {
	if f.seeds < 1 || f.parallel < 1 {
		return nil, fault.Newf("cli.usage", "--seeds and --parallel: want at least 1")
	}
	if f.printPlan {
		if !f.one {
			return nil, usage(errors.New("--print-plan: name the seed with --seed"))
		}
		return planReply(simulate.NewPlan(f.seed)), nil
	}
	o := simulate.Options{Services: services(), Dir: os.TempDir()}
	if a.logLevel != "" { // what is logged under faults is only noise, unless it was asked for
		var err error
		if o.Log, err = a.logger(a.logLevel); err != nil {
			return nil, err
		}
	}
	res := simulateResult{First: f.first, Failed: []simulate.Result{}}
	tell := func(r simulate.Result) {
		res.Seeds++
		res.Done.Add(r)
		verdict := "ok"
		if !r.OK() {
			verdict = "FAILED"
			res.Failed = append(res.Failed, r)
		}
		fmt.Fprintf(a.stderr, "seed %-6d %-6s %5.1f s\n", r.Plan.Seed, verdict, r.Took.Seconds())
	}
	var err error
	start := time.Now()
	if f.plan != "" {
		err = runPlan(ctx, o, f.plan, tell)
	} else {
		err = simulate.Seeds(ctx, o, f.first, f.seeds, f.parallel, tell)
	}
	if err == nil && len(res.Failed) > 0 && f.shrink > 0 {
		var smallest simulate.Result
		smallest, err = simulate.Shrink(ctx, o, res.Failed[0], f.shrink)
		res.Minimal = &smallest
	}
	if err != nil {
		return nil, err
	}
	res.TookMS = time.Since(start).Milliseconds()
	r := &reply{summary: res.summary(), result: res, text: res.print}
	if len(res.Failed) > 0 {
		return r, found{fault.New("simulate.failed", errors.New(res.summary()))}
	}
	return r, nil
}

// planReply prints a plan so that --plan can read it.
func planReply(plan simulate.Plan) *reply {
	return &reply{
		summary: fmt.Sprintf("seed %d: %d customers, %d steps", plan.Seed, plan.Customers, len(plan.Steps)), result: plan,
		text: func(w io.Writer) {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			_ = e.Encode(plan) // numbers and texts; what w says is said by its owner
		},
	}
}

func runPlan(ctx context.Context, o simulate.Options, file string, tell func(simulate.Result)) error {
	raw, err := os.ReadFile(file) //nolint:gosec // the user names the file
	if err != nil {
		return usage(err)
	}
	plan, err := readPlan(raw)
	if err != nil {
		return fault.Newf("cli.usage", "--plan %s: %w", file, err)
	}
	r, err := simulate.Run(ctx, o, plan)
	if err == nil {
		tell(r)
	}
	return err
}

// readPlan refuses a plan that would prove nothing: with a misspelt field, or
// without anything to do.
func readPlan(raw []byte) (simulate.Plan, error) {
	var plan simulate.Plan
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&plan); err != nil {
		return plan, err
	}
	return plan, plan.Check()
}

func (r simulateResult) summary() string {
	return fmt.Sprintf("%d of %d seeds failed; %d invoices, %d charges, %d payments posted under %d faults",
		len(r.Failed), r.Seeds, r.Done.Invoices, r.Done.Charges, r.Done.Payments, r.Done.Faults)
}

func (r simulateResult) print(w io.Writer) {
	for _, f := range r.Failed {
		fmt.Fprintf(w, "seed %d\n", f.Plan.Seed)
		for _, p := range f.Problems {
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
	switch {
	case r.Minimal != nil:
		printFailure(w, "smallest plan that failed", *r.Minimal)
	case len(r.Failed) > 0:
		printFailure(w, "first plan that failed", r.Failed[0])
	}
	fmt.Fprintln(w, r.summary())
}

// printFailure tells all of one failure: what was done, what came of it, what
// was said meanwhile, and how to run it again.
func printFailure(w io.Writer, title string, r simulate.Result) {
	fmt.Fprintf(w, "\n%s: seed %d, %d customers, %d replicas, together %t\n", title, r.Plan.Seed, r.Plan.Customers, r.Plan.Replicas, r.Plan.Together)
	for _, s := range r.Plan.Steps {
		fmt.Fprintf(w, "  %s\n", s)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "  → %s\n", p)
	}
	fmt.Fprintln(w, "trace:")
	for _, line := range r.Trace {
		fmt.Fprintf(w, "  %s\n", line)
	}
	if raw, err := json.Marshal(r.Plan); err == nil {
		fmt.Fprintf(w, "again: millrace simulate --plan FILE, with in it\n%s\n", raw)
	}
}
