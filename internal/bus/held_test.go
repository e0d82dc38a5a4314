package bus

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"millrace/internal/fault"
	"millrace/schemas"
)

// switchable fails the message m1 while it is on.
type switchable struct {
	on  atomic.Bool
	err atomic.Value
}

func (s *switchable) fail(m *Message, _ int) error {
	if s.on.Load() && m.Event.ID == "m1" {
		return s.err.Load().(error)
	}
	return nil
}

func failing(err error) *switchable {
	s := &switchable{}
	s.on.Store(true)
	s.err.Store(err)
	return s
}

// TestExpiredMessagesOfAHeldLaneAreNotSkipped: retention took what the lane
// waits for; releasing it must not jump over the hole.
func TestExpiredMessagesOfAHeldLaneAreNotSkipped(t *testing.T) {
	b := newBus(t)
	s := failing(fault.New("link.conflict", errors.New("no")))
	rec := newRecorder(s.fail)
	start(t, b, rec.handle, nil)
	for i := range 3 {
		publish(t, b, "cus_1", fmt.Sprintf("m%d", i+1))
	}
	eventually(t, "the lane holds all three", func() bool {
		blocks, err := b.Blocks(t.Context(), "transform")
		return err == nil && len(blocks) == 1 && blocks[0].Last == 3
	})
	trim(t, b, 1)
	s.on.Store(false)
	if err := b.Release(t.Context(), "transform", "default", "cus_1", schemas.Decision{Reason: "mended", By: "test", At: time.Now().UTC()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lane says what is missing", func() bool {
		blocks, err := b.Blocks(t.Context(), "transform")
		return err == nil && len(blocks) == 1 && blocks[0].Code == "bus.blocked_message_missing"
	})
	if len(rec.applied["cus_1"]) != 0 {
		t.Errorf("applied %v over the hole", rec.applied["cus_1"])
	}
}

// TestHeldMessagesOutliveTheStream: they are copied in time, so that a lane can
// go on although retention took what it waits for.
func TestHeldMessagesOutliveTheStream(t *testing.T) {
	b := newBus(t)
	s := failing(fault.New("link.conflict", errors.New("no")))
	rec := newRecorder(s.fail)
	start(t, b, rec.handle, nil)
	parkedLane(t, b, 3)
	r := &runner{bus: b, stage: Stage{Name: "transform", Stream: Events, Connections: []string{"default"}}}
	if err := r.keepHeld(t.Context(), keptShare); err != nil {
		t.Fatal(err)
	}
	if h, err := b.Held(t.Context(), "transform", "default", "cus_1"); err != nil || h.Kept != 0 {
		t.Errorf("a lane that was just held is copied: %d, %v", h.Kept, err)
	}
	if err := r.keepHeld(t.Context(), 1<<62); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		publish(t, b, "cus_2", fmt.Sprintf("other%d", i))
	}
	publish(t, b, "cus_1", "m4")
	eventually(t, "the lane holds the fourth as well", func() bool {
		h, err := b.Held(t.Context(), "transform", "default", "cus_1")
		return err == nil && h.Last == 7
	})
	if err := r.keepHeld(t.Context(), 1<<62); err != nil {
		t.Fatal(err)
	}
	publish(t, b, "cus_2", "last")
	trim(t, b, 1)
	s.on.Store(false)
	if err := b.Release(t.Context(), "transform", "default", "cus_1", because(schemas.Release)); err != nil {
		t.Fatal(err)
	}
	rec.wait(t, 8)
	if got := rec.applied["cus_1"]; !slices.Equal(got, []string{"m1", "m2", "m3", "m4"}) {
		t.Errorf("applied %v", got)
	}
	eventually(t, "the copies are gone", func() bool {
		entries, err := b.Bucket(bucketKept).Entries(t.Context(), "")
		return err == nil && len(entries) == 0
	})
}

