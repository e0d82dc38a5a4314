package demo

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
)

// A line is how the pipeline reaches a system. It can be broken, and counts
// what goes over it. Others have a line of their own.
type line struct {
	to     http.Handler
	broken atomic.Bool
	writes atomic.Int64
	rounds atomic.Int64 // of polling: each begins with asking for the clock

	finalized atomic.Pointer[func(ctx context.Context, invoice string)] // is told of each Stripe invoice that can be paid now
}

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.broken.Load() {
		http.Error(w, "no route to host", http.StatusServiceUnavailable)
		return
	}
	switch {
	case r.Method == http.MethodGet || strings.HasPrefix(r.URL.Path, "/identity/") || strings.HasPrefix(r.URL.Path, "/entity/auth/"):
	default:
		l.writes.Add(1)
	}
	if q := r.URL.Query(); q.Get("$top") == "1" && q.Get("$select") == "CustomerID" {
		l.rounds.Add(1)
	}
	l.to.ServeHTTP(w, r)
	if id, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v1/invoices/"), "/finalize"); ok {
		if tell := l.finalized.Load(); tell != nil {
			(*tell)(r.Context(), id)
		}
	}
}
