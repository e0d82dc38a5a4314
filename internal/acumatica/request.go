package acumatica

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"millrace/internal/calls"
	"millrace/internal/fault"
)

// maxBody bounds one answer; a page of a poll is far smaller.
const maxBody = 128 << 20

type request struct {
	method string
	entity string // for the form; empty for requests to no form
	path   string // unescaped where a key was not escaped by keyPath
	query  string
	body   []byte
	write  bool  // repeating it could do something twice
	byKey  bool  // 404 means that the record is not there
	update bool  // Acumatica: If-Match "*", so that nothing is inserted
	later  *form // taken once the limiter lets the request go; nil: the caller holds what it needs
}

type response struct {
	status int
	header http.Header
	body   []byte
	date   time.Time // Date header; zero if there was none
	write  bool
}

// do sends the request in the session, once more if the session turns out to
// be over, and classifies whatever goes wrong.
func (c *Client) do(ctx context.Context, r request) (*response, error) {
	var stale int
	for try := 0; ; try++ {
		pass, err := c.ensure(ctx, stale)
		if err != nil {
			return nil, err
		}
		calls.From(ctx).AcumaticaCalls.Add(1)
		res, err := c.send(ctx, r, pass.bearer)
		if err != nil {
			return nil, err
		}
		if !unauthorized(res) {
			err := c.fail(r, res)
			c.slowDown(res, err)
			return res, err
		}
		// Acumatica refuses before it works: nothing was done, and trying
		// again with a new session is safe for writes too.
		if try > 0 {
			return nil, fault.Newf("acumatica.credentials", "http %d although just signed in", res.status)
		}
		stale = pass.generation
	}
}

// slowDown tells everybody when Acumatica asked for a pause. A refused sign-in
// is not told: it is about sessions, and those who have one may go on.
func (c *Client) slowDown(res *response, err error) {
	if err == nil {
		return
	}
	f := fault.Of(err)
	if f.Code == "acumatica.session_limit" {
		return
	}
	if wait := cmp.Or(f.RetryAfter, retryAfter(res)); f.Kind == fault.Throttled || res.status == http.StatusServiceUnavailable && wait > 0 {
		c.limiter.SlowDown(wait)
	}
}

// send makes one HTTP exchange, once it is allowed to, and reads the whole
// answer. The error says whether the request may have reached Acumatica. The
// wait for the limiter is not part of the time that the request may take.
func (c *Client) send(ctx context.Context, r request, bearer string) (*response, error) {
	done, err := c.admit(ctx, r.later)
	if err != nil {
		return nil, err
	}
	defer done()
	var sent atomic.Bool
	inner, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	inner = httptrace.WithClientTrace(inner, &httptrace.ClientTrace{WroteHeaderField: func(string, []string) { sent.Store(true) }})
	u := c.base.Scheme + "://" + c.base.Host + r.path
	if r.query != "" {
		u += "?" + r.query
	}
	var body io.Reader = http.NoBody // POST without a body gets Content-Length: 0, else IIS answers 411
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(inner, r.method, u, body)
	if err != nil {
		return nil, fault.New("acumatica.request", err)
	}
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.update {
		req.Header.Set("If-Match", "*")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if c.cfg.Branch != "" {
		req.Header.Set("PX-CbApiBranch", c.cfg.Branch)
	}
	return c.exchange(req, r.write, &sent)
}

func (c *Client) exchange(req *http.Request, write bool, sent *atomic.Bool) (out *response, err error) {
	begun := time.Now()
	defer func() {
		status := 0
		if out != nil {
			status = out.status
		}
		c.log.DebugContext(req.Context(), "acumatica request", "method", req.Method, "path", req.URL.Path,
			"status", status, "took_ms", time.Since(begun).Milliseconds())
	}()
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(err, write, sent.Load())
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, c.broken(err, write, true)
	}
	if len(data) > maxBody {
		return nil, fault.Newf("acumatica.request", "the answer is larger than %d bytes: read smaller pages", maxBody)
	}
	out = &response{status: res.StatusCode, header: res.Header, body: data, write: write}
	if t, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		out.date = t
	}
	return out, nil
}

// broken classifies an exchange that brought no answer.
func (c *Client) broken(err error, write, sent bool) error {
	// The URL of *url.Error would repeat what the caller says anyway.
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	err = c.redactError(err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	stopped := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	switch {
	case certificate:
		return fault.New("acumatica.endpoint", err)
	case !sent && !stopped:
		return fault.New("acumatica.unreachable", err)
	case stopped || isNet && timeout.Timeout():
		return uncertainIf(write && sent, fault.New("acumatica.timeout", err))
	default:
		return uncertainIf(write, fault.New("acumatica.cut", err))
	}
}

// decode reads a JSON answer with exact numbers (Invariant 6). After a write
// an answer that cannot be read leaves open whether the record was saved.
func (c *Client) decode(res *response, into any) error {
	d := json.NewDecoder(bytes.NewReader(res.body))
	d.UseNumber()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	return uncertainIf(res.write, fault.Newf("acumatica.server_error", "http %d with an answer that is not JSON: %w", res.status, err))
}

// uncertain marks an error of a write that may have been executed.
type uncertain struct{ err error }

func (u *uncertain) Error() string { return u.err.Error() + " (it may have been executed)" }
func (u *uncertain) Unwrap() error { return u.err }

func uncertainIf(open bool, err error) error {
	if open {
		return &uncertain{err: err}
	}
	return err
}

// Uncertain reports that the request behind err may have been executed: it
// timed out or the connection broke after it was sent, or the server failed
// with something other than a business error. The caller must search before
// it writes again (Invariant 2).
func Uncertain(err error) bool {
	_, ok := errors.AsType[*uncertain](err)
	return ok
}

// IsNotFound reports that the record of a Get or Delete does not exist.
func IsNotFound(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Code == "acumatica.not_found"
}

// redactError makes sure that no secret leaves in an error (Invariant 9),
// while errors.Is and As go on working when there was none.
func (c *Client) redactError(err error) error {
	if s := err.Error(); c.redact(s) != s {
		return fmt.Errorf("%s", c.redact(s))
	}
	return err
}
