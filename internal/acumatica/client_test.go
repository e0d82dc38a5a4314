package acumatica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/internal/calls"
	"millrace/internal/fault"
)

const (
	root     = "/site/entity/Default/24.200.001/"
	password = "s3cret-pass"
)

func newClient(t *testing.T, base string) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: base + "/site/", Tenant: "T1", Endpoint: "Default/24.200.001", Username: "u", Password: password, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.http.CloseIdleConnections() })
	return c
}

// serve answers sign-in and sign-out, and everything else with h.
func serve(t *testing.T, h http.HandlerFunc) (*Client, *[]string) {
	t.Helper()
	var mu sync.Mutex
	var log []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		log = append(log, r.Method+" "+r.URL.Path)
		mu.Unlock()
		switch r.URL.Path {
		case "/site/entity/auth/login":
			http.SetCookie(w, &http.Cookie{Name: ".ASPXAUTH", Value: "cookie", Path: "/"})
			w.WriteHeader(http.StatusNoContent)
		case "/site/entity/auth/logout":
			if r.Header.Get("Content-Length") == "" && r.ContentLength != 0 {
				w.WriteHeader(http.StatusLengthRequired)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		default:
			h(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return newClient(t, srv.URL), &log
}

func answer(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func exception(kind, text string) string {
	return fmt.Sprintf(`{"message":"An error has occurred.","exceptionMessage":%q,"exceptionType":%q,"stackTrace":"at X"}`, text, kind)
}

func TestEveryFailureHasItsCode(t *testing.T) {
	const px = "PX.Data.PXException"
	cases := []struct {
		name, code string
		uncertain  bool // after a PUT
		status     int
		kind, body string
	}{
		{"closed period", "acumatica.period_closed", false, 500, "application/json", exception(px, "The 01-2024 financial period is closed in the MAIN company.")},
		{"period in a 422", "acumatica.period_closed", false, 422, "application/json", `{"error":"Inserting raised at least one error.","ApplicationDate":{"value":"x","error":"The 01-2024 financial period is inactive."}}`},
		{"cash account", "acumatica.cash_account", false, 422, "application/json", `{"CashAccount":{"error":"'Cash Account' cannot be found in the system."}}`},
		{"unknown customer", "acumatica.customer_unknown", false, 422, "application/json", `{"CustomerID":{"error":"'Customer' cannot be found in the system."}}`},
		{"inactive customer", "acumatica.customer_inactive", false, 422, "application/json", `{"error":"The customer status is 'Inactive'."}`},
		{"application", "acumatica.application", false, 422, "application/json", `{"DocumentsToApply":[{"ReferenceNbr":{"error":"'Reference Nbr.' cannot be found in the system."}}]}`},
		{"application of a credit memo", "acumatica.application", false, 422, "application/json", `{"ApplicationsCreditMemo":[{"ReferenceNbr":{"error":"'Reference Nbr.' cannot be found in the system."}}]}`},
		{"application at the release", "acumatica.application", false, 500, "application/json", exception("PX.Data.PXException", "Reference Nbr. 'AR000037' cannot be found in the system.")},
		{"other validation", "acumatica.validation", false, 422, "application/json", `{"error":"something else"}`},
		{"business exception in a 500", "acumatica.validation", false, 500, "application/json", exception("PX.Data.PXInvalidOperationException", "Operation failed")},
		{"database trouble", "acumatica.server_error", true, 500, "application/json", exception("PX.Data.PXDatabaseException", "deadlocked")},
		{"not available", "acumatica.server_error", true, 500, "application/json", exception(px, "The server is not available at the moment.")},
		{"null reference", "acumatica.server_error", true, 500, "application/json", exception("System.NullReferenceException", "Object reference not set")},
		{"concurrent change", "acumatica.concurrent_change", false, 500, "application/json", exception("PX.Data.PXLockViolationException", "Another process has updated the 'ARPayment' record. Your changes will be lost.")},
		{"conflict", "acumatica.concurrent_change", false, 409, "application/json", `{"message":"Conflict"}`},
		{"no such record", "acumatica.not_found", false, 500, "application/json", exception("PX.Api.ContractBased.NoEntitySatisfiesTheConditionException", "No entity satisfies the condition.")},
		{"session limit in a 500", "acumatica.session_limit", false, 500, "application/json", exception(px, "API Login Limit")},
		{"throttled", "acumatica.throttled", false, 429, "text/plain", "The custom error module does not recognize this error."},
		{"rights", "acumatica.forbidden", false, 403, "application/json", `{"message":"You have insufficient rights to access the Payments (AR302000) form."}`},
		{"endpoint", "acumatica.endpoint", false, 404, "application/json", `{"message":"No HTTP resource was found"}`},
		{"failed look-up", "acumatica.lookup", true, 500, "application/json", exception("System.Collections.Generic.KeyNotFoundException", "The given key was not present")},
		{"set-up", "acumatica.setup", false, 500, "application/json", exception("PX.Data.PXSetupNotEnteredException", "The required configuration data is not entered")},
		{"gateway", "acumatica.unreachable", true, 502, "text/html", "<html>"},
		{"restarting", "acumatica.unreachable", true, 503, "text/html", "<html>"},
		{"HTML with 200", "acumatica.server_error", true, 200, "text/html", "<html>"},
		{"HTML with 500", "acumatica.server_error", true, 500, "text/html; charset=utf-8", "<html>"},
		{"not JSON", "acumatica.server_error", true, 200, "application/json", `{"id":`},
		{"malformed", "acumatica.request", false, 400, "application/json", `{"message":"The request is invalid.","modelState":{"":["The request body should not be empty."]}}`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := serve(t, answer(tc.status, tc.kind, tc.body))
			_, err := c.Put(t.Context(), "Payment", map[string]any{}, Query{})
			if got := fault.Of(err).Code; got != tc.code {
				t.Fatalf("code %s, want %s: %v", got, tc.code, err)
			}
			if got := Uncertain(err); got != tc.uncertain {
				t.Errorf("PUT uncertain = %v, want %v: %v", got, tc.uncertain, err)
			}
			if _, _, err := c.List(t.Context(), "Payment", Query{}); Uncertain(err) {
				t.Errorf("a read is never uncertain: %v", err)
			}
			if strings.Contains(err.Error(), "at X") {
				t.Error("the stack trace must not be in the error")
			}
		})
	}
}

func TestValidationCarriesAllTextsWithTheirPath(t *testing.T) {
	status, body := recorded(t, "11-put-bill-422.json")
	c, _ := serve(t, answer(status, "application/json", string(body)))
	_, err := c.Put(t.Context(), "Bill", map[string]any{}, Query{})
	for _, want := range []string{"Inserting 'AP Transactions' record raised", "Details[0]/Project: Project 'TES2323T '"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
}

func TestRecordedNotFoundIsNotFound(t *testing.T) {
	status, body := recorded(t, "13-get-by-key-not-found-500.json")
	c, _ := serve(t, answer(status, "application/json", string(body)))
	if _, err := c.Get(t.Context(), "Vendor", []string{"X"}, Query{}); !IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}

func TestWrongPasswordIsMisconfigured(t *testing.T) {
	srv := httptest.NewServer(answer(500, "application/json", exception("PX.Data.PXException", "Error: Invalid credentials for "+password)))
	defer srv.Close()
	_, _, err := newClient(t, srv.URL).List(t.Context(), "Customer", Query{})
	if f := fault.Of(err); f.Code != "acumatica.credentials" || f.Kind != fault.Misconfigured {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), password) {
		t.Error("the password is in the error (Invariant 9)")
	}
}

func TestRedirectIsNeverFollowed(t *testing.T) {
	cases := []struct{ name, to, code string }{
		{"limit", "/site/Frames/Error.aspx?message=The+number+of+concurrent+API+logins+has+been+reached.", "acumatica.session_limit"},
		{"wrong scheme", "https://127.0.0.1/site/entity", "acumatica.endpoint"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, log := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, tc.to, http.StatusFound) })
			_, _, err := c.List(t.Context(), "Customer", Query{})
			if got := fault.Of(err).Code; got != tc.code {
				t.Errorf("got %v", err)
			}
			if len(*log) != 2 {
				t.Errorf("requests: %v", *log)
			}
		})
	}
}

