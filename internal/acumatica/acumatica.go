// Package acumatica is a client of Acumatica's contract-based REST API,
// contract version 4. It keeps one API session per client and signs out when
// closed, keeps decimals exact, never follows a redirect, never takes an HTML
// page for an answer, and gives every failure a code. Of a write that failed
// it says whether it may have happened all the same: see Uncertain.
package acumatica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"millrace/internal/fault"
)

// Config says how to reach one tenant.
type Config struct {
	BaseURL      string // https://host[/site]
	Tenant       string // login name of the tenant; empty on a single-tenant instance
	Endpoint     string // name and version: "Default/24.200.001"
	Username     string
	Password     string
	ClientID     string // with it: OAuth password grant; without: cookie login
	ClientSecret string
	Branch       string        // default branch of every request; may be empty
	Timeout      time.Duration // of one request; default 11m, because Acumatica queues requests for up to 10
	Concurrency  int           // requests at once; default 2
	Limiter      Limiter       // asked before every request; nil: Concurrency is that of this client alone
	HTTPClient   *http.Client  // nil = own; redirects are never followed in either case
	Log          *slog.Logger  // nil = discard
}

// Limiter divides what the licence allows among all who use it: how many
// requests at once, how many a minute.
type Limiter interface {
	// Admit waits until one request may be sent. done must be called when its
	// answer was read or it failed.
	Admit(ctx context.Context) (done func(), err error)
	// SlowDown says that Acumatica asked for a pause; 0 when it did not say how long.
	SlowDown(d time.Duration)
}

const (
	// Acumatica: a request may wait in the licence queue for ten minutes
	// before it is declined.
	defaultTimeout = 11 * time.Minute
	// DefaultConcurrency is how many requests are sent at once unless told.
	DefaultConcurrency = 2
	// Acumatica: names are letters, digits, underscore and period.
	endpointPattern = `^[A-Za-z_.][A-Za-z0-9_.]*/[0-9A-Za-z_.]+$`
)

// Client talks to one endpoint of one tenant; safe for concurrent use.
type Client struct {
	cfg     Config
	base    *url.URL // scheme and host
	site    string   // escaped path of the site without a trailing slash; may be empty
	root    string   // escaped path of the endpoint: /site/entity/Default/24.200.001
	http    *http.Client
	log     *slog.Logger
	limiter Limiter
	session session

	mu    sync.Mutex
	forms map[string]*form // by entity
}

// New checks the configuration; it makes no request. The error names every
// problem and is a plain error: nothing was tried.
func New(cfg Config) (*Client, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	cfg.Concurrency = max(cmp.Or(cfg.Concurrency, DefaultConcurrency), 1)
	var errs []error
	base, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" {
		errs = append(errs, errors.New("acumatica url: want https://host or https://host/site"))
	}
	cfg.Endpoint = strings.Trim(cfg.Endpoint, "/")
	if !regexp.MustCompile(endpointPattern).MatchString(cfg.Endpoint) {
		errs = append(errs, fmt.Errorf("acumatica endpoint %q: want name and version, such as Default/24.200.001", cfg.Endpoint))
	}
	if cfg.Username == "" || cfg.Password == "" {
		errs = append(errs, errors.New("acumatica username and password: required"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, base: base, site: base.EscapedPath(), root: base.EscapedPath() + "/entity/" + cfg.Endpoint,
		log:     cfg.Log,
		limiter: cfg.Limiter,
		session: session{turn: make(chan struct{}, 1)},
		forms:   make(map[string]*form),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.limiter == nil {
		c.limiter = slots(make(chan struct{}, cfg.Concurrency))
	}
	return c, c.useHTTP(cfg.HTTPClient)
}

// useHTTP copies the given client, so that its redirects and cookies can be
// ours without changing the caller's.
func (c *Client) useHTTP(given *http.Client) error {
	h := http.Client{}
	if given != nil {
		h = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		h.Transport = t.Clone()
	}
	// A redirect is how Acumatica refuses a bearer session over the limit;
	// following it would end in an HTML page.
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	jar, err := cookiejar.New(nil)
	if err != nil {
		return fmt.Errorf("cookie jar: %w", err)
	}
	h.Jar = jar
	c.http = &h
	return nil
}

// Close signs out, so that the API session is free at once instead of after
// ten minutes (cookies) or an hour (token). Requests after it fail.
func (c *Client) Close(ctx context.Context) error {
	return c.signOut(ctx)
}

// slots is the Limiter of a client that is alone: one token per request under
// way.
type slots chan struct{}

func (s slots) Admit(ctx context.Context) (done func(), err error) {
	if err := take(ctx, s); err != nil {
		return nil, fault.New("acumatica.timeout", err)
	}
	return func() { <-s }, nil
}

func (slots) SlowDown(time.Duration) {}

func take(ctx context.Context, c chan struct{}) error {
	select {
	case c <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
