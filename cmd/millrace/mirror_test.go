package main

import (
	"testing"

	"millrace/cmd/millrace/internal/demo"
)

// mirrorDays is how much of a year the test plays: each kind of thing happens
// once or more.
const mirrorDays = "30"

// TestYearOfBookkeepingIsMirrored also holds the loop guard: nothing that was
// written comes back as work, in either direction, once nobody does anything.
func TestYearOfBookkeepingIsMirrored(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole pipeline")
	}
	code, stdout, stderr := call(t.Context(), "up", "--demo", "--scenario", "mirror", "--days", mirrorDays, "--endpoint", "22.200.001", "--json", "--data-dir", t.TempDir())
	res := &demo.MirrorResult{}
	e := document(t, stdout, res)
	if code != 0 || !e.OK {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	m := res.Mirror
	if m.Invoices < 20 || m.Compared < m.Invoices || m.Mismatched+m.Overpayable+m.Twice+res.Parked+len(res.Missing) != 0 || m.Endpoint != "Default/22.200.001" {
		t.Errorf("%+v, %d parked, missing %v", m, res.Parked, res.Missing)
	}
	if q := m.Quiet; q.Rounds < 10 || q.Writes != 0 || q.Intents != 0 {
		t.Errorf("not quiet: %+v", q)
	}
	for _, d := range m.Differences {
		if !d.Review || d.Over() {
			t.Errorf("not explained: %+v", d)
		}
	}
}
