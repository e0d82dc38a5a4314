package service

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/internal/fault"
)

func TestRunStopsAllOnFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		rt := &Runtime{Log: slog.New(slog.DiscardHandler)}
		rt.OnStop("bus", func(context.Context) error { order = append(order, "bus"); return nil })
		rt.OnStop("http", func(context.Context) error { order = append(order, "http"); return errors.New("stuck port") })

		boom := errors.New("boom")
		err := Run(t.Context(), rt,
			Service{"a", func(ctx context.Context, _ *Runtime) error { <-ctx.Done(); return nil }},
			Service{"b", func(context.Context, *Runtime) error { time.Sleep(time.Hour); return boom }},
		)
		if !errors.Is(err, boom) || !strings.Contains(err.Error(), "stop http: stuck port") {
			t.Errorf("err = %v, want boom and the failed step", err)
		}
		if want := []string{"http", "bus"}; !slices.Equal(order, want) {
			t.Errorf("stop order = %v, want %v", order, want)
		}
	})
}

func TestRunReturnsNilWhenAskedToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		err := Run(ctx, &Runtime{Log: slog.New(slog.DiscardHandler)},
			Service{"drains", func(ctx context.Context, _ *Runtime) error { <-ctx.Done(); time.Sleep(time.Second); return nil }},
			Service{"canceled", func(ctx context.Context, _ *Runtime) error { <-ctx.Done(); return ctx.Err() }},
		)
		if err != nil {
			t.Errorf("err = %v, want nil", err)
		}
	})
}

func TestRunNamesWhoeverIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		err := Run(ctx, &Runtime{Log: slog.New(slog.DiscardHandler)},
			Service{"quick", func(ctx context.Context, _ *Runtime) error { <-ctx.Done(); return nil }},
			Service{"stuck", func(context.Context, *Runtime) error { time.Sleep(time.Hour); return nil }},
		)
		if err == nil || err.Error() != "still draining after 20s: [stuck]" {
			t.Errorf("err = %v", err)
		}
		time.Sleep(2 * time.Hour) // let the straggler leave the bubble
	})
}

func TestStopBoundsASlowStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := &Runtime{}
		rt.OnStop("slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		start := time.Now()
		if err := rt.Stop(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		if took := time.Since(start); took != stopTimeout {
			t.Errorf("took %v, want %v", took, stopTimeout)
		}
		if err := rt.Stop(t.Context()); err != nil {
			t.Errorf("second Stop: %v", err)
		}
	})
}

func TestReadinessRunsEveryCheckWithATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := &Runtime{}
		healthy, away := true, false
		rt.OnReady("bus", func(context.Context) error { return nil })
		rt.OnReady("stripe", func(context.Context) error {
			switch {
			case away:
				return fault.New("stripe.unreachable", errors.New("refused"))
			case !healthy:
				return errors.New("401")
			}
			return nil
		})
		h := rt.opsHandler(http.NotFoundHandler())
		get := func(path string) (int, string) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			return w.Code, w.Body.String()
		}
		for _, tt := range []struct {
			name, path string
			before     func()
			code       int
			body       string
		}{
			{"ready", "/readyz", func() {}, 200, "ok\n"},
			{"verbose", "/readyz?verbose", func() {}, 200, "[+] bus: ok\n[+] stripe: ok\nready\n"},
			{"another system is away", "/readyz?verbose", func() { away = true }, 200, "[+] bus: ok\n[~] stripe: stripe.unreachable: refused; work for it waits\nready\n"},
			{"one fails", "/readyz", func() { away, healthy = false, false }, 503, "[+] bus: ok\n[-] stripe: 401\nnot ready\n"},
			{"alive all the same", "/livez", func() {}, 200, "ok\n"},
			{"healthz is livez", "/healthz", func() {}, 200, "ok\n"},
			{"a check hangs", "/readyz", func() {
				healthy = true
				rt.OnReady("acumatica", func(context.Context) error { time.Sleep(time.Minute); return nil })
			}, 503, "[+] bus: ok\n[+] stripe: ok\n[-] acumatica: no answer: context deadline exceeded\nnot ready\n"},
		} {
			tt.before()
			code, body := get(tt.path)
			if code != tt.code || body != tt.body {
				t.Errorf("%s: got %d %q, want %d %q", tt.name, code, body, tt.code, tt.body)
			}
		}
		time.Sleep(time.Hour) // let the hanging check leave the bubble
	})
}

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"done", nil, 0},
		{"unclassified", errors.New("boom"), 1},
		{"parked", fault.New("link.missing", errors.New("x")), 1},
		{"wrong settings", fault.New("config.invalid", errors.New("x")), 3},
		{"broker away", errors.Join(fault.New("bus.unavailable", errors.New("x"))), 3},
	} {
		if got := ExitCode(tt.err); got != tt.want {
			t.Errorf("%s: exit = %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestMainRefusesBeforeItStarts(t *testing.T) {
	t.Chdir(t.TempDir()) // no configuration file here
	started := Service{"ingest", func(context.Context, *Runtime) error { t.Error("started"); return nil }}
	secret := map[string]string{"STRIPE_WEBHOOK_SECRET": "whsec_HIDDEN"}
	for _, tt := range []struct {
		name string
		args []string
		env  map[string]string
		want int
		says string
	}{
		{"help", []string{"ingest", "-h"}, nil, 0, "-config"},
		{"unknown flag", []string{"ingest", "-nope"}, nil, 2, "-nope"},
		{"argument", []string{"ingest", "now"}, nil, 2, `unexpected argument "now"`},
		{"bad level", []string{"ingest", "-log-level=loud"}, nil, 2, "loud"},
		{"missing file", []string{"ingest", "-config=nowhere.yaml"}, nil, 3, "config.file_missing"},
		{"no settings", []string{"ingest"}, nil, 3, "config.invalid"},
		{"no broker", []string{"ingest"}, secret, 3, "set NATS_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr strings.Builder
			getenv := func(name string) string { return tt.env[name] }
			got := run(t.Context(), tt.args, getenv, io.Writer(&stderr), []Service{started})
			if got != tt.want || !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("exit = %d, want %d; stderr without %q:\n%s", got, tt.want, tt.says, &stderr)
			}
			if strings.Contains(stderr.String(), "HIDDEN") {
				t.Errorf("a secret shows:\n%s", &stderr)
			}
		})
	}
}
