package acumaticatwin

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestSessionsTooManyAreRefusedInThreeShapes(t *testing.T) {
	const grantForm = "grant_type=password&username=api&password=correct+horse&scope=api"
	for _, tc := range []struct {
		name, refusal  string
		login, withOne int
		text           string
	}{
		{"by the way of signing in", "", 500, 302, "API Login Limit"},
		{"by the web server", "429", 429, 429, "The custom error module does not recognize this error."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clk := newClock()
			o := testOptions(clk)
			o.Limits = Limits{Sessions: 1, Refusal: tc.refusal}
			c := start(t, o)
			a := c.do("POST", "/entity/auth/login", `{"name":"api","password":"`+testPassword+`"}`, nil).wantStatus(t, tc.login)
			a.wantText(t, tc.text)
			token := c.token(grantForm).wantStatus(t, 200).text("access_token")
			bearer := http.Header{"Authorization": {"Bearer " + token}}
			a = c.do("GET", root+"Customer", "", bearer).wantStatus(t, tc.withOne)
			want(t, "redirect", a.header.Get("Location") != "", tc.withOne == 302)
			c.get("Customer").wantStatus(t, 200)
			clk.advance(sessionIdle + time.Second)
			c.do("GET", root+"Customer", "", bearer).wantStatus(t, 200)
			want(t, "the slot is the token's now", c.login(testPassword), tc.login)
			c.do("POST", "/entity/auth/logout", "", bearer).wantStatus(t, 204)
			want(t, "free again", c.login(testPassword), 204)
		})
	}
}

func TestRequestsAreDelayedFromHalfTheBudgetOn(t *testing.T) {
	clk := newClock() // half past a minute's begin and 123 ms
	clk.advance(-time.Duration(testStart().Nanosecond()))
	var waits []time.Duration
	o := testOptions(clk)
	o.Limits = Limits{RequestsPerMinute: 4, Wait: func(d time.Duration) { waits = append(waits, d) }}
	c := start(t, o) // the login is the first request
	c.get("Customer")
	want(t, "half the budget", len(waits), 0)
	c.get("Customer")
	c.get("Customer")
	c.get("Customer")
	for i, d := range []time.Duration{30 * time.Second, time.Minute, time.Minute} {
		want(t, "delay", waits[i], d)
	}
	clk.advance(time.Minute)
	c.get("Customer")
	want(t, "a new minute", len(waits), 3)
}

func TestTheQueueDeclinesWhatIsTooMuchOrTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Limits{Concurrent: 1}, time.Now)
		leave, ok := g.enter()
		want(t, "first", ok, true)
		results := make(chan bool, queueLength+1)
		for range queueLength + 1 {
			go func() {
				_, ok := g.enter()
				results <- ok
			}()
		}
		synctest.Wait()
		_, ok = g.enter()
		want(t, "queue is full", ok, false)
		leave()
		want(t, "next", <-results, true)
		began := time.Now()
		for range queueLength {
			want(t, "waited too long", <-results, false)
		}
		want(t, "ten minutes", time.Since(began), queueTTL)
	})
}
