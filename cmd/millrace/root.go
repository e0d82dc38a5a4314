package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/service"
)

// An app is one run of the command line.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	json       bool
	configPath string
	dataDir    string
	logLevel   string

	command string // path of the leaf that runs, without "millrace"; empty until one runs
	emitted bool   // the one document is on stdout already
}

// run is the whole program; tests call it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return service.ExitOK
	}
	if a.command == "" { // no leaf ran: cobra did not understand the line
		a.json = slices.Contains(args, "--json")
		err = usage(err)
		if c, _, ferr := root.Find(args); ferr == nil {
			a.command = strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "millrace"), " ")
		}
	}
	return a.fail(err)
}

// usage marks an error as one of the command line: exit code 2.
func usage(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.New("cli.usage", err)
}

const rootLong = `Millrace carries money events between Stripe and Acumatica ERP over NATS JetStream.

Exit codes
  0         done, or stopped when asked to
  1         ran, and found or hit a failure
  2         the command line or its input is wrong
  3         something needed is unreachable or misconfigured
  130, 143  forced to stop by a second signal

Data goes to stdout, everything else to stderr. With --json every command
prints one document: command, ok, summary, result, error.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "millrace",
		Short: "Money events between Stripe and Acumatica",
		Long:  rootLong,
		Example: `  millrace up --demo                  watch money go round, nothing to set up
  millrace config init > millrace.yaml
  millrace up                         everything in one process, embedded broker
  millrace trace AR000003             the whole story of one id`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetIn(a.stdin)
	f := root.PersistentFlags()
	f.StringVar(&a.configPath, "config", "", "configuration file [$MILLRACE_CONFIG, else ./millrace.yaml, …]")
	f.StringVar(&a.logLevel, "log-level", cmp.Or(a.getenv("MILLRACE_LOG_LEVEL"), ""), "debug, info, warn or error [$MILLRACE_LOG_LEVEL]")
	root.AddCommand(
		a.upCommand(), a.runCommand(), a.twinCommand(), a.provisionCommand(), a.repartitionCommand(),
		a.statusCommand(), a.traceCommand(), a.doctorCommand(), a.reconcileCommand(), a.parkedCommand(), a.reviewsCommand(), a.configCommand(), a.accountingCommand(), a.errorsCommand(), a.simulateCommand(), a.versionCommand(),
	)
	return root
}

// group is a command that only holds others.
func group(use, short string, leaves ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return fmt.Errorf("%s: name one of its commands", c.Name())
		},
	}
	c.AddCommand(leaves...)
	return c
}

func (a *app) addDataDir(c *cobra.Command) {
	c.Flags().StringVar(&a.dataDir, "data-dir", "", "folder of the embedded broker [$MILLRACE_DATA_DIR; default ~/.local/share/millrace]")
}

// source is where the configuration comes from.
func (a *app) source() config.Source {
	src := config.Source{Path: a.configPath, Getenv: a.getenv}
	if a.dataDir != "" {
		src.Flags = append(src.Flags, config.Flag{Name: "--data-dir", Path: "data_dir", Value: a.dataDir})
	}
	return src
}

// logger writes to stderr; level holds unless the user asked for another.
func (a *app) logger(level string) (*slog.Logger, error) {
	log, err := service.NewLogger(a.stderr, cmp.Or(a.logLevel, level))
	if err != nil {
		return nil, usage(err)
	}
	return log, nil
}
