// Command millrace is the product in one binary: everything in one process
// (up), one service (run), and what an operator asks of it. Data goes to
// stdout, everything else to stderr; nothing without arguments changes
// anything.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills us: default handling is back
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
