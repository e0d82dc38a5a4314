package simulate

import (
	"encoding/json"
	"flag"
	"log/slog"
	"reflect"
	"testing"

	"millrace/ingest/sweep"
	"millrace/ingest/webhook"
	"millrace/internal/service"
	"millrace/sink-acumatica/acusink"
	"millrace/sink-stripe/stripesink"
	"millrace/source-acumatica/poller"
	"millrace/transform/stage"
)

var (
	first = flag.Uint64("seed", 1, "the first seed")
	seeds = flag.Int("seeds", 4, "how many seeds")
)

func services() []service.Service {
	return []service.Service{webhook.Service, sweep.Service, poller.Service, stage.Service, acusink.Service, stripesink.Service}
}

// TestSeeds runs alone: beside the planted bugs it would wait for processors.
func TestSeeds(t *testing.T) {
	o := Options{Services: services(), Dir: t.TempDir()}
	if testing.Verbose() && *seeds == 1 {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	err := Seeds(t.Context(), o, *first, *seeds, 4, func(res Result) {
		t.Logf("seed %d took %v", res.Plan.Seed, res.Took)
		if res.OK() {
			return
		}
		for _, s := range res.Plan.Steps {
			t.Log(s)
		}
		for _, line := range res.Trace {
			t.Log(line)
		}
		for _, p := range res.Problems {
			t.Error(p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestASeedAlwaysMakesTheSamePlan(t *testing.T) {
	for seed := range uint64(50) {
		one, other := NewPlan(seed), NewPlan(seed)
		if !reflect.DeepEqual(one, other) {
			t.Errorf("seed %d makes %+v, then %+v", seed, one, other)
		}
		raw, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		var read Plan
		if err := json.Unmarshal(raw, &read); err != nil || !reflect.DeepEqual(one, read) {
			t.Errorf("seed %d: a plan that was written is read as %+v, %v", seed, read, err)
		}
	}
}

func TestEveryPlanOfASeedPassesItsCheck(t *testing.T) {
	for seed := range uint64(500) {
		if err := NewPlan(seed).Check(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}
