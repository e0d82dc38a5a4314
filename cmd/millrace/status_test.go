package main

import (
	"strings"
	"testing"

	"millrace/internal/basis"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/schemas"
)

// TestStatusSaysWhyALaneIsBlocked: a lane that waits for the clock is in no list
// of what is parked.
func TestStatusSaysWhyALaneIsBlocked(t *testing.T) {
	w := &parkWorld{dir: t.TempDir(), failure: fault.Newf("posting.held", "another worker has it")}
	b := w.start(t)
	defer w.stop()
	w.publish(t, b, "default", "C1", "evt_1")
	var stdout string
	until(t, "a lane is blocked", func() bool {
		_, stdout, _ = call(t.Context(), "status", "--data-dir", w.dir)
		return strings.Contains(stdout, "1 lane blocked, 0 lanes parked")
	})
	if !strings.Contains(stdout, "blocked at transform since") || !strings.Contains(stdout, "lane C1 of connection default; goes on by itself") || !strings.Contains(stdout, "another worker has it") {
		t.Errorf("status:\n%s", stdout)
	}
}

// TestStatusNamesStagesThatNobodyConsumes: a service that was forgotten shows
// where people look, once something waits for it.
func TestStatusNamesStagesThatNobodyConsumes(t *testing.T) {
	w := &parkWorld{dir: t.TempDir()}
	b := w.start(t)
	status := func() (int, statusResult, string) {
		var res statusResult
		code, stdout, _ := call(t.Context(), "status", "--json", "--data-dir", w.dir)
		document(t, stdout, &res)
		_, text, _ := call(t.Context(), "status", "--data-dir", w.dir)
		return code, res, text
	}
	names := func(res statusResult) string { return stagesOf(res.Unconsumed) }
	sinks := "sink-stripe of default, sink-stripe of emea, sink-acumatica of default, sink-acumatica of emea"
	until(t, "transform is consumed", func() bool { _, res, _ := status(); return names(res) == sinks })
	if code, _, text := status(); code != 0 || !strings.HasPrefix(text, "healthy: 0 waiting") || !strings.Contains(text, "note: no service consumes "+sinks+" now; nothing waits there") {
		t.Errorf("nothing waits: exit %d:\n%s", code, text)
	}
	in := schemas.Intent{
		ID: schemas.IntentID("emea", schemas.Stripe, "customer", "upsert", "C1", ""), Connection: "emea", Lane: "C1",
		Target: schemas.Stripe, Document: "customer", Verb: "upsert", Key: "C1", Fields: []byte(`{"name":"Ada"}`),
	}
	if _, err := b.PublishIntent(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	code, res, text := status()
	if code != 1 || res.Healthy || names(res) != sinks || !strings.HasPrefix(text, "degraded: 1 waiting, 0 lanes blocked, 0 lanes parked; no service consumes sink-stripe of emea\n") {
		t.Errorf("one waits: exit %d, %q:\n%s", code, names(res), text)
	}
	w.stop()
	if _, res, _ := status(); !strings.HasPrefix(names(res), "transform of default, transform of emea, ") {
		t.Errorf("stopped: nobody consumes %q", names(res))
	}
}

// TestStatusSaysWhyNothingIsSettled: a connection whose books were changed after
// they had begun is named, with what changed and what to do.
func TestStatusSaysWhyNothingIsSettled(t *testing.T) {
	w := &parkWorld{dir: t.TempDir()}
	b := w.start(t)
	defer w.stop()
	for _, payouts := range []string{"automatic", "manual"} {
		chosen, err := basis.Of(&config.Books{Payouts: payouts, Clearing: map[string]config.Account{"USD": {Account: "10250"}}})
		if err != nil {
			t.Fatal(err)
		}
		err = basis.New(basis.Options{Bucket: b.Bucket(basis.BucketName), Service: "sweep", Connection: "emea", Is: chosen}).Check(t.Context())
		if refused := err != nil; refused != (payouts == "manual") {
			t.Fatalf("%s: %v", payouts, err)
		}
	}
	code, stdout, stderr := call(t.Context(), "status", "--data-dir", w.dir)
	if strings.Contains(stderr, "what is parked waits") || !strings.Contains(stderr, "nothing is parked; mend the configuration") {
		t.Errorf("advice: %s", stderr)
	}
	for _, want := range []string{"degraded: ", "; nothing is settled of emea\n", "connection emea: books.payouts was automatic and is manual", "set the books of the connection back"} {
		if code != 1 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, want %q in:\n%s", code, want, stdout)
		}
	}
}
