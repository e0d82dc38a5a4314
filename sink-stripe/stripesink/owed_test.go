package stripesink

import (
	"strings"
	"testing"

	"millrace/internal/stripetwin"
	"millrace/schemas"
)

// TestOfWhatIsNotOwedNothingIsMade: released over nothing, waiting to be
// approved, rejected, or paid before it came here.
func TestOfWhatIsNotOwedNothingIsMade(t *testing.T) {
	for _, change := range []func(*schemas.StripeInvoice){
		func(*schemas.StripeInvoice) {},
		asVoid,
		lowering(cheque),
	} {
		w := newWorld(t)
		w.apply(customerIntent("1", "Ada"), schemas.Applied)
		out := w.apply(revision(0, 0, func(f *schemas.StripeInvoice) {
			f.Lines = nil
			change(f)
		}), schemas.Skipped)
		if !strings.Contains(out.Reason, "nothing is open") || w.counter.StripeWrites.Load() != 0 || len(w.invoices()) != 0 {
			t.Errorf("%q, %d writes, %+v", out.Reason, w.counter.StripeWrites.Load(), w.invoices())
		}
		w.apply(revision(1, 12050, nil), schemas.Applied)
		if got, want := w.brief(), "AR000123 open 12050 of 12050"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestNoInvoiceIsBelowZero: Stripe would turn it into a credit balance.
func TestNoInvoiceIsBelowZero(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	_ = w.refuse(revision(0, -500, nil), "stripe.fields_invalid")
	if all := w.invoices(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

// TestWhatCannotBeMadeAnewStays: the old invoice is over less than is owed, which
// is better than nothing.
func TestWhatCannotBeMadeAnewStays(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(revision(0, 12050, nil), schemas.Applied)
	without := func(f *schemas.StripeInvoice) { f.Lines = nil }
	_ = w.refuse(revision(1, 13000, without), "stripe.lines_missing")
	w.apply(revision(2, 11000, without), schemas.Applied)
	if got, want := w.brief(), "AR000123 open 11000 of 12050, credited 1050"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestNumbersOfReplacementsFit within what Stripe takes.
func TestNumbersOfReplacementsFit(t *testing.T) {
	w := newWorld(t)
	long := "AR-2026-" + strings.Repeat("7", maxNumber-8)
	numbered := func(f *schemas.StripeInvoice) { f.Number = long }
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	for n, total := range []int64{12050, 13000, 14000} {
		w.apply(revision(n, total, numbered), schemas.Applied)
	}
	if got, want := w.brief(), long+" void 12050 of 12050; "+long[:24]+"-2 void 13000 of 13000; "+long[:24]+"-3 open 14000 of 14000"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestANumberThatStripeRefusesIsForAPerson: nothing is made, and the next
// attempt may succeed.
func TestANumberThatStripeRefusesIsForAPerson(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	in := revision(0, 12050, nil)
	if err := w.twin.AddFault(stripetwin.Fault{Method: "POST", PathPrefix: "/v1/invoices", Count: 1, Mode: "status:400"}); err != nil {
		t.Fatal(err)
	}
	_ = w.refuse(in, "stripe.invalid")
	if all := w.invoices(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	w.apply(in, schemas.Applied)
	if got, want := w.brief(), "AR000123 open 12050 of 12050"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCurrenciesAreSentAsStripeCountsThem: whole yen, thousandths of a dinar.
func TestCurrenciesAreSentAsStripeCountsThem(t *testing.T) {
	for _, tt := range []struct {
		currency string
		total    int64
		code     string // it is refused with
	}{
		{"eur", 12345, ""},
		{"jpy", 1100, ""},
		{"kwd", 5120, ""},
		{"kwd", 5124, "stripe.fields_invalid"},
		{"isk", 50000, ""},
		{"isk", 50050, "stripe.fields_invalid"},
		{"huf", 123456, ""},
	} {
		w := newWorld(t)
		w.apply(customerIntent("1", "Ada"), schemas.Applied)
		in := revision(0, tt.total, func(f *schemas.StripeInvoice) { f.Currency = tt.currency })
		if tt.code != "" {
			_ = w.refuse(in, tt.code)
			continue
		}
		w.apply(in, schemas.Applied)
		if inv := w.invoices()[0]; inv.Total != tt.total || inv.Currency != tt.currency || inv.Status != statusOpen {
			t.Errorf("%s: %+v", tt.currency, inv)
		}
	}
}
