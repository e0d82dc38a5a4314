package acumaticatwin

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCookieLogin(t *testing.T) {
	clk := newClock()
	twin, err := New(testOptions(clk))
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, twin)
	c.get("Customer").wantStatus(t, 401)
	want(t, "wrong password", c.login("wrong"), 500)
	tenant := c.do("POST", "/entity/auth/login", `{"name":"api","password":"`+testPassword+`","tenant":"Other"}`, nil).wantStatus(t, 500)
	want(t, "wrong tenant", tenant.text("exceptionType"), "PX.Data.PXUndefinedCompanyException")
	c.do("POST", "/entity/auth/login", `{"name":"api","password":"`+testPassword+`","branch":"NOWHERE"}`, nil).wantStatus(t, 500).wantText(t, "NOWHERE")
	a := c.do("POST", "/entity/auth/login", "name=api&password=correct+horse&company=U100",
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}).wantStatus(t, 204)
	for _, name := range []string{".ASPXAUTH=", "ASP.NET_SessionId=", "CompanyID=U100", "Locale=", "UserBranch=1"} {
		if !slices.ContainsFunc(a.header.Values("Set-Cookie"), func(s string) bool { return strings.HasPrefix(s, name) }) {
			t.Errorf("no cookie %s", name)
		}
	}
	c.get("Customer").wantStatus(t, 200)
	clk.advance(sessionIdle)
	c.get("Customer").wantStatus(t, 200)
	clk.advance(sessionIdle + time.Second)
	c.get("Customer").wantStatus(t, 401)
	want(t, "again", c.login(testPassword), 204)
	c.do("POST", "/entity/auth/logout", "", nil).wantStatus(t, 204)
	c.get("Customer").wantStatus(t, 401)
}

func TestOAuth(t *testing.T) {
	clk := newClock()
	twin, err := New(testOptions(clk))
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, twin)
	const password = "grant_type=password&username=api&password=correct+horse&scope=api+offline_access"
	a := c.token(password).wantStatus(t, 200)
	want(t, "type", a.text("token_type"), "Bearer")
	want(t, "lifetime", a.text("expires_in"), "3600")
	use := func(token string) int {
		return c.do("GET", root+"Customer", "", http.Header{"Authorization": {"Bearer " + token}}).status
	}
	first, refresh := a.text("access_token"), a.text("refresh_token")
	want(t, "use", use(first), 200)
	want(t, "made up", use("nonsense"), 401)
	clk.advance(time.Hour)
	want(t, "expired", use(first), 401)
	b := c.token("grant_type=refresh_token&refresh_token="+refresh).wantStatus(t, 200)
	want(t, "use refreshed", use(b.text("access_token")), 200)
	if b.text("refresh_token") == refresh || b.text("refresh_token") == "" {
		t.Error("a refresh gives a new refresh token")
	}
	want(t, "old refresh token", c.token("grant_type=refresh_token&refresh_token="+refresh).wantStatus(t, 400).text("error"), "invalid_grant")
	bad := c.token(strings.Replace(password, "horse", "cow", 1)).wantStatus(t, 400)
	want(t, "error", bad.text("error"), "invalid_grant")
	want(t, "description", bad.text("error_description"), "invalid_username_or_password")
	want(t, "no offline access", c.token(strings.Replace(password, "+offline_access", "", 1)).text("refresh_token"), "")
	want(t, "other grant", c.token("grant_type=client_credentials").wantStatus(t, 400).text("error"), "unsupported_grant_type")
	for _, form := range []string{
		password + "&client_id=8E0761D9-F4EC-2D4B-A60F-BCE2708C6FDD&client_secret=s3cret",
		password + "&client_id=8E0761D9-F4EC-2D4B-A60F-BCE2708C6FDD%40U100&client_secret=wrong",
		password,
	} {
		a := c.do("POST", "/identity/connect/token", form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		want(t, "client", a.wantStatus(t, 400).text("error"), "invalid_client")
	}
	clk.advance(31 * 24 * time.Hour)
	c.token("grant_type=refresh_token&refresh_token="+b.text("refresh_token")).wantStatus(t, 400)
}
