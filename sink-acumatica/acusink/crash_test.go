package acusink

import (
	"errors"
	"testing"

	"millrace/internal/fault"
)

// crash is what a kill -9 between two steps looks like to the state.
var errCrash = errors.New("crash")

func (b *bench) crashAt(t *testing.T, n int) (point string, crashed bool) {
	t.Helper()
	seen := 0
	b.sink.at = func(p string) {
		if seen++; seen == n {
			point = p
			panic(errCrash)
		}
	}
	defer func() {
		if r := recover(); r != nil {
			if r != any(errCrash) {
				panic(r)
			}
			crashed = true
		}
	}()
	_, err := b.handle(t)
	if err != nil && fault.Of(err).Code != "acumatica.uncertain" {
		t.Fatalf("%v", err)
	}
	return point, false
}

// Invariant 7: a crash between any two steps, and then again between any two
// steps of the repair, ends in one released payment.
func TestCrashBetweenAnyTwoStepsEndsInOnePayment(t *testing.T) {
	points := map[string]bool{}
	for first := 1; ; first++ {
		b := newBench(t)
		point, crashed := b.crashAt(t, first)
		if !crashed {
			break
		}
		points[point] = true
		for second := range 12 {
			b := newBench(t)
			b.crashAt(t, first)
			for _, n := range []int{second, 0} {
				b.restart(t)
				b.clock = b.clock.Add(settleDelay)
				b.crashAt(t, n)
			}
			b.restart(t)
			b.clock = b.clock.Add(settleDelay)
			if _, err := b.handle(t); err != nil {
				t.Fatalf("crash at %s, then at step %d: %v", point, second, err)
			}
			b.oneReleased(t, "000001")
		}
	}
	for _, p := range []string{"claimed", "sent_saved", "put_done", "keys_saved", "checked", "release_saved", "release_done", "status_read", "linked", "written_back", "done_saved"} {
		if !points[p] {
			t.Errorf("no crash at %s", p)
		}
	}
}
