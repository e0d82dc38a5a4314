package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"millrace/internal/fault"
	"millrace/internal/ledger/example"
)

// accountingExample is the title of a worked example.
type accountingExample struct {
	Chapter string `json:"chapter"`
	Title   string `json:"title"`
	Text    string `json:"text"`
}

func (a *app) accountingCommand() *cobra.Command {
	return group("accounting", "How the movements of a Stripe balance are posted", a.accountingExamples())
}

func (a *app) accountingExamples() *cobra.Command {
	c := &cobra.Command{
		Use: "examples", Short: "Worked examples of every kind of movement", Args: cobra.NoArgs,
		Example: "  millrace accounting examples\n  millrace accounting examples --markdown > docs/accounting.md",
	}
	var markdown bool
	c.Flags().BoolVar(&markdown, "markdown", false, "print the page docs/accounting.md")
	return a.leaf(c, func(context.Context, []string) (*reply, error) {
		var rows []accountingExample
		for _, chapter := range example.All() {
			for _, e := range chapter.Examples {
				rows = append(rows, accountingExample{Chapter: chapter.Title, Title: e.Title, Text: e.Text})
			}
		}
		var page strings.Builder
		if err := example.Page(&page); err != nil {
			return nil, fault.New("internal.unclassified", err)
		}
		return &reply{
			summary: fmt.Sprintf("%d examples", len(rows)),
			result:  rows,
			text: func(w io.Writer) {
				if markdown {
					fmt.Fprint(w, page.String())
					return
				}
				for _, r := range rows {
					fmt.Fprintf(w, "%s: %s\n  %s\n", r.Chapter, r.Title, r.Text)
				}
			},
		}, nil
	})
}