func TestOneNewSignInAfter401(t *testing.T) {
	var refused atomic.Int32
	c, log := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if refused.Add(1) == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(200, "application/json", `[]`)(w, nil)
	})
	if _, _, err := c.List(t.Context(), "Customer", Query{}); err != nil {
		t.Fatal(err)
	}
	logins := 0
	for _, l := range *log {
		if strings.HasSuffix(l, "login") {
			logins++
		}
	}
	if logins != 2 {
		t.Errorf("%d sign-ins: %v", logins, *log)
	}
	always, _ := serve(t, answer(401, "application/json", `{}`))
	_, _, err := always.List(t.Context(), "Customer", Query{})
	if fault.Of(err).Code != "acumatica.credentials" {
		t.Errorf("401 for ever: %v", err)
	}
}

func TestCallsAreCountedWithoutSignIn(t *testing.T) {
	c, log := serve(t, answer(200, "application/json", `[{"id":"1"}]`))
	ctx, n := calls.With(t.Context())
	for range 2 {
		if _, at, err := c.List(ctx, "Customer", Query{Top: 1}); err != nil || at.IsZero() {
			t.Fatal(at, err)
		}
	}
	if err := c.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if got := n.AcumaticaCalls.Load(); got != 2 {
		t.Errorf("%d calls", got)
	}
	if last := (*log)[len(*log)-1]; last != "POST /site/entity/auth/logout" {
		t.Errorf("last request %s", last)
	}
	if _, _, err := c.List(ctx, "Customer", Query{}); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestActionIsFollowedToItsEnd(t *testing.T) {
	cases := []struct {
		name, location string
		end            int
		body, code     string
		uncertain      bool
	}{
		{"relative", root + "Payment/ReleasePayment/status/1", 204, "", "", false},
		{"absolute on our host", "HOST" + root + "Payment/ReleasePayment/status/1", 204, "", "", false},
		{"other host", "http://elsewhere.example/x", 0, "", "acumatica.endpoint", true},
		{"no location", "", 0, "", "acumatica.server_error", true},
		{"business error", root + "Payment/ReleasePayment/status/1", 500, exception("PX.Data.PXException", "The 01-2024 financial period is closed."), "acumatica.period_closed", false},
		{"status gone", root + "Payment/ReleasePayment/status/1", 404, "{}", "acumatica.server_error", true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var looks atomic.Int32
			c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodPost:
					w.Header().Set("Location", strings.Replace(tc.location, "HOST", "http://"+r.Host, 1))
					w.WriteHeader(http.StatusAccepted)
				case looks.Add(1) < 2:
					w.WriteHeader(http.StatusAccepted)
				default:
					answer(tc.end, "application/json", tc.body)(w, r)
				}
			})
			err := c.Invoke(t.Context(), "Payment", "ReleasePayment", map[string]any{"Type": Value("Payment")})
			if tc.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || fault.Of(err).Code != tc.code || Uncertain(err) != tc.uncertain {
				t.Errorf("uncertain %v: %v", Uncertain(err), err)
			}
		})
	}
}

