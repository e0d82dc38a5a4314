package acumaticatwin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	tokenTTL    = time.Hour
	refreshTTL  = 30 * 24 * time.Hour // Acumatica: the chain ends 30 days after the first issue
	sessionIdle = 10 * time.Minute    // Acumatica: idle API sessions are closed
)

// A session is what long operations and idle time belong to.
type session struct {
	seen time.Time
}

// A grant is one OAuth sign-in. All its tokens share one session (Acumatica:
// with scope api, across refreshes too).
type grant struct {
	ID      string    `json:"id"`
	Scope   string    `json:"scope"`
	Expires time.Time `json:"expires"`
	Ends    time.Time `json:"ends"` // of the refresh chain
}

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func equalSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// clientID is the registered client in its full form.
func (t *Twin) clientID() string {
	if t.o.ClientID == "" || strings.Contains(t.o.ClientID, "@") {
		return t.o.ClientID
	}
	return t.o.ClientID + "@" + t.o.Tenant
}

func oauthError(code, description string) reply {
	body := map[string]string{"error": code}
	if description != "" {
		body["error_description"] = description
	}
	return jsonReply(http.StatusBadRequest, body)
}

// token is POST /identity/connect/token with the password, authorization_code
// and refresh_token grants.
func (t *Twin) token(c *call) reply {
	if c.method != http.MethodPost {
		return emptyReply(http.StatusMethodNotAllowed)
	}
	form, refused := t.client(c)
	if refused != nil {
		return *refused
	}
	switch form.Get("grant_type") {
	case "password":
		if !strings.EqualFold(form.Get("username"), t.o.Username) || !equalSecret(form.Get("password"), t.o.Password) {
			return oauthError("invalid_grant", "invalid_username_or_password")
		}
		scope := form.Get("scope")
		if !allowedScope(scope) {
			return oauthError("invalid_scope", "")
		}
		return t.issue(grant{ID: rand.Text(), Scope: scope, Ends: t.wall().Add(refreshTTL)})
	case "authorization_code":
		g, ok := t.redeem(form)
		if !ok {
			return oauthError("invalid_grant", "")
		}
		return t.issue(g)
	case "refresh_token":
		hash := hashed(form.Get("refresh_token"))
		g, ok := t.st.Refresh[hash]
		if !ok || t.wall().After(g.Ends) {
			return oauthError("invalid_grant", "")
		}
		delete(t.st.Refresh, hash) // a refresh token works once
		return t.issue(g)
	}
	return oauthError("unsupported_grant_type", "")
}

func basicAuth(h http.Header) (user, pass string, ok bool) {
	r := http.Request{Header: h}
	user, pass, ok = r.BasicAuth()
	if !ok {
		return "", "", false
	}
	// RFC 6749: the two are form-encoded before they are joined.
	u, errU := url.QueryUnescape(user)
	p, errP := url.QueryUnescape(pass)
	return u, p, errU == nil && errP == nil
}

// issue answers with a new token. Only hashes are kept.
func (t *Twin) issue(g grant) reply {
	now := t.wall()
	maps.DeleteFunc(t.st.Grants, func(_ string, old grant) bool { return now.After(old.Expires) })
	maps.DeleteFunc(t.st.Refresh, func(_ string, old grant) bool { return now.After(old.Ends) })
	access := rand.Text() + rand.Text()
	g.Expires = now.Add(tokenTTL)
	t.st.Grants[hashed(access)] = g
	body := map[string]any{
		"access_token": access, "expires_in": int(tokenTTL / time.Second), "token_type": "Bearer", "scope": g.Scope,
	}
	if g.has(scopeOffline) {
		refresh := rand.Text() + rand.Text()
		t.st.Refresh[hashed(refresh)] = g
		body["refresh_token"] = refresh
	}
	if err := t.st.write(t.st.grantsEntry); err != nil {
		return pxError("%v", err).reply()
	}
	return jsonReply(http.StatusOK, body)
}

