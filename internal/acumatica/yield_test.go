package acumatica

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"millrace/internal/calls"
)

// admitting is a Limiter that asks fn before every request.
type admitting func(ctx context.Context) error

func (f admitting) Admit(ctx context.Context) (func(), error) { return func() {}, f(ctx) }
func (admitting) SlowDown(time.Duration)                      {}

func limited(t *testing.T, limiter Limiter) *Client {
	t.Helper()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(200, "application/json", "[]")(w, r)
	})
	c.limiter = limiter
	return c
}

// Invariant 5: a poll whose turn does not come keeps no posting waiting.
func TestWhatYieldsWaitsForTheLimiterWithEmptyHands(t *testing.T) {
	waits, goOn := make(chan struct{}), make(chan struct{})
	c := limited(t, admitting(func(ctx context.Context) error {
		if calls.Yields(ctx) {
			close(waits)
			<-goOn
		}
		return nil
	}))
	polled := make(chan error, 1)
	go func() {
		_, _, err := c.List(calls.Yield(t.Context()), "Payment", Query{})
		polled <- err
	}()
	<-waits
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.Invoke(ctx, "Payment", "ReleasePayment", nil); err != nil {
		t.Errorf("the posting waits for the poll: %v", err)
	}
	close(goOn)
	if err := <-polled; err != nil {
		t.Error(err)
	}
}

func TestSignInForAPollGoesFirst(t *testing.T) {
	for _, clientID := range []string{"", "client"} {
		var yields []bool
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/entity/auth/login", "/entity/auth/logout":
				w.WriteHeader(http.StatusNoContent)
			case "/identity/connect/token":
				answer(200, "application/json", `{"access_token":"a","expires_in":3600}`)(w, r)
			default:
				answer(200, "application/json", "[]")(w, r)
			}
		}))
		t.Cleanup(srv.Close)
		c, err := New(Config{
			BaseURL: srv.URL, Endpoint: "Default/24.200.001", Username: "u", Password: password, ClientID: clientID,
			Limiter: admitting(func(ctx context.Context) error {
				yields = append(yields, calls.Yields(ctx))
				return nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.List(calls.Yield(t.Context()), "Customer", Query{}); err != nil {
			t.Fatal(err)
		}
		if want := []bool{false, true}; !slices.Equal(yields, want) {
			t.Errorf("client id %q: the requests yield %v, want %v: the sign-in does not, the list does", clientID, yields, want)
		}
		c.http.CloseIdleConnections()
	}
}

// A form that is taken whenever its turn comes does not keep what yields out
// for ever.
func TestWhatYieldsQueuesInTheEnd(t *testing.T) {
	var asked []bool
	var c *Client
	c = limited(t, admitting(func(ctx context.Context) error {
		asked = append(asked, calls.Yields(ctx))
		if !calls.Yields(ctx) || c.session.generation == 0 {
			return nil
		}
		leave, err := c.form("Payment").alone(ctx) // an action begins
		if err != nil {
			return err
		}
		time.AfterFunc(20*time.Millisecond, leave)
		return nil
	}))
	if _, _, err := c.List(calls.Yield(t.Context()), "Payment", Query{}); err != nil {
		t.Fatal(err)
	}
	if want := []bool{false, true, true, true, false}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want the sign-in, %d in vain, then as others do", asked, politeTries)
	}
}
