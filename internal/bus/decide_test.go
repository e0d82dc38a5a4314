package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"millrace/internal/fault"
	"millrace/schemas"
)

func because(do string) schemas.Decision {
	return schemas.Decision{Do: do, Reason: "told so", By: "anna", At: time.Now().UTC()}
}

// parkedLane parks the lane cus_1 at its first of n messages.
func parkedLane(t *testing.T, b *Bus, n uint64) {
	t.Helper()
	for i := range n {
		publish(t, b, "cus_1", fmt.Sprintf("m%d", i+1))
	}
	eventually(t, "the lane holds all", func() bool {
		h, err := b.Held(t.Context(), "transform", "default", "cus_1")
		return err == nil && h.Parked && h.Last == n && h.Message.Seq == 1 && len(h.Waiting) == int(n)-1
	})
}

func refuseFirst(m *Message, _ int) error {
	if m.Event.ID == "m1" && string(m.Event.Data) == "{}" {
		return fault.New("link.conflict", errors.New("no"))
	}
	return nil
}

func TestSkippedMessageEndsAsSkippedAndTheLaneGoesOn(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(refuseFirst)
	start(t, b, rec.handle, nil)
	parkedLane(t, b, 3)
	if err := b.Decide(t.Context(), "transform", "default", "cus_1", because(schemas.Skip), 2, 2); !errors.Is(err, ErrConflict) {
		t.Errorf("about a message that does not hold the lane: got %v", err)
	}
	if err := b.Decide(t.Context(), "transform", "default", "cus_1", because(schemas.Skip), 1, 1); err != nil {
		t.Fatal(err)
	}
	rec.wait(t, 2)
	if got := rec.applied["cus_1"]; !slices.Equal(got, []string{"m2", "m3"}) {
		t.Errorf("applied %v", got)
	}
	eventually(t, "the lane is free", func() bool {
		_, err := b.Held(t.Context(), "transform", "default", "cus_1")
		return errors.Is(err, ErrNotFound)
	})
	if got := outcomes(t, b)["m1"]; !slices.Equal(got, []string{"parked", "skipped"}) {
		t.Errorf("m1 ended %v", got)
	}
}

// TestSkipThatTheStageRefusesParksAgain: what has an effect already does not
// end as skipped because a person said so.
func TestSkipThatTheStageRefusesParksAgain(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(refuseFirst)
	tries := 0
	startStage(t, b, Stage{Handle: rec.handle, Skip: func(_ context.Context, m *Message) (schemas.Outcome, error) {
		if tries++; tries == 1 {
			return schemas.Outcome{}, fault.New("link.missing", errors.New("it is in the ledger"))
		}
		return schemas.Outcome{Outcome: schemas.Applied, Reason: "too late"}, nil
	}}, nil)
	parkedLane(t, b, 2)
	for _, refused := range []bool{true, false} {
		if err := b.Decide(t.Context(), "transform", "default", "cus_1", because(schemas.Skip), 1, 1); err != nil {
			t.Fatal(err)
		}
		if refused {
			eventually(t, "the lane is parked again", func() bool {
				h, err := b.Held(t.Context(), "transform", "default", "cus_1")
				return err == nil && h.Parked && h.Code == "link.missing" && h.Verdict == nil && h.Message.Seq == 1
			})
		}
	}
	rec.wait(t, 1)
	eventually(t, "the lane is free", func() bool {
		_, err := b.Held(t.Context(), "transform", "default", "cus_1")
		return errors.Is(err, ErrNotFound)
	})
	if got := outcomes(t, b)["m1"]; !slices.Equal(got, []string{"parked", "parked", "applied"}) {
		t.Errorf("m1 ended %v", got)
	}
}

func TestDroppedLaneSkipsAllItHeldAndNothingLater(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(refuseFirst)
	start(t, b, rec.handle, nil)
	parkedLane(t, b, 3)
	if err := b.Decide(t.Context(), "transform", "default", "cus_1", because(schemas.Skip), 1, 3); err != nil {
		t.Fatal(err)
	}
	publish(t, b, "cus_1", "m4")
	rec.wait(t, 1)
	if got := rec.applied["cus_1"]; !slices.Equal(got, []string{"m4"}) {
		t.Errorf("applied %v", got)
	}
}

func TestEditedMessageIsHandledWithItsNewData(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(refuseFirst)
	start(t, b, rec.handle, nil)
	parkedLane(t, b, 2)
	d := because(schemas.Edit)
	d.Data = []byte(`{"changed":true}`)
	if err := b.Decide(t.Context(), "transform", "default", "cus_1", d, 1, 1); err != nil {
		t.Fatal(err)
	}
	rec.wait(t, 2)
	if got := rec.applied["cus_1"]; !slices.Equal(got, []string{"m1", "m2"}) {
		t.Errorf("applied %v", got)
	}
	kept, found := schemas.Outcome{}, false
	eventually(t, "the audit trail keeps who changed what", func() bool {
		for _, o := range trail(t, b) {
			if o.EventID == "m1" && o.Outcome == schemas.Applied {
				kept, found = o, true
			}
		}
		return found
	})
	if kept.Decision == nil || kept.Decision.By != "anna" || string(kept.Decision.Data) != `{"changed":true}` {
		t.Errorf("decision = %+v", kept.Decision)
	}
	original, err := b.laneMessage(t.Context(), stageSpecs()[0], Block{Conn: "default", Lane: "cus_1"}, 1)
	if err != nil || string(original.Event.Data) != "{}" {
		t.Errorf("the original is %v, %v", original, err)
	}
}

