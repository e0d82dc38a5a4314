package acumaticatwin

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/internal/twinfault"
)

// A Fault makes matching requests go wrong; package twinfault lists the modes.
type Fault = twinfault.Fault

// faultPath is where the script of faults is read and written.
const faultPath = "/" + controlRoot + "/faults"

func faultWords() twinfault.Vocabulary {
	return twinfault.Vocabulary{
		System: "acumatica", LowestStatus: http.StatusMultipleChoices,
		Modes: []string{
			twinfault.Delay, twinfault.Status, twinfault.StatusAfterCommit, twinfault.CutBefore, twinfault.CutAfterCommit,
			twinfault.BadGateway, twinfault.Unavailable, twinfault.SlowBody, twinfault.CutBody, twinfault.ExpireToken,
			twinfault.Queued, twinfault.ClosePeriod,
		},
		Variants: map[int][]string{
			http.StatusTooManyRequests:     {variantText, variantJSON},
			http.StatusInternalServerError: {variantDeadlock, variantLoginLimit},
		},
	}
}

// AddFault adds a fault; the first that wants a request is used. It fails when
// the fault is not valid.
func (t *Twin) AddFault(f Fault) error { return t.faults.Add(f) }

// LoadFaults adds the faults that r lists in YAML or JSON: all of them or,
// when one is not valid, none.
func (t *Twin) LoadFaults(r io.Reader) error { return t.faults.Load(r) }

// Faults is the script of what goes wrong.
func (t *Twin) Faults() *twinfault.Script { return t.faults }

// around answers a request under a fault.
func (t *Twin) around(act twinfault.Action, c *call) reply {
	var answer reply
	switch act.Mode {
	case twinfault.CutBefore:
		return reply{}
	case twinfault.Queued:
		t.enqueue(c, act.Duration)
		return reply{}
	case twinfault.Status:
		answer = statusFault(act.Status, act.Variant)
	case twinfault.BadGateway:
		answer = statusFault(http.StatusBadGateway, "")
	case twinfault.Unavailable:
		answer = statusFault(http.StatusServiceUnavailable, "")
	case twinfault.StatusAfterCommit:
		t.admitted(c)
		answer = statusFault(act.Status, act.Variant)
	case twinfault.Delay:
		c.delay = act.Duration
		return t.admitted(c)
	case twinfault.ExpireToken:
		t.expire(c)
		return t.admitted(c)
	case twinfault.ClosePeriod:
		if err := t.ClosePeriod(act.Period); err != nil {
			t.o.Log.Error("acumatica twin fault not possible", "error", err)
		}
		return t.admitted(c)
	default: // what goes wrong on the way back
		return t.admitted(c)
	}
	if act.RetryAfter > 0 {
		answer.header.Set("Retry-After", strconv.Itoa(int(act.RetryAfter/time.Second)))
	}
	return answer
}

// cutOff reports whether the client gets no answer.
func cutOff(act twinfault.Action) bool {
	return slices.Contains([]string{twinfault.CutBefore, twinfault.CutAfterCommit, twinfault.Queued}, act.Mode)
}

// answer sends a reply the way that a fault has it.
func (t *Twin) answer(ctx context.Context, w http.ResponseWriter, answer reply, act twinfault.Action) {
	switch {
	case cutOff(act):
		twinfault.HangUp(w)
	case act.Mode == twinfault.SlowBody:
		t.head(w, answer)
		twinfault.SendSlowly(ctx, w, answer.status, answer.body, act.Duration)
	case act.Mode == twinfault.CutBody:
		t.head(w, answer)
		twinfault.SendHalf(w, answer.status, answer.body)
	default:
		t.write(w, answer)
	}
}

// expire ends the session and the access token that a request came with. The
// refresh token lives on, as it does when an access token has had its hour.
func (t *Twin) expire(c *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	delete(t.sessions, c.cookies[authCookie])
	if g, ok := t.bearer(c); ok {
		delete(t.sessions, c.sessionOf(g))
		token, _ := strings.CutPrefix(c.header.Get("Authorization"), "Bearer ")
		delete(t.st.Grants, hashed(token))
		if err := t.st.write(t.st.grantsEntry); err != nil {
			t.o.Log.Error("acumatica twin expired token not written", "error", err)
		}
	}
}