func TestCutConnectionsAndTimeouts(t *testing.T) {
	t.Run("nothing listens", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		srv.Close()
		_, err := newClient(t, srv.URL).Put(t.Context(), "Payment", map[string]any{}, Query{})
		if fault.KindOf(err) != fault.Down || Uncertain(err) {
			t.Errorf("uncertain %v: %v", Uncertain(err), err)
		}
	})
	t.Run("cut before the answer", func(t *testing.T) {
		c, _ := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		_, err := c.Put(t.Context(), "Payment", map[string]any{}, Query{})
		if fault.Of(err).Code != "acumatica.cut" || !Uncertain(err) {
			t.Errorf("uncertain %v: %v", Uncertain(err), err)
		}
	})
	t.Run("cut within the answer", func(t *testing.T) {
		c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id"`)
			panic(http.ErrAbortHandler)
		})
		if _, err := c.Put(t.Context(), "Payment", map[string]any{}, Query{}); !Uncertain(err) {
			t.Errorf("uncertain %v: %v", Uncertain(err), err)
		}
	})
	t.Run("no answer in time", func(t *testing.T) {
		free := make(chan struct{})
		c, _ := serve(t, func(http.ResponseWriter, *http.Request) { <-free })
		defer close(free)
		c.cfg.Timeout = 50 * time.Millisecond
		_, err := c.Put(t.Context(), "Payment", map[string]any{}, Query{})
		if fault.Of(err).Code != "acumatica.timeout" || fault.KindOf(err) != fault.Transient || !Uncertain(err) {
			t.Errorf("uncertain %v: %v", Uncertain(err), err)
		}
		_, _, err = c.List(t.Context(), "Payment", Query{})
		if fault.Of(err).Code != "acumatica.timeout" || Uncertain(err) {
			t.Errorf("read: uncertain %v: %v", Uncertain(err), err)
		}
	})
}

