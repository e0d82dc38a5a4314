package stripetwin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripetwin"
)

func TestCreditNoteLowersWhatIsDue(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	in := newOpen(t, sc, newCustomer(t, sc).ID, 100_00)
	p := &stripe.CreditNoteParams{Invoice: &in.ID, Amount: new(int64(30_00)), Reason: new("order_change")}
	n := must(sc.CreditNotes.New(p))(t)
	in = must(sc.Invoices.Get(in.ID, nil))(t)
	if n.Type != "pre_payment" || n.Total != 30_00 || n.Number != in.Number+"-CN-01" || in.AmountDue != 70_00 || in.PrePaymentCreditNotesAmount != 30_00 || in.Total != 100_00 {
		t.Fatalf("note %+v, invoice %+v", n, in)
	}
	if n = must(sc.CreditNotes.VoidCreditNote(n.ID, &stripe.CreditNoteVoidCreditNoteParams{}))(t); n.Status != "void" || n.VoidedAt == 0 {
		t.Fatalf("voided: %+v", n)
	}
	p.Amount = new(int64(100_00))
	must(sc.CreditNotes.New(p))(t)
	in = must(sc.Invoices.Get(in.ID, nil))(t)
	if in.Status != "paid" || in.AmountPaid != 0 || in.Charge != nil || balanceSum(t, sc) != 0 {
		t.Errorf("credited in full: %+v", in)
	}
	if got, want := eventsOf(t, sc, n.ID), []string{"credit_note.created", "credit_note.voided"}; !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

func TestCreditNoteOfAPaidInvoiceRefunds(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	in := newOpen(t, sc, newCustomer(t, sc).ID, 100_00)
	must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}))(t)
	p := &stripe.CreditNoteParams{Invoice: &in.ID, Amount: new(int64(40_00)), RefundAmount: new(int64(30_00))}
	if _, err := sc.CreditNotes.New(p); err == nil {
		t.Fatal("the parts do not make the total")
	}
	p.OutOfBandAmount = new(int64(10_00))
	p.AddExpand("refund.balance_transaction")
	n := must(sc.CreditNotes.New(p))(t)
	in = must(sc.Invoices.Get(in.ID, nil))(t)
	if n.Type != "post_payment" || n.Refund.BalanceTransaction.Amount != -30_00 || n.OutOfBandAmount != 10_00 || in.PostPaymentCreditNotesAmount != 40_00 || in.Status != "paid" {
		t.Fatalf("note %+v, invoice %+v", n, in)
	}
}

func paidInvoice(t *testing.T, sc *client.API, amounts ...int64) *stripe.Invoice {
	t.Helper()
	in := newOpen(t, sc, newCustomer(t, sc).ID, amounts...)
	return must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}))(t)
}

func TestCreditNotesTakeBackLines(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	in := newOpen(t, sc, newCustomer(t, sc).ID, 60_00, 40_00)
	line := in.Lines.Data[0]
	of := func(amount int64) *stripe.CreditNoteParams {
		return &stripe.CreditNoteParams{Invoice: &in.ID, EffectiveAt: new(int64(1_700_000_000)), Lines: []*stripe.CreditNoteLineParams{
			{Type: new("invoice_line_item"), InvoiceLineItem: &line.ID, Amount: &amount},
			{Type: new("custom_line_item"), Description: new("goodwill"), Quantity: new(int64(3)), UnitAmountDecimal: new(float64(33.5))},
		}}
	}
	n := must(sc.CreditNotes.New(of(20_00)))(t)
	if n.Total != 20_00+101 || n.EffectiveAt != 1_700_000_000 || len(n.Lines.Data) != 2 || n.Lines.Data[0].InvoiceLineItem != line.ID ||
		n.Lines.Data[0].Description != line.Description || n.Lines.Data[1].Amount != 101 || n.Lines.Data[1].Quantity != 3 {
		t.Fatalf("%+v, lines %+v %+v", n, n.Lines.Data[0], n.Lines.Data[1])
	}
	var types []string
	for it := sc.CreditNotes.ListLines(&stripe.CreditNoteListLinesParams{CreditNote: &n.ID}); it.Next(); {
		types = append(types, string(it.CreditNoteLineItem().Type))
	}
	if want := []string{"invoice_line_item", "custom_line_item"}; !slices.Equal(types, want) {
		t.Fatalf("lines %v", types)
	}
	if _, err := sc.CreditNotes.New(of(40_01)); err == nil {
		t.Fatal("a line was credited with more than it has")
	}
	by := &stripe.CreditNoteParams{Invoice: &in.ID, Memo: new("sorry"), Lines: []*stripe.CreditNoteLineParams{
		{Type: new("invoice_line_item"), InvoiceLineItem: &in.Lines.Data[1].ID, Quantity: new(int64(1))},
	}}
	n = must(sc.CreditNotes.New(by))(t)
	if n.Total != 40_00 || n.Lines.Data[0].Quantity != 1 || n.Lines.Data[0].UnitAmount != 40_00 {
		t.Fatalf("by quantity: %+v", n.Lines.Data[0])
	}
	n = must(sc.CreditNotes.Update(n.ID, &stripe.CreditNoteParams{Memo: new("very sorry")}))(t)
	if got := eventsOf(t, sc, n.ID); n.Memo != "very sorry" || !slices.Equal(got, []string{"credit_note.created", "credit_note.updated"}) {
		t.Fatalf("%q, events %v", n.Memo, got)
	}
	if left := must(sc.Invoices.Get(in.ID, nil))(t); left.AmountDue != 100_00-20_00-101-40_00 {
		t.Errorf("due %d", left.AmountDue)
	}
}

