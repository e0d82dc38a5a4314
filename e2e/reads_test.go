package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
)

// TestNoDocumentIsReadThatAListHasTold: an invoice is read for its lines, and
// for what has lowered it. What came of its own payment, or of a note, costs no
// read of a document, and a hundred changes cost few lists.
func TestNoDocumentIsReadThatAListHasTold(t *testing.T) {
	t.Parallel()
	const n = 20
	w := newWorld(t, trap{})
	var details, lists atomic.Int64
	w.hold = func(system string, r *http.Request) {
		query := r.URL.Query()
		switch {
		case system != "acumatica" || r.Method != http.MethodGet:
		case strings.Contains(query.Get("$expand"), "TaxDetails"): // what the flow asks for of a document
			details.Add(1)
		case strings.HasSuffix(r.URL.Path, "/Invoice") && strings.Contains(query.Get("$select"), "DueDate"):
			lists.Add(1)
		}
	}
	w.start()
	b := w.bookkeeper()
	quiet := func(what string) {
		t.Helper()
		w.until(what, func() bool { return w.differences() == "" && w.idle() })
	}
	quiet("every invoice is in Stripe")
	customer := w.acumatica.AddCustomer(acumaticatwin.Customer{Name: "Harbor Supply"})
	before := details.Load()
	ours := map[string]bool{}
	for range n {
		ours[w.acumatica.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: []acumaticatwin.InvoiceLine{
			{Description: "Rope", Qty: decimal.New(2, 0), UnitPrice: decimal.New(60, 0)},
		}})] = true
	}
	quiet("the new ones too")
	if got := details.Load() - before; got != n {
		t.Errorf("%d documents are read for the lines of %d invoices", got, n)
	}

	before = details.Load()
	for number := range ours {
		note := of("Type", "Invoice", "ReferenceNbr", number)
		note["note"] = "called about it"
		if _, err := b.erp.Put(t.Context(), "Invoice", note, acumatica.Query{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range w.listAll("invoices?status=open") {
		if number, _ := in["metadata"].(map[string]any)["acumatica_ref_nbr"].(string); ours[number] {
			if err := w.stripe.Pay(t.Context(), in["id"].(string)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.until("every payment is applied", func() bool {
		for _, x := range w.acumatica.Invoices() {
			if ours[x.ReferenceNbr] && x.Status != "Closed" {
				return false
			}
		}
		return true
	})
	// One more change of the lane: when it is mirrored, all before it are.
	marker := w.acumatica.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: []acumaticatwin.InvoiceLine{
		{Description: "Rope", Qty: decimal.New(1, 0), UnitPrice: decimal.New(60, 0)},
	}})
	var last acumaticatwin.InvoiceView
	for _, x := range w.acumatica.Invoices() {
		if x.ReferenceNbr == marker {
			last = x
		}
	}
	quiet("the last one is in Stripe")
	b.cheque(last, last.Balance)
	quiet("and paid by cheque")
	if got := details.Load() - before; got != 2 {
		t.Errorf("%d documents are read after %d notes and payments, want the last invoice twice", got, n)
	}
	closed := 0
	for _, o := range w.outcomes(w.connect(), "sink-stripe") {
		if strings.Contains(o.Reason, "with 0.00 USD open: the Stripe invoice AR") {
			closed++
		}
	}
	if closed < n {
		t.Errorf("%d changes are mirrored of the %d that the payments made", closed, n)
	}
	t.Logf("%d lists of invoices, %d documents", lists.Load(), details.Load())
}
