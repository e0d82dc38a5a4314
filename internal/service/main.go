package service

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"millrace/internal/config"
	"millrace/internal/fault"
)

// The exit codes of every Millrace program. A forced stop, by a second
// signal, is 130 or 143, as the shell reports it.
const (
	ExitOK          = 0 // done, or stopped when asked to
	ExitFailed      = 1 // ran, and found or hit a failure
	ExitUsage       = 2 // the command line or its input is wrong
	ExitEnvironment = 3 // something needed is unreachable or misconfigured; a restart alone may not help
)

// Main is the whole main function of a deployable.
func Main(services ...Service) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills us: default handling is back
	os.Exit(run(ctx, os.Args, os.Getenv, os.Stderr, services))
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer, services []Service) int {
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.SetOutput(stderr)
	path := fs.String("config", "", "configuration file; default: $MILLRACE_CONFIG, ./millrace.yaml, …")
	level := fs.String("log-level", cmp.Or(getenv("MILLRACE_LOG_LEVEL"), "info"), "debug, info, warn or error")
	if err := fs.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return ExitOK
	} else if err != nil {
		return ExitUsage
	}
	if fs.NArg() > 0 {
		fmt.Fprintf(stderr, "%s: unexpected argument %q\n", args[0], fs.Arg(0))
		return ExitUsage
	}
	log, err := NewLogger(stderr, *level)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", args[0], err)
		return ExitUsage
	}
	err = Start(ctx, config.Source{Path: *path, Getenv: getenv}, log, services...)
	LogExit(log, err)
	return ExitCode(err)
}

// Start loads and checks the configuration, opens a Runtime on the configured
// broker and runs the services: what a pod does, and `millrace run`.
func Start(ctx context.Context, src config.Source, log *slog.Logger, services ...Service) error {
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.Name
	}
	cfg, origins, err := config.Load(src)
	if err != nil {
		return err
	}
	warnings, err := config.Check(cfg, origins, names...)
	if err != nil {
		return err
	}
	if origins.File() != "" {
		log.Info("configuration read", "path", origins.File())
	}
	for _, w := range warnings {
		log.Warn("configuration", "problem", w.String())
	}
	log = log.With("service", strings.Join(names, ","))
	rt, err := Open(ctx, Options{Name: strings.Join(names, "-"), Config: cfg, Log: log, Getenv: src.Getenv})
	if err != nil {
		return err
	}
	log.Info("started", "connections", slices.Clone(cfg.ConnectionNames()))
	return Run(ctx, rt, services...)
}

// LogExit logs how a process ended: one line, with code and hint when it
// failed.
func LogExit(log *slog.Logger, err error) {
	if err == nil {
		log.Info("stopped")
		return
	}
	attrs := []any{"err", err.Error()}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		attrs = append(attrs, "code", e.Code, "hint", e.Hint)
	}
	log.Error("exit", attrs...)
}

// ExitCode is the table of the exit codes, for everything but usage.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	switch fault.KindOf(err) {
	case fault.Misconfigured, fault.Down:
		return ExitEnvironment
	case fault.Transient, fault.Throttled, fault.Rejected, fault.Invalid:
		return ExitFailed
	}
	return ExitFailed
}
