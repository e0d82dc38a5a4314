package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"millrace": main})
}

// TestScripts runs testdata/script: what each verb prints, on both outputs.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// exits N cmd… runs a command that must end with exit code N; N|M is either.
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: exits CODE command args")
				}
				err := ts.Exec(args[1], args[2:]...)
				got := "0"
				if err != nil {
					got = strings.TrimPrefix(err.Error(), "exit status ")
				}
				if !slices.Contains(strings.Split(args[0], "|"), got) {
					ts.Fatalf("exit code %s, want %s", got, args[0])
				}
			},
			// freeport NAME puts the number of a free port into the environment.
			"freeport": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: freeport NAME")
				}
				l, err := net.Listen("tcp", "127.0.0.1:0")
				ts.Check(err)
				_, port, err := net.SplitHostPort(l.Addr().String())
				ts.Check(errors.Join(err, l.Close()))
				ts.Setenv(args[0], port)
			},
			// fetch URL prints status and body, as soon as somebody listens.
			"fetch": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: fetch URL")
				}
				ts.Check(fetch(ts.Stdout(), args[0]))
			},
		},
	})
}

func fetch(w io.Writer, url string) error {
	client := &http.Client{Timeout: 10 * time.Second}
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		res, err := client.Get(url)
		if err == nil {
			fmt.Fprintln(w, res.StatusCode)
			_, err = io.Copy(w, res.Body)
			return errors.Join(err, res.Body.Close())
		}
		select {
		case <-tick.C:
		case <-deadline:
			return err
		}
	}
}

// leaves are all commands that do something.
func leaves(c *cobra.Command) []*cobra.Command {
	if !c.HasSubCommands() {
		return []*cobra.Command{c}
	}
	var out []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.Name() != "completion" && sub.Name() != "help" { // cobra's own
			out = append(out, leaves(sub)...)
		}
	}
	return out
}

func TestEveryLeafHasJSONAnExampleAndATest(t *testing.T) {
	var all strings.Builder
	entries, err := os.ReadDir("testdata/script")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile("testdata/script/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	scripts := all.String()
	a := &app{getenv: func(string) string { return "" }}
	for _, c := range leaves(a.root()) {
		if c.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", c.CommandPath())
		}
		if c.Example == "" || c.Short == "" {
			t.Errorf("%s has no example or no summary", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			if l := strings.TrimSpace(line); !strings.Contains(l, "millrace") && !strings.HasPrefix(l, "--") {
				t.Errorf("%s: example %q does not run millrace", c.CommandPath(), l)
			}
		}
		if !strings.Contains(scripts, c.CommandPath()) {
			t.Errorf("no script in testdata/script runs %q", c.CommandPath())
		}
	}
}

// call runs the program in this process.
func call(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = run(ctx, args, strings.NewReader(""), &out, &errOut, func(string) string { return "" })
	return code, out.String(), errOut.String()
}

// document decodes the one document on stdout, and fails on any other shape.
func document(t *testing.T, stdout string, result any) envelope {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(stdout))
	dec.DisallowUnknownFields()
	e := envelope{Result: result}
	if err := dec.Decode(&e); err != nil {
		t.Fatalf("stdout is not the envelope: %v\n%s", err, stdout)
	}
	if dec.More() {
		t.Fatalf("stdout holds more than one document:\n%s", stdout)
	}
	return e
}

func TestEveryFailureIsAnEnvelope(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown command", []string{"frobnicate", "--json"}, 2, "cli.usage"},
		{"unknown flag", []string{"version", "--nope", "--json"}, 2, "cli.usage"},
		{"missing argument", []string{"trace", "--json"}, 2, "cli.usage"},
		{"unknown service", []string{"run", "--json", "nobody"}, 2, "cli.usage"},
		{"bad log level", []string{"status", "--json", "--log-level", "loud"}, 2, "cli.usage"},
		{"stay without demo", []string{"up", "--stay", "--json"}, 2, "cli.usage"},
		{"nothing configured", []string{"up", "--json"}, 3, "config.invalid"},
		{"no broker", []string{"provision", "--json"}, 3, "config.nats_missing"},
		{"missing file", []string{"config", "show", "--json", "--config", "nowhere.yaml"}, 3, "config.file_missing"},
		{"no installation", []string{"trace", "x", "--json", "--data-dir", "nowhere"}, 3, "config.no_installation"},
		{"not a number of partitions", []string{"repartition", "many", "--json"}, 2, "cli.usage"},
		{"no installation to repartition", []string{"repartition", "5", "--json", "--data-dir", "nowhere"}, 3, "config.no_installation"},
		{"unknown code", []string{"errors", "explain", "--json", "no.such"}, 1, "cli.unknown_code"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := call(t.Context(), tt.args...)
			e := document(t, stdout, nil)
			if code != tt.code || e.OK || e.Error == nil || e.Error.Code != tt.want || e.Error.Hint == "" {
				t.Errorf("exit %d, want %d %s: %s", code, tt.code, tt.want, stdout)
			}
			if !strings.HasPrefix(stderr, "millrace: ") {
				t.Errorf("stderr does not say so: %q", stderr)
			}
		})
	}
}

func TestUsageErrorsGoToStderrOnly(t *testing.T) {
	code, stdout, stderr := call(t.Context(), "statsu")
	if code != 2 || stdout != "" || !strings.Contains(stderr, "Did you mean this?") || !strings.Contains(stderr, "status") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestTwinsSayHowToUseThem(t *testing.T) {
	for system, env := range map[string]string{"stripe": "STRIPE_API_BASE", "acumatica": "ACUMATICA_URL"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // it says so, then stops at once
		code, stdout, stderr := call(ctx, "twin", system, "--listen", "127.0.0.1:0", "--json")
		var res twinResult
		if e := document(t, stdout, &res); code != 0 || !e.OK || res.Env[env] != res.URL || !strings.HasPrefix(res.URL, "http://127.0.0.1:") {
			t.Errorf("%s: exit %d, %s%s", system, code, stdout, stderr)
		}
	}
}

func TestAFolderBelongsToOneProcessAndOnePurpose(t *testing.T) {
	dir := t.TempDir()
	f, err := claimFolder(dir, installation{Demo: true, Connections: []string{"default"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.announce(running{PID: 1}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir + "/" + runningFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("run.json: %v, %v, want mode 0600: it holds a credential", info, err)
	}
	code, _, stderr := call(t.Context(), "up", "--demo", "--data-dir", dir)
	if code != 3 || !strings.Contains(stderr, "config.data_dir_locked") {
		t.Errorf("a second process: exit %d, %s", code, stderr)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := readRunning(dir); found {
		t.Error("run.json outlives the process")
	}
	if _, err := claimFolder(dir, installation{}); err == nil || !strings.Contains(err.Error(), "config.data_dir_kind") {
		t.Errorf("real data into a demo folder: err = %v", err)
	}
	if f, err = claimFolder(dir, installation{Demo: true}); err != nil {
		t.Fatalf("the refusal keeps the lock: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestInterruptIsACleanStop(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole pipeline")
	}
	ctx, stop := context.WithCancel(t.Context())
	dir := t.TempDir()
	done := make(chan struct{})
	go func() { // stop as soon as it runs
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, found, err := readRunning(dir); found || err != nil || ctx.Err() != nil {
				stop()
				return
			}
		}
	}()
	code, stdout, stderr := call(ctx, "up", "--demo", "--data-dir", dir)
	stop()
	<-done
	if code != 0 || stdout != "stopped before the demo was over\n" || strings.Contains(stderr, "millrace:") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}
