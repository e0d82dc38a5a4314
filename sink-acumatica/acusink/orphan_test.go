package acusink

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/posting"
	"millrace/schemas"
)

func (m *memory) Get(_ context.Context, connection, id string) (posting.Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rec posting.Record
	data, ok := m.records[connection+" "+id]
	if !ok {
		return rec, false, nil
	}
	return rec, true, json.Unmarshal(data, &rec)
}

// overtaken lets one worker pause after it recorded its send. Another worker
// takes over and pauses at the given step until the first one has ended.
func (b *bench) overtaken(t *testing.T, point string) error {
	t.Helper()
	paused, resume, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	first, second := *b.sink, *b.sink
	first.at = func(p string) {
		if p == "sent_saved" {
			close(paused)
			<-resume
		}
	}
	m := b.message(intent(nil))
	go func() {
		_, err := first.Handle(t.Context(), m)
		ended <- err
	}()
	<-paused
	var fencedOff error
	met := false
	second.now = func() time.Time { return b.clock.Add(settleDelay) }
	second.at = func(p string) {
		if p == point && !met {
			met = true
			close(resume)
			fencedOff = <-ended
		}
	}
	out, err := second.Handle(t.Context(), m)
	if err != nil || out.Outcome != schemas.Applied || !met {
		t.Fatalf("second worker: %+v, %v, came to %s: %v", out, err, point, met)
	}
	return fencedOff
}

func TestOvertakenWorkerNeverDeletesAReleasedDocument(t *testing.T) {
	b := newBench(t)
	b.erp.saved = func(d map[string]any) {
		if val(d, "ReferenceNbr") == "000002" { // a person was faster
			d["Status"] = acumatica.Value("Open")
		}
	}
	wantCode(t, b.overtaken(t, "done_saved"), "posting.fenced")
	if got := b.erp.in("Open"); !slices.Equal(got, []string{"000002"}) {
		t.Errorf("released by a person: %v", got)
	}
	if slices.ContainsFunc(b.erp.seen(), func(r string) bool { return r == http.MethodDelete+" Payment/Payment/000002" }) {
		t.Error("tried to delete a released document")
	}
}

// The settling delay counts from when the doubt arose: the request may have
// waited for long before it was sent.
func TestSettlingDelayCountsFromTheDoubt(t *testing.T) {
	for _, path := range []string{"Payment", "Payment/ReleasePayment"} {
		t.Run(path, func(t *testing.T) {
			b := newBench(t)
			var waited atomic.Int64
			b.sink.now = func() time.Time { return b.clock.Add(time.Duration(waited.Load())) }
			cut := func(m, p string) bool { return p == path && m != http.MethodGet }
			b.erp.after = func(m, p string) bool {
				if !cut(m, p) {
					return false
				}
				waited.Store(int64(time.Minute))
				return true
			}
			b.erp.status = func(map[string]any) string { return "Balanced" } // not released yet
			_, err := b.handle(t)
			wantCode(t, err, "acumatica.cut")
			if got, want := b.mem.state(t).SentAt, b.clock.Add(time.Minute); !got.Equal(want) {
				t.Errorf("sent at %s, want %s", got, want)
			}
			_, err = b.handle(t)
			wantCode(t, err, "acumatica.uncertain")
		})
	}
}

func TestFencedWorkerKeepsItsUncertainError(t *testing.T) {
	b := newBench(t)
	b.erp.after = func(m, _ string) bool {
		if m != http.MethodPut {
			return false
		}
		if _, err := b.mem.Claim(context.Background(), "default", intent(nil).ID); err != nil {
			t.Error(err)
		}
		return true
	}
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.cut")
	if s := b.mem.state(t); !s.SentAt.Equal(b.clock) || s.State != posting.Sent {
		t.Errorf("posting %+v", s)
	}
}
