package acusink

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/calls"
	"millrace/schemas"
)

var started = time.Now()

// tenant is a twin with one open invoice, and a sink in front of it.
type tenant struct {
	*bench
	twin    *acumaticatwin.Twin
	invoice acumaticatwin.InvoiceView
	front   func(next http.Handler, w http.ResponseWriter, r *http.Request) // before the twin; nil is none
}

func newTenant(t *testing.T, oauth bool, releaseDelay time.Duration) *tenant {
	t.Helper()
	b := &bench{mem: newMemory(), clock: time.Now()}
	n := &tenant{bench: b}
	o := acumaticatwin.Options{
		Tenant: "Books", Username: "bridge", Password: "password", ReleaseDelay: releaseDelay,
		UserFields: []acumaticatwin.UserField{
			{Entity: "Invoice", Name: "Document.UsrStripeState", Size: 40}, {Entity: "Invoice", Name: "Document.UsrLocked", Locked: true},
		},
		Now: func() time.Time { return b.clock.Add(time.Since(started)) },
	}
	if oauth {
		o.ClientID, o.ClientSecret = "6f1c1a70-0000-4000-8000-000000000001", "client-secret"
	}
	twin, err := acumaticatwin.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.front != nil {
			n.front(twin.Handler(), w, r)
			return
		}
		twin.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	customer := twin.AddCustomer(acumaticatwin.Customer{Name: "Harbor & Pine"})
	twin.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: []acumaticatwin.InvoiceLine{
		{Description: "Desk", Qty: decimal.New(1, 0), UnitPrice: decimal.New(12050, -2)},
	}})
	client, err := acumatica.New(acumatica.Config{
		BaseURL: srv.URL, Tenant: "Books", Endpoint: "Default/24.200.001", Username: o.Username, Password: o.Password,
		ClientID: o.ClientID, ClientSecret: o.ClientSecret, Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	if err := client.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sink = New(Options{
		Connections: map[string]Connection{"default": {Client: client, SettleDelay: settleDelay}},
		Postings:    b.mem, Links: b.mem, Publisher: b.mem, Doubts: b.mem,
	})
	b.sink.now = func() time.Time { return b.clock }
	n.twin, n.invoice = twin, twin.Invoices()[0]
	return n
}

// pay handles the intent that pays the invoice.
func (n *tenant) pay(t *testing.T) (schemas.Outcome, int64, error) {
	t.Helper()
	in := intent(func(_ *schemas.Intent, f map[string]any) {
		f["CustomerID"], f["CashAccount"] = n.invoice.CustomerID, acumaticatwin.SeedCashAccountUSD
		f["ApplicationDate"] = n.clock.UTC().Format(time.DateOnly)
		f["DocumentsToApply"] = []any{map[string]any{"DocType": "Invoice", "ReferenceNbr": n.invoice.ReferenceNbr, "AmountPaid": "120.50"}}
	})
	ctx, count := calls.With(t.Context())
	out, err := n.sink.Handle(ctx, n.message(in))
	return out, count.AcumaticaCalls.Load(), err
}

func (n *tenant) paidOnce(t *testing.T) {
	t.Helper()
	payments := n.twin.Payments()
	if len(payments) != 1 || payments[0].Status != "Closed" || payments[0].PaymentRef != "ch_1" {
		t.Errorf("payments %+v", payments)
	}
	if inv := n.twin.Invoices()[0]; inv.Status != "Closed" || !inv.Balance.IsZero() {
		t.Errorf("invoice %+v", inv)
	}
}

func TestPaymentInTheTwin(t *testing.T) {
	for name, oauth := range map[string]bool{"cookies": false, "token": true} {
		t.Run(name, func(t *testing.T) {
			n := newTenant(t, oauth, 0)
			out, count, err := n.pay(t)
			if err != nil || out.Outcome != schemas.Applied || count != 3 {
				t.Fatalf("%d calls, %+v, %v", count, out, err)
			}
			n.paidOnce(t)
			out, count, err = n.pay(t)
			if err != nil || out.Outcome != schemas.Duplicate || count != 0 {
				t.Errorf("again: %d calls, %+v, %v", count, out, err)
			}
		})
	}
}

func TestReleaseThatRunsForAWhileInTheTwin(t *testing.T) {
	n := newTenant(t, false, 300*time.Millisecond)
	if _, _, err := n.pay(t); err != nil {
		t.Fatal(err)
	}
	n.paidOnce(t)
}

func TestRefusalsOfTheTwinHaveTheirCodes(t *testing.T) {
	t.Run("closed period", func(t *testing.T) {
		n := newTenant(t, false, 0)
		period := n.clock.UTC().Format("01-2006")
		if err := n.twin.ClosePeriod(period); err != nil {
			t.Fatal(err)
		}
		_, _, err := n.pay(t)
		wantCode(t, err, "acumatica.period_closed")
		if err := n.twin.OpenPeriod(period); err != nil {
			t.Fatal(err)
		}
		if _, count, err := n.pay(t); err != nil || count != 3 {
			t.Fatalf("%d calls, %v", count, err)
		}
		n.paidOnce(t)
	})
	for code, edit := range map[string]func(map[string]any){
		"acumatica.customer_unknown": func(f map[string]any) { f["CustomerID"] = "NOBODY" },
		"acumatica.cash_account":     func(f map[string]any) { f["CashAccount"] = "99999" },
		"acumatica.application": func(f map[string]any) {
			f["DocumentsToApply"] = []any{map[string]any{"DocType": "Invoice", "ReferenceNbr": "NOSUCH", "AmountPaid": "1.00"}}
		},
	} {
		t.Run(code, func(t *testing.T) {
			n := newTenant(t, false, 0)
			in := intent(func(_ *schemas.Intent, f map[string]any) {
				f["CustomerID"], f["CashAccount"] = n.invoice.CustomerID, acumaticatwin.SeedCashAccountUSD
				f["ApplicationDate"] = n.clock.UTC().Format(time.DateOnly)
				delete(f, "DocumentsToApply")
				edit(f)
			})
			_, err := n.sink.Handle(t.Context(), n.message(in))
			wantCode(t, err, code)
			if len(n.twin.Payments()) != 0 {
				t.Error("nothing may be saved")
			}
		})
	}
}

func TestPostingWithOneSendIsNotInDoubt(t *testing.T) {
	n := newTenant(t, false, 0)
	if _, _, err := n.pay(t); err != nil || len(n.mem.doubts) != 0 {
		t.Errorf("%d doubts, %v", len(n.mem.doubts), err)
	}
}
