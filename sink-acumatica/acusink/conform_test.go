package acusink

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/bustest"
	"millrace/internal/link"
	"millrace/internal/sinktest"
	"millrace/schemas"
)

func TestPaymentConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		return paymentDocument(w, "Payment", 0)
	}})
}

// TestPaymentOfALoweredInvoiceConforms: less is open than was paid in Stripe.
func TestPaymentOfALoweredInvoiceConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		return paymentDocument(w, "Payment", 1000)
	}})
}

func TestPrepaymentConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		return paymentDocument(w, "Prepayment", 0)
	}})
}

// newProcess is one process of the sink, as run starts it.
func newProcess(ctx context.Context, w *sinktest.World, p sinktest.Process) (sinktest.Worker, error) {
	client, err := acumatica.New(acumatica.Config{
		BaseURL: w.URL, Tenant: sinktest.Tenant, Endpoint: sinktest.Endpoint,
		Username: sinktest.Username, Password: sinktest.Password, Timeout: p.Timeout,
	})
	if err != nil {
		return sinktest.Worker{}, err
	}
	if err := client.Ping(ctx); err != nil {
		return sinktest.Worker{}, err
	}
	s := New(Options{
		Connections: map[string]Connection{w.Connection: {Client: client, SettleDelay: sinktest.SettleDelay, NextOpenPeriod: true}},
		Postings:    held{w.Postings(p.Name)}, Links: w.Links(), Publisher: w, Doubts: kept{w.Bus.Bucket("doubts")},
	})
	s.now, s.at = w.Clock.Now, p.At
	return sinktest.Worker{
		Handle:  s.Handle,
		Skip:    s.Skip,
		Resolve: func(ctx context.Context) error { return s.resolve(ctx, w.Connection) },
	}, nil
}

// paymentDocument is a payment of an invoice, or a prepayment, and the next
// one of the same customer. lowered is by how many cents less is open than was
// paid.
func paymentDocument(w *sinktest.World, typ string, lowered int64) sinktest.Document {
	customer := w.ERP.AddCustomer(acumaticatwin.Customer{Name: "Harbor & Pine"})
	want := func(charge string, cents int64) sinktest.Wanted {
		amount := decimal.New(cents, -2)
		invoice, applied, status := "", "", "Open"
		if typ == "Payment" {
			open := amount.Sub(decimal.New(lowered, -2))
			invoice = w.ERP.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: []acumaticatwin.InvoiceLine{
				{Description: "Desk", Qty: decimal.New(1, 0), UnitPrice: open},
			}})
			applied, status = fmt.Sprintf(" %s %s", invoice, open), "Closed"
			if lowered > 0 {
				status = "Open"
			}
		}
		in := intent(func(in *schemas.Intent, f map[string]any) {
			in.Connection, in.Lane, in.Key = w.Connection, customer, charge
			in.WriteBack = &schemas.WriteBack{Object: "invoice", ID: "in_" + charge, MetadataKey: "acumatica_payment"}
			f["Type"], f["CustomerID"], f["CashAccount"], f["PaymentRef"] = typ, customer, acumaticatwin.SeedCashAccountUSD, charge
			f["PaymentAmount"], f["ApplicationDate"] = amount.StringFixed(2), w.Clock.Now().Format(time.DateOnly)
			delete(f, "DocumentsToApply")
			if invoice != "" {
				f["DocumentsToApply"] = []any{map[string]any{"DocType": "Invoice", "ReferenceNbr": invoice, "AmountPaid": amount.StringFixed(2)}}
			}
		})
		return sinktest.Wanted{Intent: in, Facts: fmt.Sprintf("%s %s of %s USD %s:%s", typ, status, customer, amount, applied)}
	}
	return sinktest.Document{
		Intent: want("ch_1", 12050), Next: want("ch_2", 3010), Link: link.Payment,
		Entries: func(_ context.Context, key string) ([]sinktest.Entry, error) { return paymentEntries(w.ERP, key), nil },
	}
}

// paymentEntries are the payments that carry the reference, as a bookkeeper
// sees them.
func paymentEntries(erp *acumaticatwin.Twin, ref string) []sinktest.Entry {
	var entries []sinktest.Entry
	for _, p := range erp.Payments() {
		if p.PaymentRef != ref {
			continue
		}
		var applied strings.Builder
		for _, a := range p.AppliedTo {
			fmt.Fprintf(&applied, " %s %s", a.ReferenceNbr, a.Amount)
		}
		entries = append(entries, sinktest.Entry{
			AcumaticaID: p.Type + " " + p.ReferenceNbr, StripeID: p.PaymentRef, Effective: p.Status == "Open" || p.Status == "Closed",
			Facts: fmt.Sprintf("%s %s of %s %s %s:%s", p.Type, p.Status, p.CustomerID, p.CurrencyID, p.PaymentAmount, applied.String()),
		})
	}
	return entries
}

func TestJournalConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		return journalDocument(w)
	}})
}

// A refusal in the middle of a posting, and what is sent instead, is no gap.
func TestJournalOfAClosedPeriodConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(tb testing.TB, w *sinktest.World) sinktest.Document {
		tb.Helper()
		if err := w.ERP.ClosePeriod("2026-03"); err != nil {
			tb.Fatal(err)
		}
		return journalDocument(w)
	}})
}

// journalDocument is the journal of a payout, and one of the next payout with
// the same lines, which only the reference tells apart.
func journalDocument(w *sinktest.World) sinktest.Document {
	want := func(payout string) sinktest.Wanted {
		key := payout + "/USD/2026-03"
		return sinktest.Wanted{
			Intent: journalIntent(func(in *schemas.Intent, j *schemas.AcumaticaJournal) {
				in.Connection, in.Lane, in.Key = w.Connection, payout, key
				j.TransactionDate = w.Clock.Now().Format(time.DateOnly)
				j.Description = "Stripe " + payout + " " + schemas.JournalReference(w.Connection, key)
			}),
			Facts: "GL USD 2026-03-02: 61000 3.8/0, 10250 0/3.8, 10200 96.2/0, 10250 0/96.2",
		}
	}
	return sinktest.Document{
		Intent: want("po_1"), Next: want("po_2"), Link: link.Journal,
		Entries: func(_ context.Context, key string) ([]sinktest.Entry, error) {
			return journalEntries(w.ERP, key, schemas.JournalReference(w.Connection, key)), nil
		},
	}
}

// journalEntries are the batches that carry the reference, as a bookkeeper
// sees them.
func journalEntries(erp *acumaticatwin.Twin, key, ref string) []sinktest.Entry {
	var entries []sinktest.Entry
	for _, j := range erp.Journals() {
		if !strings.HasSuffix(j.Description, ref) {
			continue
		}
		lines := make([]string, len(j.Lines))
		for i, l := range j.Lines {
			lines[i] = fmt.Sprintf("%s %s/%s", l.Account, l.Debit, l.Credit)
		}
		entries = append(entries, sinktest.Entry{
			AcumaticaID: j.Module + " " + j.BatchNbr, StripeID: key, Effective: j.Status == "Posted",
			Facts: fmt.Sprintf("%s %s %s: %s", j.Module, j.Currency, j.Date, strings.Join(lines, ", ")),
		})
	}
	return entries
}

func TestCreditMemoConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		return creditMemoDocument(w, 0)
	}})
}

// TestCreditMemoOfALoweredInvoiceConforms: less is open than was credited in
// Stripe.
func TestCreditMemoOfALoweredInvoiceConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		return creditMemoDocument(w, 450)
	}})
}

// creditMemoDocument is a credit memo that pays an invoice, and the next one of
// the same customer, which pays none. lowered is by how many cents less is open
// than is credited.
func creditMemoDocument(w *sinktest.World, lowered int64) sinktest.Document {
	open, status, left := decimal.New(12050, -2), "Closed", decimal.New(lowered, -2)
	if lowered > 0 {
		open, status = decimal.New(2050-lowered, -2), "Open"
	}
	customer := w.ERP.AddCustomer(acumaticatwin.Customer{Name: "Harbor & Pine", Currency: "EUR"})
	invoice := w.ERP.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: []acumaticatwin.InvoiceLine{
		{Description: "Desk", Qty: decimal.New(1, 0), UnitPrice: open},
	}})
	want := func(ref, amount, applied, facts string) sinktest.Wanted {
		return sinktest.Wanted{Facts: facts, Intent: memoIntent(func(in *schemas.Intent, m *schemas.AcumaticaCreditMemo) {
			in.Connection, in.Lane, in.Key = w.Connection, customer, ref
			m.Customer, m.CurrencyID, m.Date, m.CustomerOrder = customer, "EUR", w.Clock.Now().Format(time.DateOnly), ref
			m.Amount, m.Details[0].Amount = amount, amount
			if applied != "" {
				m.ApplicationsCreditMemo = []schemas.AcumaticaApplication{{DocType: "Invoice", ReferenceNbr: invoice, AmountPaid: applied}}
			}
		})}
	}
	return sinktest.Document{
		Intent: want("cn_1", "20.50", "20.50", "Credit Memo "+status+" of "+customer+" EUR 20.5, left "+left.String()),
		Next:   want("re_2", "3.00", "", "Credit Memo Open of "+customer+" EUR 3, left 3"),
		Link:   link.CreditMemo,
		Entries: func(_ context.Context, key string) ([]sinktest.Entry, error) {
			var entries []sinktest.Entry
			for _, m := range w.ERP.Invoices() {
				if m.CustomerOrder == key {
					entries = append(entries, sinktest.Entry{
						AcumaticaID: m.Type + " " + m.ReferenceNbr, StripeID: key, Effective: m.Status == "Open" || m.Status == "Closed",
						Facts: fmt.Sprintf("%s %s of %s %s %s, left %s", m.Type, m.Status, m.CustomerID, m.CurrencyID, m.Amount, m.Balance),
					})
				}
			}
			return entries, nil
		},
	}
}

func TestRefundConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		return refundDocument(w)
	}})
}

// refundDocument is a refund of a credit memo that comes before it in its lane,
// and the next one of the same customer.
func refundDocument(w *sinktest.World) sinktest.Document {
	customer := w.ERP.AddCustomer(acumaticatwin.Customer{Name: "Harbor & Pine"})
	memo := func(ref string) schemas.Intent {
		return memoIntent(func(in *schemas.Intent, m *schemas.AcumaticaCreditMemo) {
			in.Connection, in.Lane, in.Key = w.Connection, customer, ref
			m.Customer, m.Date, m.CustomerOrder = customer, w.Clock.Now().Format(time.DateOnly), ref
		})
	}
	want := func(ref string, n int) sinktest.Wanted {
		return sinktest.Wanted{
			Intent: refundIntent(func(in *schemas.Intent, f *schemas.AcumaticaRefund) {
				in.Connection, in.Lane, in.Key = w.Connection, customer, ref
				f.CustomerID, f.ApplicationDate, f.PaymentRef = customer, w.Clock.Now().Format(time.DateOnly), ref
				f.DocumentsToApply[0].Link = &schemas.LinkRef{Kind: link.CreditMemo, ID: ref}
			}),
			Facts: fmt.Sprintf("Refund Closed of %s USD 20.5: CM%06d 20.5", customer, n),
		}
	}
	return sinktest.Document{
		First: []schemas.Intent{memo("re_1"), memo("re_2")}, Intent: want("re_1", 1), Next: want("re_2", 2), Link: link.Refund,
		Entries: func(_ context.Context, key string) ([]sinktest.Entry, error) { return paymentEntries(w.ERP, key), nil },
	}
}

func TestPaymentVoidConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Acumatica, Prepare: func(_ testing.TB, w *sinktest.World) sinktest.Document {
		return voidDocument(w)
	}})
}

// voidDocument is the void of a payment that comes before it in its lane, and
// the next one of the same customer.
func voidDocument(w *sinktest.World) sinktest.Document {
	payments := paymentDocument(w, "Payment", 0)
	date := w.Clock.Now().Add(-24 * time.Hour).Format(time.DateOnly) // not the server's day
	want := func(paid sinktest.Wanted, amount string) sinktest.Wanted {
		return sinktest.Wanted{
			Intent: voidIntent(paid.Key, func(in *schemas.Intent, f *schemas.AcumaticaPaymentVoid) {
				in.Connection, in.Lane = w.Connection, paid.Lane
				f.PaymentAmount, f.ApplicationDate = amount, date
			}),
			Facts: fmt.Sprintf("Voided Payment Closed %s USD -%s, the payment Voided, open %s", date, strings.TrimSuffix(amount, "0"), strings.TrimSuffix(amount, "0")),
		}
	}
	return sinktest.Document{
		First: []schemas.Intent{payments.Intent.Intent, payments.Next.Intent}, Needless: true,
		Intent: want(payments.Intent, "120.50"), Next: want(payments.Next, "30.10"), Link: link.Void,
		Entries: func(_ context.Context, key string) ([]sinktest.Entry, error) { return voidEntries(w.ERP, key), nil },
	}
}

// voidEntries are the voids that carry the reference, with what became of the
// payment and of its invoice.
func voidEntries(erp *acumaticatwin.Twin, ref string) []sinktest.Entry {
	var status, balance string
	var voids []acumaticatwin.PaymentView
	for _, p := range erp.Payments() {
		switch {
		case p.PaymentRef != ref:
		case p.Type == voidedPayment:
			voids = append(voids, p)
		default:
			status = p.Status
		}
	}
	var entries []sinktest.Entry
	for _, v := range voids {
		for _, i := range erp.Invoices() {
			if i.Amount.Equal(v.PaymentAmount.Neg()) {
				balance = i.Balance.String()
			}
		}
		name, date := v.Type+" "+v.ReferenceNbr, ""
		for b := range erp.Batches() {
			if b.Description == name {
				date = b.Date
			}
		}
		entries = append(entries, sinktest.Entry{
			AcumaticaID: name, StripeID: v.PaymentRef, Effective: v.Status == "Closed",
			Facts: fmt.Sprintf("%s %s %s %s %s, the payment %s, open %s", v.Type, v.Status, date, v.CurrencyID, v.PaymentAmount, status, balance),
		})
	}
	return entries
}
