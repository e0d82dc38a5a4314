package stripetwin_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripespec"
	"millrace/internal/stripetwin"
)

const testKey = "sk_test_0123456789abcdef"

// start serves a twin and returns it with Stripe's own client for it, which
// never retries, so that a test sees each answer.
func start(t *testing.T, o stripetwin.Options) (*stripetwin.Twin, *client.API, *httptest.Server) {
	t.Helper()
	if o.APIKey == "" {
		o.APIKey = testKey
	}
	tw, err := stripetwin.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(stripespec.Watch(t, tw.Handler()))
	t.Cleanup(srv.Close)
	tw.SetBaseURL(srv.URL)
	tw.OnLostChange(func(id string) { t.Errorf("%s was changed and not marked", id) })
	return tw, clientFor(srv, testKey), srv
}

func clientFor(srv *httptest.Server, key string) *client.API {
	b := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: new(srv.URL), HTTPClient: srv.Client(), MaxNetworkRetries: new(int64(0)),
		EnableTelemetry: new(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	return client.New(key, &stripe.Backends{API: b, Connect: b, Uploads: b})
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newCustomer(t *testing.T, sc *client.API) *stripe.Customer {
	t.Helper()
	p := &stripe.CustomerParams{
		Name: new("ACME & Söhne"), Email: new("ap@acme.example"),
		Address: &stripe.AddressParams{City: new("Berlin"), Country: new("DE")},
	}
	p.AddMetadata("erp_id", "C0000042")
	return must(sc.Customers.New(p))(t)
}

func newDraft(t *testing.T, sc *client.API, cus string, amounts ...int64) *stripe.Invoice {
	t.Helper()
	p := &stripe.InvoiceParams{
		Customer: &cus, Currency: new("usd"), CollectionMethod: new("send_invoice"),
		DaysUntilDue: new(int64(30)), AutoAdvance: new(false),
	}
	p.AddMetadata("erp_ref", "INV000123")
	in := must(sc.Invoices.New(p))(t)
	for _, a := range amounts {
		must(sc.InvoiceItems.New(&stripe.InvoiceItemParams{
			Customer: &cus, Invoice: &in.ID, Amount: new(a), Currency: new("usd"), Description: new("line"),
		}))(t)
	}
	return in
}

func newOpen(t *testing.T, sc *client.API, cus string, amounts ...int64) *stripe.Invoice {
	t.Helper()
	in := newDraft(t, sc, cus, amounts...)
	return must(sc.Invoices.FinalizeInvoice(in.ID, &stripe.InvoiceFinalizeInvoiceParams{AutoAdvance: new(false)}))(t)
}

func TestInvoiceIsPaidAndItsMoneyIsInTheBalance(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	cus := newCustomer(t, sc)
	if cus.Metadata["erp_id"] != "C0000042" || cus.Name != "ACME & Söhne" || cus.Address.City != "Berlin" {
		t.Fatalf("customer lost fields: %+v", cus)
	}
	in := newOpen(t, sc, cus.ID, 100_00, 25_50)
	if in.Status != stripe.InvoiceStatusOpen || in.Total != 125_50 || in.AmountDue != 125_50 || in.Number == "" || in.PaymentIntent == nil {
		t.Fatalf("finalised: status %s total %d due %d number %q", in.Status, in.Total, in.AmountDue, in.Number)
	}
	if want := srv.URL + "/i/" + in.ID; in.HostedInvoiceURL != want {
		t.Fatalf("hosted url %q, want %q", in.HostedInvoiceURL, want)
	}
	if n := len(in.Lines.Data); n != 2 || in.Lines.Data[0].Amount != 100_00 {
		t.Fatalf("%d lines, first %+v", n, in.Lines.Data[0])
	}
	paid := must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}))(t)
	if !paid.Paid || paid.AmountPaid != 125_50 || paid.AmountRemaining != 0 || paid.StatusTransitions.PaidAt == 0 {
		t.Fatalf("paid: %+v", paid)
	}

	p := &stripe.ChargeParams{}
	p.AddExpand("balance_transaction")
	p.AddExpand("customer")
	p.AddExpand("invoice.payment_intent.latest_charge")
	p.AddExpand("refunds")
	ch := must(sc.Charges.Get(paid.Charge.ID, p))(t)
	bt := ch.BalanceTransaction
	if bt.Amount != 125_50 || bt.Fee != 394 || bt.Net != 12156 || bt.FeeDetails[0].Amount != bt.Fee || bt.Type != "charge" {
		t.Fatalf("balance transaction: %+v", bt)
	}
	if ch.Customer.Email != "ap@acme.example" || ch.Invoice.Number != in.Number || ch.Invoice.PaymentIntent.LatestCharge.ID != ch.ID || ch.Refunds == nil {
		t.Fatal("expansion is incomplete")
	}
	if !ch.Captured || !ch.Paid || ch.Amount != ch.AmountCaptured || ch.Status != "succeeded" {
		t.Fatalf("charge: %+v", ch)
	}
	if bal := must(sc.Balance.Get(nil))(t); bal.Pending[0].Amount != bt.Net {
		t.Fatalf("balance pending %d, want %d", bal.Pending[0].Amount, bt.Net)
	}
}

