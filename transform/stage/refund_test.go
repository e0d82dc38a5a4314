package stage

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/link"
	"millrace/schemas"
)

// erp is the Acumatica twin with one open invoice's worth of a payment.
func erp(t *testing.T) (client *acumatica.Client, invoice acumatica.Record) {
	t.Helper()
	twin, err := acumaticatwin.New(acumaticatwin.Options{Tenant: "Company", Username: "api", Password: "secret", Seed: acumaticatwin.SeedQuick})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(twin.Handler())
	t.Cleanup(server.Close)
	client, err = acumatica.New(acumatica.Config{
		BaseURL: server.URL, Tenant: "Company", Endpoint: "Default/24.200.001", Username: "api", Password: "secret",
	})
	if err != nil {
		t.Fatal(err)
	}
	open, _, err := client.List(t.Context(), "Invoice", acumatica.Query{Filter: "Status eq 'Open' and Type eq 'Invoice'"})
	if err != nil || len(open) == 0 {
		t.Fatalf("%d open invoices, %v", len(open), err)
	}
	return client, open[0]
}

// A payment as Acumatica serves it tells how much of it refunds may take: what
// pays an invoice is gone, also when a part of it is refunded already.
func TestRefundsTakeWhatAcumaticaSaysIsFree(t *testing.T) {
	client, invoice := erp(t)
	put, err := client.Put(t.Context(), "Payment", map[string]any{
		"Type": acumatica.Value("Payment"), "CustomerID": acumatica.Value(invoice.String("Customer")), "PaymentMethod": acumatica.Value("STRIPE"),
		"CashAccount": acumatica.Value("10250ST"), "PaymentAmount": acumatica.Value("100"), "PaymentRef": acumatica.Value("ch_1"), "Hold": acumatica.Value(false),
		"DocumentsToApply": []any{map[string]any{"DocType": acumatica.Value("Invoice"), "ReferenceNbr": acumatica.Value(invoice.String("ReferenceNbr")), "AmountPaid": acumatica.Value("45")}},
	}, acumatica.Query{})
	if err != nil {
		t.Fatal(err)
	}
	release := func(typ, number string) {
		t.Helper()
		if err := client.Invoke(t.Context(), "Payment", "ReleasePayment", map[string]any{"Type": acumatica.Value(typ), "ReferenceNbr": acumatica.Value(number)}); err != nil {
			t.Fatal(err)
		}
	}
	number := put.String("ReferenceNbr")
	release("Payment", number)
	books := testBooks
	books.CashAccounts = map[string]string{"USD": "10250ST"}
	s := settle(t, books)
	conn := s.handler.o.Connections["default"]
	conn.Acumatica = client
	conn.Stripe = stripeFunc(func(object, _ string, _ []string) (json.RawMessage, error) {
		if object == "charge" {
			return []byte(`{"id":"ch_1","object":"charge","amount":10000,"currency":"usd","customer":"cus_1","balance_transaction":{"created":1775000000}}`), nil
		}
		return fmt.Appendf(nil, `{"data":[%s,%s]}`, refundOf("re_2", 3000, 1775000002), refundOf("re_1", 4000, 1775000001)), nil
	})
	s.handler.o.Connections["default"] = conn
	s.links["stripe customer cus_1"] = link.Link{Kind: link.Customer, AcumaticaID: invoice.String("Customer"), StripeID: "cus_1"}
	s.links["stripe payment ch_1"] = link.Link{Kind: link.Payment, AcumaticaID: "Payment " + number, StripeID: "ch_1"}
	want := []string{"default/acumatica/creditmemo/create/re_2", "default/acumatica/refund/create/re_1", "default/acumatica/refund/create/re_2"}
	check := func() {
		t.Helper()
		out := s.handle(t, "charge", "refunded", `{"id":"ch_1","object":"charge"}`)
		if fmt.Sprint(out.Intents) != fmt.Sprint(want) {
			t.Errorf("got %s %v, want %v", out.Outcome, out.Intents, want)
		}
	}
	check()
	var fields schemas.AcumaticaRefund
	decode(t, s.intents["default/acumatica/refund/create/re_1"].Fields, &fields)
	refund, err := client.Put(t.Context(), "Payment", map[string]any{
		"Type": acumatica.Value("Refund"), "CustomerID": acumatica.Value(fields.CustomerID), "PaymentMethod": acumatica.Value(fields.PaymentMethod),
		"CashAccount": acumatica.Value(fields.CashAccount), "PaymentAmount": acumatica.Value(fields.PaymentAmount), "PaymentRef": acumatica.Value(fields.PaymentRef),
		"Hold": acumatica.Value(false), "DocumentsToApply": []any{map[string]any{
			"DocType": acumatica.Value(fields.DocumentsToApply[0].DocType), "ReferenceNbr": acumatica.Value(fields.DocumentsToApply[0].ReferenceNbr),
			"AmountPaid": acumatica.Value(fields.DocumentsToApply[0].AmountPaid),
		}},
	}, acumatica.Query{})
	if err != nil {
		t.Fatal(err)
	}
	release("Refund", refund.String("ReferenceNbr"))
	check() // Invariant 2: posted, and the answer is the same
}

func refundOf(id string, amount, created int64) string {
	return fmt.Sprintf(`{"id":%q,"object":"refund","amount":%d,"currency":"usd","created":%d,"balance_transaction":{"id":"txn_%s","created":%d,"reporting_category":"refund"}}`,
		id, amount, created, id, created)
}