// login is the cookie sign-in, JSON or form.
func (t *Twin) login(c *call) reply {
	if c.method != http.MethodPost {
		return emptyReply(http.StatusMethodNotAllowed)
	}
	var in struct{ Name, Password, Tenant, Company, Branch string }
	if strings.HasPrefix(c.header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(c.body))
		if err != nil {
			return badRequest("", "The request body cannot be read.").reply()
		}
		in.Name, in.Password = form.Get("name"), form.Get("password")
		in.Tenant, in.Company, in.Branch = form.Get("tenant"), form.Get("company"), form.Get("branch")
	} else if json.Unmarshal(c.body, &in) != nil {
		return badRequest("", "The request body cannot be read.").reply()
	}
	if tenant := in.Tenant + in.Company; tenant != "" && t.o.Tenant != "" && !strings.EqualFold(tenant, t.o.Tenant) {
		return exception("PX.Data.PXUndefinedCompanyException", "A proper company ID cannot be determined for the request.").reply()
	}
	if !strings.EqualFold(in.Name, t.o.Username) || !equalSecret(in.Password, t.o.Password) {
		return pxError("Error: Invalid credentials. Please try again.").reply()
	}
	if branch := in.Branch; branch != "" && !slices.ContainsFunc(t.st.Setup.Branches, func(b string) bool { return strings.EqualFold(b, branch) }) {
		return pxError("Error: The branch '%s' cannot be found in the system.", branch).reply()
	}
	if refused := t.refuseSession(false); refused != nil {
		return *refused
	}
	ticket := rand.Text() + rand.Text()
	t.sessions[ticket] = &session{seen: t.wall()}
	answer := emptyReply(http.StatusNoContent)
	t.signedIn(c, answer, ticket, strings.ToLower(rand.Text()[:24]))
	return answer
}

// logout ends the session of a cookie or of a bearer token; the token itself
// goes on working and opens a new session.
func (t *Twin) logout(c *call) reply {
	if c.method != http.MethodPost {
		return emptyReply(http.StatusMethodNotAllowed)
	}
	if !c.measured {
		return page(http.StatusLengthRequired, "text/html; charset=us-ascii", "<HTML><HEAD><TITLE>Length Required</TITLE></HEAD>"+
			"<BODY><h2>Length Required</h2><hr><p>HTTP Error 411. The request must be chunked or have a content length.</p></BODY></HTML>")
	}
	delete(t.sessions, c.cookies[authCookie])
	if g, ok := t.bearer(c); ok {
		delete(t.sessions, c.sessionOf(g))
	}
	answer := emptyReply(http.StatusNoContent)
	t.signedOut(c, answer)
	return answer
}

func (t *Twin) bearer(c *call) (grant, bool) {
	token, ok := strings.CutPrefix(c.header.Get("Authorization"), "Bearer ")
	if !ok {
		return grant{}, false
	}
	g, ok := t.st.Grants[hashed(token)]
	return g, ok && t.wall().Before(g.Expires)
}

// grantPrefix marks the sessions of bearer tokens.
const grantPrefix = "grant/"

// sessionOf is the session of a bearer call: that of the grant, or, where the
// grant may have several, that of the cookie.
func (c *call) sessionOf(g grant) string {
	if g.has(scopeConcurrent) {
		return grantPrefix + g.ID + "/" + c.cookies[sessionCookie]
	}
	return grantPrefix + g.ID
}

// opening names a new session of a grant; where there may be several, the
// answer sets the cookie that finds it again.
func (c *call) opening(g grant) string {
	if !g.has(scopeConcurrent) {
		return grantPrefix + g.ID
	}
	c.opened = strings.ToLower(rand.Text()[:24])
	return grantPrefix + g.ID + "/" + c.opened
}

// authenticate finds the session of a call and remembers it there, or answers
// why there is none.
func (t *Twin) authenticate(c *call) *reply {
	denied := plain(http.StatusUnauthorized, "Authorization has been denied for this request.").reply()
	now := t.wall()
	if g, ok := t.bearer(c); ok {
		key := c.sessionOf(g)
		if t.sessions[key] == nil {
			if refused := t.refuseSession(true); refused != nil {
				return refused
			}
			key = c.opening(g)
			t.sessions[key] = &session{}
		}
		t.sessions[key].seen = now
		c.session = key
		return nil
	}
	ticket := c.cookies[authCookie]
	s := t.sessions[ticket]
	if ticket == "" || s == nil {
		return &denied
	}
	if now.Sub(s.seen) > sessionIdle {
		delete(t.sessions, ticket)
		return &denied
	}
	s.seen = now
	c.session = ticket
	return nil
}
