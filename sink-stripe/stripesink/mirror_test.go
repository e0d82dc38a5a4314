package stripesink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// revision is the document at a later time, with total open.
func revision(n int, total int64, change func(*schemas.StripeInvoice)) schemas.Intent {
	f := invoiceFields()
	f.Lines, f.Total = []schemas.StripeInvoiceLine{{Description: "what is open", Amount: total}}, total
	if change != nil {
		change(&f)
	}
	f.Changed = time.Date(2026, 3, 1, 9, 0, n, 0, time.UTC).Format(time.RFC3339Nano)
	in := intent("invoice", "upsert", "Invoice AR000123", fmt.Sprintf("event %d", n), f)
	in.Cause.EventSeq = uint64(n) + 1
	return in
}

func lowering(lowered ...schemas.StripeLowering) func(*schemas.StripeInvoice) {
	return func(f *schemas.StripeInvoice) { f.Lowered = lowered }
}

// changedAt is the intent with another change time than its order has.
func changedAt(in schemas.Intent, n int) schemas.Intent {
	var f schemas.StripeInvoice
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		panic(err)
	}
	f.Changed = time.Date(2026, 3, 1, 9, 0, n, 0, time.UTC).Format(time.RFC3339Nano)
	data, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	in.Fields = data
	return in
}

// ofEvent is the intent with another cause.
func ofEvent(in schemas.Intent, seq uint64) schemas.Intent {
	in.Cause.EventSeq = seq
	return in
}

func asVoid(f *schemas.StripeInvoice) { f.Void = true }

var (
	cheque   = schemas.StripeLowering{Type: "Payment", Number: "000001", Amount: 5000}
	memo20   = schemas.StripeLowering{Type: "Credit Memo", Number: "CM000001", Amount: 2000}
	writeOff = schemas.StripeLowering{Type: "Balance WO", Number: "000009", Amount: 550}
)

