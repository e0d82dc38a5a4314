package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"millrace/internal/basis"
	"millrace/internal/bus"
	"millrace/internal/fault"
)

// statusResult is the result of `status`.
type statusResult struct {
	Where   string         `json:"where"`
	Healthy bool           `json:"healthy"`
	PID     int            `json:"pid,omitempty"` // of the process that works here; 0: none on this machine
	Ingest  string         `json:"ingest,omitempty"`
	Ops     string         `json:"ops,omitempty"`
	Stages  []bus.StageLag `json:"stages"`
	Parked  []parkedLane   `json:"parked"`
	Blocked []parkedLane   `json:"blocked"` // wait for the clock and go on by themselves
	// Unconsumed are the stages that nobody runs, as far as it can be told.
	Unconsumed []bus.StageLag `json:"unconsumed"`
	// Refused is why nothing is settled, by connection: the choices of its books
	// are not those that it was settled by, or its account is another one's.
	Refused map[string]string `json:"refused,omitempty"`
}

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: "What each stage has before it, and what is held", Args: cobra.NoArgs,
		Long:    "What each stage has before it, and which lanes are held.\nExit code 0 when healthy, 1 when a lane is blocked or parked, or when messages\nwait for a stage that no service consumes. How the services are: ask their /readyz.",
		Example: "  millrace status\n  millrace status --data-dir ./demo --json",
	}
	a.addDataDir(c)
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		res, err := looking(ctx, a, func(v *view) (*statusResult, error) { return readStatus(ctx, v) })
		if err != nil {
			return nil, err
		}
		r := &reply{summary: res.verdict(), result: res, text: res.print}
		if !res.Healthy {
			return r, found{res.degraded()}
		}
		return r, nil
	})
}

func readStatus(ctx context.Context, v *view) (*statusResult, error) {
	if err := v.bus.Verify(ctx); err != nil {
		return nil, err
	}
	if n := v.bus.Partitions(); v.partitions != 0 && v.partitions != n {
		return nil, fault.Newf("bus.partitions_mismatch", "configured %d, streams have %d: no service starts", v.partitions, n)
	}
	lags, unconsumed, err := readLags(ctx, v)
	if err != nil {
		return nil, err
	}
	res := &statusResult{Where: v.where, Healthy: true, Stages: lags, Parked: []parkedLane{}, Blocked: []parkedLane{}, Unconsumed: unconsumed}
	res.Healthy = len(res.neglected()) == 0
	if v.running != nil {
		res.PID, res.Ingest, res.Ops = v.running.PID, v.running.Ingest, v.running.Ops
	}
	if res.Refused, err = readRefused(ctx, v); err != nil {
		return nil, err
	}
	res.Healthy = res.Healthy && len(res.Refused) == 0
	seen := make(map[string]bool)
	for _, l := range lags {
		res.Healthy = res.Healthy && l.BlockedLanes == 0 && l.ParkedLanes == 0
		if seen[l.Stage] {
			continue
		}
		seen[l.Stage] = true
		blocks, err := v.bus.Blocks(ctx, l.Stage)
		if err != nil {
			return nil, err
		}
		lanes, err := readParked(ctx, v, blocks, laneFilter{})
		if err != nil {
			return nil, err
		}
		res.Parked = append(res.Parked, lanes...)
		res.Blocked = append(res.Blocked, blockedOf(blocks)...)
	}
	return res, nil
}

// readRefused reads which connections settle nothing because of a change of
// their configuration.
func readRefused(ctx context.Context, v *view) (map[string]string, error) {
	refused := map[string]string{}
	for _, c := range v.connections {
		by, err := basis.Refused(ctx, v.bus, c)
		if err != nil {
			return nil, err
		}
		for _, service := range slices.Sorted(maps.Keys(by)) {
			refused[c] = by[service]
		}
	}
	return refused, nil
}

// secondLook is after what time a stage is looked at again that nobody seems to
// consume: between two messages of a partition nobody asks for one.
const secondLook = 250 * time.Millisecond

// readLags reads how far the stages are behind, and which of them nobody
// consumes.
func readLags(ctx context.Context, v *view) (lags, unconsumed []bus.StageLag, err error) {
	if lags, err = v.bus.Lag(ctx, v.connections); err != nil {
		return nil, nil, err
	}
	if v.stopped() {
		return lags, lags, nil
	}
	if !slices.ContainsFunc(lags, bus.StageLag.Unconsumed) {
		return lags, []bus.StageLag{}, nil
	}
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-time.After(secondLook):
	}
	again, err := v.bus.Lag(ctx, v.connections)
	if err != nil {
		return nil, nil, err
	}
	unconsumed = []bus.StageLag{}
	for i, l := range again {
		if l.Unconsumed() && lags[i].Unconsumed() {
			unconsumed = append(unconsumed, l)
		}
	}
	return again, unconsumed, nil
}

