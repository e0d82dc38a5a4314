package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"millrace/internal/fault"
)

// errorCode is one row of the registry as it is printed.
type errorCode struct {
	Code    string `json:"code"`
	Kind    string `json:"kind"`
	Meaning string `json:"meaning"`
	Hint    string `json:"hint"`
	Action  string `json:"action"`
}

// action says what happens to a message that failed this way.
func action(k fault.Kind) string {
	switch k {
	case fault.Transient:
		return "tried again at once; then the lane waits and is tried again"
	case fault.Throttled:
		return "waits as long as the system says; blocks nothing"
	case fault.Down:
		return "the stage waits until the system is back; parks nothing"
	case fault.Rejected, fault.Invalid:
		return "the lane is parked until a person decides; other customers go on"
	case fault.Misconfigured:
		return "the stage waits until the settings are right; parks nothing"
	}
	return ""
}

func rowOf(c fault.Code) errorCode {
	return errorCode{Code: c.Code, Kind: c.Kind.String(), Meaning: c.Meaning, Hint: c.Hint, Action: action(c.Kind)}
}

func (a *app) errorsCommand() *cobra.Command {
	return group("errors", "What an error code means and what to do", a.errorsList(), a.errorsExplain())
}

func (a *app) errorsList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "All error codes", Args: cobra.NoArgs,
		Example: "  millrace errors list\n  millrace errors list --markdown > docs/errors.md",
	}
	var markdown bool
	c.Flags().BoolVar(&markdown, "markdown", false, "print the page docs/errors.md")
	return a.leaf(c, func(context.Context, []string) (*reply, error) {
		var rows []errorCode
		for _, code := range fault.Codes() {
			rows = append(rows, rowOf(code))
		}
		return &reply{
			summary: fmt.Sprintf("%d error codes", len(rows)),
			result:  rows,
			text: func(w io.Writer) {
				if markdown {
					printMarkdown(w, rows)
					return
				}
				tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				for _, r := range rows {
					fmt.Fprintf(tw, "%s\t%s\t%s\n", r.Code, r.Kind, r.Meaning)
				}
				_ = tw.Flush() // w reports nothing that could be acted on
			},
		}, nil
	})
}

func printMarkdown(w io.Writer, rows []errorCode) {
	fmt.Fprint(w, "# Error codes\n\n`millrace errors explain <code>` prints the same. This page is generated: `make generate`.\n")
	pkg := ""
	for _, r := range rows {
		if p, _, _ := strings.Cut(r.Code, "."); p != pkg {
			pkg = p
			fmt.Fprintf(w, "\n## %s\n\n| code | kind | meaning | what to do |\n|---|---|---|---|\n", p)
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", r.Code, r.Kind, cell(r.Meaning), cell(r.Hint))
	}
	fmt.Fprint(w, "\n## What happens to the message\n\n| kind | what happens |\n|---|---|\n")
	for _, k := range []fault.Kind{fault.Transient, fault.Throttled, fault.Down, fault.Rejected, fault.Invalid, fault.Misconfigured} {
		fmt.Fprintf(w, "| %s | %s |\n", k, action(k))
	}
}

// cell keeps a text inside one cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func (a *app) errorsExplain() *cobra.Command {
	c := &cobra.Command{
		Use: "explain <code>", Short: "One error code", Args: cobra.ExactArgs(1),
		Example: "  millrace errors explain link.missing",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var codes []string
			for _, code := range fault.Codes() {
				codes = append(codes, code.Code+"\t"+code.Meaning)
			}
			return codes, cobra.ShellCompDirectiveNoFileComp
		},
	}
	return a.leaf(c, func(_ context.Context, args []string) (*reply, error) {
		code, ok := fault.Lookup(args[0])
		if !ok {
			return nil, fault.Newf("cli.unknown_code", "%q%s", args[0], nearest(args[0]))
		}
		r := rowOf(code)
		return &reply{
			summary: r.Meaning,
			result:  r,
			text: func(w io.Writer) {
				fmt.Fprintf(w, "%s (%s)\n\n  %s\n\n  what happens  %s\n  what to do    %s\n", r.Code, r.Kind, r.Meaning, r.Action, r.Hint)
			},
		}, nil
	})
}

// nearest lists the codes that share a word with a misspelt one.
func nearest(wrong string) string {
	var codes []string
	for _, c := range fault.Codes() {
		pkg, what, _ := strings.Cut(c.Code, ".")
		wrongPkg, wrongWhat, _ := strings.Cut(wrong, ".")
		if what == wrongWhat || what == wrong || pkg == wrongPkg {
			codes = append(codes, c.Code)
		}
	}
	if len(codes) == 0 || len(codes) > 6 {
		return ""
	}
	return "; there is " + strings.Join(codes, ", ")
}
