// Package bustest gives a test a bus of its own, on a real broker that syncs
// to disk before it acknowledges.
package bustest

import (
	"path/filepath"
	"testing"

	"millrace/internal/bus"
	"millrace/internal/embednats"
)

// New returns a bus with two partitions, so that lanes share them, provisioned
// for the connections. It is closed when the test ends.
func New(tb testing.TB, connections ...string) *bus.Bus {
	tb.Helper()
	srv, err := embednats.Start(embednats.Options{StoreDir: filepath.Join(tb.TempDir(), "nats")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(srv.Shutdown)
	b, err := bus.Connect(tb.Context(), bus.Options{InProcess: srv, Token: srv.Token(), Name: "test", Partitions: 2})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.Close() })
	if err := b.Provision(tb.Context(), connections); err != nil {
		tb.Fatal(err)
	}
	return b
}
