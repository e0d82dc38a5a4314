package reconcile

import (
	"runtime"
	"testing"
)

// BenchmarkPayoutOf10000 proves a payout of 10,000 charges. heap_MiB is what is
// in memory afterwards, the twin with its documents included.
func BenchmarkPayoutOf10000(b *testing.B) {
	w := newWorld(b)
	for range 10_000 {
		w.charge("2026-03-10", 100_00, 3_20, "po_1")
	}
	w.pay("po_1", "2026-03-13", "2026-03-16")
	w.post()
	for b.Loop() {
		if s := w.ofPayout("po_1"); !s.OK() || s.Matched != 10_002 {
			b.Fatal(s.Verdict())
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc>>20), "heap_MiB")
}
