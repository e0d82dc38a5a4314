package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/reconcile"
	"millrace/internal/stripetwin"
)

// shelf is an installation between both twins, as its user has it.
type shelf struct {
	t      *testing.T
	erp    *acumaticatwin.Twin
	client *acumatica.Client // of a bookkeeper
	flags  []string
}

const shelfConfig = `
connections:
- name: default
  stripe: {api_key: sk_test_twin, api_base: %q, webhook_secrets: [whsec_twin], sweep_interval: 100ms}
  acumatica: {url: %q, tenant: Company, endpoint: Default/24.200.001, username: admin, password: twin}
  books:
    payment_method: STRIPE
    cash_accounts: {USD: 10250ST, EUR: 10251ST}
    clearing: {USD: "10250", EUR: "10251"}
    accounts: {bank: "10200", fee: "61000", dispute: "12500", dispute_lost: "65000", sales: "40000", suspense: "19900", fx: "71500", write_off: "65000"}
    write_off_limit: "0.10"
ingest: {listen: "127.0.0.1:0"}
ops: {listen: "off"}
`

// newShelf starts millrace with a charge that is paid out.
func newShelf(t *testing.T) *shelf {
	t.Helper()
	erp, err := acumaticatwin.New(acumaticatwin.Options{Tenant: "Company", Username: "admin", Password: "twin"})
	if err != nil {
		t.Fatal(err)
	}
	stripe, err := stripetwin.New(stripetwin.Options{APIKey: "sk_test_twin"})
	if err != nil {
		t.Fatal(err)
	}
	erpServer, stripeServer := httptest.NewServer(erp.Handler()), httptest.NewServer(stripe.Handler())
	t.Cleanup(erpServer.Close)
	t.Cleanup(stripeServer.Close)
	client, err := acumatica.New(acumatica.Config{BaseURL: erpServer.URL, Tenant: "Company", Endpoint: "Default/24.200.001", Username: "admin", Password: "twin"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.WithoutCancel(t.Context())) })
	dir := t.TempDir()
	file := filepath.Join(dir, "millrace.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, shelfConfig, stripeServer.URL, erpServer.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shelf{t: t, erp: erp, client: client, flags: []string{"--config", file, "--data-dir", filepath.Join(dir, "data"), "--json"}}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan string, 1)
	go func() {
		code, stdout, stderr := call(ctx, append([]string{"up"}, s.flags...)...)
		ended <- fmt.Sprintf("exit %d\n%s\n%s", code, stdout, stderr)
	}()
	t.Cleanup(func() {
		stop()
		if said := <-ended; t.Failed() {
			t.Log(said)
		}
	})
	s.wait("millrace is up", func() bool { _, up := s.statements(); return up })
	sell(t, stripeServer.URL, stripe)
	return s
}

