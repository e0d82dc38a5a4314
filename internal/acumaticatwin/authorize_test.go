package acumaticatwin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	formType    = "application/x-www-form-urlencoded"
	callbackURI = "https://app.example/callback?x=1"
)

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// authorizing is a twin with the code flow open, and the address of its page.
func authorizing(t *testing.T, clk *clock) (*client, func(change ...string) string) {
	t.Helper()
	o := testOptions(clk)
	o.RedirectURIs = []string{callbackURI}
	c := start(t, o)
	return c, func(change ...string) string {
		q := url.Values{
			"response_type": {"code"}, "client_id": {"8E0761D9-F4EC-2D4B-A60F-BCE2708C6FDD@U100"}, "redirect_uri": {callbackURI},
			"scope": {"api offline_access"}, "state": {"s 1"},
		}
		for i := 0; i+1 < len(change); i += 2 {
			q.Set(change[i], change[i+1])
		}
		return "/identity/connect/authorize?" + q.Encode()
	}
}

func (c *client) signIn(address string) url.Values {
	c.t.Helper()
	c.do("GET", address, "", nil).wantStatus(c.t, 200).wantText(c.t, `<form method="post"`)
	a := c.do("POST", address, "username=api&password=correct+horse", http.Header{"Content-Type": {formType}}).wantStatus(c.t, 302)
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		c.t.Fatal(err)
	}
	return u.Query()
}

func TestAuthorizationCode(t *testing.T) {
	clk := newClock()
	c, address := authorizing(t, clk)
	redeem := func(code, redirect string) answer {
		return c.token("grant_type=authorization_code&code=" + code + "&redirect_uri=" + url.QueryEscape(redirect))
	}
	got := c.signIn(address())
	want(t, "state", got.Get("state"), "s 1")
	want(t, "parameter of the client", got.Get("x"), "1")
	a := redeem(got.Get("code"), callbackURI).wantStatus(t, 200)
	want(t, "scope", a.text("scope"), "api offline_access")
	c.do("GET", root+"Customer", "", bearer(a.text("access_token"))).wantStatus(t, 200)
	want(t, "a code works once", redeem(got.Get("code"), callbackURI).wantStatus(t, 400).text("error"), "invalid_grant")
	redeem(c.signIn(address()).Get("code"), "https://evil.example").wantStatus(t, 400)
	late := c.signIn(address()).Get("code")
	clk.advance(codeTTL + time.Second)
	redeem(late, callbackURI).wantStatus(t, 400)

	c.do("POST", address(), "username=api&password=cow", http.Header{"Content-Type": {formType}}).wantStatus(t, 200).wantText(t, "Invalid credentials")
	for _, bad := range []string{address("client_id", "x"), address("redirect_uri", "https://evil.example")} {
		c.do("GET", bad, "", nil).wantStatus(t, 400)
	}
	for bad, reason := range map[string]string{address("response_type", "token"): "unsupported_response_type", address("scope", "openid"): "invalid_scope"} {
		where := c.do("GET", bad, "", nil).wantStatus(t, 302).header.Get("Location")
		if !strings.Contains(where, "error="+reason) {
			t.Errorf("Location: got %s, want error %s", where, reason)
		}
	}
}

func TestTokensAreRevoked(t *testing.T) {
	o := testOptions(newClock())
	o.Limits = Limits{Sessions: 1}
	twin, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, twin)
	const form = "grant_type=password&username=api&password=correct+horse&scope=api+offline_access"
	revoke := func(token string) {
		c.do("POST", "/identity/connect/revocation", "token="+token+"&client_secret=s3cret&client_id="+url.QueryEscape("8E0761D9-F4EC-2D4B-A60F-BCE2708C6FDD@U100"),
			http.Header{"Content-Type": {formType}}).wantStatus(t, 200)
	}
	a := c.token(form).wantStatus(t, 200)
	c.do("GET", root+"Customer", "", bearer(a.text("access_token"))).wantStatus(t, 200)
	revoke(a.text("access_token"))
	c.do("GET", root+"Customer", "", bearer(a.text("access_token"))).wantStatus(t, 401)
	want(t, "the session is still open", c.login(testPassword), 500)
	b := c.token("grant_type=refresh_token&refresh_token="+a.text("refresh_token")).wantStatus(t, 200)
	revoke(b.text("refresh_token"))
	c.do("GET", root+"Customer", "", bearer(b.text("access_token"))).wantStatus(t, 401)
	c.token("grant_type=refresh_token&refresh_token="+b.text("refresh_token")).wantStatus(t, 400)
	revoke("unknown")
	c.do("POST", "/identity/connect/revocation", "token=x", http.Header{"Content-Type": {formType}}).wantStatus(t, 400)
}

func TestConcurrentAccessHasASessionForEachCookie(t *testing.T) {
	o := testOptions(newClock())
	o.Limits = Limits{Sessions: 2}
	twin, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	first, second := serve(t, twin), serve(t, twin)
	token := bearer(first.token("grant_type=password&username=api&password=correct+horse&scope=api:concurrent_access").wantStatus(t, 200).text("access_token"))
	for range 3 { // the jar sends the cookie back
		first.do("GET", root+"Customer", "", token).wantStatus(t, 200)
	}
	second.do("GET", root+"Customer", "", token).wantStatus(t, 200)
	third := serve(t, twin)
	third.do("GET", root+"Customer", "", token).wantStatus(t, 302)
	first.do("POST", "/entity/auth/logout", "", token).wantStatus(t, 204)
	third.do("GET", root+"Customer", "", token).wantStatus(t, 200)
}

func TestDiscovery(t *testing.T) {
	c := start(t, testOptions(newClock()))
	a := c.do("GET", "/identity/.well-known/openid-configuration", "", nil).wantStatus(t, 200)
	want(t, "token", a.text("token_endpoint"), c.base+"/identity/connect/token")
	c.do("GET", "/identity/connect/userinfo", "", nil).wantStatus(t, 404)
}
