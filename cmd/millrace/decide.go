package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/trace"
	"millrace/schemas"
	"millrace/sink-acumatica/acusink"
	"millrace/sink-stripe/stripesink"
)

// decision is what the person at the keyboard decided, now.
func (a *app) decision(do, reason string) schemas.Decision {
	by := a.getenv("USER")
	if u, err := user.Current(); err == nil {
		by = u.Username
	}
	return schemas.Decision{Do: do, Reason: strings.TrimSpace(reason), By: cmp.Or(by, "unknown"), At: time.Now().UTC().Truncate(time.Second)}
}

// heldMessage is the message that holds a lane.
type heldMessage struct {
	parkedLane

	Stream  string          `json:"stream"`
	Seq     uint64          `json:"seq"`
	ID      string          `json:"id"` // of the event or intent
	Type    string          `json:"type"`
	Stored  string          `json:"stored"`  // RFC 3339
	Waiting []uint64        `json:"waiting"` // sequences of the messages behind it
	Data    json.RawMessage `json:"data"`
}

// held reads the one parked lane that f names. Exit code 1 when there is none,
// or more than one.
func held(ctx context.Context, v *view, f laneFilter) (bus.Held, error) {
	blocks, err := readBlocks(ctx, v, f)
	if err != nil {
		return bus.Held{}, err
	}
	lanes := parkedOf(blocks, f)
	switch {
	case len(lanes) == 0:
		return bus.Held{}, notParked(blocks, f)
	case len(lanes) > 1:
		return bus.Held{}, fault.Newf("cli.usage", "lane %s is parked at several places: add --stage or --connection", f.lane)
	}
	h, err := v.bus.Held(ctx, lanes[0].Stage, lanes[0].Connection, lanes[0].Lane)
	if err == nil && h.Message == nil {
		err = fault.Newf("bus.blocked_message_missing", "lane %s: sequence %d is not in its stream", f.lane, h.Cur)
	}
	return h, err
}

func (a *app) parkedShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show --lane <customer>", Short: "The message that holds a lane", Args: cobra.NoArgs,
		Long:    "The message that holds a parked lane, with its data: for an intent the document\nas it would be written, to be changed and given to millrace parked edit.",
		Example: "  millrace parked show --lane C000001\n  millrace parked show --lane C000001 --json | jq .result.data > intent.json",
	}
	var f laneFilter
	return a.laneLeaf(c, &f, func(ctx context.Context) (*reply, error) {
		if f.lane == "" {
			return nil, usage(errors.New("--lane is required"))
		}
		h, err := looking(ctx, a, func(v *view) (bus.Held, error) { return held(ctx, v, f) })
		if err != nil {
			return nil, err
		}
		m, lane := h.Message, parkedOf([]bus.Block{h.Block}, laneFilter{})[0]
		lane.Behind = len(h.Waiting)
		res := heldMessage{
			parkedLane: lane, Stream: m.Stream, Seq: m.Seq, ID: m.Event.ID, Type: m.Event.Type,
			Stored: m.Stored.UTC().Format(timeForm), Waiting: h.Waiting, Data: m.Event.Data,
		}
		summary := fmt.Sprintf("%s is held at %s by message %d of %s, %d behind it", f.lane, res.Stage, m.Seq, m.Stream, len(h.Waiting))
		return &reply{summary: summary, result: res, text: func(w io.Writer) {
			fmt.Fprintln(w, summary)
			res.print(w)
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			_ = e.Encode(res.Data) // to a terminal
		}}, nil
	})
}

func (a *app) parkedEdit() *cobra.Command {
	c := &cobra.Command{
		Use: "edit --lane <customer> --file <file> --reason <why>", Short: "Let a parked lane go on with a changed message", Args: cobra.NoArgs,
		Long: "Let a parked lane go on with other data for the message that holds it: what\n" +
			"millrace parked show prints, changed. The original stays in its stream, and the\n" +
			"audit trail keeps both, who changed it and why. The id of an intent cannot be\n" +
			"changed, so that nothing is posted twice by this. To a terminal show prints more\n" +
			"than the data: take it with millrace parked show --json | jq .result.data.",
		Example: "  millrace parked edit --lane C000001 --file intent.json --reason \"wrong cash account\"",
	}
	var file string
	c.Flags().StringVar(&file, "file", "", "file with the changed data, JSON; - is standard input")
	return a.deciding(c, schemas.Edit, func(h bus.Held, d *schemas.Decision) (uint64, error) {
		data, err := a.readFile(file)
		if err != nil {
			return 0, err
		}
		d.Data = data
		return h.Message.Seq, editable(h.Message, data)
	})
}

// readFile reads a file that the user named, or standard input.
func (a *app) readFile(file string) ([]byte, error) {
	switch file {
	case "":
		return nil, usage(errors.New("--file is required"))
	case "-":
		return io.ReadAll(a.stdin)
	}
	data, err := os.ReadFile(file) //nolint:gosec // the user names the file
	if err != nil {
		return nil, usage(err)
	}
	return data, nil
}

