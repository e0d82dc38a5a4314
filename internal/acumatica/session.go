package acumatica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"millrace/internal/calls"
	"millrace/internal/fault"
)

// errClosed keeps a straggler from opening a session that nobody would end.
var errClosed = errors.New("acumatica client is closed")

// session is the one API session of a client. Acumatica: each session takes a
// place of the licence, and a user may have few, so sign-in is single-flight.
type session struct {
	turn       chan struct{} // held while signing in or out
	mu         sync.Mutex    // guards the rest, for redaction while another signs in
	generation int           // 0 = signed out; grows with each sign-in
	token      *oauth2.Token // nil with cookies
	closed     bool
}

// pass is what one request needs of the session.
type pass struct {
	generation int
	bearer     string
}

// tokenMargin renews a token before it expires under way; a tenth of its life
// if that is shorter.
const tokenMargin = time.Minute

// ensure returns a session that is not of generation stale, signing in or
// renewing the token if needed. Its requests are not counted as calls.
func (c *Client) ensure(ctx context.Context, stale int) (pass, error) {
	s := &c.session
	if err := take(ctx, s.turn); err != nil {
		return pass{}, fault.New("acumatica.timeout", err)
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	generation, token, closed := s.generation, s.token, s.closed
	s.mu.Unlock()
	if closed {
		return pass{}, errClosed
	}
	fresh := generation > 0 && generation != stale
	if fresh && (token == nil || token.Expiry.IsZero() || time.Until(token.Expiry) > 0) {
		return passOf(generation, token), nil
	}
	token, err := c.signIn(calls.Insist(ctx), token) // posting waits for it too, whoever came first
	if err != nil {
		return pass{}, fmt.Errorf("sign in: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation, s.token = generation+1, token
	return passOf(s.generation, token), nil
}

func passOf(generation int, t *oauth2.Token) pass {
	p := pass{generation: generation}
	if t != nil {
		p.bearer = t.AccessToken
	}
	return p
}

// signIn gets a session by cookies, or a token: by the refresh token if there
// is one, else, or when the chain of refresh tokens is over, by password.
func (c *Client) signIn(ctx context.Context, old *oauth2.Token) (*oauth2.Token, error) {
	if c.cfg.ClientID == "" {
		return nil, c.login(ctx)
	}
	if old != nil && old.RefreshToken != "" {
		t, err := c.grant(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.RefreshToken}})
		if err == nil || fault.KindOf(err) != fault.Misconfigured {
			return t, err
		}
	}
	return c.grant(ctx, url.Values{
		"grant_type": {"password"}, "username": {c.cfg.Username}, "password": {c.cfg.Password},
		"scope": {"api offline_access"},
	})
}

// login opens a cookie session. Acumatica: 204 and cookies; bad credentials
// are a 500 with a text.
func (c *Client) login(ctx context.Context) error {
	body := map[string]string{"name": c.cfg.Username, "password": c.cfg.Password}
	if c.cfg.Tenant != "" {
		body["tenant"] = c.cfg.Tenant
	}
	if c.cfg.Branch != "" {
		body["branch"] = c.cfg.Branch
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fault.New("acumatica.request", err)
	}
	res, err := c.send(ctx, request{method: http.MethodPost, path: c.site + "/entity/auth/login", body: data}, "")
	if err != nil {
		return err
	}
	if unauthorized(res) {
		return fault.Newf("acumatica.credentials", "http %d", res.status)
	}
	err = c.fail(request{}, res)
	// Whatever business error a login ends with, it is about who signs in.
	if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) {
		return fault.New("acumatica.credentials", errors.Unwrap(fault.Of(err)))
	}
	return err
}

// grant asks the token endpoint. Acumatica: the tenant is the part of the
// client id after the @; each refresh returns a new refresh token.
func (c *Client) grant(ctx context.Context, form url.Values) (*oauth2.Token, error) {
	clientID := c.cfg.ClientID
	if c.cfg.Tenant != "" && !strings.Contains(clientID, "@") {
		clientID += "@" + c.cfg.Tenant
	}
	form.Set("client_id", clientID)
	form.Set("client_secret", c.cfg.ClientSecret)
	done, err := c.limiter.Admit(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	inner, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	u := c.base.Scheme + "://" + c.base.Host + c.site + "/identity/connect/token"
	req, err := http.NewRequestWithContext(inner, http.MethodPost, u, bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		return nil, fault.New("acumatica.request", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	asked := time.Now()
	res, err := c.exchange(req, false, new(atomic.Bool))
	if err != nil {
		return nil, err
	}
	var answer struct {
		oauth2.Token
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if res.status == http.StatusBadRequest || res.status == http.StatusUnauthorized {
		if json.Unmarshal(res.body, &answer) == nil && answer.Error != "" {
			return nil, fault.Newf("acumatica.credentials", "http %d %s %s", res.status, c.redact(answer.Error), c.redact(answer.Description))
		}
		return nil, fault.Newf("acumatica.credentials", "http %d from the token endpoint", res.status)
	}
	if err := c.fail(request{}, res); err != nil {
		return nil, err
	}
	if err := c.decode(res, &answer); err != nil {
		return nil, err
	}
	if answer.AccessToken == "" {
		return nil, fault.Newf("acumatica.server_error", "http %d without an access token", res.status)
	}
	t := &oauth2.Token{AccessToken: answer.AccessToken, RefreshToken: answer.RefreshToken}
	if answer.ExpiresIn > 0 {
		life := time.Duration(answer.ExpiresIn) * time.Second
		t.Expiry = asked.Add(life - min(tokenMargin, life/10))
	}
	return t, nil
}

// signOut ends the session, with cookies or with the token. Acumatica:
// revoking a token does not end its session, this does.
func (c *Client) signOut(ctx context.Context) error {
	s := &c.session
	if err := take(ctx, s.turn); err != nil {
		return err
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	p, open := passOf(s.generation, s.token), s.generation > 0 && !s.closed
	s.closed = true
	s.mu.Unlock()
	defer c.http.CloseIdleConnections()
	if !open {
		return nil
	}
	res, err := c.send(ctx, request{method: http.MethodPost, path: c.site + "/entity/auth/logout"}, p.bearer)
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	if unauthorized(res) {
		return nil // the session was over already
	}
	if err := c.fail(request{}, res); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// minSecret keeps redaction from mangling texts: a secret shorter than this
// hides nothing that could not be guessed at once.
const minSecret = 4

// redact removes every secret this client knows from a text (Invariant 9).
func (c *Client) redact(text string) string {
	c.session.mu.Lock()
	secrets := []string{c.cfg.Password, c.cfg.ClientSecret}
	if t := c.session.token; t != nil {
		secrets = append(secrets, t.AccessToken, t.RefreshToken)
	}
	c.session.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}
