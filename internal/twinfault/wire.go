package twinfault

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// HangUp cuts the connection inside the first line of the answer: at an
// earlier cut Go's own client would send a request that is safe to repeat
// again by itself, and nobody would see the fault.
func HangUp(w http.ResponseWriter) { sever(w, "HTTP/1.1 ") }

// SendHalf sends the head of an answer and half of its body, then cuts the
// connection. The caller has set the other headers.
func SendHalf(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	sever(w, "")
}

// drops is in how many pieces a slow body comes.
const drops = 20

// SendSlowly sends the head of an answer at once and its body bit by bit, so
// that the last of it comes after d. It stops when the client goes.
func SendSlowly(ctx context.Context, w http.ResponseWriter, status int, body []byte, d time.Duration) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	rc := http.NewResponseController(w)
	_ = rc.Flush()
	tick := time.NewTicker(max(1, d/drops))
	defer tick.Stop()
	for n := range drops {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, err := w.Write(body[len(body)*n/drops : len(body)*(n+1)/drops]); err != nil {
			return
		}
		_ = rc.Flush()
	}
}

// sever writes last words and closes the connection.
func sever(w http.ResponseWriter, last string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the documented way where connections cannot be taken over (HTTP/2)
	}
	_, _ = conn.Write([]byte(last))
	_ = conn.Close()
}
