package bus

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// heldAt is the record of a held lane, about as large as they are.
func heldAt(lane string, until time.Time, parked bool) Block {
	now := time.Now().UTC()
	return Block{
		Cur: 1, Last: 1, Until: until, Parked: parked, Created: now, Since: now, Stage: "transform", Lane: lane, Conn: "default",
		Code: "acumatica.period_closed", Hint: "reopen the financial period, then: millrace parked release --lane <customer> --reason <why>",
		Error: "post payment ch_1: acumatica.period_closed: http 422", ID: "default/acumatica/payment/create/ch_1",
	}
}

// following is a runner that only keeps its list of due lanes.
func following(tb testing.TB, b *Bus) *runner {
	tb.Helper()
	r := &runner{bus: b, stage: Stage{Name: "transform", Stream: Events, Connections: []string{"default"}}}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.followBlocks(ctx) }()
	tb.Cleanup(func() { cancel(); <-done })
	return r
}

func (r *runner) dueNow() []string {
	keys := r.due.due(time.Now())
	slices.Sort(keys)
	return keys
}

func TestDueLanesAreThoseWhoseTimeHasCome(t *testing.T) {
	b := newBus(t)
	past, future := time.Now().Add(-time.Second).UTC(), time.Now().Add(time.Hour).UTC()
	key := func(lane string) string { return laneKey("transform", "default", lane) }
	create := func(lane string, rec Block) {
		t.Helper()
		if err := b.createBlock(t.Context(), key(lane), rec); err != nil {
			t.Fatal(err)
		}
	}
	create("before", heldAt("before", past, false)) // the watch
	create("parked", heldAt("parked", past, true))
	r := following(t, b)
	want := func(what string, lanes ...string) {
		t.Helper()
		var keys []string
		for _, l := range lanes {
			keys = append(keys, key(l))
		}
		eventually(t, what, func() bool { return slices.Equal(r.dueNow(), keys) })
	}
	want("what was there is known", "before")
	create("later", heldAt("later", future, false))
	create("now", heldAt("now", past, false))
	want("what comes is known", "before", "now")

	rec, rev, err := b.readBlock(t.Context(), key("parked"))
	if err != nil {
		t.Fatal(err)
	}
	rec.Parked = false
	if rev, err = b.updateBlock(t.Context(), key("parked"), rec, rev); err != nil {
		t.Fatal(err)
	}
	want("a lane that is released is due", "before", "now", "parked")
	rec.Claim, rec.Until = "somebody", future
	if rev, err = b.updateBlock(t.Context(), key("parked"), rec, rev); err != nil {
		t.Fatal(err)
	}
	want("a lane that is claimed is not", "before", "now")
	if err := b.Bucket(bucketBlocks).Delete(t.Context(), key("before"), 0); err != nil {
		t.Fatal(err)
	}
	want("a lane that is free is not", "now")
	if _, err := b.Bucket(bucketBlocks).Update(t.Context(), key("parked"), []byte("{"), rev); err != nil {
		t.Fatal(err)
	}
	want("whoever claims a record that cannot be read says so", "now", "parked")
}

// TestDueLanesAreReadAgainAfterTheBrokerWasAway: the watch may have missed
// something, and may be gone.
func TestDueLanesAreReadAgainAfterTheBrokerWasAway(t *testing.T) {
	b := newBus(t)
	r := &runner{bus: b, stage: Stage{Name: "transform", Stream: Events, Connections: []string{"default"}}}
	if err := b.createBlock(t.Context(), laneKey("transform", "default", "C1"), heldAt("C1", time.Now().UTC(), false)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.followOnce(t.Context()) }()
	eventually(t, "the lane is due", func() bool { return len(r.dueNow()) == 1 })
	if err := b.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(relistEvery / 2):
		t.Error("goes on as if nothing had happened")
	}
}

// BenchmarkHeldLanes: what it costs to know which of 5,000 parked lanes are
// due; the stage looks twice a second.
func BenchmarkHeldLanes(bench *testing.B) {
	b := newBus(bench)
	for i := range 5000 {
		lane := fmt.Sprintf("C%06d", i)
		if err := b.createBlock(bench.Context(), laneKey("transform", "default", lane), heldAt(lane, time.Now().UTC(), i > 0)); err != nil {
			bench.Fatal(err)
		}
	}
	bench.Run("read all", func(bench *testing.B) {
		bench.ReportAllocs()
		for bench.Loop() {
			if _, err := b.blocks(bench.Context(), Key("transform", "default")); err != nil {
				bench.Fatal(err)
			}
		}
	})
	bench.Run("ask the list", func(bench *testing.B) {
		r := following(bench, b)
		for len(r.dueNow()) == 0 {
			<-time.After(time.Millisecond)
		}
		bench.ReportAllocs()
		for bench.Loop() {
			_ = r.dueNow()
		}
	})
}
