package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// parkedLane is one lane that waits for a person.
type parkedLane struct {
	Stage      string `json:"stage"`
	Connection string `json:"connection"`
	Lane       string `json:"lane"`
	Since      string `json:"since"` // RFC 3339
	Code       string `json:"code"`
	Reason     string `json:"reason"` // what the code means
	Hint       string `json:"hint"`
	Error      string `json:"error"`
	Behind     int    `json:"behind,omitempty"` // messages of the lane that wait behind the one that failed
}

// laneFilter picks lanes; an empty field picks all.
type laneFilter struct {
	stage, connection, lane string
	code, id                string
	olderThan               time.Duration
}

func (f laneFilter) picks(b bus.Block) bool {
	return (f.stage == "" || f.stage == b.Stage) && (f.connection == "" || f.connection == b.Conn) && (f.lane == "" || f.lane == b.Lane) &&
		(f.code == "" || f.code == b.Code) && time.Since(b.Since) >= f.olderThan
}

// check refuses names that nothing has: a filter that picks nothing would look
// like good news.
func (f laneFilter) check() error {
	if f.stage != "" && !slices.Contains(bus.StageNames(), f.stage) {
		return usage(fmt.Errorf("no stage %q: want %s", f.stage, strings.Join(bus.StageNames(), ", ")))
	}
	if _, known := fault.Lookup(f.code); f.code != "" && !known {
		return usage(fmt.Errorf("no code %q: millrace errors list has them all", f.code))
	}
	if f.olderThan < 0 {
		return usage(fmt.Errorf("--older-than %v: want a time that is not negative, such as 3h", f.olderThan))
	}
	return nil
}

// parkedOf are those of the blocks that wait for a person.
func parkedOf(blocks []bus.Block, f laneFilter) []parkedLane {
	lanes := []parkedLane{}
	for _, b := range blocks {
		if b.Parked && f.picks(b) {
			lanes = append(lanes, laneOf(b))
		}
	}
	return lanes
}

// blockedOf are those of the blocks that wait for the clock.
func blockedOf(blocks []bus.Block) []parkedLane {
	lanes := []parkedLane{}
	for _, b := range blocks {
		if !b.Parked {
			lanes = append(lanes, laneOf(b))
		}
	}
	return lanes
}

func laneOf(b bus.Block) parkedLane {
	p := parkedLane{
		Stage: b.Stage, Connection: b.Conn, Lane: b.Lane, Since: b.Since.Format(timeForm),
		Code: b.Code, Error: b.Error,
	}
	p.Hint = p.ready(b.Hint)
	if c, known := fault.Lookup(b.Code); known {
		p.Reason = c.Meaning
	}
	return p
}

// commandOfHint is a command about a lane as hints have it.
var commandOfHint = regexp.MustCompile(`millrace parked (release|edit|skip|drop)\b(?: --lane <\w+>)?(?: --reason <why>)?`)

// ready is a hint with its commands made ready for this lane.
func (p parkedLane) ready(hint string) string {
	return commandOfHint.ReplaceAllStringFunc(hint, func(s string) string { return p.command(strings.Fields(s)[2]) })
}

// toDo is the hint; when it has no command, what lets the lane go on once it
// was followed is a release.
func (p parkedLane) toDo() string {
	if !commandOfHint.MatchString(p.Hint) {
		return p.Hint + "\n  then:  " + p.command("release")
	}
	return p.Hint
}