// trim lets retention take all but the last n messages of EVENTS.
func trim(t *testing.T, b *Bus, n int64) {
	t.Helper()
	stream, err := b.js.Stream(t.Context(), Events)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxMsgs = n
	if _, err := b.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

// TestCoveredMessagesTellWhenTheLaneParksLater: the lane was only waiting when
// they came; it parks while it is re-driven.
func TestCoveredMessagesTellWhenTheLaneParksLater(t *testing.T) {
	b := newBus(t)
	s := failing(fault.New("internal.unclassified", errors.New("boom")).After(5 * time.Second / 2))
	rec := newRecorder(s.fail)
	start(t, b, rec.handle, nil)
	publish(t, b, "cus_1", "m1")
	publish(t, b, "cus_1", "m2")
	eventually(t, "the second message is covered", func() bool {
		blocks, err := b.Blocks(t.Context(), "transform")
		return err == nil && len(blocks) == 1 && blocks[0].Last == 2
	})
	s.err.Store(error(fault.New("link.conflict", errors.New("no"))))
	eventually(t, "both messages tell that they are parked", func() bool {
		got := outcomes(t, b)
		return slices.Equal(got["m1"], []string{"parked"}) && slices.Equal(got["m2"], []string{"parked"})
	})
}

func TestParkingAgainForAnotherReasonIsToldAgain(t *testing.T) {
	b := newBus(t)
	s := failing(fault.New("link.conflict", errors.New("first reason")))
	rec := newRecorder(s.fail)
	start(t, b, rec.handle, nil)
	publish(t, b, "cus_1", "m1")
	eventually(t, "parked", func() bool { return len(outcomes(t, b)["m1"]) == 1 })
	s.err.Store(error(fault.New("link.conflict", errors.New("second reason"))))
	if err := b.Release(t.Context(), "transform", "default", "cus_1", schemas.Decision{Reason: "mended", By: "test", At: time.Now().UTC()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second reason is told", func() bool { return len(outcomes(t, b)["m1"]) == 2 })
}

func TestUnreadableMessageInAHeldLaneDoesNotHoldItForEver(t *testing.T) {
	b := newBus(t)
	s := failing(fault.New("link.conflict", errors.New("no")))
	rec := newRecorder(s.fail)
	start(t, b, rec.handle, nil)
	publish(t, b, "cus_1", "m1")
	subject := Subject{Stream: Events, Connection: "default", Partition: Partition("default", "cus_1", 2), Lane: "cus_1", A: "x", B: "y", C: "z"}
	if _, err := b.js.Publish(t.Context(), subject.String(), []byte("not ours")); err != nil {
		t.Fatal(err)
	}
	publish(t, b, "cus_1", "m3")
	eventually(t, "the lane holds all three", func() bool {
		blocks, err := b.Blocks(t.Context(), "transform")
		return err == nil && len(blocks) == 1 && blocks[0].Last == 3
	})
	s.on.Store(false)
	if err := b.Release(t.Context(), "transform", "default", "cus_1", schemas.Decision{Reason: "mended", By: "test", At: time.Now().UTC()}); err != nil {
		t.Fatal(err)
	}
	rec.wait(t, 2)
	if want := []string{"m1", "m3"}; !slices.Equal(rec.applied["cus_1"], want) {
		t.Errorf("applied %v, want %v", rec.applied["cus_1"], want)
	}
}

// TestUnsafeAssetsRefuseToStart: settings that the order rests on, changed by
// somebody else.
func TestUnsafeAssetsRefuseToStart(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, b *Bus){
		"block records with direct reads": func(t *testing.T, b *Bus) {
			t.Helper()
			cfg := bucketConfig(bucketBlocks)
			cfg.AllowDirect = true
			if _, err := b.js.UpdateStream(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
		},
		"events with a size limit": func(t *testing.T, b *Bus) {
			t.Helper()
			cfg := streamConfig(Events, 2)
			cfg.MaxBytes = 1 << 30
			if _, err := b.js.UpdateStream(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBus(t)
			spoil(t, b)
			if err := b.Provision(t.Context(), []string{"default"}); fault.Of(err).Code != "bus.not_provisioned" {
				t.Errorf("provision: %v, want bus.not_provisioned", err)
			}
		})
	}
}

func TestConsumerWithMoreThanOneInFlightRefusesToRun(t *testing.T) {
	b := newBus(t)
	cfg := consumerConfig(stageSpec{"transform", Events, ""}, "default", 0, b.layout.Load())
	cfg.MaxAckPending = 100
	if _, err := b.js.UpdateConsumer(t.Context(), Events, cfg); err != nil {
		t.Fatal(err)
	}
	err := b.Run(t.Context(), Stage{Name: "transform", Stream: Events, Connections: []string{"default"}, Handle: newRecorder(nil).handle})
	if fault.Of(err).Code != "bus.not_provisioned" {
		t.Errorf("run: %v, want bus.not_provisioned", err)
	}
}
