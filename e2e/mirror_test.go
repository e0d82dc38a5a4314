package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
)

// A bookkeeper works in Acumatica beside the installation.
type bookkeeper struct {
	*world
	erp *acumatica.Client
}

func (w *world) bookkeeper() *bookkeeper {
	w.t.Helper()
	erp, err := acumatica.New(acumatica.Config{
		BaseURL: w.acuURL, Tenant: "Demo", Endpoint: "Default/24.200.001", Username: "api", Password: "secret",
		ClientID: clientID, ClientSecret: "shh", Timeout: 10 * time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = erp.Close(w.t.Context()) })
	return &bookkeeper{w, erp}
}

func of(pairs ...string) map[string]any {
	body := map[string]any{}
	for n := 0; n < len(pairs); n += 2 {
		body[pairs[n]] = acumatica.Value(pairs[n+1])
	}
	return body
}

// apply saves and releases a document that is applied to the invoice, and
// returns its number.
func (b *bookkeeper) apply(inv acumaticatwin.InvoiceView, amount decimal.Decimal, body map[string]any) string {
	b.t.Helper()
	body["Hold"] = acumatica.Value(false)
	body["DocumentsToApply"] = []any{of("DocType", "Invoice", "ReferenceNbr", inv.ReferenceNbr, "AmountPaid", amount.String())}
	r, err := b.erp.Put(b.t.Context(), "Payment", body, acumatica.Query{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do("ReleasePayment", r.String("Type"), r.String("ReferenceNbr"))
	return r.String("ReferenceNbr")
}

func (b *bookkeeper) do(action, typ, number string) {
	b.t.Helper()
	if err := b.erp.Invoke(b.t.Context(), "Payment", action, of("Type", typ, "ReferenceNbr", number)); err != nil {
		b.t.Fatal(err)
	}
}

// credit applies a new credit memo to the invoice.
func (b *bookkeeper) credit(inv acumaticatwin.InvoiceView, amount decimal.Decimal) {
	b.t.Helper()
	memo := b.acumatica.AddInvoice(acumaticatwin.Invoice{Type: "Credit Memo", CustomerID: inv.CustomerID, Lines: []acumaticatwin.InvoiceLine{
		{Description: "return", Qty: decimal.New(1, 0), UnitPrice: amount},
	}})
	b.apply(inv, amount, of("Type", "Credit Memo", "ReferenceNbr", memo))
}

// cheque pays a part of the invoice, or all of it.
func (b *bookkeeper) cheque(inv acumaticatwin.InvoiceView, amount decimal.Decimal) string {
	b.t.Helper()
	return b.apply(inv, amount, of(
		"Type", "Payment", "CustomerID", inv.CustomerID, "PaymentMethod", acumaticatwin.SeedPaymentMethod, "CashAccount", acumaticatwin.SeedCashAccountUSD,
		"PaymentAmount", amount.String(), "PaymentRef", "cheque "+inv.ReferenceNbr,
	))
}

// unpay voids a payment.
func (b *bookkeeper) unpay(number string) {
	b.t.Helper()
	b.do("VoidPayment", "Payment", number)
	b.do("ReleasePayment", "Voided Payment", number)
}

// differences names the documents of which the buyer can pay something else in
// Stripe than what is open.
func (w *world) differences() string {
	payable := map[string]int64{}
	for _, inv := range w.listAll("invoices?status=open") {
		meta := inv["metadata"].(map[string]any)
		payable[fmt.Sprint(meta["acumatica_ref_nbr"])] += int64(inv["amount_remaining"].(float64))
	}
	var all []string
	for _, inv := range w.acumatica.Invoices() {
		if open := inv.Balance.Shift(2).IntPart(); inv.Type == "Invoice" && payable[inv.ReferenceNbr] != open {
			all = append(all, fmt.Sprintf("%s: open %d, payable %d", inv.ReferenceNbr, open, payable[inv.ReferenceNbr]))
		}
	}
	return strings.Join(all, "; ")
}

// story is what became of the Stripe invoices of a document, the newest first.
func (w *world) story(number string) string {
	var all []string
	for _, inv := range w.listAll("invoices") {
		if inv["metadata"].(map[string]any)["acumatica_ref_nbr"] == number {
			text := fmt.Sprint(inv["number"], " ", inv["status"])
			if inv["paid_out_of_band"] == true {
				text += " outside"
			}
			all = append(all, strings.ReplaceAll(text, number, "nr"))
		}
	}
	return strings.Join(all, ", ")
}

// TestCorrectionsInAcumaticaAreMirrored: what a buyer can pay in Stripe is what
// is open, after each change that was polled.
func TestCorrectionsInAcumaticaAreMirrored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.start()
	b := w.bookkeeper()
	quiet := func(what string) {
		t.Helper()
		w.until(what, func() bool { return w.differences() == "" })
	}
	quiet("every invoice is in Stripe")
	var inv []acumaticatwin.InvoiceView
	for _, x := range w.acumatica.Invoices() {
		if x.CurrencyID == "USD" && x.Type == "Invoice" {
			inv = append(inv, x)
		}
	}
	ten := decimal.New(10, 0)
	b.credit(inv[0], ten)
	quiet("credited in part")
	b.cheque(inv[0], inv[0].Balance.Sub(ten))
	quiet("the rest paid by cheque")
	b.credit(inv[1], inv[1].Balance)
	quiet("reversed")
	paid := b.cheque(inv[2], inv[2].Balance)
	quiet("paid by cheque")
	b.unpay(paid)
	quiet("the cheque bounced")
	if _, err := w.acumatica.WriteOff(inv[3].ReferenceNbr, inv[3].Balance); err != nil {
		t.Fatal(err)
	}
	quiet("written off")

	// The buyer pays while nobody looks, and the bookkeeper credits a part.
	w.kill()
	last := inv[4]
	charge := ""
	for _, x := range w.listAll("invoices?status=open") {
		if x["metadata"].(map[string]any)["acumatica_ref_nbr"] == last.ReferenceNbr {
			charge = w.paid(x["id"].(string))
		}
	}
	b.credit(last, ten)
	w.start()
	w.until("the payment is posted", func() bool { return w.settled(charge) == 1 })
	quiet("applied up to what was open")
	w.until("nothing is left to do", w.idle)
	for n, want := range []string{
		"nr paid outside", "nr void", "nr-2 open, nr paid outside", "nr uncollectible", "nr paid",
	} {
		if got := w.story(inv[n].ReferenceNbr); got != want {
			t.Errorf("%s: %s, want %s", inv[n].ReferenceNbr, got, want)
		}
	}
	reviews := 0
	for _, o := range w.outcomes(w.connect(), "sink-acumatica") {
		if strings.Contains(o.Review, "lies unapplied") {
			reviews++
		}
	}
	memos := 0
	for _, x := range w.acumatica.Invoices() {
		if x.Type == "Credit Memo" {
			memos++
		}
	}
	if reviews != 1 || memos != 3 {
		t.Errorf("%d things to look at, %d credit memos: want 1, and the 3 of the bookkeeper", reviews, memos)
	}
}
