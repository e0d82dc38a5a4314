package stripeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"millrace/internal/calls"
)

// maxBody bounds an answer; a page of 100 invoices with their lines has about
// two megabytes.
const maxBody = 32 << 20

// seen is what the transport saw of the last request of a call: the client
// library does not pass it on with every error.
type seen struct {
	status     int // 0: no answer came back whole
	retryAfter time.Duration
	requestID  string
	replayed   bool // it is the answer to an earlier request under the same idempotency key
}

type seenKey struct{}

func withSeen(ctx context.Context) (context.Context, *seen) {
	s := &seen{}
	return context.WithValue(ctx, seenKey{}, s), s
}

// notJSONError says that something answered, but not Stripe's API.
type notJSONError struct{ status int }

func (e *notJSONError) Error() string { return fmt.Sprintf("http %d without json", e.status) }

// transport counts each request and reads the whole answer, so that a cut
// answer is a network error and a page of HTML never reaches the decoder.
type transport struct {
	next    http.RoundTripper // nil: http.DefaultTransport
	log     *slog.Logger
	limiter Limiter       // nil: no limit
	timeout time.Duration // of one request, from when it is sent
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s, ok := req.Context().Value(seenKey{}).(*seen)
	if !ok {
		s = &seen{}
	}
	*s = seen{}
	if t.limiter != nil {
		done, err := t.limiter.Admit(req.Context())
		if err != nil {
			return nil, err
		}
		defer done()
	}
	if counter := calls.From(req.Context()); req.Method == http.MethodGet {
		counter.StripeReads.Add(1)
	} else {
		counter.StripeWrites.Add(1)
	}
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	res, err := next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if closeErr := res.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("answer of http %d was cut: %w", res.StatusCode, err)
	}
	*s = seen{
		status: res.StatusCode, retryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()), requestID: res.Header.Get("Request-Id"),
		replayed: res.Header.Get("Idempotent-Replayed") == "true",
	}
	if t.limiter != nil && asksForPause(s, body) {
		t.limiter.SlowDown(s.retryAfter)
	}
	if t.log != nil {
		t.log.DebugContext(req.Context(), "stripe request", "method", req.Method, "path", req.URL.Path,
			"status", s.status, "request_id", s.requestID, "took_ms", time.Since(start).Milliseconds())
	}
	if redirected := s.status >= 300 && s.status < 400; redirected || !json.Valid(body) {
		return nil, &notJSONError{s.status}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// asksForPause says whether an answer is about all requests. Stripe: a 429 with
// the code lock_timeout is about one object that another request has locked.
func asksForPause(s *seen, body []byte) bool {
	if s.status != http.StatusTooManyRequests {
		return s.status == http.StatusServiceUnavailable && s.retryAfter > 0
	}
	var answer struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	return json.Unmarshal(body, &answer) != nil || answer.Error.Code != "lock_timeout"
}

// retryAfter reads the header in both of its forms; 0 when there is none.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(max(seconds, 0), maxRetryAfter)) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter*time.Second)
	}
	return 0
}

// maxRetryAfter, in seconds, bounds what we let a server tell us.
const maxRetryAfter = 3600
