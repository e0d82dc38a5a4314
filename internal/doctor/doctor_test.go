package doctor_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/ingest/sweep"
	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/config"
	"millrace/internal/doctor"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/internal/stripetwin"
	"millrace/internal/twinfault"
	"millrace/transform/flows"
)

const stripeKey = "sk_test_doctor"

// A patient is a connection between two twins.
type patient struct {
	t      *testing.T
	stripe *stripetwin.Twin
	erp    *acumaticatwin.Twin
	conn   config.Connection
	now    time.Time // of the doctor; the twins' stands still
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	at := time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return at }
	st, err := stripetwin.New(stripetwin.Options{APIKey: stripeKey, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	erp, err := acumaticatwin.New(acumaticatwin.Options{
		Tenant: "Company", Username: "api", Password: "pw", Now: clock, Seed: acumaticatwin.SeedQuick,
		UserFields: []acumaticatwin.UserField{{Entity: "Invoice", Name: "Document.UsrStripeURL"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &patient{t: t, stripe: st, erp: erp, now: at}
	st.SetWebhook("https://hooks.example/webhooks/stripe", "whsec_doctor")
	p.conn = config.Connection{
		Name:   "default",
		Stripe: config.Stripe{APIKey: stripeKey, APIBase: p.serve(st.Handler())},
		Acumatica: config.Acumatica{
			URL: p.serve(erp.Handler()), Tenant: "Company", Endpoint: "Default/24.200.001", Username: "api", Password: "pw",
		},
		Books: config.Books{
			TimeZone: "UTC", PaymentMethod: acumaticatwin.SeedPaymentMethod, CashAccounts: map[string]string{"USD": acumaticatwin.SeedCashAccountUSD},
			Clearing: map[string]config.Account{"USD": {Account: "10250"}},
			Accounts: map[string]config.ByCurrency{"bank": {"": {Account: "10200"}}, "fee": {"": {Account: "61000"}}},
		},
	}
	return p
}

func (p *patient) serve(h http.Handler) string {
	srv := httptest.NewServer(h)
	p.t.Cleanup(srv.Close)
	return srv.URL
}

// examine makes all checks and leaves no session behind.
func (p *patient) examine() []doctor.Finding {
	p.t.Helper()
	docs, err := flows.Load()
	if err != nil {
		p.t.Fatal(err)
	}
	st, err := stripeapi.New(stripeapi.Config{APIKey: stripeKey, BaseURL: p.conn.Stripe.APIBase})
	if err != nil {
		p.t.Fatal(err)
	}
	a := p.conn.Acumatica
	erp, err := acumatica.New(acumatica.Config{BaseURL: a.URL, Tenant: a.Tenant, Endpoint: a.Endpoint, Username: a.Username, Password: a.Password.Reveal()})
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = erp.Close(context.WithoutCancel(p.t.Context())) }()
	return doctor.Examine(p.t.Context(), doctor.Options{
		Connection: p.conn, Stripe: st, Acumatica: erp, Flows: docs, Now: p.now, MaxSkew: 5 * time.Minute,
	})
}

func (p *patient) rights(r acumaticatwin.Rights) {
	p.t.Helper()
	if err := p.erp.SetRights(r); err != nil {
		p.t.Fatal(err)
	}
}

// pay puts a payment on a cash account.
func (p *patient) pay(cash string) {
	p.t.Helper()
	erp, err := acumatica.New(acumatica.Config{BaseURL: p.conn.Acumatica.URL, Tenant: "Company", Endpoint: p.conn.Acumatica.Endpoint, Username: "api", Password: "pw"})
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = erp.Close(context.WithoutCancel(p.t.Context())) }()
	customer := map[string]string{acumaticatwin.SeedCashAccountUSD: "C000001", acumaticatwin.SeedCashAccountEUR: "C000004"}[cash]
	body := map[string]any{}
	for field, value := range map[string]any{
		"Type": "Payment", "CustomerID": customer, "PaymentMethod": acumaticatwin.SeedPaymentMethod, "CashAccount": cash, "PaymentAmount": 10, "PaymentRef": "ch_1",
	} {
		body[field] = map[string]any{"value": value}
	}
	_, err = erp.Put(p.t.Context(), "Payment", body, acumatica.Query{})
	if err != nil {
		p.t.Fatal(err)
	}
}

func text(list []doctor.Finding) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(strings.Join([]string{string(f.State), f.System, f.Check, f.Code, f.Detail}, " | ") + "\n")
	}
	return b.String()
}

func TestAHealthyConnectionOnEveryEndpoint(t *testing.T) {
	for _, version := range []string{"22.200.001", "23.200.001", "24.200.001"} {
		t.Run(version, func(t *testing.T) {
			p := newPatient(t)
			p.conn.Acumatica.Endpoint = "Default/" + version
			list := p.examine()
			if doctor.Count(list, doctor.Wrong) > 0 || doctor.Count(list, doctor.OK) < 10 {
				t.Errorf("findings:\n%s", text(list))
			}
		})
	}
}

// TestItOnlyReads: nothing but GET reaches either system, sign-in and sign-out
// aside.
func TestItOnlyReads(t *testing.T) {
	p := newPatient(t)
	p.examine()
	for _, r := range p.erp.Requests() {
		if r.Method != http.MethodGet && !strings.HasPrefix(r.Path, "/entity/auth/") {
			t.Errorf("acumatica: %s %s", r.Method, r.Path)
		}
	}
	for _, r := range p.stripe.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("stripe: %s %s", r.Method, r.Path)
		}
	}
	if n := len(p.erp.Requests()); n > 60 {
		t.Errorf("%d requests to Acumatica", n)
	}
}

