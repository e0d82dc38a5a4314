package acusink

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/schemas"
)

// credit applies a credit memo to the invoice of the tenant, as a bookkeeper
// does.
func (n *tenant) credit(t *testing.T, amount string) {
	t.Helper()
	memo := n.twin.AddInvoice(acumaticatwin.Invoice{Type: "Credit Memo", CustomerID: n.invoice.CustomerID, Lines: []acumaticatwin.InvoiceLine{
		{Description: "return", Qty: decimal.New(1, 0), UnitPrice: decimal.RequireFromString(amount)},
	}})
	client := n.sink.o.Connections["default"].Client
	value := func(s string) map[string]any { return map[string]any{"value": s} }
	_, err := client.Put(t.Context(), "Payment", map[string]any{
		"Type": value("Credit Memo"), "ReferenceNbr": value(memo),
		"DocumentsToApply": []any{map[string]any{"ReferenceNbr": value(n.invoice.ReferenceNbr), "AmountPaid": value(amount)}},
	}, acumatica.Query{})
	if err == nil {
		err = client.Invoke(t.Context(), "Payment", "ReleasePayment", map[string]any{"Type": value("Credit Memo"), "ReferenceNbr": value(memo)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAPaymentIsAppliedUpToWhatIsOpen: the invoice was lowered while the buyer
// paid it in Stripe; before the payment was made, or at any moment of it.
func TestAPaymentIsAppliedUpToWhatIsOpen(t *testing.T) {
	for _, tt := range []struct{ credit, applied string }{{"20.50", "100"}, {"120.50", ""}} {
		for _, point := range []string{"", "claimed", "sent_saved", "put_done", "keys_saved", "checked", "release_saved"} {
			t.Run(tt.credit+" at "+point, func(t *testing.T) {
				n := newTenant(t, false, 0)
				if point == "" {
					n.credit(t, tt.credit)
				}
				done := point == ""
				n.sink.at = func(at string) {
					if at == point && !done {
						done = true
						n.credit(t, tt.credit)
					}
				}
				out, _, err := n.pay(t)
				if err != nil || out.Outcome != schemas.Applied || !done {
					t.Fatalf("%+v, %v", out, err)
				}
				if !strings.Contains(out.Review, "the rest lies unapplied on Payment ") {
					t.Errorf("review %q", out.Review)
				}
				var applied []string
				payments := 0
				for _, p := range n.twin.Payments() {
					if p.Type != "Payment" {
						continue
					}
					payments++
					for _, a := range p.AppliedTo {
						applied = append(applied, a.Amount.String())
					}
					if p.Status != "Open" || p.PaymentAmount.String() != "120.5" {
						t.Errorf("payment %+v", p)
					}
				}
				if got := strings.Join(applied, " "); payments != 1 || got != tt.applied {
					t.Errorf("%d payments, applied %q, want %q", payments, got, tt.applied)
				}
				if inv := n.twin.Invoices()[0]; inv.Status != "Closed" || !inv.Balance.IsZero() {
					t.Errorf("invoice %+v", inv)
				}
				if out, count, err := n.pay(t); err != nil || out.Outcome != schemas.Duplicate || count != 0 {
					t.Errorf("again: %d calls, %+v, %v", count, out, err)
				}
			})
		}
	}
}

// TestACreditMemoIsAppliedUpToWhatIsOpen: the seller credited in Stripe what is
// not open any more, or cannot be applied to now.
func TestACreditMemoIsAppliedUpToWhatIsOpen(t *testing.T) {
	credit := func(amount string) func(*testing.T, *tenant) {
		return func(t *testing.T, n *tenant) { t.Helper(); n.credit(t, amount) }
	}
	hold := func(t *testing.T, n *tenant) {
		t.Helper()
		if err := n.twin.Hold(n.invoice.ReferenceNbr, true); err != nil {
			t.Error(err)
		}
	}
	for _, tt := range []struct {
		name, applied, left, invoice string
		meanwhile                    func(*testing.T, *tenant)
	}{
		{"closed", "0", "20.5", "Closed 0", credit("120.50")},
		{"partly open", "8", "12.5", "Closed 0", credit("112.50")},
		{"on hold", "0", "20.5", "Reserved 120.5", hold},
	} {
		for _, point := range []string{"claimed", "sent_saved", "put_done", "keys_saved", "checked", "release_saved"} {
			t.Run(tt.name+" at "+point, func(t *testing.T) {
				n := newTenant(t, false, 0)
				done := false
				n.sink.at = func(at string) {
					if at == point && !done {
						done = true
						tt.meanwhile(t, n)
					}
				}
				in := memoIntent(func(_ *schemas.Intent, f *schemas.AcumaticaCreditMemo) {
					f.Customer, f.Date = n.invoice.CustomerID, n.today()
					f.ApplicationsCreditMemo = []schemas.AcumaticaApplication{{DocType: "Invoice", ReferenceNbr: n.invoice.ReferenceNbr, AmountPaid: "20.50"}}
				})
				out, _, err := n.do(t, in)
				if err != nil || out.Outcome != schemas.Applied || !done {
					t.Fatalf("%+v, %v", out, err)
				}
				want := "of 20.50 USD only " + tt.applied + " could be applied to what is open; the rest lies unapplied on Credit Memo "
				if !strings.HasPrefix(out.Review, want) {
					t.Errorf("review %q", out.Review)
				}
				var memos []string
				for _, v := range n.twin.Invoices() {
					switch {
					case v.CustomerOrder == "re_1":
						memos = append(memos, v.Status+" "+v.Amount.String()+" "+v.Balance.String())
					case v.Type == "Invoice" && v.Status+" "+v.Balance.String() != tt.invoice:
						t.Errorf("invoice %+v", v)
					}
				}
				if got := strings.Join(memos, ", "); got != "Open 20.5 "+tt.left {
					t.Errorf("memos %s", got)
				}
				if out, count, err := n.do(t, in); err != nil || out.Outcome != schemas.Duplicate || count != 0 {
					t.Errorf("again: %d calls, %+v, %v", count, out, err)
				}
			})
		}
	}
}

// cheque pays a part of the invoice of the tenant, as a bookkeeper does, and
// returns what takes it back.
func (n *tenant) cheque(t *testing.T, amount string) (bounce func()) {
	t.Helper()
	client := n.sink.o.Connections["default"].Client
	value := func(s string) map[string]any { return map[string]any{"value": s} }
	r, err := client.Put(t.Context(), "Payment", map[string]any{
		"Type": value("Payment"), "CustomerID": value(n.invoice.CustomerID), "PaymentRef": value("cheque 1"), "PaymentAmount": value(amount), "Hold": map[string]any{"value": false},
		"PaymentMethod": value(acumaticatwin.SeedPaymentMethod), "CashAccount": value(acumaticatwin.SeedCashAccountUSD), "ApplicationDate": value(n.clock.UTC().Format(time.DateOnly)),
		"DocumentsToApply": []any{map[string]any{"DocType": value("Invoice"), "ReferenceNbr": value(n.invoice.ReferenceNbr), "AmountPaid": value(amount)}},
	}, acumatica.Query{})
	if err != nil {
		t.Fatal(err)
	}
	act := func(action, kind string) {
		t.Helper()
		if err := client.Invoke(t.Context(), "Payment", action, map[string]any{"Type": value(kind), "ReferenceNbr": value(r.String("ReferenceNbr"))}); err != nil {
			t.Fatal(err)
		}
	}
	act("ReleasePayment", "Payment")
	return func() {
		act("VoidPayment", "Payment")
		act("ReleasePayment", voidedPayment)
	}
}

// TestMoreThatIsOpenLaterIsPaid: an attempt found less open than was paid and
// came to no end; when it is tried again, all of it is open.
func TestMoreThatIsOpenLaterIsPaid(t *testing.T) {
	for _, point := range []string{"fitted", "put_done", "checked"} {
		t.Run(point, func(t *testing.T) {
			n := newTenant(t, false, 0)
			bounce := n.cheque(t, "20.50")
			period := n.clock.UTC().Format("01-2006")
			fitted, closed := false, false
			n.sink.at = func(at string) {
				if fitted = fitted || at == "fitted"; at == point && fitted && !closed {
					closed = true
					if err := n.twin.ClosePeriod(period); err != nil {
						t.Error(err)
					}
				}
			}
			_, _, err := n.pay(t)
			wantCode(t, err, "acumatica.period_closed")
			if err := n.twin.OpenPeriod(period); err != nil {
				t.Fatal(err)
			}
			bounce()
			out, _, err := n.pay(t)
			if err != nil || out.Outcome != schemas.Applied || out.Review != "" {
				t.Fatalf("%+v, %v", out, err)
			}
			if inv := n.twin.Invoices()[0]; inv.Status != "Closed" || !inv.Balance.IsZero() {
				t.Errorf("invoice %+v", inv)
			}
			ours := 0
			for _, p := range n.twin.Payments() {
				if p.PaymentRef == "ch_1" {
					ours++
				}
			}
			if ours != 1 {
				t.Errorf("%d payments", ours)
			}
		})
	}
}
