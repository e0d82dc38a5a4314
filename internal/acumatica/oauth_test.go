package acumatica

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/internal/fault"
)

// tokenServer issues tokens that refresh once each.
type tokenServer struct {
	mu      sync.Mutex
	n       int
	grants  []string
	refresh string // the only refresh token that is good
	access  string // the only access token that is good
	signOut int
	life    int
	dead    bool // refresh tokens are over
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.HasSuffix(r.URL.Path, "/identity/connect/token"):
		_ = r.ParseForm()
		s.grants = append(s.grants, r.Form.Get("grant_type"))
		ok := r.Form.Get("client_id") == "guid@T1" && r.Form.Get("client_secret") == "cs" &&
			(r.Form.Get("password") == password || !s.dead && s.refresh != "" && r.Form.Get("refresh_token") == s.refresh)
		if !ok {
			answer(400, "application/json", `{"error":"invalid_grant","error_description":"invalid_username_or_password"}`)(w, r)
			return
		}
		s.n++
		s.access, s.refresh = fmt.Sprintf("access-%d", s.n), fmt.Sprintf("refresh-%d", s.n)
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": s.access, "refresh_token": s.refresh, "expires_in": s.life, "token_type": "Bearer"})
	case r.Header.Get("Authorization") != "Bearer "+s.access:
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasSuffix(r.URL.Path, "/entity/auth/logout"):
		s.signOut++
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(200, "application/json", `[]`)(w, r)
	}
}

func oauthClient(t *testing.T, s *tokenServer, pass string) *Client {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	c, err := New(Config{
		BaseURL: srv.URL, Tenant: "T1", Endpoint: "Default/24.200.001", Username: "u", Password: pass,
		ClientID: "guid", ClientSecret: "cs", Timeout: 5 * time.Second, Concurrency: 8,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTokenIsRefreshedOnceFor401(t *testing.T) {
	s := &tokenServer{life: 3600}
	c := oauthClient(t, s, password)
	list := func() {
		if _, _, err := c.List(t.Context(), "Customer", Query{}); err != nil {
			t.Error(err)
		}
	}
	list()
	s.mu.Lock()
	s.access = "revoked by the server"
	s.mu.Unlock()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(list)
	}
	wg.Wait()
	if got := strings.Join(s.grants, " "); got != "password refresh_token" {
		t.Errorf("grants: %s", got)
	}
	if err := c.Close(t.Context()); err != nil || s.signOut != 1 {
		t.Errorf("sign-outs %d, %v", s.signOut, err)
	}
}

func TestOverChainOfRefreshTokensFallsBackToPassword(t *testing.T) {
	s := &tokenServer{life: 3600}
	c := oauthClient(t, s, password)
	if _, _, err := c.List(t.Context(), "Customer", Query{}); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.access, s.dead = "expired", true
	s.mu.Unlock()
	if _, _, err := c.List(t.Context(), "Customer", Query{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.grants, " "); got != "password refresh_token password" {
		t.Errorf("grants: %s", got)
	}
}

func TestRefusedGrantIsMisconfiguredAndShowsNoSecret(t *testing.T) {
	c := oauthClient(t, &tokenServer{}, "another-secret")
	_, _, err := c.List(t.Context(), "Customer", Query{})
	if f := fault.Of(err); f.Code != "acumatica.credentials" {
		t.Errorf("got %v", err)
	}
	for _, secret := range []string{"another-secret", "cs="} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is in %v", secret, err)
		}
	}
}