func TestPaymentOutsideInvoices(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{})
	cus := newCustomer(t, sc)
	id := must(tw.ChargeCustomer(t.Context(), cus.ID, 5000, "EUR", "shop order 7"))(t)
	ch := must(sc.Charges.Get(id, nil))(t)
	if ch.Invoice != nil || ch.Customer.ID != cus.ID || ch.Amount != 5000 || ch.Currency != "eur" || ch.Description != "shop order 7" {
		t.Fatalf("charge: %+v", ch)
	}
	if _, err := tw.ChargeCustomer(t.Context(), "cus_nobody", 5000, "eur", ""); err == nil {
		t.Fatal("charged a customer who does not exist")
	}
}

func TestBuyerPaysOnTheHostedPageOnce(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{})
	in := newOpen(t, sc, newCustomer(t, sc).ID, 99_00)
	for range 2 {
		res, err := srv.Client().Post(in.HostedInvoiceURL+"/pay", "application/x-www-form-urlencoded", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("pay: status %d", res.StatusCode)
		}
	}
	it := sc.Charges.List(&stripe.ChargeListParams{})
	n := 0
	for it.Next() {
		n++
	}
	if n != 1 {
		t.Fatalf("%d charges, want 1", n)
	}
	if err := tw.Pay(t.Context(), in.ID); err == nil {
		t.Fatal("a paid invoice was paid again")
	}
	res, err := srv.Client().Get(srv.URL + "/i/in_nope")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Fatalf("unknown page: status %d", res.StatusCode)
	}
}