// sell makes a charge of nobody's whose payout arrives.
func sell(t *testing.T, base string, twin *stripetwin.Twin) {
	t.Helper()
	form := url.Values{"amount": {"10000"}, "currency": {"usd"}, "confirm": {"true"}, "payment_method": {"pm_card_bypassPending"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/payment_intents", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_twin")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	_ = res.Body.Close() // nothing of it is needed
	if _, err := twin.PayOut(t.Context(), "usd"); err != nil {
		t.Fatal(err)
	}
	if err := twin.Advance(t.Context(), 3*24*time.Hour); err != nil {
		t.Fatal(err)
	}
}

// call runs a verb of the user's and returns how it ended.
func (s *shelf) call(result any, args ...string) (int, envelope) {
	s.t.Helper()
	code, stdout, _ := call(s.t.Context(), append(args, s.flags...)...)
	return code, document(s.t, stdout, result)
}

// statements are the proof of this month; none while millrace is not up.
func (s *shelf) statements() (all []*reconcile.Statement, up bool) {
	s.t.Helper()
	var res reconciled
	code, e := s.call(&res, "reconcile")
	if code <= 1 && (code == 0) != e.OK {
		s.t.Fatalf("exit %d, %+v", code, e)
	}
	return res.Reconciliation, code <= 1
}

// statement is the one in a currency; nil when there is none.
func (s *shelf) statement(currency string) *reconcile.Statement {
	s.t.Helper()
	all, _ := s.statements()
	for _, x := range all {
		if x.Currency == currency {
			return x
		}
	}
	return nil
}

// until waits for what a statement must say.
func (s *shelf) until(what, currency string, is func(x *reconcile.Statement) bool) {
	s.t.Helper()
	s.wait(what, func() bool { x := s.statement(currency); return x != nil && is(x) })
}

func (s *shelf) wait(what string, done func() bool) {
	s.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for over := time.Now().Add(time.Minute); !done(); <-tick.C {
		if time.Now().After(over) {
			all, _ := s.statements()
			s.t.Fatalf("not in a minute: %s: %s", what, asJSON(s.t, all))
		}
	}
}

// byHand is what a bookkeeper books on a clearing account without us.
func (s *shelf) byHand(currency, clearing, amount string) {
	s.t.Helper()
	v := func(x any) any { return acumatica.Value(x) }
	rec, err := s.client.Put(s.t.Context(), "JournalTransaction", map[string]any{
		"Module": v("GL"), "Hold": v(false), "CurrencyID": v(currency), "TransactionDate": v(time.Now().UTC().Format(time.DateOnly)), "Description": v("by hand"),
		"Details": []any{
			map[string]any{"Account": v(clearing), "DebitAmount": v(amount)}, map[string]any{"Account": v("61000"), "CreditAmount": v(amount)},
		},
	}, acumatica.Query{})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.client.Invoke(s.t.Context(), "JournalTransaction", "ReleaseJournalTransaction", map[string]any{"id": rec.ID()}); err != nil {
		s.t.Fatal(err)
	}
}

// writeOff asks for it and returns the code of what is wrong; none is "".
func (s *shelf) writeOff(currency, reason string) string {
	s.t.Helper()
	code, e := s.call(nil, "reconcile", "write-off", "--currency", currency, "--period", time.Now().UTC().Format("2006-01"), "--reason", reason)
	if (code == 0) != (e.Error == nil) {
		s.t.Errorf("exit %d, %+v", code, e.Error)
	}
	if e.Error == nil {
		return ""
	}
	return e.Error.Code
}

// TestADifferenceIsWrittenOffUpToTheLimit goes through the whole pipeline: a
// bookkeeper's entry on the clearing account makes the difference.
func TestADifferenceIsWrittenOffUpToTheLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole pipeline")
	}
	s := newShelf(t)
	s.until("the payout is in the books", "USD", func(x *reconcile.Statement) bool { return x.OK() && x.Matched > 0 })
	if code := s.writeOff("USD", "nothing is off"); code == "" {
		t.Error("written off what agrees")
	}

	s.byHand("USD", "10250", "0.07")
	s.byHand("EUR", "10251", "0.11")
	s.until("the difference shows", "USD", func(x *reconcile.Statement) bool { return x.Difference == "0.07" && !x.OK() })
	if code := s.writeOff("EUR", "over the limit"); code != "reconcile.write_off_limit" {
		t.Errorf("over the limit: %s", code)
	}
	if code, e := s.call(nil, "reconcile", "write-off", "--currency", "USD", "--period", time.Now().UTC().Format("2006-01"), "--reason", "a try", "--dry-run"); code != 0 ||
		!strings.Contains(e.Summary, "debit 65000 0.07 USD, credit 10250 0.07 USD") || !strings.Contains(e.Summary, "nothing is posted") {
		t.Errorf("dry run: exit %d, %+v", code, e)
	}
	if code := s.writeOff("USD", "rounding at the bank"); code != "" {
		t.Fatalf("write-off: %s", code)
	}
	s.until("it is written off", "USD", func(x *reconcile.Statement) bool { return x.OK() && x.Difference == "0.00" })
	if code := s.writeOff("USD", "again"); code == "" {
		t.Error("written off twice")
	}
	if x := s.statement("EUR"); x == nil || x.Difference != "0.11" {
		t.Errorf("the other currency: %+v", x)
	}
	written := 0
	for _, b := range s.erp.Ledger() {
		if !strings.HasPrefix(b.Description, "Stripe write_off ") {
			continue
		}
		written++
		if len(b.Lines) != 2 || b.Currency != "USD" || b.Lines[0].Account != "65000" || b.Lines[0].Debit.String() != "0.07" || b.Lines[1].Account != "10250" || b.Lines[1].Credit.String() != "0.07" {
			t.Errorf("%+v", b)
		}
	}
	if written != 1 {
		t.Errorf("%d journals write it off", written)
	}
}
