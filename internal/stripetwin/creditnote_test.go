package stripetwin_test

import (
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"

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