func TestACreditNoteIsSplitIntoRefundBalanceAndOutside(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	in := paidInvoice(t, sc, 100_00)
	p := &stripe.CreditNoteParams{
		Invoice: &in.ID, Amount: new(int64(60_00)), RefundAmount: new(int64(30_00)), CreditAmount: new(int64(20_00)), OutOfBandAmount: new(int64(10_00)),
	}
	p.AddExpand("customer_balance_transaction.customer")
	n := must(sc.CreditNotes.New(p))(t)
	change := n.CustomerBalanceTransaction
	if change.Amount != -20_00 || change.EndingBalance != -20_00 || change.Type != "credit_note" || change.CreditNote.ID != n.ID || change.Customer.Balance != -20_00 {
		t.Fatalf("%+v", change)
	}
	next := newOpen(t, sc, in.Customer.ID, 50_00)
	if next.AmountDue != 30_00 || next.StartingBalance != -20_00 {
		t.Fatalf("the credit was not used: %+v", next)
	}
	must(sc.Invoices.VoidInvoice(next.ID, &stripe.InvoiceVoidInvoiceParams{}))(t)
	if cu := must(sc.Customers.Get(in.Customer.ID, nil))(t); cu.Balance != -20_00 {
		t.Fatalf("balance %d after the void", cu.Balance)
	}
	var got []string
	for it := sc.CustomerBalanceTransactions.List(&stripe.CustomerBalanceTransactionListParams{Customer: &in.Customer.ID}); it.Next(); {
		b := it.CustomerBalanceTransaction()
		got = append(got, fmt.Sprintf("%s %d %d", b.Type, b.Amount, b.EndingBalance))
	}
	if want := []string{"unapplied_from_invoice -2000 -2000", "applied_to_invoice 2000 0", "credit_note -2000 -2000"}; !slices.Equal(got, want) {
		t.Errorf("changes %q", got)
	}
}

func TestACreditNoteCanBelongToARefundThatWasMade(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	in := paidInvoice(t, sc, 100_00)
	r := refundPart(t, sc, in.Charge.ID, 25_00)
	p := &stripe.CreditNoteParams{Invoice: &in.ID, Amount: new(int64(25_00)), Refund: &r.ID}
	if _, o := send(t, srv, "GET", "/v1/credit_notes/preview?invoice="+in.ID+"&amount=2500&refund="+r.ID, ""); o["total"] != float64(25_00) {
		t.Fatalf("preview %v", o)
	}
	n := must(sc.CreditNotes.New(p))(t)
	if n.Refund.ID != r.ID || balanceSum(t, sc) != 100_00-3_20-25_00 {
		t.Fatalf("%+v", n)
	}
	if _, err := sc.CreditNotes.New(p); err == nil {
		t.Error("one refund for two notes")
	}
	if _, err := sc.CreditNotes.VoidCreditNote(n.ID, nil); err == nil {
		t.Error("a note of a paid invoice was voided")
	}
}

// A debit that failed stays the charge of its invoice when that is then paid
// outside: there is no money to give back.
func TestACreditNoteGivesNothingOfAFailedChargeBack(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{})
	in := newOpen(t, sc, newCustomer(t, sc).ID, 100_00)
	must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_usBankAccount_insufficientFunds")}))(t)
	advance(t, tw, 10*24*time.Hour)
	in = must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaidOutOfBand: new(true)}))(t)
	if in.Status != "paid" || in.Charge == nil {
		t.Fatalf("%+v", in)
	}
	if r, o := send(t, srv, "POST", "/v1/credit_notes", "invoice="+in.ID+"&amount=500&refund_amount=500"); r.StatusCode != 400 {
		t.Errorf("%d %v", r.StatusCode, o)
	}
	if _, err := sc.Refunds.New(&stripe.RefundParams{Charge: &in.Charge.ID}); err == nil {
		t.Error("refunded")
	}
}

