package push

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"millrace/internal/fault"
)

// hints counts what is passed on, by connection.
type hints struct {
	mu   sync.Mutex
	n    map[string]int
	fail error
}

func (h *hints) hint(_ context.Context, connection string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return h.fail
	}
	h.n[connection]++
	return nil
}

func newHandler(t *testing.T) (*Handler, *hints) {
	t.Helper()
	n := &hints{n: make(map[string]int)}
	h, err := New(Options{
		Connections: map[string]Connection{
			"default": {Header: "X-Millrace-Secret", Secrets: []string{"old secret", "new secret"}},
			"other":   {Header: "X-Other", Secrets: []string{"other secret"}},
			"none":    {Header: "X-Millrace-Secret"},
		},
		Default: "default", MaxBody: 1000, Hint: n.hint, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h, n
}

func post(t *testing.T, h http.Handler, path, body string, header ...string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func notification(id string) string {
	return `{"Inserted":[{"ReferenceNbr":"AR1","Balance":0}],"Deleted":[],"Query":"Invoice","CompanyId":"U100","Id":"` + id + `","TimeStamp":638000000000000000,"AdditionalInfo":{}}`
}

func TestOnlyWhoKnowsTheSecretGivesAHint(t *testing.T) {
	const path, header = "/webhooks/acumatica", "X-Millrace-Secret"
	for _, tt := range []struct {
		name, path, body string
		header           []string
		status           int
		hints            string
	}{
		{"a secret", path, notification("1"), []string{header, "new secret"}, 204, "map[default:1]"},
		{"the one before", path, notification("1"), []string{header, "old secret"}, 204, "map[default:1]"},
		{"by name", path + "/default", notification("1"), []string{header, "new secret"}, 204, "map[default:1]"},
		{"another connection", path + "/other", notification("1"), []string{"X-Other", "other secret"}, 204, "map[other:1]"},
		{"the secret of another connection", path + "/other", notification("1"), []string{"X-Other", "new secret"}, 401, "map[]"},
		{"no header", path, notification("1"), nil, 401, "map[]"},
		{"an empty secret", path, notification("1"), []string{header, ""}, 401, "map[]"},
		{"part of a secret", path, notification("1"), []string{header, "new"}, 401, "map[]"},
		{"two values", path, notification("1"), []string{header, "guess", header, "new secret"}, 401, "map[]"},
		{"unknown connection", path + "/nobody", notification("1"), []string{header, "new secret"}, 404, "map[]"},
		{"connection without a secret", path + "/none", notification("1"), []string{header, ""}, 404, "map[]"},
		{"too large", path, notification(strings.Repeat("x", 2000)), []string{header, "new secret"}, 413, "map[]"},
		{"too large and a stranger's", path, notification(strings.Repeat("x", 2000)), nil, 401, "map[]"},
		{"no JSON", path, "<xml/>", []string{header, "new secret"}, 400, "map[]"},
		{"no id", path, `{"Inserted":[]}`, []string{header, "new secret"}, 400, "map[]"},
		{"no such path", path + "/default/x", notification("1"), []string{header, "new secret"}, 404, "map[]"},
	} {
		h, n := newHandler(t)
		if got := post(t, h, tt.path, tt.body, tt.header...); got != tt.status || fmt.Sprint(n.n) != tt.hints {
			t.Errorf("%s: %d and hints %v, want %d and %s", tt.name, got, n.n, tt.status, tt.hints)
		}
	}
	h, _ := newHandler(t)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET = %d", w.Code)
	}
}

// TestANotificationCountsOnce: Acumatica sends it up to five times, and all
// queries of a transaction have one Id.
func TestANotificationCountsOnce(t *testing.T) {
	h, n := newHandler(t)
	send := func(id string) int {
		return post(t, h, "/webhooks/acumatica", notification(id), "X-Millrace-Secret", "new secret")
	}
	n.fail = fault.Newf("bus.unavailable", "no responders")
	if got := send("1"); got != http.StatusServiceUnavailable {
		t.Fatalf("without a broker %d, want to be asked again", got)
	}
	n.fail = nil
	for range 5 {
		if got := send("1"); got != http.StatusNoContent {
			t.Fatalf("%d", got)
		}
	}
	if n.n["default"] != 1 {
		t.Errorf("%d hints of one notification", n.n["default"])
	}
	// The same Id of another connection is another one.
	post(t, h, "/webhooks/acumatica/other", notification("1"), "X-Other", "other secret")
	if n.n["other"] != 1 {
		t.Errorf("%d hints of another connection", n.n["other"])
	}
	for i := range maxIDs + 10 {
		send(fmt.Sprint("n", i))
	}
	if len(h.told.known) != maxIDs || len(h.told.ring) != maxIDs {
		t.Errorf("%d ids are remembered, want %d", len(h.told.known), maxIDs)
	}
}
