package sweep

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/link"
	"millrace/schemas"
)

// stage runs a stage of the pipeline until the test ends.
func (sh *shop) stage(s bus.Stage) {
	sh.t.Helper()
	ctx, cancel := context.WithCancel(sh.t.Context())
	var running sync.WaitGroup
	s.Connections = []string{"default"}
	running.Go(func() {
		if err := sh.bus.Run(ctx, s); err != nil {
			sh.t.Error(err)
		}
	})
	sh.t.Cleanup(func() { cancel(); running.Wait() })
}

// handled waits until a stage has handled all that is stored.
func (sh *shop) handled(stage, stream string) {
	sh.t.Helper()
	last, err := sh.bus.LastSeq(sh.t.Context(), stream)
	if err != nil {
		sh.t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		done, err := sh.bus.Handled(sh.t.Context(), stage, "default", last)
		if err != nil {
			sh.t.Fatal(err)
		}
		if done {
			return
		}
	}
}

func (sh *shop) round() {
	sh.t.Helper()
	if err := sh.s.round(sh.t.Context()); err != nil {
		sh.t.Fatal(err)
	}
}

// TestNothingIsToldTwiceAfterAnOutage: what the sweep has stored a moment ago
// is on its way. The movements are checked when it has arrived.
func TestNothingIsToldTwiceAfterAnOutage(t *testing.T) {
	sh := newShop(t)
	sh.register()
	sh.round() // begins here
	sh.clock = sh.clock.Add(2 * time.Hour)
	sh.sell(5)
	sh.clock = sh.clock.Add(2 * settled)
	sh.s.rounds = checkEvery
	once := func(when string) {
		t.Helper()
		sh.round()
		if got := sh.stored()[sold]; got != 5 {
			t.Fatalf("%s: %d charges are stored, want 5", when, got)
		}
	}
	once("nothing is handled")
	sh.stage(bus.Stage{Name: "transform", Stream: bus.Events, Handle: func(ctx context.Context, m *bus.Message) (schemas.Outcome, error) {
		_, err := sh.bus.PublishIntent(ctx, schemas.Intent{
			ID: m.Event.ID, Connection: "default", Lane: m.Subject.Lane, Target: "acumatica", Document: "payment", Verb: "create", Key: m.Event.Subject,
			Fields: []byte(`{}`),
		})
		return schemas.Outcome{Outcome: schemas.Applied, Reason: "one intent"}, err
	}})
	sh.handled("transform", bus.Events)
	once("the sink has not begun")
	sh.stage(bus.Stage{Name: "sink-acumatica", Stream: bus.Intents, Target: "acumatica", Handle: func(ctx context.Context, m *bus.Message) (schemas.Outcome, error) {
		l := link.Link{Kind: link.Payment, StripeID: m.Event.Subject, AcumaticaID: fmt.Sprint("Payment ", m.Seq), IntentID: m.Event.ID, At: sh.clock}
		return schemas.Outcome{Outcome: schemas.Applied, Reason: "posted"}, link.New(sh.bus).Put(ctx, "default", l)
	}})
	sh.handled("sink-acumatica", bus.Intents)
	once("everything is posted")
	if sh.s.horizon != nil {
		t.Error("the movements are not checked")
	}
	r, err := sh.s.loadReach(t.Context(), sh.clock)
	if err != nil || sh.clock.Sub(r.Until) > settled+time.Minute {
		t.Errorf("checked until %v, %v; the time is %v", r.Until, err, sh.clock)
	}
}

// TestSteadyTrafficDoesNotPutTheCheckOff: what is stored after the sweep need
// not be handled.
func TestSteadyTrafficDoesNotPutTheCheckOff(t *testing.T) {
	sh := newShop(t)
	sh.register()
	sh.round()
	sh.sell(3)
	sh.clock = sh.clock.Add(time.Hour)
	sh.sweep()
	last, err := sh.bus.LastSeq(t.Context(), bus.Events)
	if err != nil {
		t.Fatal(err)
	}
	inHand, goOn := make(chan struct{}, 2), make(chan struct{})
	sh.stage(bus.Stage{Name: "transform", Stream: bus.Events, Handle: func(_ context.Context, m *bus.Message) (schemas.Outcome, error) {
		if m.Seq > last {
			inHand <- struct{}{}
			<-goOn
		}
		return schemas.Outcome{Outcome: schemas.Skipped, Reason: "none"}, nil
	}})
	sh.handled("transform", bus.Events)
	sh.sell(1)
	sh.sweep()
	<-inHand
	for seq, want := range map[uint64]bool{last: true, last + 1: false} {
		if done, err := sh.bus.Handled(t.Context(), "transform", "default", seq); err != nil || done != want {
			t.Errorf("handled up to %d: %t, %v; want %t", seq, done, err, want)
		}
	}
	close(goOn)
}