// TestEditStaysWhenTheLaneIsParkedAgain: a release tries what the person wrote,
// not what they had corrected.
func TestEditStaysWhenTheLaneIsParkedAgain(t *testing.T) {
	const changed = `{"changed":true}`
	b := newBus(t)
	edits := 0
	rec := newRecorder(func(m *Message, _ int) error {
		if string(m.Event.Data) == changed {
			edits++
		}
		if m.Event.ID == "m1" && edits < 2 {
			return fault.New("link.conflict", errors.New("no"))
		}
		return nil
	})
	start(t, b, rec.handle, nil)
	parkedLane(t, b, 2)
	d := because(schemas.Edit)
	d.Data = []byte(changed)
	if err := b.Decide(t.Context(), "transform", "default", "cus_1", d, 1, 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lane is parked as it was edited", func() bool {
		h, err := b.Held(t.Context(), "transform", "default", "cus_1")
		return err == nil && h.Parked && string(h.Message.Event.Data) == changed
	})
	if err := b.Release(t.Context(), "transform", "default", "cus_1", because(schemas.Release)); err != nil {
		t.Fatal(err)
	}
	rec.wait(t, 2)
	eventually(t, "both have ended", func() bool { return len(outcomes(t, b)["m2"]) == 2 })
	for _, o := range trail(t, b) {
		if o.Outcome != schemas.Applied {
			continue
		}
		if data := string(o.Decision.Data); o.Decision.Do != schemas.Release || (data == changed) != (o.EventID == "m1") {
			t.Errorf("%s: %s with %q", o.EventID, o.Decision.Do, data)
		}
	}
	if edits != 2 {
		t.Errorf("handled as edited %d times", edits)
	}
}

// TestVerdictOutlivesTheReplicaThatSawIt: the re-driver dies after it carried
// out the verdict, before that was noted.
func TestVerdictOutlivesTheReplicaThatSawIt(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(refuseFirst)
	stop := start(t, b, rec.handle, nil)
	parkedLane(t, b, 2)
	stop()
	if err := b.Decide(t.Context(), "transform", "default", "cus_1", because(schemas.Skip), 1, 1); err != nil {
		t.Fatal(err)
	}
	m, err := b.laneMessage(t.Context(), stageSpecs()[0], Block{Conn: "default", Lane: "cus_1"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{bus: b, stage: Stage{Name: "transform", Stream: Events, Skip: skip}, metrics: must(newMetrics())}
	v := because(schemas.Skip)
	dead := &drive{r: r, rec: Block{Verdict: &Verdict{Decision: v, From: 1, Through: 1}}}
	dead.decided(m)
	o, err := r.attempt(t.Context(), m, 1)
	if err != nil || o.Outcome != schemas.Skipped {
		t.Fatalf("got %+v, %v", o, err)
	}
	if err := r.publishOutcome(t.Context(), m, o); err != nil {
		t.Fatal(err)
	}
	start(t, b, rec.handle, nil)
	rec.wait(t, 1)
	if got := rec.applied["cus_1"]; !slices.Equal(got, []string{"m2"}) {
		t.Errorf("applied %v", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// trail reads the whole audit trail.
func trail(t *testing.T, b *Bus) (all []schemas.Outcome) {
	t.Helper()
	err := b.Scan(t.Context(), Outcomes, 1, func(m *Message) error {
		var o schemas.Outcome
		err := json.Unmarshal(m.Event.Data, &o)
		all = append(all, o)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestWhatHoldsALaneIsReadWithoutWhatWaits: as it was edited.
func TestWhatHoldsALaneIsReadWithoutWhatWaits(t *testing.T) {
	b := newBus(t)
	rec := newRecorder(func(m *Message, _ int) error {
		if m.Event.ID == "m1" {
			return fault.New("link.conflict", errors.New("no"))
		}
		return nil
	})
	start(t, b, rec.handle, nil)
	parkedLane(t, b, 3)
	edit := because(schemas.Edit)
	edit.Data = json.RawMessage(`{"a":1}`)
	if err := b.Decide(t.Context(), "transform", "default", "cus_1", edit, 1, 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is parked again, as it was edited", func() bool {
		h, err := b.HeldBy(t.Context(), "transform", "default", "cus_1")
		return err == nil && h.Parked && h.Last == 3 && h.Waiting == nil && h.Message.Event.ID == "m1" && string(h.Message.Event.Data) == `{"a":1}`
	})
	if _, err := b.HeldBy(t.Context(), "transform", "default", "cus_2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a free lane: %v", err)
	}
}