// editable refuses data that would make another message of this one, or that is
// what it has already.
func editable(m *bus.Message, data []byte) error {
	if m.Stream != bus.Intents {
		return fault.Newf("cli.usage", "message %d of %s is an event: what its system says cannot be edited; release or skip it", m.Seq, m.Stream)
	}
	var was, now schemas.Intent
	if err := errors.Join(json.Unmarshal(m.Event.Data, &was), json.Unmarshal(data, &now)); err != nil {
		return fault.Newf("cli.usage", "not an intent: %w", err)
	}
	if identity(was) != identity(now) {
		return fault.Newf("cli.usage", "id, connection, lane, target, document, verb, key and version of intent %s must stay as they are", was.ID)
	}
	if len(trace.Changes(m.Event.Data, data)) == 0 {
		return fault.Newf("cli.usage", "nothing is changed: to try it again as it is, millrace parked release --lane %s --reason \"…\"", shellWord(was.Lane))
	}
	if err := checkIntent(now); err != nil {
		return fault.Newf("cli.usage", "sink-%s would refuse this: %w", now.Target, err)
	}
	return nil
}

// checkIntent asks the sink of the target whether it can read the intent, so
// that a slip is told to who made it and not to who looks at the lane next.
func checkIntent(in schemas.Intent) error {
	switch in.Target {
	case schemas.Acumatica:
		return acusink.Check(in)
	case schemas.Stripe:
		return stripesink.Check(in)
	}
	return fmt.Errorf("no sink for target %q", in.Target)
}

// identity is what says which intent it is, and who carries it out.
func identity(in schemas.Intent) [8]string {
	return [...]string{in.ID, in.Connection, in.Lane, in.Target, in.Document, in.Verb, in.Key, in.Version}
}

func (a *app) parkedSkip() *cobra.Command {
	c := &cobra.Command{
		Use: "skip --lane <customer> --reason <why>", Short: "Let a parked lane go on without the message that holds it", Args: cobra.NoArgs,
		Long:    "Ends the message that holds a parked lane as skipped, with your reason, and lets\nthe lane go on behind it. What the message stood for is not posted: tell whoever\nkeeps the books. An intent that is skipped at a sink stays so for good; a fact that is\nskipped at transform is handled anew if its system tells it again after some days, as\nsweeps and the full reading do. What was begun of it is deleted; what is released or\nfinalised already is not skipped: it ends as applied, or the lane is parked again\nand says what to void.",
		Example: "  millrace parked skip --lane C000001 --reason \"test customer, nothing to post\"",
	}
	return a.deciding(c, schemas.Skip, func(h bus.Held, _ *schemas.Decision) (uint64, error) { return h.Message.Seq, nil })
}

func (a *app) parkedDrop() *cobra.Command {
	c := &cobra.Command{
		Use: "drop --lane <customer> --reason <why>", Short: "Skip everything that a parked lane holds", Args: cobra.NoArgs,
		Long:    "Ends every message that a parked lane holds now as skipped, with your reason,\neach as millrace parked skip does. What comes later is handled as usual.",
		Example: "  millrace parked drop --lane C000001 --reason \"customer was a test\"",
	}
	return a.deciding(c, schemas.Skip, func(h bus.Held, _ *schemas.Decision) (uint64, error) { return h.Last, nil })
}

// decided is the result of edit, skip and drop.
type decided struct {
	Do      string `json:"do"`
	Stage   string `json:"stage"`
	Lane    string `json:"lane"`
	Stream  string `json:"stream"`
	From    uint64 `json:"from"`
	Through uint64 `json:"through"`
}

// messages says which were decided about: those between the first and the last
// that are of other lanes are not.
func (d decided) messages() string {
	if d.From == d.Through {
		return fmt.Sprintf("message %d of %s", d.From, d.Stream)
	}
	return fmt.Sprintf("its messages from %d to %d of %s", d.From, d.Through, d.Stream)
}

// deciding completes a command that decides about one parked lane; fill says
// through which message, and adds to the decision.
func (a *app) deciding(c *cobra.Command, do string, fill func(bus.Held, *schemas.Decision) (uint64, error)) *cobra.Command {
	var f laneFilter
	var reason string
	c.Flags().StringVar(&reason, "reason", "", "why; required, and kept in the audit trail")
	return a.laneLeaf(c, &f, func(ctx context.Context) (*reply, error) {
		if f.lane == "" || strings.TrimSpace(reason) == "" {
			return nil, usage(errors.New("--lane and --reason are required"))
		}
		var where *view
		d := a.decision(do, reason)
		res, err := looking(ctx, a, func(v *view) (decided, error) {
			where = v
			h, err := held(ctx, v, f)
			if err != nil {
				return decided{}, err
			}
			through, err := fill(h, &d)
			if err != nil {
				return decided{}, err
			}
			err = v.bus.Decide(ctx, h.Stage, h.Conn, h.Lane, d, h.Message.Seq, through)
			if errors.Is(err, bus.ErrConflict) {
				err = fault.Newf("cli.not_found", "lane %s changed meanwhile: look again with millrace parked show", f.lane)
			}
			return decided{Do: c.Name(), Stage: h.Stage, Lane: h.Lane, Stream: h.Message.Stream, From: h.Message.Seq, Through: max(through, h.Message.Seq)}, err
		})
		if err != nil {
			return nil, err
		}
		summary := fmt.Sprintf("%s: lane %s of %s, %s", res.Do, res.Lane, res.Stage, res.messages()) + where.later()
		return &reply{summary: summary, result: res}, nil
	})
}