func TestActionRunsAloneOnItsForm(t *testing.T) {
	started, free := make(chan struct{}), make(chan struct{})
	var overlap atomic.Bool
	var running atomic.Bool
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			running.Store(true)
			close(started)
			<-free
			running.Store(false)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if strings.Contains(r.URL.Path, "/Payment") && running.Load() {
			overlap.Store(true)
		}
		answer(200, "application/json", `[]`)(w, r)
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Invoke(context.Background(), "Payment", "ReleasePayment", nil); err != nil {
			t.Error(err)
		}
	})
	<-started
	wg.Go(func() {
		if _, _, err := c.List(context.Background(), "Payment", Query{}); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := c.List(t.Context(), "Customer", Query{}); err != nil {
		t.Error("another form must not wait:", err)
	}
	close(free)
	wg.Wait()
	if overlap.Load() {
		t.Error("a request ran on the form while the action did")
	}
}

func TestPing(t *testing.T) {
	cases := []struct{ name, endpoint, body, code string }{
		{"wrapped", "Default/24.200.001", `{"version":{},"endpoints":[{"name":"Default","version":"24.200.001"}]}`, ""},
		{"bare", "Default/24.200.001", `[{"name":"Default","version":"24.200.001"}]`, ""},
		{"absent", "Default/24.200.001", `[{"name":"Default","version":"23.200.001"}]`, "acumatica.endpoint"},
		{"contract 5", "Default/26.200.001", `[{"name":"Default","version":"26.200.001"}]`, "acumatica.endpoint"},
		{"custom of contract 4", "Mine/1.0", `[{"name":"Mine","version":"1.0"}]`, ""},
		{"custom of contract 5", "Five/1.0", `[{"name":"Five","version":"1.0"}]`, "acumatica.endpoint"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/site/entity":
					answer(200, "application/json", tc.body)(w, r)
				case "/site/entity/Mine/1.0/swagger.json":
					answer(200, "application/json", `{"info":{"version":"4"}}`)(w, r)
				default:
					answer(200, "application/json", `{"info":{"version":"5"}}`)(w, r)
				}
			})
			c.cfg.Endpoint, c.root = tc.endpoint, "/site/entity/"+tc.endpoint
			err := c.Ping(t.Context())
			if tc.code == "" && err != nil || tc.code != "" && (err == nil || fault.Of(err).Code != tc.code) {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

func TestNewNamesEveryProblem(t *testing.T) {
	_, err := New(Config{BaseURL: "ftp://x", Endpoint: "Default"})
	for _, want := range []string{"url", "endpoint", "username"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
}
