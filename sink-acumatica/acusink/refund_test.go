package acusink

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/calls"
	"millrace/internal/link"
	"millrace/schemas"
)

func intentOf(document, key string, fields any, edit func(*schemas.Intent)) schemas.Intent {
	in := schemas.Intent{
		Connection: "default", Lane: "cus_1", Target: schemas.Acumatica, Document: document, Verb: "create", Key: key,
		Cause: schemas.Cause{EventID: "evt_1", EventType: "io.millrace.stripe.charge.refunded.v1", EventSeq: 7},
		Refs:  []schemas.Ref{{System: schemas.Stripe, Kind: "charge", ID: "ch_1"}},
	}
	edit(&in)
	in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, in.Version)
	in.Fields, _ = json.Marshal(fields)
	return in
}

// refundIntent gives back 20.50 of what edit names.
func refundIntent(edit func(*schemas.Intent, *schemas.AcumaticaRefund)) schemas.Intent {
	f := &schemas.AcumaticaRefund{
		Type: "Refund", CustomerID: "C1", PaymentMethod: acumaticatwin.SeedPaymentMethod, CashAccount: acumaticatwin.SeedCashAccountUSD, CurrencyID: "USD",
		PaymentAmount: "20.50", PaymentRef: "re_1", ApplicationDate: "2026-03-02", DocumentsToApply: []schemas.AcumaticaRefundApplication{{AmountPaid: "20.50"}},
	}
	return intentOf("refund", "re_1", f, func(in *schemas.Intent) { edit(in, f) })
}

// memoIntent credits 20.50 to the account of refunds.
func memoIntent(edit func(*schemas.Intent, *schemas.AcumaticaCreditMemo)) schemas.Intent {
	m := &schemas.AcumaticaCreditMemo{
		Type: "Credit Memo", Customer: "C1", CurrencyID: "USD", Date: "2026-03-02", CustomerOrder: "re_1", Amount: "20.50",
		Details: []schemas.AcumaticaCreditMemoLine{{Account: "40500", Subaccount: "000000", Branch: acumaticatwin.SeedBranch, TransactionDescription: "Refund", Amount: "20.50"}},
	}
	return intentOf("creditmemo", "re_1", m, func(in *schemas.Intent) { edit(in, m) })
}

// money is a customer and the accounts of one currency.
type money struct{ currency, customer, cash, clearing string }

func (n *tenant) moneys() []money {
	return []money{
		{"USD", n.invoice.CustomerID, acumaticatwin.SeedCashAccountUSD, "10250"},
		{"EUR", n.twin.AddCustomer(acumaticatwin.Customer{Name: "Kontor", Currency: "EUR"}), acumaticatwin.SeedCashAccountEUR, "10251"},
	}
}

func (n *tenant) do(t *testing.T, in schemas.Intent) (schemas.Outcome, int64, error) {
	t.Helper()
	ctx, count := calls.With(t.Context())
	out, err := n.sink.Handle(ctx, n.message(in))
	return out, count.AcumaticaCalls.Load(), err
}

func (n *tenant) today() string { return n.clock.UTC().Format(time.DateOnly) }

// prepay posts a prepayment of 120.50.
func (n *tenant) prepay(t *testing.T, m money, edit func(map[string]any)) string {
	t.Helper()
	out, _, err := n.do(t, intent(func(_ *schemas.Intent, f map[string]any) {
		f["Type"], f["CustomerID"], f["CashAccount"], f["CurrencyID"], f["ApplicationDate"] = "Prepayment", m.customer, m.cash, m.currency, n.today()
		delete(f, "DocumentsToApply")
		edit(f)
	}))
	if err != nil || out.Outcome != schemas.Applied {
		t.Fatalf("%+v, %v", out, err)
	}
	return strings.TrimPrefix(n.mem.links["ch_1"].AcumaticaID, "Prepayment ")
}

func (n *tenant) balance(t *testing.T, m money, want string) {
	t.Helper()
	if got, _, _ := strings.Cut(n.turnover(m.clearing, m.currency), " "); got != want {
		t.Errorf("clearing has %s, want %s", got, want)
	}
}

func TestRefundOfAPrepaymentInTheTwin(t *testing.T) {
	for i, currency := range []string{"USD", "EUR"} {
		t.Run(currency, func(t *testing.T) {
			n := newTenant(t, false, 0)
			m := n.moneys()[i]
			number := n.prepay(t, m, func(map[string]any) {})
			n.balance(t, m, "120.5")
			in := refundIntent(func(_ *schemas.Intent, f *schemas.AcumaticaRefund) {
				f.CustomerID, f.CashAccount, f.CurrencyID, f.ApplicationDate = m.customer, m.cash, m.currency, n.today()
				f.DocumentsToApply[0].DocType, f.DocumentsToApply[0].ReferenceNbr = "Prepayment", number
			})
			out, count, err := n.do(t, in)
			if err != nil || out.Outcome != schemas.Applied || count != 3 {
				t.Fatalf("%d calls, %+v, %v", count, out, err)
			}
			n.balance(t, m, "100")
			if out, count, err = n.do(t, in); err != nil || out.Outcome != schemas.Duplicate || count != 0 {
				t.Errorf("again: %d calls, %+v, %v", count, out, err)
			}
		})
	}
}

