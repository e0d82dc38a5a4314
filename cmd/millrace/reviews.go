package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// review is an outcome that a person should look at, although nothing is held
// up.
type review struct {
	At         string        `json:"at"` // RFC 3339
	Connection string        `json:"connection"`
	Lane       string        `json:"lane"`
	Stage      string        `json:"stage"`
	Document   string        `json:"document"`
	Outcome    string        `json:"outcome"`
	Reason     string        `json:"reason"`
	Review     string        `json:"review"`
	Code       string        `json:"code,omitempty"`
	Hint       string        `json:"hint,omitempty"`
	EventID    string        `json:"event_id"`
	Refs       []schemas.Ref `json:"refs"`
}

func (a *app) reviewsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "reviews", Short: "What a person should look at, although nothing is held up", Args: cobra.NoArgs,
		Long: "Outcomes that say what a person should look at, oldest first: money that could not be\n" +
			"applied, a write-back that was refused, a customer that was deleted. Nothing waits for\n" +
			"it, so nothing here is ever settled by a command: each line stays for as long as the\n" +
			"audit trail is kept. Exit code 0, also when there are some.",
		Example: "  millrace reviews --since 24h\n  millrace reviews --connection default --json",
	}
	var connection string
	var since time.Duration
	a.addDataDir(c)
	c.Flags().StringVar(&connection, "connection", "", "only of this connection [default: all]")
	c.Flags().DurationVar(&since, "since", 0, "only those of the last hours, such as 24h [default: all]")
	return a.leaf(c, func(ctx context.Context, _ []string) (*reply, error) {
		if since < 0 {
			return nil, usage(fmt.Errorf("--since %v: want a time that is not negative, such as 24h", since))
		}
		list, err := looking(ctx, a, func(v *view) ([]review, error) {
			if err := v.knows(ctx, connection); err != nil {
				return nil, err
			}
			return readReviews(ctx, v.bus, connection, since)
		})
		if err != nil {
			return nil, err
		}
		return &reply{
			summary: fmt.Sprintf("%d to be looked at", len(list)), result: map[string]any{"reviews": list},
			text: func(w io.Writer) { printReviews(w, list) },
		}, nil
	})
}

func readReviews(ctx context.Context, b *bus.Bus, connection string, since time.Duration) ([]review, error) {
	list := []review{}
	err := b.Scan(ctx, bus.Outcomes, 1, func(m *bus.Message) error {
		var o schemas.Outcome
		if err := json.Unmarshal(m.Event.Data, &o); err != nil {
			return fault.Newf("bus.event_malformed", "%s %d: %w", m.Stream, m.Seq, err)
		}
		if o.Review == "" || connection != "" && o.Connection != connection || since > 0 && time.Since(o.At) > since {
			return nil
		}
		list = append(list, review{
			At: o.At.UTC().Format(timeForm), Connection: o.Connection, Lane: o.Lane, Stage: o.Stage, Document: o.Document,
			Outcome: o.Outcome, Reason: o.Reason, Review: o.Review, Code: o.Code, Hint: o.Hint, EventID: o.EventID, Refs: o.Refs,
		})
		return nil
	})
	return list, err
}

func printReviews(w io.Writer, list []review) {
	for _, r := range list {
		fmt.Fprintf(w, "%s  %s %s of connection %s, %s\n  %s\n  look at: %s\n", r.At, r.Document, r.Outcome, r.Connection, r.Lane, r.Reason, r.Review)
		if r.Hint != "" {
			fmt.Fprintf(w, "  to do: %s\n", r.Hint)
		}
		fmt.Fprintf(w, "  its story: millrace trace %s --connection %s\n\n", shellWord(r.id()), shellWord(r.Connection))
	}
	fmt.Fprintf(w, "%d to be looked at\n", len(list))
}

// id is one that trace knows the story by: of a document rather than of a
// customer, whose story is everything about it.
func (r review) id() string {
	for _, ref := range r.Refs {
		if ref.Kind != "customer" && ref.Kind != "Customer" && ref.ID != "" {
			return ref.ID
		}
	}
	return cmp.Or(r.EventID, r.Lane)
}
