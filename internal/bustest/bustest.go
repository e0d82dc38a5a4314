// Package bustest gives a test a bus of its own, on a real broker. It does not
// wait for the disk unless asked to, because no test can kill it.
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
	return start(tb, embednats.Options{SyncLate: true}, connections)
}

// NewSynced is New with a broker that syncs to disk before it acknowledges, as
// the product's does: for measurements.
func NewSynced(tb testing.TB, connections ...string) *bus.Bus {
	tb.Helper()
	return start(tb, embednats.Options{}, connections)
}

func start(tb testing.TB, o embednats.Options, connections []string) *bus.Bus {
	tb.Helper()
	o.StoreDir = filepath.Join(tb.TempDir(), "nats")
	srv, err := embednats.Start(o)
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
