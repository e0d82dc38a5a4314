package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"millrace/internal/acumaticatwin"
	"millrace/internal/stripespec"
	"millrace/internal/stripetwin"
)

const (
	stripeKey     = "sk_test_51MillraceCrashTest"
	webhookSecret = "whsec_crash_test"
	clientID      = "88358B02-A48D-A50E-F710-39C1636C30F6@Demo"
)

// millrace is the binary under test.
var millrace string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "millrace-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	millrace = filepath.Join(dir, "millrace")
	build := exec.Command("go", "build", "-o", millrace, "../cmd/millrace")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		// Tests wait for processes most of the time. -parallel still has the last word.
		if err := flag.Set("test.parallel", "4"); err != nil {
			panic(err)
		}
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// readSources opens the sources of the binary: go test notices the files that
// a running test opens, and so repeats these tests when one of them changed.
var readSources = sync.OnceValue(func() error {
	return filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".yaml"):
			_, err = os.ReadFile(path)
		}
		return err
	})
})

// world is one installation: both twins outside, the process under test, and
// a forwarder with a stable address between Stripe's webhooks and ingest.
type world struct {
	t         *testing.T
	dir       string
	acumatica *acumaticatwin.Twin
	stripe    *stripetwin.Twin
	acuURL    string
	stripeURL string

	more []string // environment of the process
	nats string   // URL of an external broker; empty: the process embeds one

	mu     sync.Mutex
	proc   *exec.Cmd
	exited chan struct{}
	ingest string
	stderr bytes.Buffer

	trap   trap
	killed chan struct{}
	hold   func(system string, r *http.Request) // runs before a request is worked on; nil: nothing
}

// trap is the moment at which the process is killed.
type trap struct {
	system string                                  // "stripe", "acumatica" or "webhook"
	match  func(r *http.Request, body string) bool // first match springs it
	after  bool                                    // kill after the other side has committed, before it answers
}

func newWorld(t *testing.T, tr trap) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), trap: tr, killed: make(chan struct{})}
	err := readSources()
	if err != nil {
		t.Fatal(err)
	}
	w.acumatica, err = acumaticatwin.New(acumaticatwin.Options{
		Tenant: "Demo", Username: "api", Password: "secret", ClientID: clientID, ClientSecret: "shh", Seed: "quick",
		UserFields: []acumaticatwin.UserField{{Entity: "Invoice", Name: stateField}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.stripe, err = stripetwin.New(stripetwin.Options{APIKey: stripeKey})
	if err != nil {
		t.Fatal(err)
	}
	w.acuURL = w.serve(w.watch("acumatica", w.acumatica.Handler()))
	stripe := stripespec.Watch(t, w.stripe.Handler())
	if os.Getenv("MILLRACE_STRIPE_MOCK") != "" { // where it is built already; a test has it in any case
		stripe = stripespec.Mirror(t, stripespec.Mock(t), stripe)
	}
	w.stripeURL = w.serve(w.watch("stripe", stripe))
	w.stripe.SetBaseURL(w.stripeURL)
	w.stripe.SetWebhook(w.serve(w.watch("webhook", http.HandlerFunc(w.forward))), webhookSecret)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.stripe.Run(ctx) }()
	t.Cleanup(func() {
		w.kill()
		cancel()
		<-done
		if t.Failed() {
			t.Logf("stderr of the process:\n%s", tail(w.stderr.String(), 6000))
		}
	})
	return w
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

func (w *world) serve(h http.Handler) string {
	s := httptest.NewServer(h)
	w.t.Cleanup(s.Close)
	return s.URL
}

// watch springs the trap: it kills the process before the handler runs, or
// after it committed, and cuts the connection.
func (w *world) watch(system string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.hold != nil {
			w.hold(system, r)
		}
		if w.trap.system != system {
			next.ServeHTTP(rw, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		text, _ := url.QueryUnescape(string(body))
		if !w.spring(r, text) {
			next.ServeHTTP(rw, r)
			return
		}
		if w.trap.after {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			w.kill()
			if system == "webhook" { // Stripe has its 200; the process is gone
				rw.WriteHeader(rec.Code)
				return
			}
		} else {
			w.kill()
		}
		panic(http.ErrAbortHandler)
	})
}

func (w *world) spring(r *http.Request, body string) bool {
	select {
	case <-w.killed:
		return false
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.killed:
		return false
	default:
	}
	if !w.trap.match(r, body) {
		return false
	}
	close(w.killed)
	return true
}

// forward hands a webhook to wherever ingest listens now.
func (w *world) forward(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	addr := w.ingest
	w.mu.Unlock()
	handTo(addr, rw, r)
}

func handTo(addr string, rw http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+addr+"/webhooks/stripe", r.Body)
	if err != nil || addr == "" {
		http.Error(rw, "not running", http.StatusBadGateway)
		return
	}
	req.Header = r.Header.Clone()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	rw.WriteHeader(res.StatusCode)
}

func (w *world) env() []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir,
		"STRIPE_API_KEY=" + stripeKey, "STRIPE_API_BASE=" + w.stripeURL, "STRIPE_WEBHOOK_SECRET=" + webhookSecret,
		"ACUMATICA_URL=" + w.acuURL, "ACUMATICA_TENANT=Demo", "ACUMATICA_ENDPOINT=Default/24.200.001",
		"ACUMATICA_USERNAME=api", "ACUMATICA_PASSWORD=secret", "ACUMATICA_CLIENT_ID=" + clientID, "ACUMATICA_CLIENT_SECRET=shh",
		"MILLRACE_DATA_DIR=" + filepath.Join(w.dir, "data"), "MILLRACE_INGEST_LISTEN=127.0.0.1:0", "MILLRACE_OPS_LISTEN=127.0.0.1:0",
		"MILLRACE_PAYMENT_METHOD=" + acumaticatwin.SeedPaymentMethod,
		"MILLRACE_CASH_ACCOUNTS=USD=" + acumaticatwin.SeedCashAccountUSD + ",EUR=" + acumaticatwin.SeedCashAccountEUR,
		"MILLRACE_POLL_INTERVAL=200ms", "MILLRACE_SETTLE_DELAY=500ms",
	}
	env = append(env, w.more...)
	if w.nats != "" {
		env = append(env, "NATS_URL="+w.nats)
	}
	return env
}

