package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/service"
)

// A reply is what a leaf has to say, in both forms.
type reply struct {
	summary string          // one line
	result  any             // of the JSON document
	text    func(io.Writer) // for people; nil prints the summary
}

// envelope is the one JSON document of every command. Additive only.
type envelope struct {
	Command string   `json:"command"`
	OK      bool     `json:"ok"`
	Summary string   `json:"summary"`
	Result  any      `json:"result"`
	Error   *problem `json:"error"`
}

// problem is the error of the envelope.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	Path    string `json:"path,omitempty"` // of the setting it is about
}

// found marks an error as the finding of a command that did its work: exit
// code 1, whatever its kind.
type found struct{ error }

func (f found) Unwrap() error { return f.error }

// leaf makes a command out of what it does. An error with a reply prints
// both.
func (a *app) leaf(c *cobra.Command, do func(ctx context.Context, args []string) (*reply, error)) *cobra.Command {
	c.Flags().BoolVar(&a.json, "json", false, "print one JSON document on stdout")
	c.RunE = func(c *cobra.Command, args []string) error {
		a.command = strings.TrimPrefix(c.CommandPath(), "millrace ")
		r, err := do(c.Context(), args)
		if r == nil {
			return err
		}
		return errors.Join(err, a.emit(r, err))
	}
	return c
}

// emit prints a reply. Only the first of a run is printed: stdout holds one
// document.
func (a *app) emit(r *reply, err error) error {
	if a.emitted {
		return nil
	}
	a.emitted = true
	if a.json {
		return a.encode(envelope{Command: a.command, OK: err == nil, Summary: r.summary, Result: r.result, Error: problemOf(err)})
	}
	if r.text != nil {
		r.text(a.stdout)
		return nil
	}
	_, werr := fmt.Fprintln(a.stdout, r.summary)
	return werr
}

func (a *app) encode(e envelope) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(e)
}

// fail tells of an error, on stderr and in the document if there was none
// yet, and returns the exit code.
func (a *app) fail(err error) int {
	p := problemOf(err)
	if p.Code == "cli.usage" && a.command != "" {
		p.Hint = "millrace " + a.command + " --help"
	}
	if a.json && !a.emitted {
		a.emitted = true
		if werr := a.encode(envelope{Command: a.command, Summary: p.Message, Error: p}); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	fmt.Fprintf(a.stderr, "millrace: %s\n", strings.ReplaceAll(p.Message, "\n", "\n  "))
	if p.Hint != "" {
		fmt.Fprintf(a.stderr, "    hint: %s\n", p.Hint)
	}
	return exitCode(err)
}

func problemOf(err error) *problem {
	if err == nil {
		return nil
	}
	f := fault.Of(err)
	p := &problem{Code: f.Code, Message: err.Error(), Hint: f.Hint}
	if f.Code == "cli.usage" { // the code adds nothing to what is wrong with the line
		p.Message = f.Err.Error()
	}
	if list, ok := errors.AsType[config.Problems](err); ok && len(list) > 0 {
		p.Path = list[0].Path
		lines := make([]string, len(list))
		for i, x := range list {
			lines[i] = x.String()
		}
		p.Message = "the configuration is not usable:\n" + strings.Join(lines, "\n")
		p.Hint = cmp.Or(p.Hint, list[0].Hint)
	}
	return p
}

// exitCode is the one classifier of this program.
func exitCode(err error) int {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Code == "cli.usage" {
		return service.ExitUsage
	}
	if _, ok := errors.AsType[found](err); ok {
		return service.ExitFailed
	}
	return service.ExitCode(err)
}