// command is one that decides about the lane.
func (p parkedLane) command(verb string) string {
	file := ""
	if verb == "edit" {
		file = " --file intent.json"
	}
	return fmt.Sprintf("millrace parked %s --lane %s --stage %s --connection %s%s --reason \"…\"", verb, shellWord(p.Lane), p.Stage, shellWord(p.Connection), file)
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-.:@/", r)
	}
	if s != "" && strings.TrimLeftFunc(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (p parkedLane) print(w io.Writer) {
	behind := ""
	if p.Behind > 0 {
		behind = fmt.Sprintf(", with %s behind it", count(p.Behind, "message"))
	}
	fmt.Fprintf(w, "\nparked at %s since %s: lane %s of connection %s%s\n  %s\n  to do: %s\n",
		p.Stage, p.Since, p.Lane, p.Connection, behind, p.Error, p.toDo())
}

// readParked are the lanes of the blocks that wait for a person, with how many
// messages wait behind.
func readParked(ctx context.Context, v *view, blocks []bus.Block, f laneFilter) ([]parkedLane, error) {
	lanes := parkedOf(blocks, f)
	for i, p := range lanes {
		h, err := v.bus.Held(ctx, p.Stage, p.Connection, p.Lane)
		if err != nil && !errors.Is(err, bus.ErrNotFound) && fault.Of(err).Code != "bus.blocked_message_missing" {
			return nil, err
		}
		lanes[i].Behind = len(h.Waiting)
	}
	return lanes, nil
}

// behind says how many messages wait behind those that lanes are parked at.
func behind(lanes []parkedLane) string {
	n := 0
	for _, p := range lanes {
		n += p.Behind
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %s behind", count(n, "message"))
}

func (a *app) parkedCommand() *cobra.Command {
	return group("parked", "Lanes that wait for a person", a.parkedList(), a.parkedShow(), a.parkedRelease(), a.parkedEdit(), a.parkedSkip(), a.parkedDrop())
}

// laneLeaf makes a command about some lanes, with the flags that say which.
func (a *app) laneLeaf(c *cobra.Command, f *laneFilter, do func(ctx context.Context) (*reply, error)) *cobra.Command {
	c.Flags().StringVar(&f.lane, "lane", "", "only this lane, as the list shows it: C000001, or cus_… for what comes from Stripe")
	c.Flags().StringVar(&f.stage, "stage", "", "only at this stage [default: all]")
	c.Flags().StringVar(&f.connection, "connection", "", "only of this connection [default: all]")
	a.addDataDir(c)
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		if err := f.check(); err != nil {
			return nil, err
		}
		return do(ctx)
	})
}

func addCode(c *cobra.Command, f *laneFilter) {
	c.Flags().StringVar(&f.code, "code", "", "only lanes that wait for this reason, such as acumatica.period_closed")
}

func (a *app) parkedList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "Which lanes wait for a person, and why", Args: cobra.NoArgs,
		Long:    "Which lanes wait for a person, since when, why, and what to do.\nExit code 0, also when lanes are parked; millrace status has 1 then.",
		Example: "  millrace parked list\n  millrace parked list --stage sink-acumatica --json",
	}
	var f laneFilter
	addCode(c, &f)
	return a.laneLeaf(c, &f, func(ctx context.Context) (*reply, error) {
		lanes, err := looking(ctx, a, func(v *view) ([]parkedLane, error) {
			blocks, err := readBlocks(ctx, v, f)
			if err != nil {
				return nil, err
			}
			return readParked(ctx, v, blocks, f)
		})
		if err != nil {
			return nil, err
		}
		summary := count(len(lanes), "lane") + " parked" + behind(lanes)
		return &reply{summary: summary, result: lanes, text: func(w io.Writer) {
			fmt.Fprintln(w, summary)
			for _, p := range lanes {
				p.print(w)
			}
		}}, nil
	})
}

// readBlocks reads the records of all lanes that are held, for a filter that
// names a connection that there is.
func readBlocks(ctx context.Context, v *view, f laneFilter) ([]bus.Block, error) {
	if err := v.bus.Verify(ctx); err != nil {
		return nil, err
	}
	if err := v.knows(ctx, f.connection); err != nil {
		return nil, err
	}
	return v.bus.Blocks(ctx, "")
}

