package main

import (
	"context"

	"github.com/spf13/cobra"

	"millrace/internal/trace"
)

func (a *app) traceCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "trace <any id>", Short: "The whole story of one id", Args: cobra.ExactArgs(1),
		Long: "The whole story of one id, the same whichever of its ids is asked for: an event\n" +
			"(evt_…), an object of Stripe (in_…, ch_…, pi_…), a document of Acumatica with or\n" +
			"without its type (AR000003, \"Payment 000004\"), an intent. Asked for a customer, it\n" +
			"tells everything about that customer.",
		Example: "  millrace trace AR000003\n  millrace trace in_1PgafmB7WZ01zgkW --json\n  millrace trace \"Payment 000004\" --data-dir ./demo",
	}
	var connection string
	a.addDataDir(c)
	c.Flags().StringVar(&connection, "connection", "", "look only there [default: the default one first, then the others]")
	return a.leaf(c, func(ctx context.Context, args []string) (*reply, error) {
		story, err := looking(ctx, a, func(v *view) (*trace.Story, error) {
			if err := v.knows(ctx, connection); err != nil {
				return nil, err
			}
			story, err := trace.Read(ctx, v.bus, trace.Query{ID: args[0], Connection: connection, First: v.connections[:1]})
			if err != nil {
				return story, err
			}
			for i, e := range story.Entries {
				story.Entries[i].Hint = parkedLane{Stage: e.Step, Connection: e.Connection, Lane: e.Lane}.ready(e.Hint)
			}
			if !story.Unended() {
				return story, nil
			}
			refused, err := readRefused(ctx, v)
			story.Waits = refused[story.Entries[0].Connection]
			return story, err
		})
		if err != nil {
			return nil, err
		}
		return &reply{summary: story.Summary(), result: story, text: story.Print}, nil
	})
}