// start runs `millrace up` and waits until it says where it listens.
func (w *world) start() {
	w.t.Helper()
	runFile := filepath.Join(w.dir, "data", "run.json")
	cmd := exec.Command(millrace, "up")
	cmd.Env, cmd.Dir, cmd.Stderr, cmd.Stdout = w.env(), w.dir, &w.stderr, io.Discard
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	w.mu.Lock()
	w.proc, w.exited, w.ingest = cmd, exited, ""
	w.mu.Unlock()
	w.until("the process says where it listens", func() bool {
		select {
		case <-exited:
			return true // killed already, or broken: the caller sees it
		default:
		}
		var run struct {
			PID    int    `json:"pid"`
			Ingest string `json:"ingest"`
		}
		data, err := os.ReadFile(runFile)
		if err != nil || json.Unmarshal(data, &run) != nil || run.PID != cmd.Process.Pid || run.Ingest == "" {
			return false
		}
		w.mu.Lock()
		w.ingest = run.Ingest
		w.mu.Unlock()
		return true
	})
}

// kill is SIGKILL, and waits until the process is gone.
func (w *world) kill() {
	w.mu.Lock()
	proc, exited := w.proc, w.exited
	w.mu.Unlock()
	if proc == nil {
		return
	}
	_ = proc.Process.Kill()
	<-exited
}

// alive says whether the process runs.
func (w *world) alive() bool {
	select {
	case <-w.exited:
		return false
	default:
		return true
	}
}

// until waits for what no event announces; it restarts a killed process.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(90 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("never: %s", what)
		}
	}
}

// cli runs a verb of the binary in the same environment and returns what it
// printed on stdout.
func (w *world) cli(args ...string) (stdout string, code int) {
	w.t.Helper()
	cmd := exec.Command(millrace, args...)
	cmd.Env, cmd.Dir = w.env(), w.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		w.t.Fatalf("millrace %s: %v", strings.Join(args, " "), err)
	}
	if errs.Len() > 0 && err != nil {
		w.t.Logf("millrace %s: %s", strings.Join(args, " "), tail(errs.String(), 1000))
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// list reads a page of the Stripe twin over its API.
func (w *world) list(path string) []map[string]any {
	w.t.Helper()
	data, _ := w.page(path)
	return data
}

// listAll reads a list of the Stripe twin to its end, newest first.
func (w *world) listAll(path string) (all []map[string]any) {
	w.t.Helper()
	path, query, _ := strings.Cut(path, "?")
	for after := ""; ; {
		data, more := w.page(path + "?limit=100&" + query + after)
		all = append(all, data...)
		if !more {
			return all
		}
		after = "&starting_after=" + data[len(data)-1]["id"].(string)
	}
}

func (w *world) page(path string) (data []map[string]any, more bool) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.stripeURL+"/v1/"+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+stripeKey)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct {
		Data    []map[string]any `json:"data"`
		HasMore bool             `json:"has_more"`
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		w.t.Fatal(err)
	}
	return page.Data, page.HasMore
}
