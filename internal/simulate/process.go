package simulate

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"millrace/internal/bus"
	"millrace/internal/service"
)

// restartAfter is how long the supervisor waits before it starts a process
// again.
const restartAfter = 50 * time.Millisecond

// A process is a set of services behind one line.
type process struct {
	w        *world
	name     string
	services []service.Service
	line     *line
	cancel   context.CancelFunc
	gone     chan struct{} // closed when its goroutines have ended

	mu sync.Mutex
	rt *service.Runtime
}

// startProcess starts the services of a slot; the supervisor starts them anew
// whenever they end, until the world ends.
func (w *world) startProcess(slot int, name string, services []service.Service) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{w: w, name: name, services: services, line: newLine(), cancel: cancel, gone: make(chan struct{})}
	w.mu.Lock()
	if slot == len(w.procs) {
		w.procs = append(w.procs, p)
	} else {
		w.procs[slot] = p
	}
	w.mu.Unlock()
	w.running.Go(func() {
		defer close(p.gone)
		err := p.run(ctx)
		w.log.Debug("simulated process ended", "process", name, "err", err)
	})
}

// run is the life of the process: it ends with an error, or when it is killed.
func (p *process) run(ctx context.Context) error {
	b, err := bus.Connect(ctx, p.w.busOptions(p.name, p.line))
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()                                // the broker may be gone
	defer context.AfterFunc(p.line.ctx, func() { _ = b.Close() })() // the dead do not wait for answers
	next := http.DefaultTransport.(*http.Transport).Clone()         //nolint:forcetypeassert // the standard library's own
	defer next.CloseIdleConnections()
	var reach http.RoundTripper = &transport{line: p.line, next: next}
	if p.w.interpose != nil {
		reach = p.w.interpose(reach)
	}
	rt, err := service.Open(ctx, service.Options{
		Name: p.name, Config: p.w.config(), Log: p.w.log.With("process", p.name), Bus: b,
		HTTP: reach,
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.rt = rt
	p.mu.Unlock()
	return service.Run(ctx, rt, p.services...)
}

// kill ends the process as kill -9 does: what it has not sent is never sent.
func (p *process) kill() {
	p.line.cut()
	p.cancel()
}

// ingest is the address of its webhook endpoint, if it has one and lives.
func (p *process) ingest() (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rt == nil || p.line.ctx.Err() != nil {
		return "", false
	}
	a, ok := p.rt.Addr("ingest")
	if !ok {
		return "", false
	}
	return a.String(), true
}

func (w *world) processes() []*process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*process(nil), w.procs...)
}

// supervise starts every process that has ended again, until ctx is done.
func (w *world) supervise(ctx context.Context) {
	t := time.NewTicker(restartAfter)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if w.away.Load() {
			continue
		}
		for slot, p := range w.processes() {
			if p.ended() && ctx.Err() == nil {
				w.startProcess(slot, p.name, p.services)
			}
		}
	}
}

// ended: a killed process is gone for the world at once, even while its
// goroutines still notice.
func (p *process) ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return errors.Is(p.line.ctx.Err(), context.Canceled)
	}
}
