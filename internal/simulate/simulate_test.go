package simulate

import (
	"flag"
	"log/slog"
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
	seeds = flag.Uint64("seeds", 4, "how many seeds")
)

func services() []service.Service {
	return []service.Service{webhook.Service, sweep.Service, poller.Service, stage.Service, acusink.Service, stripesink.Service}
}

func TestSeeds(t *testing.T) {
	for seed := *first; seed < *first+*seeds; seed++ {
		o := Options{Services: services(), Dir: t.TempDir()}
		if testing.Verbose() && *seeds == 1 {
			o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		res, err := Run(t.Context(), o, NewPlan(seed))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d took %v", seed, res.Took)
		if res.OK() {
			continue
		}
		for _, s := range res.Plan.Steps {
			t.Log(s)
		}
		for _, p := range res.Problems {
			t.Error(p)
		}
	}
}
