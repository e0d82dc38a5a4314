package stripeapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/stripespec"
	"millrace/schemas"
)

// TestEveryRequestIsLegalAtThePinnedVersion sends each request that the client
// can make to Stripe's own mock of API version 2023-10-16 as well.
func TestEveryRequestIsLegalAtThePinnedVersion(t *testing.T) {
	requests := 0
	srv := httptest.NewServer(stripespec.Mirror(t, stripespec.Mock(t), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		_, _ = io.WriteString(w, answerFor(r))
	})))
	t.Cleanup(srv.Close)
	c, err := New(Config{APIKey: testKey, BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	since := time.Unix(1_700_000_000, 0)
	meta := map[string]string{"k": "v"}
	inv := Invoice{ID: "in_1", Customer: "cus_1", Currency: "usd"}
	cust := schemas.StripeCustomer{
		Name: "Ada", Email: "a@example.com", Phone: "+1", Metadata: meta,
		Address:  &schemas.StripeAddress{Line1: "1", Line2: "2", City: "3", State: "4", PostalCode: "5", Country: "US"},
		Shipping: &schemas.StripeShipping{Name: "Ada", Phone: "+2", Address: &schemas.StripeAddress{Line1: "1", Country: "US"}},
	}
	product := schemas.StripeProduct{Name: "Glass", Active: true, UnitLabel: "EACH", Metadata: meta}
	ctx := t.Context()
	calls := map[string]func() error{
		"Check":             func() error { return c.Check(ctx) },
		"Fetch":             func() error { _, err := c.Fetch(ctx, "invoice", "in_1", "charge.balance_transaction"); return err },
		"Fetch a charge":    func() error { _, err := c.Fetch(ctx, "charge", "ch_1", "balance_transaction"); return err },
		"CreateCustomer":    func() error { _, err := c.CreateCustomer(ctx, "k", cust); return err },
		"UpdateCustomer":    func() error { _, err := c.UpdateCustomer(ctx, "k", "cus_1", cust); return err },
		"GetCustomer":       func() error { _, err := c.GetCustomer(ctx, "cus_1"); return err },
		"ListCustomers":     func() error { _, err := c.ListCustomers(ctx, since); return err },
		"SearchCustomers":   func() error { _, err := c.SearchCustomers(ctx, Tag{"k", "v"}, Tag{"l", "w"}); return err },
		"SearchCustomersBy": func() error { _, err := c.SearchCustomersBy(ctx, "email", "a@example.com"); return err },
		"UpdateCustomer to nothing": func() error {
			_, err := c.UpdateCustomer(ctx, "k", "cus_1", schemas.StripeCustomer{Name: "Ada"})
			return err
		},
		"CreateTaxID": func() error {
			_, err := c.CreateTaxID(ctx, "k", "cus_1", TaxID{"", "eu_vat", "DE123456789"})
			return err
		},
		"DeleteTaxID":             func() error { return c.DeleteTaxID(ctx, "cus_1", "txi_1") },
		"AnnotateCustomer":        func() error { _, err := c.AnnotateCustomer(ctx, "k", "cus_1", meta); return err },
		"CreateProduct":           func() error { _, err := c.CreateProduct(ctx, "k", product); return err },
		"UpdateProduct":           func() error { _, err := c.UpdateProduct(ctx, "k", "prod_1", product); return err },
		"SetDefaultPrice":         func() error { _, err := c.SetDefaultPrice(ctx, "k", "prod_1", "price_1"); return err },
		"SetDefaultPrice to none": func() error { _, err := c.SetDefaultPrice(ctx, "k", "prod_1", ""); return err },
		"GetProduct":              func() error { _, err := c.GetProduct(ctx, "prod_1"); return err },
		"ListProducts":            func() error { _, err := c.ListProducts(ctx, since); return err },
		"SearchProducts":          func() error { _, err := c.SearchProducts(ctx, Tag{"k", "v"}, Tag{"l", "w"}); return err },
		"CreatePrice": func() error {
			_, err := c.CreatePrice(ctx, "k", Price{Product: "prod_1", Currency: "usd", UnitAmount: decimal.New(1250, 0), Metadata: meta})
			return err
		},
		"CreatePrice of a part of a cent": func() error {
			_, err := c.CreatePrice(ctx, "k", Price{Product: "prod_1", Currency: "usd", UnitAmount: decimal.New(333333, -4)})
			return err
		},
		"SetPriceActive": func() error { _, err := c.SetPriceActive(ctx, "k", "price_1", false); return err },
		"ListPrices":     func() error { _, err := c.ListPrices(ctx, "prod_1"); return err },
		"CreateInvoice": func() error {
			_, err := c.CreateInvoice(ctx, "k", Draft{"cus_1", "usd", "1", "d", since, []Field{{"PO", "4711"}}, meta})
			return err
		},
		"CreateInvoice now": func() error {
			_, err := c.CreateInvoice(ctx, "k", Draft{Customer: "cus_1", Currency: "usd"})
			return err
		},
		"AddInvoiceItem":  func() error { _, err := c.AddInvoiceItem(ctx, "k", inv, Item{"", "d", -1, meta}); return err },
		"ListItems":       func() error { _, err := c.ListItems(ctx, "in_1"); return err },
		"GetInvoice":      func() error { _, err := c.GetInvoice(ctx, "in_1"); return err },
		"Finalize":        func() error { _, err := c.Finalize(ctx, "k", "in_1"); return err },
		"AnnotateInvoice": func() error { _, err := c.AnnotateInvoice(ctx, "k", "in_1", meta); return err },
		"EditInvoice":     func() error { _, err := c.EditInvoice(ctx, "k", "in_1", Edit{new(""), meta}); return err },
		"CreateCreditNote": func() error {
			_, err := c.CreateCreditNote(ctx, "k", CreditNote{Invoice: "in_1", Amount: 100, Memo: "m", Metadata: meta})
			return err
		},
		"PayOutOfBand": func() error { _, err := c.PayOutOfBand(ctx, "k", "in_1"); return err },
		"VoidInvoice":  func() error { _, err := c.VoidInvoice(ctx, "k", "in_1"); return err },
		"WriteOff":     func() error { _, err := c.WriteOff(ctx, "k", "in_1"); return err },
		"SendInvoice":  func() error { _, err := c.SendInvoice(ctx, "k", "in_1"); return err },
		"DeleteDraft":  func() error { return c.DeleteDraft(ctx, "in_1") },
		"ListInvoices": func() error { _, err := c.ListInvoices(ctx, "cus_1", since); return err },
		"EventsAfter":  func() error { _, err := c.EventsAfter(ctx, "evt_1", []string{"charge.succeeded"}); return err },
		"EventsBefore": func() error { _, err := c.EventsBefore(ctx, "evt_1"); return err },
		"LastEvent":    func() error { _, _, err := c.LastEvent(ctx, since); return err },
		"Movements":    func() error { _, _, err := c.Movements(ctx, since, since, "txn_1"); return err },
		"Fetch refunds": func() error {
			_, err := c.Fetch(ctx, "refunds", "ch_1", "balance_transaction", "failure_balance_transaction")
			return err
		},
		"Fetch a refund":      func() error { _, err := c.Fetch(ctx, "refund", "re_1", "charge", "balance_transaction"); return err },
		"Fetch a dispute":     func() error { _, err := c.Fetch(ctx, "dispute", "dp_1", "charge"); return err },
		"Fetch a payout":      func() error { _, err := c.Fetch(ctx, "payout", "po_1"); return err },
		"Fetch a credit note": func() error { _, err := c.Fetch(ctx, "credit_note", "cn_1", "invoice"); return err },
		"EachMovement":        func() error { return c.EachMovement(ctx, MovementQuery{Payout: "po_1"}, nil) },
		"EachMovement, bare":  func() error { return c.EachMovement(ctx, MovementQuery{Until: since, Bare: true}, nil) },
		"EachMovement of a day": func() error {
			return c.EachMovement(ctx, MovementQuery{Currency: "USD", From: since, Until: since.AddDate(0, 0, 1)}, nil)
		},
		"Balance":     func() error { _, err := c.Balance(ctx); return err },
		"GetMovement": func() error { _, err := c.GetMovement(ctx, "txn_1"); return err },
		"GetPayout":   func() error { _, err := c.GetPayout(ctx, "po_1"); return err },
		"ListPayouts": func() error {
			_, _, err := c.ListPayouts(ctx, PayoutQuery{CreatedFrom: since, ArrivalUntil: since, After: "po_1"})
			return err
		},
		"Account": func() error { _, err := c.Account(ctx); return err },
		"ListDisputes": func() error {
			_, _, err := c.ListDisputes(ctx, DisputeQuery{CreatedFrom: since, CreatedUntil: since, After: "dp_1"})
			return err
		},
		"SearchInvoices":   func() error { _, err := c.SearchInvoices(ctx, "k", "v"); return err },
		"CanRead":          func() error { _, err := c.CanRead(ctx, "charges"); return err },
		"WebhookEndpoints": func() error { _, err := c.WebhookEndpoints(ctx); return err },
	}
	for _, name := range Listed() {
		calls["CanRead "+name] = func() error { _, err := c.CanRead(ctx, name); return err }
	}
	for m := range reflect.TypeFor[*Client]().Methods() {
		if calls[m.Name] == nil {
			t.Errorf("%s is not tried", m.Name)
		}
	}
	for name, call := range calls {
		before := requests
		if err := call(); err != nil || requests != before+1 {
			t.Errorf("%s: %d requests, %v", name, requests-before, err)
		}
	}
}

func answerFor(r *http.Request) string {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/search"):
		return `{"object":"search_result","data":[],"has_more":false}`
	case r.Method == http.MethodGet && (slices.Contains(append(Listed(), "products", "prices"), strings.TrimPrefix(path, "/v1/")) || path == "/v1/charges" || path == "/v1/webhook_endpoints"):
		return `{"object":"list","data":[],"has_more":false}`
	case strings.HasSuffix(path, "/tax_ids"):
		return `{"object":"tax_id","id":"txi_1"}`
	case strings.HasPrefix(path, "/v1/customers"):
		return `{"object":"customer","id":"cus_1"}`
	case strings.HasPrefix(path, "/v1/invoiceitems"):
		return `{"object":"invoiceitem","id":"ii_1"}`
	case strings.HasPrefix(path, "/v1/invoices"):
		return `{"object":"invoice","id":"in_1"}`
	}
	for path, object := range map[string]string{
		"/v1/products":              `{"object":"product","id":"prod_1","default_price":{"object":"price","id":"price_1","unit_amount_decimal":"1250"}}`,
		"/v1/prices":                `{"object":"price","id":"price_1","unit_amount_decimal":"33.3333"}`,
		"/v1/account":               `{"object":"account","id":"acct_1"}`,
		"/v1/charges/":              `{"object":"charge","id":"ch_1"}`,
		"/v1/refunds/":              `{"object":"refund","id":"re_1"}`,
		"/v1/disputes/":             `{"object":"dispute","id":"dp_1"}`,
		"/v1/credit_notes":          `{"object":"credit_note","id":"cn_1"}`,
		"/v1/balance_transactions/": `{"object":"balance_transaction","id":"txn_1"}`,
		"/v1/payouts/":              `{"object":"payout","id":"po_1","balance_transaction":{"object":"balance_transaction","id":"txn_1"}}`,
	} {
		if strings.HasPrefix(r.URL.Path, path) {
			return object
		}
	}
	return `{"object":"balance"}`
}