// A payment that is used up cannot be given back: a credit memo takes the sale
// back, and the refund refers to it by what it stands for.
func TestRefundThroughACreditMemoInTheTwin(t *testing.T) {
	for i, currency := range []string{"USD", "EUR"} {
		t.Run(currency, func(t *testing.T) {
			n := newTenant(t, false, 0)
			m := n.moneys()[i]
			ask := refundIntent(func(_ *schemas.Intent, f *schemas.AcumaticaRefund) {
				f.CustomerID, f.CashAccount, f.CurrencyID, f.ApplicationDate = m.customer, m.cash, m.currency, n.today()
				f.DocumentsToApply[0].Link = &schemas.LinkRef{Kind: link.CreditMemo, ID: "re_1"}
			})
			_, _, err := n.do(t, ask)
			wantCode(t, err, "link.pending")
			out, count, err := n.do(t, memoIntent(func(_ *schemas.Intent, f *schemas.AcumaticaCreditMemo) {
				f.Customer, f.CurrencyID, f.Date = m.customer, m.currency, n.today()
			}))
			if err != nil || out.Outcome != schemas.Applied || count != 3 {
				t.Fatalf("%d calls, %+v, %v", count, out, err)
			}
			if got, _, _ := strings.Cut(n.turnover("40500", currency), " "); got != "20.5" {
				t.Errorf("sales taken back: %s", got)
			}
			if l := n.mem.links["creditmemo re_1"]; l.Kind != link.CreditMemo || !strings.HasPrefix(l.AcumaticaID, "Credit Memo ") {
				t.Errorf("link %+v", l)
			}
			if out, _, err = n.do(t, ask); err != nil || out.Outcome != schemas.Applied {
				t.Fatalf("%+v, %v", out, err)
			}
			n.balance(t, m, "-20.5")
			for _, v := range n.twin.Invoices() {
				if v.Type == "Credit Memo" && (v.Status != "Closed" || !v.Balance.IsZero()) {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}

// A refund has one effect on what its customer owes, also when the style was
// changed between the events that told of it.
func TestOneRefundIsNeverGivenBackTwice(t *testing.T) {
	prepare := func(t *testing.T) (n *tenant, direct, memo schemas.Intent) {
		t.Helper()
		n = newTenant(t, false, 0)
		m := n.moneys()[0]
		number := n.prepay(t, m, func(map[string]any) {})
		direct = refundIntent(func(_ *schemas.Intent, f *schemas.AcumaticaRefund) {
			f.CustomerID, f.CashAccount, f.CurrencyID, f.ApplicationDate = m.customer, m.cash, m.currency, n.today()
			f.DocumentsToApply[0].DocType, f.DocumentsToApply[0].ReferenceNbr = "Prepayment", number
		})
		memo = memoIntent(func(_ *schemas.Intent, f *schemas.AcumaticaCreditMemo) {
			f.Customer, f.CurrencyID, f.Date = m.customer, m.currency, n.today()
		})
		return n, direct, memo
	}
	post := func(t *testing.T, n *tenant, in schemas.Intent, outcome, reason string) {
		t.Helper()
		out, _, err := n.do(t, in)
		if err != nil || out.Outcome != outcome || !strings.Contains(out.Reason, reason) {
			t.Fatalf("%s %s, %v", out.Outcome, out.Reason, err)
		}
	}
	t.Run("the refund of the payment came first", func(t *testing.T) {
		n, direct, memo := prepare(t)
		post(t, n, direct, schemas.Applied, "")
		for range 2 {
			post(t, n, memo, schemas.Skipped, "the refund re_1 is posted without a credit memo, as Refund ")
		}
		if got := len(n.twin.Invoices()); got != 1 {
			t.Errorf("%d invoices and memos", got)
		}
	})
	t.Run("the credit memo came first", func(t *testing.T) {
		n, direct, memo := prepare(t)
		post(t, n, memo, schemas.Applied, "")
		post(t, n, direct, schemas.Applied, "Credit Memo ")
		post(t, n, memo, schemas.Duplicate, "")
		post(t, n, direct, schemas.Duplicate, "")
		for _, v := range n.twin.Invoices() {
			if v.Type == "Credit Memo" && !v.Balance.IsZero() {
				t.Errorf("%s is left of %s", v.Balance, v.ReferenceNbr)
			}
		}
		for _, p := range n.twin.Payments() {
			if p.Type == "Prepayment" && len(p.AppliedTo) != 0 {
				t.Errorf("the payment was touched: %+v", p)
			}
		}
	})
}

func TestCreditMemoPaysAnInvoiceInTheTwin(t *testing.T) {
	n := newTenant(t, false, 0)
	out, _, err := n.do(t, memoIntent(func(_ *schemas.Intent, f *schemas.AcumaticaCreditMemo) {
		f.Customer, f.Date = n.invoice.CustomerID, n.today()
		f.ApplicationsCreditMemo = []schemas.AcumaticaApplication{{DocType: "Invoice", ReferenceNbr: n.invoice.ReferenceNbr, AmountPaid: "20.50"}}
	}))
	if err != nil || !strings.HasSuffix(out.Reason, "of 20.50 USD released, applied to Invoice "+n.invoice.ReferenceNbr) {
		t.Fatalf("%+v, %v", out, err)
	}
	for _, v := range n.twin.Invoices() {
		if v.Type == "Invoice" && !v.Balance.Equal(decimal.NewFromInt(100)) {
			t.Errorf("%+v", v)
		}
	}
}

// What Stripe withheld is posted with the payment and read back with it.
func TestChargesOfAPaymentInTheTwin(t *testing.T) {
	n := newTenant(t, false, 0)
	m := n.moneys()[0]
	n.prepay(t, m, func(f map[string]any) {
		f["Charges"] = []any{map[string]any{"EntryTypeID": acumaticatwin.SeedFeeEntryType, "Amount": "3.80"}}
	})
	n.balance(t, m, "116.7")
	if got := n.turnover("61000", "USD"); got != "3.8 3.8" {
		t.Errorf("fees %s", got)
	}
}

func TestDocumentsOfCustomersThatAreRefused(t *testing.T) {
	refunds := func(edit func(*schemas.AcumaticaRefund)) func(*tenant) schemas.Intent {
		return func(n *tenant) schemas.Intent {
			return refundIntent(func(_ *schemas.Intent, f *schemas.AcumaticaRefund) {
				f.CustomerID, f.ApplicationDate = n.invoice.CustomerID, n.today()
				f.DocumentsToApply[0].DocType, f.DocumentsToApply[0].ReferenceNbr = "Payment", "000099"
				edit(f)
			})
		}
	}
	memos := func(edit func(*schemas.AcumaticaCreditMemo)) func(*tenant) schemas.Intent {
		return func(n *tenant) schemas.Intent {
			return memoIntent(func(_ *schemas.Intent, f *schemas.AcumaticaCreditMemo) {
				f.Customer, f.Date = n.invoice.CustomerID, n.today()
				edit(f)
			})
		}
	}
	const malformed = "acumatica.intent_malformed"
	for name, tc := range map[string]struct {
		code string
		in   func(*tenant) schemas.Intent
	}{
		"refund of nothing that exists": {"acumatica.application", refunds(func(*schemas.AcumaticaRefund) {})},
		"refund of another type":        {malformed, refunds(func(f *schemas.AcumaticaRefund) { f.Type = "Payment" })},
		"refund of less than it pays":   {malformed, refunds(func(f *schemas.AcumaticaRefund) { f.DocumentsToApply[0].AmountPaid = "20.00" })},
		"refund named twice":            {malformed, refunds(func(f *schemas.AcumaticaRefund) { f.DocumentsToApply[0].Link = &schemas.LinkRef{} })},
		"refund of no document":         {malformed, refunds(func(f *schemas.AcumaticaRefund) { f.DocumentsToApply = nil })},
		"memo of no such account":       {"acumatica.account", memos(func(f *schemas.AcumaticaCreditMemo) { f.Details[0].Account = "99999" })},
		"memo of no such customer":      {"acumatica.customer_unknown", memos(func(f *schemas.AcumaticaCreditMemo) { f.Customer = "NOBODY" })},
		"memo in a foreign currency":    {"acumatica.validation", memos(func(f *schemas.AcumaticaCreditMemo) { f.CurrencyID = "EUR" })},
		"memo of a closed period":       {"acumatica.period_closed", memos(func(f *schemas.AcumaticaCreditMemo) { f.Date = "2019-01-01" })},
		"memo that does not add up":     {malformed, memos(func(f *schemas.AcumaticaCreditMemo) { f.Amount = "20.51" })},
		"memo of another type":          {malformed, memos(func(f *schemas.AcumaticaCreditMemo) { f.Type = "Invoice" })},
		"memo of a long reference":      {malformed, memos(func(f *schemas.AcumaticaCreditMemo) { f.CustomerOrder = strings.Repeat("x", 41) })},
	} {
		t.Run(name, func(t *testing.T) {
			n := newTenant(t, false, 0)
			_, _, err := n.do(t, tc.in(n))
			wantCode(t, err, tc.code)
			if left := len(n.twin.Payments()) + len(n.twin.Invoices()); left != 1 {
				t.Errorf("%d documents", left)
			}
		})
	}
}
