package tieout

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/ledger"
	"millrace/internal/link"
)

// TestAChequeDuringADebitThatFailsIsMirrored: Stripe lets nothing be changed
// while it debits a bank account. When the debit fails nobody may be able to pay
// what a cheque has paid.
func TestAChequeDuringADebitThatFailsIsMirrored(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole pipeline")
	}
	w := newWorld(t, script{start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}, keeping{
		mode: ledger.Detailed, fees: ledger.FeesPerPayout, refunds: ledger.RefundDocument,
	})
	customer := w.erp.AddCustomer(acumaticatwin.Customer{
		Name: "Buyer", Email: "buyer@customer.example", Currency: "USD",
		Address: acumaticatwin.Address{Line1: "12 Alder Street", City: "Portland", State: "OR", PostalCode: "97201", Country: "US"},
	})
	number := w.erp.AddInvoice(acumaticatwin.Invoice{
		CustomerID: customer, Date: w.now().Format(time.DateOnly), Description: "Services",
		Lines: []acumaticatwin.InvoiceLine{{Description: "Services", Qty: decimal.NewFromInt(1), UnitPrice: decimal.New(120_50, -2)}},
	})
	var inv shown
	w.until("the invoice is in Stripe", func() bool {
		all := w.list("/v1/invoices?limit=100&status=open")
		if len(all) == 1 {
			inv.ID = all[0].ID
		}
		return len(all) == 1
	})
	w.catchUp()
	w.look(&inv)
	var method object
	if err := w.post("/v1/payment_methods/pm_usBankAccount_insufficientFunds/attach", &method, "customer", inv.Customer); err != nil {
		t.Fatal(err)
	}
	if err := w.post("/v1/invoices/"+inv.ID+"/pay", &inv, "payment_method", method.ID); err != nil {
		t.Fatal(err)
	}
	w.cheque(customer, number, "120.5")
	w.until("the change waits", func() bool {
		l, found, err := link.New(w.rt.Bus).ByAcumatica(t.Context(), connection, link.Invoice, "Invoice "+number)
		return err == nil && found && l.Attributes["waits"] != ""
	})
	w.catchUp()
	if w.look(&inv); inv.Status != "open" || inv.Remaining != 120_50 {
		t.Fatalf("while it is debited: %+v", inv)
	}
	w.pass(5 * day)
	w.until("the invoice cannot be paid any more", func() bool { w.look(&inv); return inv.Remaining == 0 })
	if inv.Status != "paid" || !inv.Outside {
		t.Errorf("%+v, want paid outside Stripe", inv)
	}
}

// shown is what an invoice in Stripe shows.
type shown struct {
	ID        string `json:"id"`
	Customer  string `json:"customer"`
	Status    string `json:"status"`
	Outside   bool   `json:"paid_out_of_band"`
	Remaining int64  `json:"amount_remaining"`
}

func (w *world) look(inv *shown) {
	w.t.Helper()
	if err := w.get(w.t.Context(), "/v1/invoices/"+inv.ID, inv); err != nil {
		w.t.Fatal(err)
	}
}

// cheque pays an invoice by a cheque in Acumatica.
func (w *world) cheque(customer, invoice, amount string) {
	w.t.Helper()
	conn := w.conn.Acumatica
	clerk, err := acumatica.New(acumatica.Config{BaseURL: conn.URL, Tenant: conn.Tenant, Endpoint: conn.Endpoint, Username: conn.Username, Password: "tieout"})
	if err != nil {
		w.t.Fatal(err)
	}
	value := acumatica.Value
	paid, err := clerk.Put(w.t.Context(), "Payment", map[string]any{
		"Type": value("Payment"), "CustomerID": value(customer), "PaymentMethod": value(acumaticatwin.SeedCheckMethod),
		"CashAccount": value(acumaticatwin.SeedBankCashAccount), "ApplicationDate": value(w.now().Format(time.DateOnly)),
		"PaymentAmount": value(amount), "PaymentRef": value("cheque"), "Hold": value(false),
		"DocumentsToApply": []any{map[string]any{"DocType": value("Invoice"), "ReferenceNbr": value(invoice), "AmountPaid": value(amount)}},
	}, acumatica.Query{})
	if err == nil {
		err = clerk.Invoke(w.t.Context(), "Payment", "ReleasePayment", map[string]any{"Type": value("Payment"), "ReferenceNbr": value(paid.String("ReferenceNbr"))})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if err := clerk.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}
