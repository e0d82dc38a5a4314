package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"millrace/internal/config"
	"millrace/internal/fault"
)

func (a *app) configCommand() *cobra.Command {
	return group("config", "The configuration: a sample, its mistakes, what holds", a.configInit(), a.configLint(), a.configShow())
}

func (a *app) configInit() *cobra.Command {
	c := &cobra.Command{
		Use: "init", Short: "Print an annotated sample", Args: cobra.NoArgs,
		Example: "  millrace config init > millrace.yaml",
	}
	return a.leaf(c, func(context.Context, []string) (*reply, error) {
		return &reply{
			summary: "an annotated sample configuration",
			result:  map[string]string{"template": config.Template()},
			text:    func(w io.Writer) { fmt.Fprint(w, config.Template()) },
		}, nil
	})
}

// lintResult is the result of `config lint`.
type lintResult struct {
	File     string          `json:"file"` // empty: none was found, only the environment counts
	Services []string        `json:"services"`
	Problems config.Problems `json:"problems"`
}

func (a *app) configLint() *cobra.Command {
	var services []string
	c := &cobra.Command{
		Use: "lint", Short: "Find everything that is wrong at once", Args: cobra.NoArgs,
		Long: "Find everything that is wrong at once. Errors keep the services from starting;\n" +
			"warnings do not, but what they name is parked later. Either makes it answer 1.\n" +
			"Notes are good to know and do not.",
		Example: "  millrace config lint --config millrace.yaml\n  millrace config lint --service ingest",
	}
	c.Flags().StringSliceVar(&services, "service", nil, "check only what these services need [default all]")
	a.addDataDir(c)
	return a.leaf(c, func(context.Context, []string) (*reply, error) {
		for _, s := range services {
			if !slices.Contains(config.Services(), s) {
				return nil, fault.Newf("cli.usage", "--service %q: want one of %s", s, strings.Join(config.Services(), ", "))
			}
		}
		problems, origins, err := config.Lint(a.source(), services...)
		if err != nil {
			return nil, err
		}
		res := lintResult{File: origins.File(), Services: services, Problems: problems}
		if len(services) == 0 {
			res.Services = config.Services()
		}
		faults, warnings := len(problems.Fatal()), len(problems.Warnings())
		if len(problems) == 0 {
			res.Problems = config.Problems{}
			return &reply{summary: "no problems in " + cmp.Or(res.File, "the environment"), result: res}, nil
		}
		r := &reply{
			summary: count(faults+warnings, "problem"), result: res,
			text: func(w io.Writer) {
				for _, p := range problems {
					fmt.Fprintln(w, p)
				}
				if faults+warnings == 0 {
					fmt.Fprintf(w, "no problems in %s\n", cmp.Or(res.File, "the environment"))
				}
			},
		}
		if faults+warnings == 0 {
			r.summary = "no problems in " + cmp.Or(res.File, "the environment")
			return r, nil
		}
		finding := fault.Newf("config.invalid", "%s in %s", r.summary, cmp.Or(res.File, "the environment"))
		finding.Hint = "fix them and run it again"
		if faults == 0 {
			finding.Hint = "everything starts with warnings, but what they name is parked; notes are not counted"
		}
		return r, found{finding}
	})
}

// showResult is the result of `config show`.
type showResult struct {
	File   string         `json:"file"`
	Values []config.Value `json:"values"`
}

func (a *app) configShow() *cobra.Command {
	var origin bool
	c := &cobra.Command{
		Use: "show", Short: "The settings that hold, secrets masked", Args: cobra.NoArgs,
		Example: "  millrace config show --origin",
	}
	c.Flags().BoolVar(&origin, "origin", false, "show where each value comes from")
	a.addDataDir(c)
	return a.leaf(c, func(context.Context, []string) (*reply, error) {
		cfg, origins, err := config.Load(a.source())
		if err != nil {
			return nil, err
		}
		res := showResult{File: origins.File(), Values: config.Show(cfg, origins)}
		return &reply{
			summary: count(len(res.Values), "setting"), result: res,
			text: func(w io.Writer) {
				tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				for _, v := range res.Values {
					if origin {
						fmt.Fprintf(tw, "%s\t%s\t# %s\n", v.Path, cmp.Or(v.Value, `""`), v.Origin)
						continue
					}
					fmt.Fprintf(tw, "%s\t%s\n", v.Path, cmp.Or(v.Value, `""`))
				}
				_ = tw.Flush() // w reports nothing that could be acted on
			},
		}, nil
	})
}

// count is "1 problem", "2 problems".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