func TestInvoiceStates(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	cus := newCustomer(t, sc)
	open := newOpen(t, sc, cus.ID, 1000)
	draft := newDraft(t, sc, cus.ID, 1000)
	void := newOpen(t, sc, cus.ID, 1000)
	voided := must(sc.Invoices.VoidInvoice(void.ID, &stripe.InvoiceVoidInvoiceParams{}))(t)
	if voided.Status != "void" || voided.StatusTransitions.VoidedAt == 0 {
		t.Fatalf("voided: %+v", voided)
	}
	outside := newOpen(t, sc, cus.ID, 1000)
	outside = must(sc.Invoices.Pay(outside.ID, &stripe.InvoicePayParams{PaidOutOfBand: new(true)}))(t)
	if !outside.Paid || !outside.PaidOutOfBand || outside.Charge != nil {
		t.Fatalf("paid out of band: %+v", outside)
	}
	credit := newOpen(t, sc, cus.ID, 1000, -2500)
	if !credit.Paid || credit.AmountDue != 0 || credit.EndingBalance != -1500 || credit.PaymentIntent != nil {
		t.Fatalf("negative total: status %s ending balance %d", credit.Status, credit.EndingBalance)
	}
	if next := newOpen(t, sc, cus.ID, 2000); next.AmountDue != 500 || next.Total != 2000 || next.StartingBalance != -1500 {
		t.Fatalf("credit was not applied: due %d", next.AmountDue)
	}
	number := "X-1"
	tests := []struct {
		name string
		do   func() error
		code stripe.ErrorCode
		msg  string
	}{
		{"finalise twice", func() error { _, err := sc.Invoices.FinalizeInvoice(open.ID, nil); return err }, "", "already finalized"},
		{"item on an open invoice", func() error {
			_, err := sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cus.ID, Invoice: &open.ID, Amount: new(int64(1)), Currency: new("usd")})
			return err
		}, "invoice_not_editable", ""},
		{"number of an open invoice", func() error {
			_, err := sc.Invoices.Update(open.ID, &stripe.InvoiceParams{Number: &number})
			return err
		}, "invoice_not_editable", ""},
		{"delete an open invoice", func() error { _, err := sc.Invoices.Del(open.ID, nil); return err }, "invoice_not_editable", ""},
		{"void a draft", func() error { _, err := sc.Invoices.VoidInvoice(draft.ID, nil); return err }, "", "isn't open"},
		{"pay a void", func() error {
			_, err := sc.Invoices.Pay(void.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")})
			return err
		}, "", "status void"},
		{"finalise without lines", func() error {
			_, err := sc.Invoices.FinalizeInvoice(newDraft(t, sc, cus.ID).ID, nil)
			return err
		}, "invoice_no_customer_line_items", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, ok := errors.AsType[*stripe.Error](tt.do())
			if !ok || e.HTTPStatusCode != http.StatusBadRequest || e.Code != tt.code || !strings.Contains(e.Msg, tt.msg) {
				t.Fatalf("got %v", e)
			}
		})
	}
	p := &stripe.InvoiceParams{}
	p.AddMetadata("erp_status", "Open")
	if got := must(sc.Invoices.Update(open.ID, p))(t); got.Metadata["erp_status"] != "Open" || got.Metadata["erp_ref"] != "INV000123" {
		t.Fatalf("metadata must stay editable and merge: %v", got.Metadata)
	}
	if got := must(sc.Invoices.Del(draft.ID, nil))(t); !got.Deleted {
		t.Fatal("draft not deleted")
	}
}

func TestStateSurvivesReopen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stripe.json")
	_, sc, srv := start(t, stripetwin.Options{StateFile: file})
	cus := newCustomer(t, sc)
	in := newOpen(t, sc, cus.ID, 4200)
	p := &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}
	p.SetIdempotencyKey("pay:1")
	paid := must(sc.Invoices.Pay(in.ID, p))(t)
	events := eventTypes(t, sc, nil)
	srv.Close()

	_, sc, _ = start(t, stripetwin.Options{StateFile: file})
	q := &stripe.InvoiceParams{}
	q.AddExpand("charge.balance_transaction")
	got := must(sc.Invoices.Get(in.ID, q))(t)
	if !got.Paid || got.Charge.ID != paid.Charge.ID || got.Charge.BalanceTransaction.Net != 4200-152 || got.Number != in.Number {
		t.Fatalf("reopened invoice: %+v", got)
	}
	again := must(sc.Invoices.Pay(in.ID, p))(t)
	if again.LastResponse.Header.Get("Idempotent-Replayed") != "true" || again.Charge.ID != paid.Charge.ID {
		t.Fatal("the idempotency key did not survive")
	}
	if after := eventTypes(t, sc, nil); strings.Join(after, " ") != strings.Join(events, " ") {
		t.Fatalf("events changed: %v, want %v", after, events)
	}
	next := newOpen(t, sc, cus.ID, 100)
	if next.Number == in.Number {
		t.Fatalf("number %s given twice", next.Number)
	}
}

func TestNewRefusesALiveKeyAndABrokenState(t *testing.T) {
	if _, err := stripetwin.New(stripetwin.Options{APIKey: "sk_live_0123456789abcdef"}); err == nil {
		t.Fatal("a live key was accepted")
	}
	if _, err := stripetwin.New(stripetwin.Options{APIKey: testKey, StateFile: t.TempDir()}); err == nil {
		t.Fatal("a folder was accepted as state file")
	}
}