// neglected are the stages that nobody consumes although messages wait.
func (s *statusResult) neglected() []bus.StageLag {
	var list []bus.StageLag
	for _, l := range s.Unconsumed {
		if l.Waits() > 0 {
			list = append(list, l)
		}
	}
	return list
}

// stagesOf names stages: "transform of default".
func stagesOf(lags []bus.StageLag) string {
	names := make([]string, 0, len(lags))
	for _, l := range lags {
		names = append(names, l.Stage+" of "+l.Connection)
	}
	return strings.Join(names, ", ")
}

// timeForm is RFC 3339 in UTC to the second, as every verb prints times.
const timeForm = "2006-01-02T15:04:05Z07:00"

func (s *statusResult) verdict() string {
	if s.Healthy {
		return "healthy: " + s.findings()
	}
	return "degraded: " + s.findings()
}

// degraded is the finding, with what to do about it.
func (s *statusResult) degraded() *fault.Error {
	e := fault.New("cli.degraded", errors.New(s.findings()))
	if len(s.Parked) > 0 || len(s.Blocked) > 0 {
		return e
	}
	switch nobody := s.neglected(); {
	case len(s.Refused) > 0:
		e.Hint = "nothing is parked; mend the configuration as it says above (millrace status), and restart"
	case len(nobody) > 0:
		e.Hint = "nothing is parked; start the services that nobody runs: millrace up, or millrace run <service>"
	}
	return e
}

// findings are the verdict in numbers.
func (s *statusResult) findings() string {
	var waiting uint64
	var blocked, parked int
	for _, l := range s.Stages {
		waiting += l.Waits()
		blocked += l.BlockedLanes
		parked += l.ParkedLanes
	}
	text := fmt.Sprintf("%d waiting, %s blocked, %s parked", waiting, count(blocked, "lane"), count(parked, "lane")) + behind(s.Parked)
	if nobody := s.neglected(); len(nobody) > 0 {
		text += "; no service consumes " + stagesOf(nobody)
	}
	if len(s.Refused) > 0 {
		text += "; nothing is settled of " + strings.Join(slices.Sorted(maps.Keys(s.Refused)), ", ")
	}
	return text
}

func (s *statusResult) print(w io.Writer) {
	fmt.Fprintln(w, s.verdict())
	if s.PID != 0 {
		fmt.Fprintf(w, "process %d, webhooks on %s, probes on %s\n", s.PID, s.Ingest, s.Ops)
	}
	for _, c := range slices.Sorted(maps.Keys(s.Refused)) {
		name, _, _ := strings.Cut(s.Refused[c], ": ")
		code, _ := fault.Lookup(name)
		fmt.Fprintf(w, "not settled: %s\n  %s\n", s.Refused[c], code.Hint)
	}
	if len(s.Unconsumed) > 0 && len(s.neglected()) == 0 {
		fmt.Fprintf(w, "note: no service consumes %s now; nothing waits there\n", stagesOf(s.Unconsumed))
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "STAGE\tCONNECTION\tWAITING\tIN HAND\tBLOCKED LANES\tPARKED LANES")
	for _, l := range s.Stages {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%d\t%d\n", l.Stage, l.Connection, l.Pending, l.AckPending, l.BlockedLanes, l.ParkedLanes)
	}
	_ = tw.Flush() // w reports nothing that could be acted on
	for _, p := range s.Parked {
		p.print(w)
	}
	s.printBlocked(w)
}

// blockedShown is how many blocked lanes are printed: when a system is away all
// of them are, for one reason.
const blockedShown = 5

func (s *statusResult) printBlocked(w io.Writer) {
	for _, p := range s.Blocked[:min(len(s.Blocked), blockedShown)] {
		fmt.Fprintf(w, "\nblocked at %s since %s: lane %s of connection %s; goes on by itself\n  %s\n", p.Stage, p.Since, p.Lane, p.Connection, p.Error)
	}
	if more := len(s.Blocked) - blockedShown; more > 0 {
		fmt.Fprintf(w, "\nand %s more blocked; --json has all of them\n", count(more, "lane"))
	}
}
