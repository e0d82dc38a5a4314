package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// restartAfter is how soon a process that is gone is started again, as a
// supervisor does it.
const restartAfter = 100 * time.Millisecond

// A fleet is an installation as it runs in production: a broker and several
// replicas of every service, each a process of its own, each started again
// whenever it is gone.
type fleet struct {
	w       *world
	broker  *member
	members []*member // the services; the broker is not among them
	turn    atomic.Uint64
}

// A member is one process of a fleet.
type member struct {
	service string
	args    []string
	w       *world

	mu     sync.Mutex
	cmd    *exec.Cmd
	addr   string // ingest: where it listens
	killed int
	quit   bool
	said   []string // last lines of lives that ended by themselves
}

// newFleet starts a broker, provisions it, and starts that many replicas of
// each service. Its webhooks go to whichever ingest answers.
func newFleet(w *world, replicas int) *fleet {
	w.t.Helper()
	f := &fleet{w: w}
	f.startBroker()
	for _, service := range allServices() {
		for range replicas {
			m := &member{service: service, w: w, args: []string{millrace, "run", service, "--log-level", "warn"}}
			if service == "ingest" {
				m.args = []string{millrace, "run", service} // says where it listens
			}
			f.members = append(f.members, m)
			m.supervise()
		}
	}
	w.stripe.SetWebhook(w.serve(http.HandlerFunc(f.balance)), webhookSecret)
	return f
}

func allServices() []string {
	return []string{"ingest", "sweep", "source-acumatica", "transform", "sink-acumatica", "sink-stripe"}
}

// startBroker builds the broker that go.mod names and runs it with the
// configuration that is shipped, on a free port.
func (f *fleet) startBroker() {
	t := f.w.t
	t.Helper()
	bin := filepath.Join(f.w.dir, "nats-server")
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		t.Fatalf("build the broker: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile("../deploy/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.NewReplacer("port: 4222", "listen: "+addr, "http_port: 8222", "", "/data", filepath.Join(f.w.dir, "nats")).Replace(string(shipped))
	if !strings.Contains(conf, "sync_interval: always") || !strings.Contains(conf, addr) {
		t.Fatalf("the shipped configuration has another shape:\n%s", conf)
	}
	path := filepath.Join(f.w.dir, "nats.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	f.w.nats = "nats://" + addr
	f.broker = &member{service: "broker", w: f.w, args: []string{bin, "-c", path}}
	f.broker.supervise()
	f.w.until("the broker is provisioned", func() bool { _, code := f.w.cli("provision"); return code == 0 })
}

// supervise runs the process until the test ends, again and again.
func (m *member) supervise() {
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m.live() {
			select {
			case <-over:
			case <-time.After(restartAfter):
			}
		}
	}()
	m.w.t.Cleanup(func() {
		m.mu.Lock()
		m.quit = true
		m.mu.Unlock()
		close(over)
		m.kill()
		<-done
	})
}

// live is one life of the process; false when there will be no other.
func (m *member) live() bool {
	cmd := exec.Command(m.args[0], m.args[1:]...)
	cmd.Env, cmd.Dir = m.w.env(), m.w.dir
	logs, err := cmd.StderrPipe()
	if err != nil {
		m.w.t.Error(err)
		return false
	}
	m.mu.Lock()
	if m.quit {
		m.mu.Unlock()
		return false
	}
	err = cmd.Start()
	m.cmd = cmd
	m.mu.Unlock()
	if err != nil {
		m.w.t.Errorf("start %s: %v", m.service, err)
		return false
	}
	lines := bufio.NewScanner(logs)
	lines.Buffer(nil, 1<<20)
	last := ""
	for lines.Scan() {
		last = tail(last+" | "+lines.Text(), 500)
		var line struct {
			Addr string `json:"addr"`
		}
		if strings.Contains(lines.Text(), "webhooks listening") && json.Unmarshal(lines.Bytes(), &line) == nil {
			m.listens(line.Addr)
		}
	}
	_ = cmd.Wait() // killed
	m.listens("")
	if cmd.ProcessState.ExitCode() >= 0 { // not by a signal
		m.mu.Lock()
		m.said = append(m.said, last)
		m.mu.Unlock()
	}
	return true
}

func (m *member) listens(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addr = addr
}

// kill is SIGKILL; false when there is no process right now.
func (m *member) kill() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd == nil || m.cmd.Process == nil || m.cmd.Process.Kill() != nil {
		return false
	}
	m.killed++
	return true
}

// balance hands a webhook to one of the ingests that run, as a load balancer
// does; with none of them Stripe delivers again.
func (f *fleet) balance(rw http.ResponseWriter, r *http.Request) {
	for range f.members {
		m := f.members[f.turn.Add(1)%uint64(len(f.members))]
		m.mu.Lock()
		addr := m.addr
		m.mu.Unlock()
		if addr != "" {
			handTo(addr, rw, r)
			return
		}
	}
	http.Error(rw, "no ingest runs", http.StatusBadGateway)
}

// of lists the replicas of a service.
func (f *fleet) of(service string) []*member {
	if service == "broker" {
		return []*member{f.broker}
	}
	var list []*member
	for _, m := range f.members {
		if m.service == service {
			list = append(list, m)
		}
	}
	return list
}

// lives tells how often each service was killed, and how often it went away
// by itself, which it does when it starts while the broker is gone.
func (f *fleet) lives() string {
	var b strings.Builder
	for _, service := range append(allServices(), "broker") {
		killed, gone := 0, 0
		for _, m := range f.of(service) {
			m.mu.Lock()
			killed, gone = killed+m.killed, gone+len(m.said)
			for _, last := range m.said {
				f.w.t.Logf("%s ended by itself: %s", service, last)
			}
			m.mu.Unlock()
		}
		fmt.Fprintf(&b, "%s killed %d, ended by itself %d; ", service, killed, gone)
	}
	return strings.TrimSuffix(b.String(), "; ")
}

// everywhere waits until each service has a process, so that a kill hits one.
func (f *fleet) everywhere(t *testing.T) {
	t.Helper()
	f.w.until("an ingest listens", func() bool {
		for _, m := range f.of("ingest") {
			m.mu.Lock()
			addr := m.addr
			m.mu.Unlock()
			if addr != "" {
				return true
			}
		}
		return false
	})
}
