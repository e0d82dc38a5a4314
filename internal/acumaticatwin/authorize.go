package acumaticatwin

import (
	"crypto/rand"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	identityRoot = "/identity"
	codeTTL      = 5 * time.Minute

	scopeAPI        = "api"
	scopeConcurrent = "api:concurrent_access"
	scopeOffline    = "offline_access"
)

// A code is what a user's sign-in on the page leaves with the client.
type code struct {
	redirect string
	scope    string
	expires  time.Time
}

// has reports whether a grant was given a scope.
func (g grant) has(scope string) bool { return slices.Contains(strings.Fields(g.Scope), scope) }

func allowedScope(scope string) bool {
	g := grant{Scope: scope}
	return g.has(scopeAPI) || g.has(scopeConcurrent)
}

// identity answers the calls on the authorization server.
func (t *Twin) identity(c *call) reply {
	switch strings.ToLower(strings.Join(c.path[1:], "/")) {
	case "connect/token":
		return t.token(c)
	case "connect/authorize":
		return t.authorize(c)
	case "connect/revocation":
		return t.revoke(c)
	case ".well-known/openid-configuration":
		return discovery(c)
	}
	return unknownResource(c)
}

// client reads who calls the authorization server, from the form or from the
// Authorization header.
func (t *Twin) client(c *call) (form url.Values, refused *reply) {
	refuse := func(reason string) (url.Values, *reply) {
		answer := oauthError(reason, "")
		return nil, &answer
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return refuse("invalid_request")
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, pass, ok := basicAuth(c.header); ok {
		id, secret = user, pass
	}
	if t.clientID() == "" || !strings.EqualFold(id, t.clientID()) || !equalSecret(secret, t.o.ClientSecret) {
		return refuse("invalid_client")
	}
	return form, nil
}

// authorize shows the page to sign in and sends the browser back with a code.
func (t *Twin) authorize(c *call) reply {
	q := c.query
	target, err := url.Parse(q.Get("redirect_uri"))
	if t.clientID() == "" || !strings.EqualFold(q.Get("client_id"), t.clientID()) || err != nil || !slices.Contains(t.o.RedirectURIs, q.Get("redirect_uri")) {
		return htmlPage(http.StatusBadRequest, "The client application is not known or is not authorized.") // never send a code to a stranger
	}
	back := func(pairs ...string) reply {
		to := target.Query()
		for i := 0; i+1 < len(pairs); i += 2 {
			to.Set(pairs[i], pairs[i+1])
		}
		if s := q.Get("state"); s != "" {
			to.Set("state", s)
		}
		u := *target
		u.RawQuery = to.Encode()
		answer := emptyReply(http.StatusFound)
		answer.header.Set("Location", u.String())
		return answer
	}
	switch {
	case q.Get("response_type") != "code":
		return back("error", "unsupported_response_type")
	case !allowedScope(q.Get("scope")):
		return back("error", "invalid_scope")
	case c.method == http.MethodGet:
		return signInPage(c, "")
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil || !strings.EqualFold(form.Get("username"), t.o.Username) || !equalSecret(form.Get("password"), t.o.Password) {
		return signInPage(c, "Invalid credentials. Please try again.")
	}
	now := t.wall()
	maps.DeleteFunc(t.codes, func(_ string, old code) bool { return now.After(old.expires) })
	text := rand.Text()
	t.codes[hashed(text)] = code{redirect: q.Get("redirect_uri"), scope: q.Get("scope"), expires: now.Add(codeTTL)}
	return back("code", text)
}

// redeem turns a code into a grant; it works once.
func (t *Twin) redeem(form url.Values) (grant, bool) {
	hash := hashed(form.Get("code"))
	k, ok := t.codes[hash]
	delete(t.codes, hash)
	if !ok || t.wall().After(k.expires) || k.redirect != form.Get("redirect_uri") {
		return grant{}, false
	}
	return grant{ID: rand.Text(), Scope: k.scope, Ends: t.wall().Add(refreshTTL)}, true
}

// revoke ends a token; a refresh token takes the access tokens of its grant
// along. The session stays open until it is logged out or idle.
func (t *Twin) revoke(c *call) reply {
	if c.method != http.MethodPost {
		return emptyReply(http.StatusMethodNotAllowed)
	}
	form, refused := t.client(c)
	if refused != nil {
		return *refused
	}
	hash := hashed(form.Get("token"))
	if g, ok := t.st.Refresh[hash]; ok {
		maps.DeleteFunc(t.st.Grants, func(_ string, other grant) bool { return other.ID == g.ID })
	}
	delete(t.st.Refresh, hash)
	delete(t.st.Grants, hash)
	if err := t.st.write(t.st.grantsEntry); err != nil {
		return pxError("%v", err).reply()
	}
	return emptyReply(http.StatusOK) // also for a token that is not known: RFC 7009
}

// discovery lists what the authorization server can do.
func discovery(c *call) reply {
	root := "http://"
	if c.secure {
		root = "https://"
	}
	root += c.host + identityRoot
	return jsonReply(http.StatusOK, obj{
		"issuer": root, "authorization_endpoint": root + "/connect/authorize", "token_endpoint": root + "/connect/token",
		"revocation_endpoint": root + "/connect/revocation", "scopes_supported": []string{scopeAPI, scopeConcurrent, scopeOffline},
		"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code", "password", "refresh_token"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
	})
}

func htmlPage(status int, text string) reply {
	return page(status, "text/html; charset=utf-8", "<!DOCTYPE html><html><body>"+text+"</body></html>")
}

func signInPage(c *call, problem string) reply {
	return htmlPage(http.StatusOK, fmt.Sprintf(`<p>%s</p><form method="post" action="%s"><input name="username"><input name="password" type="password"><button>Sign In</button></form>`,
		html.EscapeString(problem), html.EscapeString(c.rawPath+"?"+c.rawQuery)))
}
