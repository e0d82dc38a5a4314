package stripetwin

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Fault goes wrong for the next Count API requests that it matches.
type Fault struct {
	Method     string `json:"method"`      // "" is any
	PathPrefix string `json:"path_prefix"` // "" is any, such as /v1/invoices
	Count      int    `json:"count"`       // 0 is once
	// Mode is one of
	//   status:NNN               answer NNN before anything is executed; nothing is kept under the idempotency key
	//   status_after_commit:NNN  execute, but answer NNN, and keep that under the idempotency key
	//   cut_before               cut the connection before anything is executed
	//   cut_after_commit         execute, then cut the connection instead of answering
	//   delay:DURATION           wait before executing, such as delay:300ms
	Mode string `json:"mode"`
}

type faultMode int

const (
	modeNone faultMode = iota
	modeStatus
	modeStatusAfterCommit
	modeCutBefore
	modeCutAfterCommit
	modeDelay
)

// A fault is a parsed Mode.
type fault struct {
	mode   faultMode
	status int
	delay  time.Duration
}

func parseMode(s string) (fault, error) {
	name, arg, _ := strings.Cut(s, ":")
	switch name {
	case "cut_before":
		return fault{mode: modeCutBefore}, nil
	case "cut_after_commit":
		return fault{mode: modeCutAfterCommit}, nil
	case "delay":
		if d, err := time.ParseDuration(arg); err == nil && d >= 0 {
			return fault{mode: modeDelay, delay: d}, nil
		}
	case "status", "status_after_commit":
		n, err := strconv.Atoi(arg)
		if err == nil && n >= 400 && n <= 599 {
			if name == "status" {
				return fault{mode: modeStatus, status: n}, nil
			}
			return fault{mode: modeStatusAfterCommit, status: n}, nil
		}
	}
	return fault{}, fmt.Errorf("fault mode %q: want status:NNN, status_after_commit:NNN, cut_before, cut_after_commit or delay:DURATION", s)
}

// AddFault scripts a fault. It fails when the mode is not one of those that
// Fault lists.
func (t *Twin) AddFault(f Fault) error {
	if _, err := parseMode(f.Mode); err != nil {
		return err
	}
	f.Count = max(1, f.Count)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, f)
	return nil
}

// takeFault uses up one count of the first fault that matches.
func (t *Twin) takeFault(method, path string) (fault, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range t.faults {
		if f.Method != "" && !strings.EqualFold(f.Method, method) || !strings.HasPrefix(path, f.PathPrefix) {
			continue
		}
		if t.faults[i].Count--; t.faults[i].Count == 0 {
			t.faults = append(t.faults[:i:i], t.faults[i+1:]...)
		}
		parsed, err := parseMode(f.Mode)
		return parsed, err == nil
	}
	return fault{}, false
}

// faultError is the error body that goes with a scripted status. Stripe: 429
// of the rate limiter has code rate_limit and names its reason in a header.
func faultError(status int) *apiError {
	switch {
	case status == http.StatusTooManyRequests:
		return &apiError{
			status: status, code: "rate_limit",
			msg:    "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
			header: map[string]string{"Stripe-Rate-Limited-Reason": "global-rate"},
		}
	case status == http.StatusConflict:
		return &apiError{
			status: status, code: "lock_timeout", header: map[string]string{"Stripe-Should-Retry": "true"},
			msg: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
		}
	case status >= http.StatusInternalServerError:
		return &apiError{status: status, typ: "api_error", msg: "An unknown error occurred"}
	}
	return &apiError{status: status, msg: "Scripted fault of the Stripe twin: " + strconv.Itoa(status)}
}