func TestCreditNotesThatCannotBe(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	paid, open, draft := paidInvoice(t, sc, 100_00), newOpen(t, sc, newCustomer(t, sc).ID, 100_00), newDraft(t, sc, newCustomer(t, sc).ID, 100_00)
	line := "lines[0][type]=invoice_line_item&lines[0][invoice_line_item]=" + open.Lines.Data[0].ID
	for _, tt := range []struct {
		name, form string
		status     int
	}{
		{"no invoice", "amount=1", 400},
		{"no such invoice", "invoice=in_no&amount=1", 400},
		{"a draft", "invoice=" + draft.ID + "&amount=1", 400},
		{"nothing", "invoice=" + open.ID, 400},
		{"more than is due", "invoice=" + open.ID + "&amount=10001", 400},
		{"a refund before payment", "invoice=" + open.ID + "&amount=100&refund_amount=100", 400},
		{"parts that do not add up", "invoice=" + paid.ID + "&amount=100&refund_amount=50&credit_amount=49", 400},
		{"a refund of another charge", "invoice=" + paid.ID + "&amount=100&refund=re_no", 400},
		{"two refunds", "invoice=" + paid.ID + "&amount=100&refund=re_no&refund_amount=1", 400},
		{"an amount that is not the sum", "invoice=" + open.ID + "&amount=7&" + line + "&lines[0][amount]=8", 400},
		{"a line of another invoice", "invoice=" + paid.ID + "&refund_amount=8&" + line + "&lines[0][amount]=8", 400},
		{"amount and quantity", "invoice=" + open.ID + "&" + line + "&lines[0][amount]=8&lines[0][quantity]=1", 400},
		{"more than the line has", "invoice=" + open.ID + "&" + line + "&lines[0][quantity]=2", 400},
		{"a line of no type", "invoice=" + open.ID + "&lines[0][amount]=8", 400},
		{"an own line without price", "invoice=" + open.ID + "&lines[0][type]=custom_line_item&lines[0][quantity]=1", 400},
		{"an unknown parameter of a line", "invoice=" + open.ID + "&" + line + "&lines[0][amount]=8&lines[0][colour]=red", 400},
		{"shipping", "invoice=" + open.ID + "&shipping_cost[shipping_rate]=shr_1", 501},
		{"tax of a line", "invoice=" + open.ID + "&" + line + "&lines[0][amount]=8&lines[0][tax_rates][0]=txr_1", 501},
	} {
		if r, o := send(t, srv, "POST", "/v1/credit_notes", tt.form); r.StatusCode != tt.status {
			t.Errorf("%s: %d %v", tt.name, r.StatusCode, o)
		}
	}
}

func TestACustomersBalanceHasItsStory(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	cu := must(sc.Customers.New(&stripe.CustomerParams{Name: new("Ada"), Balance: new(int64(-5_00))}))(t)
	must(sc.Customers.Update(cu.ID, &stripe.CustomerParams{Balance: new(int64(1_00))}))(t)
	p := &stripe.CustomerBalanceTransactionParams{Customer: &cu.ID, Amount: new(int64(-3_00)), Currency: new("eur"), Description: new("gift")}
	b := must(sc.CustomerBalanceTransactions.New(p))(t)
	if b.EndingBalance != -2_00 || b.Type != "adjustment" || b.Description != "gift" || b.Currency != "eur" {
		t.Fatalf("%+v", b)
	}
	p = &stripe.CustomerBalanceTransactionParams{Customer: &cu.ID, Description: new("a gift")}
	if b = must(sc.CustomerBalanceTransactions.Update(b.ID, p))(t); b.Description != "a gift" {
		t.Fatalf("%+v", b)
	}
	if _, err := sc.CustomerBalanceTransactions.New(&stripe.CustomerBalanceTransactionParams{Customer: &cu.ID, Amount: new(int64(1)), Currency: new("usd")}); err == nil {
		t.Error("a balance in two currencies")
	}
	var types []string
	for it := sc.CustomerBalanceTransactions.List(&stripe.CustomerBalanceTransactionListParams{Customer: &cu.ID}); it.Next(); {
		types = append(types, string(it.CustomerBalanceTransaction().Type))
	}
	if want := []string{"adjustment", "adjustment", "initial"}; !slices.Equal(types, want) {
		t.Errorf("%v", types)
	}
}