func TestFindings(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hurt  func(*patient)
		state doctor.State
		check string
		code  string
		says  string
	}{
		{"hidden customer", func(p *patient) {
			p.rights(acumaticatwin.Rights{HiddenCustomers: []string{"C000002"}})
		}, doctor.Wrong, "visible", "doctor.rows_hidden", "C000002 (named by batch AR "},
		{"documents hidden with it", func(p *patient) {
			p.rights(acumaticatwin.Rights{HiddenCustomers: []string{"C000002"}})
		}, doctor.Note, "numbers", "doctor.numbers_missing", "numbers from AR000001 to AR000006"},
		{"no branch", func(p *patient) {
			p.rights(acumaticatwin.Rights{NoBranch: true})
		}, doctor.Wrong, "visible", "doctor.rows_none", "no invoice and no payment"},
		{"form without rights", func(p *patient) {
			p.rights(acumaticatwin.Rights{Forbidden: []string{"Payment"}})
		}, doctor.Wrong, "rights Payment", "acumatica.forbidden", "AR302000"},
		{"customers without rights", func(p *patient) {
			p.rights(acumaticatwin.Rights{Forbidden: []string{"Customer"}})
		}, doctor.Wrong, "rights Customer", "acumatica.forbidden", "AR303000"},
		{"chart of accounts without rights", func(p *patient) {
			p.rights(acumaticatwin.Rights{Forbidden: []string{"Account"}})
		}, doctor.Note, "accounts", "doctor.nothing_known", "GL202500"},
		{"wrong password", func(p *patient) {
			p.conn.Acumatica.Password = "other"
		}, doctor.Wrong, "sign-in", "acumatica.credentials", "Invalid credentials"},
		{"endpoint that is not there", func(p *patient) {
			p.conn.Acumatica.Endpoint = "Default/21.200.001"
		}, doctor.Wrong, "sign-in", "acumatica.endpoint", "there is Default/22.200.001"},
		{"fees on payments need a newer endpoint", func(p *patient) {
			p.conn.Acumatica.Endpoint, p.conn.Books.Fees = "Default/22.200.001", "payment_charges"
		}, doctor.Wrong, "endpoint Payment", "doctor.endpoint_lacks", "Payment lacks Charges"},
		{"field of a newer endpoint that is done without", func(p *patient) {
			p.conn.Acumatica.Endpoint = "Default/22.200.001"
		}, doctor.Note, "endpoint Customer", "doctor.endpoint_lacks", "Customer lacks Email; flows go on without"},
		{"account that is not there", func(p *patient) {
			p.conn.Books.Accounts["bank"] = config.ByCurrency{"": {Account: "99999"}}
		}, doctor.Wrong, "account 99999", "doctor.ledger_account", "books.accounts.bank"},
		{"account of another currency", func(p *patient) {
			p.conn.Books.Clearing["USD"] = config.Account{Account: "10251"}
		}, doctor.Wrong, "account 10251", "doctor.ledger_account", "is of EUR, not of USD"},
		{"cash account that is not allowed", func(p *patient) {
			p.conn.Books.CashAccounts["USD"] = acumaticatwin.SeedBankCashAccount
		}, doctor.Wrong, "cash account 10200", "doctor.cash_account", "books.cash_accounts.USD"},
		{"cash account of another currency", func(p *patient) {
			p.conn.Books.CashAccounts["USD"] = acumaticatwin.SeedCashAccountEUR
			p.pay(acumaticatwin.SeedCashAccountEUR)
		}, doctor.Wrong, "cash account 10251ST", "doctor.cash_account", "books.cash_accounts.USD: is of EUR"},
		{"cash account whose currency nothing tells", func(p *patient) {
			p.conn.Books.CashAccounts["USD"] = acumaticatwin.SeedCashAccountEUR
		}, doctor.Note, "cash account", "", "not checked that the currency is right: the endpoint has no CashAccount, and there is no payment yet, of 10251ST"},
		{"cash account of its currency", func(p *patient) {
			p.pay(acumaticatwin.SeedCashAccountUSD)
		}, doctor.OK, "cash account 10250ST", "", "is of USD"},
		{"write-back without rows", func(p *patient) {
			p.conn.Customers.WriteBack.Fields.StripeCustomerID = "BAccount.UsrStripeCustomer"
			p.rights(acumaticatwin.Rights{Forbidden: []string{"Customer"}})
		}, doctor.Note, "customers.write_back", "", "not checked: no Customer could be read"},
		{"customers unseen", func(p *patient) {
			p.rights(acumaticatwin.Rights{Forbidden: []string{"Customer"}})
		}, doctor.Note, "visible", "", "not checked: the user may not list Customer"},
		{"payment method that is not there", func(p *patient) {
			p.conn.Books.PaymentMethod = "WIRE"
		}, doctor.Wrong, "payment method WIRE", "doctor.payment_method", "no such"},
		{"closed period", func(p *patient) {
			if err := p.erp.ClosePeriod("2026-03"); err != nil {
				p.t.Fatal(err)
			}
		}, doctor.Wrong, "period", "doctor.period_closed", "2026-03-16"},
		{"clock that is off", func(p *patient) {
			p.now = p.now.Add(time.Hour)
		}, doctor.Wrong, "clock", "doctor.clock", "1h0m0s apart"},
		{"books in another zone", func(p *patient) {
			p.conn.Books.TimeZone = "America/New_York"
		}, doctor.Note, "time zone", "", "the server writes times as UTC+00:00"},
		{"restricted key", func(p *patient) {
			p.forbid("/v1/payouts")
		}, doctor.Wrong, "read payouts", "stripe.permission", "rak_payout_read"},
		{"key that may not see webhooks", func(p *patient) {
			p.forbid("/v1/webhook_endpoints")
		}, doctor.Note, "webhook", "doctor.nothing_known", "rak_webhook_endpoint_read"},
		{"balance without a clearing account", func(p *patient) {
			delete(p.conn.Books.CashAccounts, "USD")
			p.conn.Books.CashAccounts["EUR"] = acumaticatwin.SeedCashAccountEUR
		}, doctor.Note, "balance USD", "doctor.currency", "no clearing account"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPatient(t)
			tt.hurt(p)
			list := p.examine()
			for _, f := range list {
				if f.State == tt.state && f.Check == tt.check && f.Code == tt.code && strings.Contains(f.Detail, tt.says) {
					if known, ok := fault.Lookup(f.Code); ok && f.Hint != known.Hint && f.System != "stripe" {
						t.Errorf("hint = %q, want %q", f.Hint, known.Hint)
					}
					return
				}
			}
			t.Errorf("no %s %s %s with %q in\n%s", tt.state, tt.check, tt.code, tt.says, text(list))
		})
	}
}

// forbid takes a permission away from the key.
func (p *patient) forbid(path string) {
	p.t.Helper()
	err := p.stripe.Faults().Add(twinfault.Fault{PathPrefix: path, Mode: "status:403", Count: 100})
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestWebhooksNeedEveryEventThatFlowsLiveOn(t *testing.T) {
	e := stripeapi.WebhookEndpoint{Status: "enabled", Events: []string{"invoice.paid"}}
	for _, event := range sweep.Needed() {
		if got, want := e.Receives(event), event == "invoice.paid"; got != want {
			t.Errorf("%s: received %t, want %t", event, got, want)
		}
	}
	e.Events = []string{"*"}
	for _, event := range sweep.Needed() {
		if !e.Receives(event) {
			t.Errorf("%s is not in *", event)
		}
	}
	if e.Receives("invoice.created") {
		t.Error("invoice.created must be asked for by name")
	}
}
