package stripetwin

import (
	"path/filepath"
	"testing"
	"time"
)

// TestAdvanceSurvivesAKill: nothing is due on the way, and still the clock is
// where it was said to be.
func TestAdvanceSurvivesAKill(t *testing.T) {
	o := Options{APIKey: "sk_test_0123456789abcdef", StateFile: filepath.Join(t.TempDir(), "s.json")}
	for i, by := range []time.Duration{time.Minute, 400 * 24 * time.Hour, time.Hour} { // the first makes the file
		tw, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := tw.Advance(t.Context(), by); err != nil {
			t.Fatal(err)
		}
		told := tw.now().Unix()
		again, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := again.now().Unix(); got < told {
			t.Errorf("advance %d: after the restart the clock is %d s behind", i, told-got)
		}
	}
}
