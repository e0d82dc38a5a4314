package stripesink

import "testing"

func TestNewer(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"2026-03-02T10:00:00.12+00:00", "2026-03-02T10:00:00.1+00:00", true},
		{"2026-03-02T10:00:00.12+00:00", "2026-03-02T10:00:00.12+00:00", false},
		{"2026-03-02T10:00:00+01:00", "2026-03-02T09:30:00Z", false}, // as texts it would be
		{"2026-03-02T09:30:00Z", "2026-03-02T10:00:00+01:00", true},
		{"10", "9", true},
		{"9", "10", false},
		{"10", "2026-03-02T09:30:00Z", false},
		{"2026-03-02T09:30:00Z", "10", false},
		{"b", "a", false},
		{"", "1", false},
		{"1", "", false},
	} {
		if got := newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%q, %q) is %t", tt.a, tt.b, got)
		}
	}
}
