package main

import (
	"strings"
	"testing"
	"time"

	"millrace/internal/reconcile"
)

// TestWhatIsNotFinalIsNotSigned: the clearing account was not compared, or the
// month goes on.
func TestWhatIsNotFinalIsNotSigned(t *testing.T) {
	code, _, stderr := call(t.Context(), "reconcile", "--period", "2026-03", "--quick", "--sign", "Ann")
	if code == 0 || !strings.Contains(stderr, "--quick") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	tokyo := time.FixedZone("Tokyo", 9*60*60)
	b := &books{o: reconcile.Options{}, now: time.Date(2026, 3, 31, 16, 0, 0, 0, time.UTC)}
	for _, tt := range []struct {
		flags reconcileFlags
		zone  *time.Location
		ok    bool
	}{
		{reconcileFlags{period: "2026-02", sign: "Ann"}, time.UTC, true},
		{reconcileFlags{period: "2026-03", sign: "Ann"}, time.UTC, false},
		{reconcileFlags{period: "2026-03", sign: "Ann"}, tokyo, true}, // it is April there
		{reconcileFlags{from: "2026-01", sign: "Ann"}, time.UTC, false},
		{reconcileFlags{sign: "Ann"}, time.UTC, false},
		{reconcileFlags{period: "2026-03"}, time.UTC, true},
		{reconcileFlags{payouts: []string{"po_1"}, sign: "Ann"}, time.UTC, true},
	} {
		b.o.Rules.Location = tt.zone
		if err := b.signable(tt.flags); (err == nil) != tt.ok {
			t.Errorf("%+v in %s: %v", tt.flags, tt.zone, err)
		}
	}
}
