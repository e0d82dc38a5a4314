package acumaticatwin

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// A Fault makes matching requests go wrong. Modes: "status:500", "status:429",
// "status:503" (answer that, do nothing), "cut_before" (close the connection,
// do nothing), "cut_after_commit" (do it, keep it, close without an answer),
// "slow:2s" (wait, then do it and answer, even when the client has gone:
// Acumatica queues requests and works on them later), "queued:5m" (close the
// connection and do it when the twin's clock is that much further),
// "close_period:2026-05" (close the period, then go on as usual: what the
// client read before no longer holds).
type Fault struct {
	Method     string `json:"method" yaml:"method"`           // "" matches all
	PathPrefix string `json:"path_prefix" yaml:"path_prefix"` // "" matches all; "/_twin" is never faulty
	Count      int    `json:"count" yaml:"count"`             // how many requests; 0 or less = until the twin ends
	// Probability is the share of matching requests that go wrong; 0 is all.
	// The choice depends only on Seed and on the order of the requests.
	Probability float64 `json:"probability" yaml:"probability"`
	Seed        uint64  `json:"seed" yaml:"seed"`
	Mode        string  `json:"mode" yaml:"mode"`

	dice *rand.Rand
}

// LoadFaults reads a list of faults in YAML or JSON. A name or a mode that is
// not known is an error: a test that runs without its faults proves nothing.
func LoadFaults(r io.Reader) ([]Fault, error) {
	var list []Fault
	if err := yaml.NewDecoder(r, yaml.DisallowUnknownField()).Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("faults: %w", err)
	}
	for i := range list {
		if err := list[i].valid(); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return list, nil
}

// AddFault adds a fault; the first that matches a request is used. A fault
// with an unknown mode is dropped and logged.
func (t *Twin) AddFault(f Fault) {
	if err := f.valid(); err != nil {
		t.o.Log.Error("acumatica twin fault dropped", "error", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f.dice = rand.New(rand.NewPCG(f.Seed, f.Seed)) //nolint:gosec // G404: a repeatable choice is wanted
	t.faults = append(t.faults, &f)
}

func (f *Fault) valid() error {
	if f.Probability < 0 || f.Probability > 1 {
		return fmt.Errorf("fault probability %v: want 0 to 1", f.Probability)
	}
	mode, arg, _ := strings.Cut(f.Mode, ":")
	switch mode {
	case "cut_before", "cut_after_commit":
		return nil
	case "close_period":
		if _, err := parseMonth(arg); err == nil {
			return nil
		}
	case "status":
		if n, err := strconv.Atoi(arg); err == nil && n >= 300 && n <= 599 {
			return nil
		}
	case "slow", "queued":
		if d, err := time.ParseDuration(arg); err == nil && d >= 0 {
			return nil
		}
	}
	return fmt.Errorf("fault mode %q: want status:<code>, cut_before, cut_after_commit, slow:<duration>, queued:<duration> or close_period:<YYYY-MM>", f.Mode)
}

// takeFault uses up one request of the first matching fault; nil is no fault.
func (t *Twin) takeFault(method, path string) *Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range t.faults {
		if (f.Method != "" && f.Method != method) || !strings.HasPrefix(path, f.PathPrefix) {
			continue
		}
		if f.Probability > 0 && f.dice.Float64() >= f.Probability {
			continue
		}
		if f.Count == 1 {
			t.faults = slices.Delete(t.faults, i, i+1)
		} else if f.Count > 1 {
			f.Count--
		}
		return &Fault{Mode: f.Mode}
	}
	return nil
}

// around runs a request under a fault and says whether to hang up on it.
func (t *Twin) around(f *Fault, c *call) (reply, bool) {
	serve := func() reply { return t.admitted(c) }
	if f == nil {
		return serve(), false
	}
	mode, arg, _ := strings.Cut(f.Mode, ":")
	switch mode {
	case "cut_before":
		return reply{}, true
	case "cut_after_commit":
		serve()
		return reply{}, true
	case "slow":
		d, _ := time.ParseDuration(arg)
		<-time.After(d)
	case "queued":
		d, _ := time.ParseDuration(arg)
		t.enqueue(c, d)
		return reply{}, true
	case "close_period":
		if err := t.ClosePeriod(arg); err != nil {
			t.o.Log.Error("acumatica twin fault not possible", "error", err)
		}
	case "status":
		n, _ := strconv.Atoi(arg)
		return statusFault(n), false
	}
	return serve(), false
}

// A job is a request that waits in the queue of the server. It was signed in
// when it came; its client does not wait for it.
type job struct {
	call *call
	due  time.Time
}

func (t *Twin) enqueue(c *call, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	if t.authenticate(c) == nil {
		t.jobs = append(t.jobs, job{call: c, due: t.now().Add(d)})
	}
}

// runJobs does the queued requests whose time has come, in the order of their
// arrival.
func (t *Twin) runJobs() {
	var due []job
	t.jobs = slices.DeleteFunc(t.jobs, func(j job) bool {
		if t.now().Before(j.due) {
			return false
		}
		due = append(due, j)
		return true
	})
	for _, j := range due {
		answer := t.route(j.call)
		t.o.Log.Debug("acumatica twin queued request", "method", j.call.method, "path", j.call.rawPath, "status", answer.status)
	}
}

// statusFault answers a status in the shape that Acumatica or the web server
// in front of it gives it.
func statusFault(status int) reply {
	switch status {
	case http.StatusTooManyRequests:
		answer := emptyReply(status)
		answer.header.Set("Content-Type", "text/plain; charset=utf-8")
		answer.body = []byte("The custom error module does not recognize this error.")
		return answer
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		answer := emptyReply(status)
		answer.header.Set("Content-Type", "text/html; charset=us-ascii")
		answer.body = []byte("<html><head><title>" + http.StatusText(status) + "</title></head><body>The service is unavailable.</body></html>")
		return answer
	case http.StatusFound:
		answer := emptyReply(status)
		answer.header.Set("Location", "/Frames/Error.aspx?message=The+number+of+concurrent+API+logins+has+been+reached.")
		return answer
	case http.StatusInternalServerError:
		return exception("System.Data.SqlClient.SqlException",
			"Transaction (Process ID 57) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.").reply()
	}
	return plain(status, http.StatusText(status)).reply()
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler) // the documented way where connections cannot be taken over
}
