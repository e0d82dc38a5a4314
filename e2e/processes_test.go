package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"millrace/internal/embednats"
)

// TestEachServiceInAProcessOfItsOwn: the same path, five processes, a broker
// outside; two replicas of every stage share the work.
func TestEachServiceInAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.outsideBroker()
	for _, service := range []string{"ingest", "source-acumatica", "transform", "transform", "sink-acumatica", "sink-acumatica", "sink-stripe", "sink-stripe"} {
		w.service(service)
	}
	w.ingestListens()
	w.flow()
	w.judge()
}

// outsideBroker starts a broker and provisions it; services are started with
// service.
func (w *world) outsideBroker() {
	w.t.Helper()
	srv, err := embednats.Start(embednats.Options{StoreDir: filepath.Join(w.t.TempDir(), "nats"), Listen: "127.0.0.1:0"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(srv.Shutdown)
	w.nats = strings.Replace(srv.ClientURL(), "nats://", "nats://"+srv.Token()+"@", 1)
	if _, code := w.cli("run", "transform"); code != 3 {
		w.t.Errorf("a service without streams: exit code %d, want 3", code)
	}
	if out, code := w.cli("provision"); code != 0 {
		w.t.Fatalf("provision: exit code %d, %s", code, out)
	}
}

// service runs one service until the test ends, and reads from the log of
// ingest where it listens.
func (w *world) service(name string) *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(millrace, "run", name)
	cmd.Env, cmd.Dir = w.env(), w.dir
	logs, err := cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		w.readLog(logs)
	}()
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-read
		_ = cmd.Wait()
	})
	return cmd
}

func (w *world) ingestListens() {
	w.t.Helper()
	w.until("ingest says where it listens", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.ingest != ""
	})
}

func (w *world) readLog(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var line struct {
			Msg  string `json:"msg"`
			Addr string `json:"addr"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && strings.Contains(line.Msg, "webhook") && line.Addr != "" {
			w.mu.Lock()
			w.ingest = line.Addr
			w.mu.Unlock()
		}
	}
}