func (a *app) parkedRelease() *cobra.Command {
	c := &cobra.Command{
		Use: "release --reason <why>", Short: "Let parked lanes go on", Args: cobra.NoArgs,
		Long: "Let parked lanes go on, from the message that failed and in order. What failed\n" +
			"is tried again as it is now: an event is read anew from its system, an intent\n" +
			"keeps the fields it has or was edited to. A lane whose trouble lasts is parked\n" +
			"again. Nothing can be posted twice by this. Name at least one of --lane, --id, --code and --older-than.\n\n" +
			"When nothing runs, the lanes go on as soon as something does.\n" +
			"Exit code 1 when nothing that is parked fits.",
		Example: "  millrace parked release --lane C000001 --reason \"cash account added\"\n" +
			"  millrace parked release --code acumatica.period_closed --reason \"period opened\" --json",
	}
	var f laneFilter
	var reason string
	addCode(c, &f)
	c.Flags().StringVar(&f.id, "id", "", "only the lane that waits for this event, intent, charge, invoice, …")
	c.Flags().DurationVar(&f.olderThan, "older-than", 0, "only lanes that have been held for this long")
	c.Flags().StringVar(&reason, "reason", "", "why they may go on; required, and kept in the audit trail")
	return a.laneLeaf(c, &f, func(ctx context.Context) (*reply, error) {
		if f.lane == "" && f.code == "" && f.id == "" && f.olderThan == 0 || strings.TrimSpace(reason) == "" {
			return nil, usage(errors.New("--reason and one of --lane, --id, --code or --older-than are required; see millrace parked release --help"))
		}
		log, err := a.logger("info")
		if err != nil {
			return nil, err
		}
		var where *view
		released, err := looking(ctx, a, func(v *view) ([]parkedLane, error) {
			where = v
			return release(ctx, v, f, a.decision(schemas.Release, reason), log)
		})
		if len(released) == 0 {
			return nil, err
		}
		return releasedReply(released, where), err // lanes that go on are told of, also beside an error
	})
}

// release lets every lane that f picks go on and says which.
func release(ctx context.Context, v *view, f laneFilter, d schemas.Decision, log *slog.Logger) ([]parkedLane, error) {
	blocks, err := readBlocks(ctx, v, f)
	if err != nil {
		return nil, err
	}
	var released []parkedLane
	for _, p := range parkedOf(blocks, f) {
		if f.id != "" {
			h, err := v.bus.HeldBy(ctx, p.Stage, p.Connection, p.Lane)
			if err != nil && !errors.Is(err, bus.ErrNotFound) {
				return released, err
			}
			if !carries(h.Message, f.id) {
				continue
			}
		}
		err := v.bus.Release(ctx, p.Stage, p.Connection, p.Lane, d)
		if errors.Is(err, bus.ErrNotFound) {
			continue // somebody else released it, and it is done already
		}
		if err != nil {
			return released, fmt.Errorf("release lane %s of %s: %w", p.Lane, p.Stage, err)
		}
		log.Info("lane released", "stage", p.Stage, "connection", p.Connection, "lane", p.Lane, "code", p.Code, "reason", d.Reason, "by", d.By)
		released = append(released, p)
	}
	if len(released) == 0 {
		return nil, notParked(blocks, f)
	}
	return released, nil
}

// carries reports whether the message is that of the id, or names it.
func carries(m *bus.Message, id string) bool {
	return m != nil && (m.Event.ID == id || m.Event.Subject == id || bytes.Contains(m.Event.Data, []byte(strconv.Quote(id))))
}

// notParked says why there was nothing to release.
func notParked(blocks []bus.Block, f laneFilter) error {
	state := ""
	for _, b := range blocks {
		if !b.Parked && f.picks(b) {
			state = "; it waits at " + b.Stage + " for the clock and goes on by itself"
		}
	}
	age := ""
	if f.olderThan > 0 {
		age = " for at least " + f.olderThan.String()
	}
	e := fault.Newf("cli.not_found", "nothing is parked%s%s%s%s%s%s",
		told(" under the lane ", quoted(f.lane)), told(" with code ", f.code)+told(" with id ", f.id), told(" at stage ", f.stage), told(" of connection ", f.connection), age, state)
	e.Hint = "see what is parked: millrace parked list"
	return found{e}
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}

func told(what, value string) string {
	if value == "" {
		return ""
	}
	return what + value
}

func releasedReply(lanes []parkedLane, v *view) *reply {
	summary := fmt.Sprintf("released %s", count(len(lanes), "lane")) + v.later()
	return &reply{summary: summary, result: lanes, text: func(w io.Writer) {
		fmt.Fprintln(w, summary)
		for _, p := range lanes {
			fmt.Fprintf(w, "  lane %s of connection %s at %s, parked since %s with %s\n", p.Lane, p.Connection, p.Stage, p.Since, p.Code)
		}
	}}
}
