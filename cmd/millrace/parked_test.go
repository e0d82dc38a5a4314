package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/schemas"
)

// parkWorld is an installation with one stage, which refuses until healed.
type parkWorld struct {
	dir     string
	failure error // what the stage refuses with; nil: a missing cash account
	healed  atomic.Bool
	applied atomic.Int32
	stop    func()
}

// start runs the stage on the folder as `up` would.
func (w *parkWorld) start(t *testing.T) *bus.Bus {
	t.Helper()
	f, err := claimFolder(w.dir, installation{Connections: []string{"default", "emea"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := embed(t.Context(), w.dir, "127.0.0.1:0", bus.Options{Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.bus.Provision(t.Context(), []string{"default", "emea"}); err != nil {
		t.Fatal(err)
	}
	if err := f.announce(running{PID: os.Getpid(), NATSURL: b.server.ClientURL(), NATSToken: b.server.Token()}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.bus.Run(ctx, bus.Stage{Name: "transform", Stream: bus.Events, Connections: []string{"default", "emea"}, Handle: w.handle, Skip: func(context.Context, *bus.Message) (schemas.Outcome, error) {
			return schemas.Outcome{Outcome: schemas.Skipped}, nil
		}})
	}()
	w.stop = func() {
		cancel()
		if err := errors.Join(<-done, b.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	}
	return b.bus
}

func (w *parkWorld) handle(context.Context, *bus.Message) (schemas.Outcome, error) {
	if !w.healed.Load() {
		if w.failure != nil {
			return schemas.Outcome{}, w.failure
		}
		return schemas.Outcome{}, fault.Newf("flow.cash_account_missing", "no cash account is configured for USD")
	}
	w.applied.Add(1)
	return schemas.Outcome{Document: "charge", Outcome: schemas.Applied, Reason: "healed"}, nil
}

func (w *parkWorld) publish(t *testing.T, b *bus.Bus, connection, lane, id string) {
	t.Helper()
	_, err := b.PublishEvent(t.Context(), connection, lane, "stripe", "charge", "succeeded", bus.Event{
		ID: id, Type: schemas.EventType("stripe", "charge", "succeeded"), Source: "/" + connection + "/stripe", Data: []byte(`{}`),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for what the stage does meanwhile.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

func parkedNow(t *testing.T, dir string, more ...string) []parkedLane {
	t.Helper()
	code, stdout, stderr := call(t.Context(), append([]string{"parked", "list", "--json", "--data-dir", dir}, more...)...)
	var lanes []parkedLane
	if e := document(t, stdout, &lanes); code != 0 || !e.OK || e.Command != "parked list" {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	return lanes
}

func TestAParkedLaneIsListedAndReleased(t *testing.T) {
	w := &parkWorld{dir: t.TempDir()}
	b := w.start(t)
	for _, lane := range [][2]string{{"default", "C1"}, {"emea", "C1"}, {"default", "C 2"}} {
		w.publish(t, b, lane[0], lane[1], "evt_"+lane[0]+lane[1])
	}
	until(t, "three lanes parked", func() bool { return len(parkedNow(t, w.dir)) == 3 })

	one := parkedNow(t, w.dir, "--lane", "C1", "--connection", "emea")
	want := parkedLane{Stage: "transform", Connection: "emea", Lane: "C1", Code: "flow.cash_account_missing"}
	if len(one) != 1 || one[0].Connection != want.Connection || one[0].Code != want.Code || one[0].Stage != want.Stage || one[0].Lane != want.Lane ||
		one[0].Since == "" || one[0].Reason == "" || one[0].Hint == "" || !strings.Contains(one[0].Error, "for USD") {
		t.Errorf("listed %+v", one)
	}
	for _, verb := range [][]string{{"status"}, {"parked", "list"}, {"parked", "list", "--json"}, {"trace", "evt_defaultC 2"}, {"trace", "evt_defaultC 2", "--json"}} {
		_, stdout, _ := call(t.Context(), append(verb, "--data-dir", w.dir)...)
		if !strings.Contains(stdout, "millrace parked release --lane 'C 2' --stage transform --connection default --reason") {
			t.Errorf("%s does not say how to release:\n%s", verb, stdout)
		}
	}
	code, stdout, stderr := call(t.Context(), "parked", "release", "--lane", "C9", "--reason", "r", "--json", "--data-dir", w.dir)
	if e := document(t, stdout, nil); code != 1 || e.OK || e.Error.Code != "cli.not_found" || !strings.Contains(stderr, `nothing is parked under the lane "C9"`) {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}

	if code, stdout, stderr = call(t.Context(), "parked", "release", "--id", "evt_nothing", "--reason", "r", "--data-dir", w.dir); code != 1 {
		t.Errorf("an id that nothing waits for: exit %d: %s%s", code, stdout, stderr)
	}

	// On a running installation: only the named connection's lane goes on.
	w.healed.Store(true)
	code, stdout, stderr = call(t.Context(), "parked", "release", "--id", "evt_defaultC1", "--reason", "account added", "--data-dir", w.dir)
	if code != 0 || !strings.HasPrefix(stdout, "released 1 lane\n") || !strings.Contains(stdout, "C1") || !strings.Contains(stderr, "account added") {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	until(t, "the released message applied", func() bool { return w.applied.Load() == 1 })
	until(t, "two lanes left", func() bool { return len(parkedNow(t, w.dir)) == 2 })
	w.stop()

	// On a stopped one: it goes on with the next start.
	code, stdout, stderr = call(t.Context(), "parked", "release", "--lane", "C1", "--reason", "account added", "--json", "--data-dir", w.dir)
	var lanes []parkedLane
	if e := document(t, stdout, &lanes); code != 0 || !e.OK || len(lanes) != 1 || lanes[0].Connection != "emea" || !strings.Contains(e.Summary, "nothing runs") {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	if left := parkedNow(t, w.dir); len(left) != 1 || left[0].Lane != "C 2" {
		t.Errorf("left %+v", left)
	}
	w.start(t)
	defer w.stop()
	until(t, "the message of the stopped installation applied", func() bool { return w.applied.Load() == 2 })
}

func TestAReleaseNeedsALaneAndAReason(t *testing.T) {
	for _, args := range [][]string{{"--lane", "C1"}, {"--reason", "r"}, {"--lane", "C1", "--reason", " "}} {
		code, stdout, _ := call(t.Context(), append([]string{"parked", "release", "--json"}, args...)...)
		if e := document(t, stdout, nil); code != 2 || e.Error == nil || e.Error.Code != "cli.usage" {
			t.Errorf("%v: exit %d: %s", args, code, stdout)
		}
	}
}

// TestAnUnknownConnectionIsRefused: a filter that picks nothing looks like good
// news.
func TestAnUnknownConnectionIsRefused(t *testing.T) {
	w := &parkWorld{dir: t.TempDir()}
	w.start(t)
	defer w.stop()
	for _, args := range []string{
		"parked list", "parked show --lane C1", "parked release --lane C1 --reason r", "parked skip --lane C1 --reason r",
		"parked drop --lane C1 --reason r", "parked edit --lane C1 --file - --reason r", "trace evt_1",
	} {
		code, stdout, stderr := call(t.Context(), append(strings.Fields(args), "--connection", "eema", "--data-dir", w.dir)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, `no connection "eema": want default, emea`) {
			t.Errorf("%s: exit %d: %s%s", args, code, stdout, stderr)
		}
	}
	if lanes := parkedNow(t, w.dir, "--connection", "emea"); len(lanes) != 0 {
		t.Errorf("listed %+v", lanes)
	}
}

// TestWhatToDoIsReadyToBeRun: commands of a hint name the lane that they are
// shown with.
func TestWhatToDoIsReadyToBeRun(t *testing.T) {
	const where = " --lane 'C 2' --stage transform --connection default"
	for hint, want := range map[string]string{
		"reopen the period": "reopen the period\n  then:  millrace parked release" + where + ` --reason "…"`,
		"void it, then: millrace parked release --lane <customer>":                          "void it, then: millrace parked release" + where + ` --reason "…"`,
		"millrace parked edit or millrace parked skip --lane <customer> --reason <why>, ok": "millrace parked edit" + where + ` --file intent.json --reason "…" or millrace parked skip` + where + ` --reason "…", ok`,
	} {
		p := parkedLane{Stage: "transform", Connection: "default", Lane: "C 2"}
		p.Hint = p.ready(hint)
		if got := p.toDo(); got != want {
			t.Errorf("to do\n%s\nwant\n%s", got, want)
		}
	}
}

// TestEveryServiceIsStartedAndChecked: a service that the compose file or the
// check of the configuration forgets is missing where nobody looks.
func TestEveryServiceIsStartedAndChecked(t *testing.T) {
	if got, want := config.Services(), serviceNames(); !slices.Equal(got, want) {
		t.Errorf("config lint knows the services %v, millrace run has %v", got, want)
	}
	compose, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range serviceNames() {
		if !strings.Contains(string(compose), fmt.Sprintf(`command: ["run", %q]`, name)) {
			t.Errorf("docker-compose.yml does not start %s", name)
		}
	}
}

// TestHintsNameCommandsThatExist: a hint is followed by somebody in trouble.
func TestHintsNameCommandsThatExist(t *testing.T) {
	line := regexp.MustCompile(`millrace ((?:--[a-z-]+|[a-z]+)(?: (?:--?[a-z-]+|[a-z]+|<[^>]+>))*)`)
	a := &app{getenv: func(string) string { return "" }}
	for _, code := range fault.Codes() {
		for _, m := range line.FindAllStringSubmatch(code.Hint, -1) {
			c, rest, err := a.root().Find(strings.Fields(m[1]))
			if err != nil || c == a.root() && !strings.HasPrefix(m[1], "--") || c.HasSubCommands() && c.HasParent() {
				t.Errorf("%s: %q is no command: %v", code.Code, m[0], err)
				continue
			}
			flags := strings.Join(rest, " ")
			for _, name := range rest {
				if flag, is := strings.CutPrefix(name, "--"); is && flag != "help" && c.Flags().Lookup(flag) == nil {
					t.Errorf("%s: %q has no flag %s", code.Code, c.CommandPath(), name)
				}
			}
			if c.Name() == "release" && !strings.Contains(flags, "--lane") {
				t.Errorf("%s: %q does not name the lane", code.Code, m[0])
			}
		}
	}
}

func TestAParkedLaneIsShownSkippedAndDropped(t *testing.T) {
	w := &parkWorld{dir: t.TempDir()}
	b := w.start(t)
	defer w.stop()
	for i := range 3 {
		w.publish(t, b, "default", "C1", fmt.Sprint("evt_", i))
	}
	var shown heldMessage
	show := func() (int, int) {
		code, stdout, _ := call(t.Context(), "parked", "show", "--lane", "C1", "--json", "--data-dir", w.dir)
		shown = heldMessage{}
		document(t, stdout, &shown)
		return code, len(shown.Waiting)
	}
	until(t, "the lane holds all three", func() bool { code, waiting := show(); return code == 0 && waiting == 2 })
	if lanes := parkedNow(t, w.dir, "--stage", "transform"); len(lanes) != 1 || lanes[0].Behind != 2 {
		t.Errorf("listed %+v", lanes)
	}
	for _, verb := range []string{"status", "parked list"} {
		_, stdout, _ := call(t.Context(), append(strings.Fields(verb), "--data-dir", w.dir)...)
		if head, _, _ := strings.Cut(stdout, "\n"); !strings.HasSuffix(head, "1 lane parked, 2 messages behind") || !strings.Contains(stdout, "with 2 messages behind it") {
			t.Errorf("%s does not count what waits behind:\n%s", verb, stdout)
		}
	}
	if _, stdout, _ := call(t.Context(), "trace", "evt_1", "--data-dir", w.dir); !strings.Contains(stdout, "waits behind evt_0, parked with flow.cash_account_missing") {
		t.Errorf("trace:\n%s", stdout)
	}
	if shown.ID != "evt_0" || shown.Stream != "EVENTS" || string(shown.Data) != "{}" || shown.Code != "flow.cash_account_missing" {
		t.Errorf("shown %+v", shown)
	}
	file := filepath.Join(t.TempDir(), "edited.json")
	if err := os.WriteFile(file, []byte(`{"amount":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t.Context(), "parked", "edit", "--lane", "C1", "--file", file, "--reason", "r", "--data-dir", w.dir)
	if code != 2 || !strings.Contains(stderr, "what its system says cannot be edited") {
		t.Errorf("an event was edited: exit %d: %s", code, stderr)
	}
	if code, _, stderr = call(t.Context(), "parked", "skip", "--lane", "C1", "--reason", "a test", "--data-dir", w.dir); code != 0 {
		t.Fatalf("skip: exit %d: %s", code, stderr)
	}
	until(t, "the next message holds the lane", func() bool { code, waiting := show(); return code == 0 && shown.ID == "evt_1" && waiting == 1 })
	code, stdout, stderr := call(t.Context(), "parked", "drop", "--lane", "C1", "--reason", "all tests", "--data-dir", w.dir)
	if code != 0 || !strings.Contains(stdout, "its messages from 2 to 3 of EVENTS") {
		t.Fatalf("drop: exit %d: %s%s", code, stdout, stderr)
	}
	until(t, "nothing is parked", func() bool { return len(parkedNow(t, w.dir)) == 0 })
	if n := w.applied.Load(); n != 0 {
		t.Errorf("%d messages were handled", n)
	}
}

// TestWhatIsDecidedOnAStoppedInstallationNeedsTheServices: who stops everything
// to change the number of partitions is told what is missing.
func TestWhatIsDecidedOnAStoppedInstallationNeedsTheServices(t *testing.T) {
	w := &parkWorld{dir: t.TempDir()}
	b := w.start(t)
	w.publish(t, b, "default", "C1", "evt_1")
	until(t, "a lane parked", func() bool { return len(parkedNow(t, w.dir)) == 1 })
	w.stop()
	code, stdout, stderr := call(t.Context(), "parked", "drop", "--lane", "C1", "--reason", "a test", "--data-dir", w.dir)
	if code != 0 || !strings.Contains(stdout, "nothing runs here now") {
		t.Errorf("drop: exit %d: %s%s", code, stdout, stderr)
	}
	code, _, stderr = call(t.Context(), "repartition", "5", "--data-dir", w.dir)
	if code != 1 || !strings.Contains(stderr, "the services carry that out, let them run before") {
		t.Errorf("repartition: exit %d: %s", code, stderr)
	}
	w.start(t)
	until(t, "it is dropped", func() bool {
		code, _, _ := call(t.Context(), "status", "--data-dir", w.dir)
		return code == 0
	})
	w.stop()
	if code, _, stderr = call(t.Context(), "repartition", "5", "--data-dir", w.dir); code != 0 {
		t.Errorf("repartition afterwards: exit %d: %s", code, stderr)
	}
	var out, errOut bytes.Buffer
	old := func(key string) string { return map[string]string{"MILLRACE_PARTITIONS": "2"}[key] }
	if code = run(t.Context(), []string{"status", "--data-dir", w.dir}, nil, &out, &errOut, old); code != 3 || !strings.Contains(errOut.String(), "bus.partitions_mismatch") {
		t.Errorf("status with the old number: exit %d: %s%s", code, out.String(), errOut.String())
	}
}

func TestAnEditedIntentKeepsItsIdentity(t *testing.T) {
	fields := func(account string) []byte {
		return []byte(`{"Type":"Prepayment","CustomerID":"C1","PaymentMethod":"STRIPE","CashAccount":"` + account + `","CurrencyID":"USD",` +
			`"PaymentAmount":"12.50","PaymentRef":"ch_1","ApplicationDate":"2026-03-31","Description":"d"}`)
	}
	in := schemas.Intent{
		ID: schemas.IntentID("default", "acumatica", "payment", "create", "ch_1", ""), Connection: "default", Lane: "C1",
		Target: "acumatica", Document: "payment", Verb: "create", Key: "ch_1", Fields: fields("1"),
	}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	m := &bus.Message{Stream: bus.Intents, Seq: 7, Event: bus.Event{Data: data}}
	if err := editable(m, append([]byte("\n "), data...)); err == nil || !strings.Contains(err.Error(), "millrace parked release --lane C1") {
		t.Errorf("nothing changed: %v", err)
	}
	in.Fields = fields("2")
	if data, err = json.Marshal(in); err != nil || editable(m, data) != nil {
		t.Errorf("another account: %v, %v", err, editable(m, data))
	}
	for name, edit := range map[string]func(*schemas.Intent){
		"charge": func(in *schemas.Intent) { in.Key = "ch_2" }, "verb": func(in *schemas.Intent) { in.Verb = "annotate" }, "version": func(in *schemas.Intent) { in.Version = "2" },
	} {
		other := in
		edit(&other)
		if data, err = json.Marshal(other); err != nil || editable(m, data) == nil {
			t.Errorf("another %s was accepted", name)
		}
	}
	if editable(m, []byte("{")) == nil {
		t.Error("half an intent was accepted")
	}
}
