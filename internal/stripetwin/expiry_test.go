package stripetwin

import (
	"path/filepath"
	"testing"
	"time"
)

// TestOldEventsAndKeysAreDropped: from memory, not just from lists.
func TestOldEventsAndKeysAreDropped(t *testing.T) {
	noon := time.Date(2024, 3, 14, 12, 0, 0, 0, time.UTC)
	o := Options{APIKey: "sk_test_0123456789abcdef", Now: func() time.Time { return noon }, StateFile: filepath.Join(t.TempDir(), "s.json")}
	tw, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	post200(t, tw, "POST", "/v1/customers", "name=A")
	steps := []struct {
		by           time.Duration
		events, keys int
	}{
		{0, 1, 1},
		{24*time.Hour - time.Second, 1, 1},
		{time.Second, 1, 0},
		{29*24*time.Hour - time.Second, 1, 0},
		{time.Second, 0, 0},
	}
	for _, step := range steps {
		if err := tw.Advance(t.Context(), step.by); err != nil {
			t.Fatal(err)
		}
		if e, k := tw.s.Events.len(), tw.s.Keys.len(); e != step.events || k != step.keys {
			t.Errorf("after %v: %d events and %d keys, want %d and %d", step.by, e, k, step.events, step.keys)
		}
	}
	if s := reopened(t, tw); s.Events.len() != 0 || s.Keys.len() != 0 || s.Customers.len() != 1 {
		t.Error("the file does not say so")
	}

	// The clock does not go back when the twin is started anew.
	again, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.now(), noon.Add(30*24*time.Hour); got.Before(want) {
		t.Errorf("the clock shows %v, before it was %v", got, want)
	}
}

// TestEventsAreFoundByType, by pattern and by delivery.
func TestEventsAreFoundByType(t *testing.T) {
	tw := seeded(t, Options{Seed: "quick"})
	count := func(query string) int {
		t.Helper()
		return len(post200(t, tw, "GET", "/v1/events?limit=100"+query, "")["data"].([]any))
	}
	all := count("")
	for _, tt := range []struct {
		query string
		want  int
	}{
		{"&type=customer.created", 3},
		{"&type=charge.dispute.*", 2},
		{"&type=customer.*", 3},
		{"&type=cust*", 3},
		{"&types[]=customer.created&types[]=payout.created", 4},
		{"&delivery_success=false", 0},
		{"&delivery_success=true", all},
	} {
		if got := count(tt.query); got != tt.want {
			t.Errorf("%s: %d events, want %d", tt.query, got, tt.want)
		}
	}
}