// brief is the history of the document's invoices in Stripe, oldest first.
func (w *world) brief() string {
	w.t.Helper()
	var parts []string
	all := w.invoices()
	for _, inv := range slices.Backward(all) {
		part := fmt.Sprintf("%s %s %d of %d", inv.Number, inv.Status, inv.Remaining, inv.Total)
		if inv.Credited > 0 {
			part += fmt.Sprintf(", credited %d", inv.Credited)
		}
		if inv.OutOfBand {
			part += ", outside"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// payable is what the buyer can pay of open invoices.
func (w *world) payable() int64 {
	var sum int64
	for _, inv := range w.invoices() {
		if inv.Status == statusOpen {
			sum += inv.Remaining
		}
	}
	return sum
}

func TestCorrectionsOfAnInvoice(t *testing.T) {
	for _, tt := range []struct {
		name    string
		changes []schemas.Intent // after it was made over 120.50
		want    string
	}{
		{"nothing changed", []schemas.Intent{revision(1, 12050, nil)}, "AR000123 open 12050 of 12050"},
		{"a part was credited", []schemas.Intent{revision(1, 10050, lowering(memo20))}, "AR000123 open 10050 of 12050, credited 2000"},
		{"a part was paid by cheque", []schemas.Intent{revision(1, 7050, lowering(cheque))}, "AR000123 open 7050 of 12050, credited 5000"},
		{"all was paid by cheque", []schemas.Intent{revision(1, 0, lowering(cheque))}, "AR000123 paid 0 of 12050, outside"},
		{
			"credited in part, then paid",
			[]schemas.Intent{revision(1, 10050, lowering(memo20)), revision(2, 0, lowering(memo20, cheque))},
			"AR000123 paid 0 of 12050, credited 2000, outside",
		},
		{"credited and paid at once", []schemas.Intent{revision(1, 0, lowering(memo20, cheque))}, "AR000123 paid 0 of 12050, credited 2000, outside"},
		{"voided", []schemas.Intent{revision(1, 0, asVoid)}, "AR000123 void 12050 of 12050"},
		{"credited in part, then voided", []schemas.Intent{revision(1, 10050, lowering(memo20)), revision(2, 0, asVoid)}, "AR000123 paid 0 of 12050, credited 12050"},
		{"written off", []schemas.Intent{revision(1, 0, lowering(schemas.StripeLowering{Type: "SMB", Number: "1", Amount: 12050}))}, "AR000123 uncollectible 12050 of 12050"},
		{"paid, and the rest written off", []schemas.Intent{revision(1, 0, lowering(cheque, writeOff))}, "AR000123 uncollectible 550 of 12050, credited 11500"},
		{"voided and made again", []schemas.Intent{revision(1, 0, asVoid), revision(2, 12050, nil)}, "AR000123 void 12050 of 12050; AR000123-2 open 12050 of 12050"},
		{
			"paid outside, and the payment voided",
			[]schemas.Intent{revision(1, 0, lowering(cheque)), revision(2, 12050, nil)},
			"AR000123 paid 0 of 12050, outside; AR000123-2 open 12050 of 12050",
		},
		{
			"a credit memo was taken off",
			[]schemas.Intent{revision(1, 10050, lowering(memo20)), revision(2, 12050, nil)},
			"AR000123 paid 0 of 12050, credited 12050; AR000123-2 open 12050 of 12050",
		},
		{
			"raised, and raised again",
			[]schemas.Intent{revision(1, 13000, nil), revision(2, 14000, nil)},
			"AR000123 void 12050 of 12050; AR000123-2 void 13000 of 13000; AR000123-3 open 14000 of 14000",
		},
		{
			"the write-off was taken back",
			[]schemas.Intent{revision(1, 0, lowering(cheque, writeOff)), revision(2, 550, lowering(cheque))},
			"AR000123 paid 0 of 12050, credited 11500, outside; AR000123-2 open 550 of 550",
		},
		{
			"the clock was set back",
			[]schemas.Intent{revision(1, 10050, lowering(memo20)), changedAt(revision(2, 7050, lowering(memo20, cheque)), 0)},
			"AR000123 open 7050 of 12050, credited 5000",
		},
		{
			"three states of one change time",
			[]schemas.Intent{changedAt(revision(1, 10050, lowering(memo20)), 0), changedAt(revision(2, 12050, nil), 0), changedAt(revision(3, 10050, lowering(memo20)), 0)},
			"AR000123 paid 0 of 12050, credited 12050; AR000123-2 open 10050 of 12050, credited 2000",
		},
		{
			"an old state of one change time comes late",
			[]schemas.Intent{changedAt(revision(2, 7050, lowering(cheque)), 1), changedAt(revision(1, 10050, lowering(memo20)), 1)},
			"AR000123 open 7050 of 12050, credited 5000",
		},
		{
			"the stream of events was made anew",
			[]schemas.Intent{revision(5, 10050, lowering(memo20)), ofEvent(revision(6, 7050, lowering(memo20, cheque)), 1)},
			"AR000123 open 7050 of 12050, credited 5000",
		},
		{
			"a part was written off, and then it was paid",
			[]schemas.Intent{revision(1, 11500, lowering(writeOff)), revision(2, 0, lowering(writeOff, cheque))},
			"AR000123 paid 0 of 12050, credited 550, outside",
		},
		{
			"a part was written off before it was made",
			[]schemas.Intent{revision(1, 0, asVoid), revision(2, 11500, lowering(writeOff)), revision(3, 0, lowering(writeOff, cheque))},
			"AR000123 void 12050 of 12050; AR000123-2 paid 0 of 11500, outside",
		},
		{
			"a part was paid, and the rest written off",
			[]schemas.Intent{revision(1, 7050, lowering(cheque)), revision(2, 0, lowering(cheque, schemas.StripeLowering{Type: "SMB", Number: "1", Amount: 7050}))},
			"AR000123 uncollectible 7050 of 12050, credited 5000",
		},
		{
			"a part was paid, then credited and paid",
			[]schemas.Intent{revision(1, 7050, lowering(cheque)), revision(2, 0, lowering(cheque, memo20, cheque))},
			"AR000123 paid 0 of 12050, credited 7000, outside",
		},
		{"an old version comes late", []schemas.Intent{revision(2, 7050, lowering(cheque)), revision(1, 10050, lowering(memo20))}, "AR000123 open 7050 of 12050, credited 5000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.apply(customerIntent("1", "Ada"), schemas.Applied)
			w.apply(revision(0, 12050, nil), schemas.Applied)
			for _, in := range tt.changes {
				if _, err := w.handle(in, w.now); err != nil {
					t.Fatal(err)
				}
				w.apply(in, schemas.Duplicate)
				w.now = w.now.Add(time.Minute)
			}
			if got := w.brief(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestANewInvoiceIsNeverPayableBesideTheOldOne(t *testing.T) {
	for crashAt := 1; ; crashAt++ {
		w := newWorld(t)
		w.apply(customerIntent("1", "Ada"), schemas.Applied)
		w.apply(revision(0, 12050, nil), schemas.Applied)
		w.crashAt = crashAt
		_, err := w.handle(revision(1, 13000, nil), w.now)
		if got := w.payable(); got > 13000 {
			t.Fatalf("crashed at %d: %d can be paid: %s", crashAt, got, w.brief())
		}
		if err == nil {
			return
		}
		if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if _, err := w.handle(revision(1, 13000, nil), w.now); err != nil {
			t.Fatal(err)
		}
		if got := w.brief(); got != "AR000123 void 12050 of 12050; AR000123-2 open 13000 of 13000" {
			t.Fatalf("crashed at %d: %s", crashAt, got)
		}
	}
}

// faster pays an invoice just before a step.
type faster struct {
	API
	before func()
}

func (a faster) CreateCreditNote(ctx context.Context, key string, n stripeapi.CreditNote) (stripeapi.CreditNote, error) {
	a.before()
	return a.API.CreateCreditNote(ctx, key, n)
}

func (a faster) VoidInvoice(ctx context.Context, key, id string) (stripeapi.Invoice, error) {
	a.before()
	return a.API.VoidInvoice(ctx, key, id)
}

func TestABuyerWhoIsFasterIsNoError(t *testing.T) {
	for name, in := range map[string]schemas.Intent{
		"credited": revision(1, 10050, lowering(memo20)),
		"raised":   revision(1, 13000, nil),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.apply(customerIntent("1", "Ada"), schemas.Applied)
			w.apply(revision(0, 12050, nil), schemas.Applied)
			w.api = faster{w.client, func() { w.pay(w.invoices()[0].ID) }}
			w.apply(in, schemas.Skipped)
			if got := w.brief(); got != "AR000123 paid 0 of 12050" {
				t.Errorf("got %s", got)
			}
		})
	}
}

// TestWhatWasPaidInStripeIsNotBilledAgain: the books have something open of a
// document whose invoice was paid by a charge.
func TestWhatWasPaidInStripeIsNotBilledAgain(t *testing.T) {
	payment := func(amount int64) schemas.StripeLowering {
		return schemas.StripeLowering{Type: "Payment", Number: "000007", Amount: amount}
	}
	for _, tt := range []struct {
		name   string
		linked bool
		in     schemas.Intent
		review bool
		want   string
	}{
		{"the payment is on its way", false, revision(1, 12050, nil), false, "AR000123 paid 0 of 12050"},
		{"applied in full, and more is open", true, revision(1, 1000, lowering(payment(12050))), false, "AR000123 paid 0 of 12050; AR000123-2 open 1000 of 1000"},
		{"a part lies unapplied", true, revision(1, 2050, lowering(payment(10000))), true, "AR000123 paid 0 of 12050"},
		{"all of it lies unapplied", true, revision(1, 12050, nil), true, "AR000123 paid 0 of 12050"},
		{"it was voided", true, revision(1, 12050, lowering(payment(12050),
			schemas.StripeLowering{Type: "Voided Payment", Number: "000007", Amount: -12050})), true, "AR000123 paid 0 of 12050"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.apply(customerIntent("1", "Ada"), schemas.Applied)
			w.apply(revision(0, 12050, nil), schemas.Applied)
			id := w.invoices()[0].ID
			w.pay(id)
			if tt.linked {
				if err := w.Put(t.Context(), connection, link.Link{Kind: link.Payment, AcumaticaID: "Payment 000007", StripeID: w.invoices()[0].Charge}); err != nil {
					t.Fatal(err)
				}
			}
			w.now = w.now.Add(time.Minute)
			out, err := w.handle(tt.in, w.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.brief(); got != tt.want || (out.Review != "") != tt.review {
				t.Errorf("got %s, review %q; want %s, %t", got, out.Review, tt.want, tt.review)
			}
		})
	}
}

// TestWhatPaidAReplacedInvoiceIsNotBilledAgain: a charge paid the first invoice,
// a rest was billed by a second one, and then the first payment is taken off.
func TestWhatPaidAReplacedInvoiceIsNotBilledAgain(t *testing.T) {
	payment := func(kind string, amount int64) schemas.StripeLowering {
		return schemas.StripeLowering{Type: kind, Number: "000007", Amount: amount}
	}
	for _, tt := range []struct {
		name   string
		in     schemas.Intent
		review bool
		want   string
	}{
		{"its payment was voided", revision(2, 13050, lowering(payment("Payment", 12050), payment("Voided Payment", -12050))), true, "AR000123 paid 0 of 12050; AR000123-2 open 1000 of 1000"},
		{"its payment was voided, by codes", revision(2, 13050, lowering(payment("PMT", 12050), payment("RPM", -12050))), true, "AR000123 paid 0 of 12050; AR000123-2 open 1000 of 1000"},
		{"its payment is not applied any more", revision(2, 13050, nil), true, "AR000123 paid 0 of 12050; AR000123-2 open 1000 of 1000"},
		{"a part of it is applied", revision(2, 2000, lowering(payment("PMT", 11050))), true, "AR000123 paid 0 of 12050; AR000123-2 open 1000 of 1000"},
		{"the document was raised otherwise", revision(2, 2000, lowering(payment("PMT", 12050))), false, "AR000123 paid 0 of 12050; AR000123-2 void 1000 of 1000; AR000123-3 open 2000 of 2000"},
		{"less is open", revision(2, 500, lowering(payment("Payment", 12050), memo20)), false, "AR000123 paid 0 of 12050; AR000123-2 open 500 of 1000, credited 500"},
		{"voided as a whole", revision(2, 0, asVoid), false, "AR000123 paid 0 of 12050; AR000123-2 void 1000 of 1000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.apply(customerIntent("1", "Ada"), schemas.Applied)
			w.apply(revision(0, 12050, nil), schemas.Applied)
			w.pay(w.invoices()[0].ID)
			if err := w.Put(t.Context(), connection, link.Link{Kind: link.Payment, AcumaticaID: "Payment 000007", StripeID: w.invoices()[0].Charge}); err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(time.Minute)
			w.apply(revision(1, 1000, lowering(payment("Payment", 12050))), schemas.Applied)
			w.now = w.now.Add(time.Minute)
			out, err := w.handle(tt.in, w.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.brief(); got != tt.want || (out.Review != "") != tt.review {
				t.Errorf("got %s, review %q; want %s, %t", got, out.Review, tt.want, tt.review)
			}
			w.now = w.now.Add(time.Minute)
			if out := w.apply(tt.in, schemas.Duplicate); (out.Review != "") != tt.review {
				t.Errorf("again: review %q", out.Review)
			}
		})
	}
}

func TestWhatStripeSetsOffIsForAPerson(t *testing.T) {
	for _, inv := range []stripeapi.Invoice{
		{Status: statusOpen, Total: 100, Remaining: 60},
		{Status: statusPaid, Total: 30},
	} {
		if s := decide(schemas.StripeInvoice{Currency: "usd", Total: inv.Total}, inv, past{}); s.do != doLeave || s.why == "" {
			t.Errorf("%+v: %+v", inv, s)
		}
	}
}

func TestStripeEmailsOnlyWhereItIsAskedTo(t *testing.T) {
	for _, send := range []bool{false, true} {
		w := newWorld(t)
		w.apply(customerIntent("1", "Ada"), schemas.Applied)
		w.apply(revision(0, 12050, func(f *schemas.StripeInvoice) { f.Send = send }), schemas.Applied)
		sent := 0
		for _, r := range w.twin.Requests() {
			if strings.HasSuffix(r.Path, "/send") {
				sent++
			}
		}
		if (sent == 1) != send {
			t.Errorf("asked %t, sent %d times", send, sent)
		}
	}
}

func TestAnotherCurrencyIsRefused(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(revision(0, 12050, nil), schemas.Applied)
	err := w.refuse(revision(1, 10000, func(f *schemas.StripeInvoice) { f.Currency = "eur" }), "stripe.invoice_mismatch")
	if fault.KindOf(err) != fault.Rejected || w.payable() != 12050 {
		t.Errorf("%v, %s", err, w.brief())
	}
}

func TestNothingIsMadeOfADocumentWithoutAnythingOpen(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(invoiceIntent(func(f *schemas.StripeInvoice) { f.Lines, f.Total = nil, 0 }), schemas.Skipped)
	w.cost(1, 0)
	_ = w.refuse(intent("invoice", "upsert", "Invoice AR000124", "", schemas.StripeInvoice{Customer: schemas.LinkRef{Kind: "customer", ID: "C1"}, Currency: "usd", Total: 100}), "stripe.fields_invalid")
	if all := w.invoices(); len(all) != 0 {
		t.Errorf("invoices %+v", all)
	}
}

func TestMoreLinesThanStripeTakesBecomeOne(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(invoiceIntent(func(f *schemas.StripeInvoice) {
		f.Lines, f.Total = nil, 0
		for n := range 260 {
			f.Lines = append(f.Lines, schemas.StripeInvoiceLine{Description: "same", Amount: int64(n)})
			f.Total += int64(n)
		}
	}), schemas.Applied)
	all := w.invoices()
	if len(all) != 1 || all[0].Total != 260*259/2 || all[0].Status != statusOpen {
		t.Fatalf("invoices %+v", all)
	}
	items, err := w.client.ListItems(t.Context(), all[0].ID)
	if err != nil || len(items) != maxLines {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if !slices.ContainsFunc(items, func(i stripeapi.Item) bool { return i.Description == "11 more lines" && i.Amount == 11*254 }) {
		t.Errorf("no line stands for the rest: %+v", items)
	}
}

// pay pays an invoice as its page does.
func (w *world) pay(id string) {
	w.t.Helper()
	if err := w.twin.Pay(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
}
