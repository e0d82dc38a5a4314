package acumaticatwin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Fault makes matching requests go wrong. Modes: "status:500", "status:429",
// "status:503" (answer that, do nothing), "cut_before" (close the connection,
// do nothing), "cut_after_commit" (do it, keep it, close without an answer),
// "slow:2s" (wait, then do it and answer, even when the client has gone:
// Acumatica queues requests and works on them later).
type Fault struct {
	Method     string `json:"method"`      // "" matches all
	PathPrefix string `json:"path_prefix"` // "" matches all; "/_twin" is never faulty
	Count      int    `json:"count"`       // how many requests; 0 or less = until the twin ends
	Mode       string `json:"mode"`
}

// AddFault adds a fault; the first that matches a request is used. A fault
// with an unknown mode is dropped and logged.
func (t *Twin) AddFault(f Fault) {
	if err := f.valid(); err != nil {
		t.o.Log.Error("acumatica twin fault dropped", "error", err)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, &f)
}

func (f *Fault) valid() error {
	mode, arg, _ := strings.Cut(f.Mode, ":")
	switch mode {
	case "cut_before", "cut_after_commit":
		return nil
	case "status":
		if n, err := strconv.Atoi(arg); err == nil && n >= 300 && n <= 599 {
			return nil
		}
	case "slow":
		if d, err := time.ParseDuration(arg); err == nil && d >= 0 {
			return nil
		}
	}
	return fmt.Errorf("fault mode %q: want status:<code>, cut_before, cut_after_commit or slow:<duration>", f.Mode)
}

// takeFault uses up one request of the first matching fault; nil is no fault.
func (t *Twin) takeFault(method, path string) *Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range t.faults {
		if (f.Method != "" && f.Method != method) || !strings.HasPrefix(path, f.PathPrefix) {
			continue
		}
		if f.Count == 1 {
			t.faults = slices.Delete(t.faults, i, i+1)
		} else if f.Count > 1 {
			f.Count--
		}
		return &Fault{Mode: f.Mode}
	}
	return nil
}

// around runs a request under a fault and says whether to hang up on it.
func (f *Fault) around(serve func() reply) (reply, bool) {
	if f == nil {
		return serve(), false
	}
	mode, arg, _ := strings.Cut(f.Mode, ":")
	switch mode {
	case "cut_before":
		return reply{}, true
	case "cut_after_commit":
		serve()
		return reply{}, true
	case "slow":
		d, _ := time.ParseDuration(arg)
		<-time.After(d)
	case "status":
		n, _ := strconv.Atoi(arg)
		return statusFault(n), false
	}
	return serve(), false
}

// statusFault answers a status in the shape that Acumatica or the web server
// in front of it gives it.
func statusFault(status int) reply {
	switch status {
	case http.StatusTooManyRequests:
		answer := emptyReply(status)
		answer.header.Set("Content-Type", "text/plain; charset=utf-8")
		answer.body = []byte("The custom error module does not recognize this error.")
		return answer
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		answer := emptyReply(status)
		answer.header.Set("Content-Type", "text/html; charset=us-ascii")
		answer.body = []byte("<html><head><title>" + http.StatusText(status) + "</title></head><body>The service is unavailable.</body></html>")
		return answer
	case http.StatusFound:
		answer := emptyReply(status)
		answer.header.Set("Location", "/Frames/Error.aspx?message=The+number+of+concurrent+API+logins+has+been+reached.")
		return answer
	case http.StatusInternalServerError:
		return exception("System.Data.SqlClient.SqlException",
			"Transaction (Process ID 57) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.").reply()
	}
	return plain(status, http.StatusText(status)).reply()
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler) // the documented way where connections cannot be taken over
}
