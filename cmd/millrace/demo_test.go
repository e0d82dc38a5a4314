package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"millrace/cmd/millrace/internal/demo"
	"millrace/internal/trace"
)

// upDemo runs the demo on a folder and returns its result.
func upDemo(t *testing.T, dir string) *demo.Result {
	t.Helper()
	code, stdout, stderr := call(t.Context(), "up", "--demo", "--json", "--data-dir", dir, "--log-level", "info")
	res := &demo.Result{}
	e := document(t, stdout, res)
	if code != 0 || !e.OK || e.Summary != "everything applied, nothing parked" {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	return res
}

func TestDemoAppliesEverythingAndASecondRunChangesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole pipeline")
	}
	dir := t.TempDir()
	first := upDemo(t, dir)
	kinds := map[string]int{}
	for _, d := range first.Documents {
		kinds[d.Kind]++
		if d.Acumatica.Number == "" || d.Stripe.ID == "" || d.Status == "unknown" {
			t.Errorf("not known on both sides: %+v", d)
		}
		if d.Kind == "invoice" && d.Status != "Closed" || d.Kind == "payment" && len(d.AppliedTo) != 1 {
			t.Errorf("not paid: %+v", d)
		}
		if strings.HasSuffix(d.Kind, "payment") && (d.Calls.Acumatica > 3 || d.Calls.StripeReads > 1) {
			t.Errorf("an uneventful payment costs more than three Acumatica calls and one Stripe read: %+v", d)
		}
	}
	if kinds["invoice"] == 0 || kinds["invoice"] != kinds["payment"] || kinds["prepayment"] != 1 || kinds["customer"] == 0 {
		t.Errorf("documents = %v", kinds)
	}
	if first.Applied == 0 || first.Parked != 0 || len(first.Missing) != 0 {
		t.Errorf("result = %+v", first)
	}

	second := upDemo(t, dir)
	got, want := asJSON(t, second.Documents), asJSON(t, first.Documents)
	if got != want {
		t.Errorf("documents after a second run\n%s\nwant\n%s", got, want)
	}
	testStories(t, dir, first)
}

// testStories asks for one paid invoice by each of its ids.
func testStories(t *testing.T, dir string, res *demo.Result) {
	t.Helper()
	i := slices.IndexFunc(res.Documents, func(d demo.Document) bool { return d.Kind == "payment" })
	payment := res.Documents[i]
	i = slices.IndexFunc(res.Documents, func(d demo.Document) bool {
		return d.Kind == "invoice" && d.Acumatica.Number == payment.AppliedTo[0]
	})
	invoice := res.Documents[i]

	_, stdout, _ := call(t.Context(), "trace", invoice.Stripe.ID, "--json", "--data-dir", dir)
	var story trace.Story
	if e := document(t, stdout, &story); !e.OK || len(story.Entries) < 8 {
		t.Fatalf("trace %s: %s", invoice.Stripe.ID, stdout)
	}
	ids := []string{payment.Stripe.ID, invoice.Acumatica.Number, payment.Acumatica.Type + " " + payment.Acumatica.Number}
	for _, e := range story.Entries {
		if e.Step == "event" && strings.HasPrefix(e.EventID, "evt_") {
			ids = append(ids, e.EventID)
			break
		}
	}
	code, want, stderr := call(t.Context(), "trace", invoice.Stripe.ID, "--data-dir", dir)
	if code != 0 || !strings.Contains(want, payment.Acumatica.Number) {
		t.Fatalf("exit %d\n%s\n%s", code, want, stderr)
	}
	for _, id := range ids {
		if _, got, _ := call(t.Context(), "trace", id, "--data-dir", dir); got != want {
			t.Errorf("trace %s tells\n%s\nwant\n%s", id, got, want)
		}
	}
	if code, stdout, stderr := call(t.Context(), "status", "--data-dir", dir); code != 0 || !strings.HasPrefix(stdout, "healthy") {
		t.Errorf("status: exit %d\n%s\n%s", code, stdout, stderr)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
