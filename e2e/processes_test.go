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
	w := newWorld(t, trap{})
	srv, err := embednats.Start(embednats.Options{StoreDir: filepath.Join(t.TempDir(), "nats"), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Shutdown)
	w.nats = strings.Replace(srv.ClientURL(), "nats://", "nats://"+srv.Token()+"@", 1)
	if _, code := w.cli("run", "transform"); code != 3 {
		t.Errorf("a service without streams: exit code %d, want 3", code)
	}
	if out, code := w.cli("provision"); code != 0 {
		t.Fatalf("provision: exit code %d, %s", code, out)
	}
	for _, service := range []string{"ingest", "source-acumatica", "transform", "transform", "sink-acumatica", "sink-acumatica", "sink-stripe", "sink-stripe"} {
		w.service(service)
	}
	w.until("ingest says where it listens", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.ingest != ""
	})
	w.flow()
	w.judge()
}

// service runs one service until the test ends, and reads from the log of
// ingest where it listens.
func (w *world) service(name string) {
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
