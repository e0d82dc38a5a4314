package stripespec

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mockModule is Stripe's own mock server, of the version that describes
// 2023-10-16.
const mockModule = "github.com/stripe/stripe-mock@v0.183.0"

// startTime bounds building or starting the mock.
const startTime = 2 * time.Minute

// Mock starts Stripe's mock server and returns its address, such as
// http://127.0.0.1:4711; it ends with the test. The variable MILLRACE_STRIPE_MOCK names
// its binary. Without it the mock is built from its module, and the test is
// skipped where that cannot be done.
func Mock(tb testing.TB) string {
	tb.Helper()
	binary, given := os.LookupEnv("MILLRACE_STRIPE_MOCK")
	if !given {
		binary = buildMock(tb)
	}
	cmd := exec.Command(binary, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0") //nolint:gosec,noctx // of the developer's choice; it ends in Cleanup
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tb.Fatalf("start Stripe's mock %s: %v", binary, err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if addr, ok := strings.CutPrefix(lines.Text(), "Listening for HTTP at address: "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
			return "http://" + addr
		}
	}
	tb.Fatal("Stripe's mock ended before it listened")
	return ""
}

func buildMock(tb testing.TB) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startTime)
	defer cancel()
	dir := tb.TempDir()
	cmd := exec.CommandContext(ctx, "go", "install", mockModule)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Skipf("Stripe's mock cannot be built here: %v: %s", err, out)
	}
	return filepath.Join(dir, "stripe-mock")
}

// Mirror passes requests on to next and sends a copy of each to Stripe's mock
// at the address. It fails the test when the mock refuses one: such a path,
// method or parameter does not exist at 2023-10-16, or its type is another.
func Mirror(tb testing.TB, mock string, next http.Handler) http.Handler {
	tb.Helper()
	client := &http.Client{Timeout: startTime}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest) // the client is gone
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		twice, err := http.NewRequestWithContext(context.WithoutCancel(req.Context()), req.Method, mock+req.URL.RequestURI(), bytes.NewReader(body)) //nolint:gosec // the mock that the test started
		if err != nil {
			tb.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
			return
		}
		twice.Header = req.Header.Clone()
		res, err := client.Do(twice) //nolint:gosec // as above
		if err != nil {
			tb.Errorf("%s %s: Stripe's mock: %v", req.Method, req.URL.Path, err)
			return
		}
		answer, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode >= http.StatusBadRequest {
			tb.Errorf("Stripe's mock refuses %s %s %s: %d %s", req.Method, req.URL.RequestURI(), body, res.StatusCode, answer)
		}
		next.ServeHTTP(w, req)
	})
}
