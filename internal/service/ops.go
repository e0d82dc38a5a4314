package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/internal/fault"
)

// busCheck is the one dependency without which nothing can be taken.
const busCheck = "bus"

// checkTimeout bounds one readiness check, so that a probe gets its answer
// before the prober gives up (Kubernetes: timeoutSeconds is 1 by default, our
// chart asks for 5).
const checkTimeout = 2 * time.Second

// startOps serves the probes and metrics on addr; with an empty addr nothing
// is opened.
func (rt *Runtime) startOps(ctx context.Context, addr string, metrics http.Handler) error {
	if addr == "" {
		return nil
	}
	l, err := rt.Listen(ctx, "ops", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: rt.opsHandler(metrics), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	rt.OnStop("ops", func(ctx context.Context) error {
		if err := srv.Shutdown(ctx); err != nil {
			return errors.Join(err, srv.Close())
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	rt.Log.Info("ops listening", "addr", l.Addr().String())
	return nil
}

func (rt *Runtime) opsHandler(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	// Liveness never looks at a dependency: a restart does not heal those.
	alive := func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, "ok\n") }
	mux.HandleFunc("GET /livez", alive)
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", rt.serveReady)
	mux.Handle("GET /metrics", metrics)
	return mux
}

// serveReady answers 200 when every check passes and 503 otherwise; with
// ?verbose, and on failure always, one line per check. That Stripe or
// Acumatica is away makes nothing unready: their work waits, and webhooks must
// go on being stored (Invariant 5).
func (rt *Runtime) serveReady(w http.ResponseWriter, r *http.Request) {
	results := rt.Ready(r.Context())
	status, text := http.StatusOK, strings.Builder{}
	for _, c := range results {
		switch {
		case c.Err == nil:
			fmt.Fprintf(&text, "[+] %s: ok\n", c.Name)
		case c.Waits:
			fmt.Fprintf(&text, "[~] %s: %v; work for it waits\n", c.Name, c.Err)
		default:
			status = http.StatusServiceUnavailable
			fmt.Fprintf(&text, "[-] %s: %v\n", c.Name, c.Err)
		}
	}
	switch {
	case status != http.StatusOK:
		text.WriteString("not ready\n")
	case r.URL.Query().Has("verbose"):
		text.WriteString("ready\n")
	default:
		text.Reset()
		text.WriteString("ok\n")
	}
	reply(w, status, text.String())
}

func reply(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the prober went away: nobody left to tell
}

// CheckResult is how one readiness check ended.
type CheckResult struct {
	Name  string
	Err   error
	Waits bool // another system is away: told, but no reason to take the process out
}

// Ready runs every readiness check, side by side, each within 2 s, and returns
// the results in the order of their registration.
func (rt *Runtime) Ready(ctx context.Context) []CheckResult {
	rt.mu.Lock()
	checks := slices.Clone(rt.checks)
	rt.mu.Unlock()
	results := make([]CheckResult, len(checks))
	var wg sync.WaitGroup
	for i, c := range checks {
		wg.Go(func() {
			err := runCheck(ctx, c)
			waits := c.name != busCheck && isAway(err)
			results[i] = CheckResult{Name: c.name, Err: err, Waits: waits}
		})
	}
	wg.Wait()
	return results
}

func isAway(err error) bool {
	f, classified := errors.AsType[*fault.Error](err)
	return classified && (f.Kind == fault.Down || f.Kind == fault.Throttled)
}

// runCheck returns after checkTimeout even if the check ignores its context.
func runCheck(ctx context.Context, c check) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.fn(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
}
