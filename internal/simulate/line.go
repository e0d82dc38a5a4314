package simulate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

var errCut = errors.New("the process was killed")

// A line is all that connects a simulated process with the world: every
// request, answer and broker packet passes it.
type line struct {
	ctx  context.Context //nolint:containedctx // the life of the line: done once it is cut
	stop context.CancelFunc

	mu      sync.Mutex
	passed  int           // operations so far
	trap    int           // the operation at which trip is called; 0 = none
	trip    func()        // called once, outside the lock
	resumed chan struct{} // nil: not held
}

func newLine() *line {
	ctx, stop := context.WithCancel(context.Background())
	return &line{ctx: ctx, stop: stop}
}

// cut ends everything that passes the line, at once and for good.
func (l *line) cut() { l.stop() }

// hold stops everything on the line until release is called.
func (l *line) hold() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ch := make(chan struct{})
	l.resumed = ch
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.resumed == ch {
			l.resumed = nil
		}
		close(ch)
	})
}

// set calls trip at the n-th operation from now on.
func (l *line) set(n int, trip func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trap, l.trip = l.passed+n, trip
}

// pass counts one operation and lets it through, later when the line is held,
// never when it is cut.
func (l *line) pass() error {
	l.mu.Lock()
	l.passed++
	var trip func()
	if l.trap != 0 && l.passed >= l.trap {
		trip, l.trap = l.trip, 0
	}
	l.mu.Unlock()
	if trip != nil {
		trip()
	}
	for {
		l.mu.Lock()
		resumed := l.resumed
		l.mu.Unlock()
		if resumed == nil {
			break
		}
		select {
		case <-resumed:
		case <-l.ctx.Done():
		}
		if l.ctx.Err() != nil {
			break
		}
	}
	if l.ctx.Err() != nil {
		return errCut
	}
	return nil
}

// transport sends HTTP requests through a line: a kill may fall before the
// request leaves, while the other side works on it, and before the answer is
// seen.
type transport struct {
	line *line
	next http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.line.pass(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	defer context.AfterFunc(t.line.ctx, cancel)()
	res, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close(), t.line.pass()); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// wire is a broker connection through a line.
type wire struct {
	net.Conn
	line *line
	free func() bool
}

func (l *line) wire(c net.Conn) net.Conn {
	return &wire{Conn: c, line: l, free: context.AfterFunc(l.ctx, func() { _ = c.Close() })}
}

// Write lets a packet out.
func (w *wire) Write(p []byte) (int, error) {
	if err := w.line.pass(); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// Read takes a packet in.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if perr := w.line.pass(); perr != nil {
		return 0, perr
	}
	return n, err
}

// Close closes the connection.
func (w *wire) Close() error {
	w.free()
	return w.Conn.Close()
}
