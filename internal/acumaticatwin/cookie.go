package acumaticatwin

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	authCookie    = ".ASPXAUTH"
	sessionCookie = "ASP.NET_SessionId"
	localeCookie  = "Locale"
	branchCookie  = "UserBranch"

	cookieTTL = 72 * time.Hour // Acumatica: recorded for the cookies that outlive the browser
)

// cookie sets a cookie with the attributes that Acumatica gives it.
func (c *call) cookie(answer reply, name, value string, expires time.Time) {
	k := http.Cookie{ //nolint:gosec // G124: Secure only over TLS, or no jar would send it back to a local twin
		Name: name, Value: value, Path: "/", Expires: expires,
		HttpOnly: name == authCookie || name == sessionCookie, Secure: c.secure && name == authCookie,
	}
	if c.secure && name == authCookie {
		k.SameSite = http.SameSiteNoneMode
	}
	if name == sessionCookie {
		k.SameSite = http.SameSiteLaxMode
	}
	answer.header.Add("Set-Cookie", k.String())
}

// signedIn sets the cookies of a log-in.
func (t *Twin) signedIn(c *call, answer reply, ticket, session string) {
	c.cookie(answer, authCookie, ticket, time.Time{})
	c.cookie(answer, sessionCookie, session, time.Time{})
	c.cookie(answer, "CompanyID", url.QueryEscape(t.o.Tenant), t.now().Add(cookieTTL))
	c.cookie(answer, localeCookie, "Culture=en-US&TimeZone=GMTE0000U", t.now().Add(cookieTTL))
	c.cookie(answer, branchCookie, "1", time.Time{})
}

// signedOut takes the session's cookies back.
func (t *Twin) signedOut(c *call, answer reply) {
	c.cookie(answer, authCookie, "", time.Date(1999, 10, 12, 0, 0, 0, 0, time.UTC))
	c.cookie(answer, sessionCookie, "", t.now().AddDate(-1, 0, 0))
}

// trace adds what every answer of the API sets again: locale and branch, and
// but for reads, which request this was and how long it took.
func (t *Twin) trace(c *call, answer reply, began time.Time) {
	if len(c.path) == 0 || !strings.EqualFold(c.path[0], "entity") {
		return
	}
	if c.opened != "" {
		c.cookie(answer, sessionCookie, c.opened, time.Time{})
	}
	if !strings.Contains(strings.Join(answer.header["Set-Cookie"], " "), branchCookie+"=") {
		c.cookie(answer, localeCookie, "TimeZone=GMTE0000U&Culture=en-US", time.Time{})
		c.cookie(answer, branchCookie, "1", time.Time{})
	}
	if c.method == http.MethodGet {
		return
	}
	where := strings.ToLower("~" + c.rawPath)
	if c.rawQuery != "" {
		where += "?" + strings.ToLower(c.rawQuery)
	}
	c.cookie(answer, "requestid", strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", "")), time.Time{})
	c.cookie(answer, "requeststat", fmt.Sprintf("+st:%d+sc:%s+start:%d+tg:", t.now().Sub(began).Milliseconds(), where, ticks(began)), time.Time{})
}
