package acumaticatwin

import (
	"slices"
	"time"
)

// A job is a request that waits in the queue of the server. It was signed in
// when it came; its client does not wait for it.
type job struct {
	call *call
	due  time.Time
}

func (t *Twin) enqueue(c *call, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	if t.authenticate(c) == nil {
		t.jobs = append(t.jobs, job{call: c, due: t.now().Add(d)})
	}
}

// runJobs does the queued requests whose time has come, in the order of their
// arrival.
func (t *Twin) runJobs() {
	var due []job
	t.jobs = slices.DeleteFunc(t.jobs, func(j job) bool {
		if t.now().Before(j.due) {
			return false
		}
		due = append(due, j)
		return true
	})
	for _, j := range due {
		answer := t.route(j.call)
		t.o.Log.Debug("acumatica twin queued request", "method", j.call.method, "path", j.call.rawPath, "status", answer.status)
	}
}
