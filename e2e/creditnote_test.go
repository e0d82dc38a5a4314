package e2e

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// TestCreditNotesOfTheSellerMeetChangesInAcumatica: the seller credits in
// Stripe, while nobody looks, what a bookkeeper has closed, lowered or put on
// hold. Each credit note becomes a credit memo over the whole, nothing is held
// up, and what the buyer can pay is what is open in the end.
func TestCreditNotesOfTheSellerMeetChangesInAcumatica(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.more = []string{"MILLRACE_ACCOUNTS=fee=61000" + accounts()}
	w.start()
	b := w.bookkeeper()
	w.until("every invoice is in Stripe", func() bool { return w.differences() == "" })
	var inv []acumaticatwin.InvoiceView
	for _, x := range w.acumatica.Invoices() {
		if x.CurrencyID == "USD" && x.Type == "Invoice" && x.Balance.GreaterThan(decimal.NewFromInt(10)) {
			inv = append(inv, x)
		}
	}
	w.kill()
	b.credit(inv[0], inv[0].Balance)
	b.credit(inv[1], inv[1].Balance.Sub(decimal.NewFromInt(2)))
	hold := func(on bool) {
		if err := w.acumatica.Hold(inv[2].ReferenceNbr, on); err != nil {
			t.Fatal(err)
		}
	}
	hold(true)
	var notes []string
	for _, x := range inv[:4] {
		for _, in := range w.listAll("invoices?status=open") {
			if in["metadata"].(map[string]any)["acumatica_ref_nbr"] == x.ReferenceNbr {
				notes = append(notes, w.post("/v1/credit_notes", url.Values{"invoice": {in["id"].(string)}, "amount": {"500"}}))
			}
		}
	}
	w.start()
	memos := func() (all []string) {
		for _, note := range notes {
			for _, m := range w.acumatica.Invoices() {
				if m.CustomerOrder == note {
					all = append(all, m.Type+" "+m.Status+" "+m.Amount.String()+" left "+m.Balance.String())
				}
			}
		}
		return all
	}
	w.until("each is a credit memo", func() bool { return len(memos()) == len(notes) })
	// Stripe voids no invoice that has credit notes: the rest is credited.
	w.until("the one on hold cannot be paid", func() bool { return w.story(inv[2].ReferenceNbr) == "nr paid" })
	w.until("nothing is left to do", w.idle)
	hold(false)
	w.until("what is open can be paid", func() bool { return w.differences() == "" })
	w.until("nothing is left to do in the end", w.idle)
	want := []string{"Credit Memo Open 5 left 5", "Credit Memo Open 5 left 3", "Credit Memo Open 5 left 5", "Credit Memo Closed 5 left 0"}
	if got := memos(); !slices.Equal(got, want) {
		t.Errorf("memos %q, want %q", got, want)
	}
	var reviews []string
	for _, o := range w.outcomes(w.connect(), "sink-acumatica") {
		if o.Review != "" {
			rest, _, _ := strings.Cut(o.Review, " could be applied")
			reviews = append(reviews, rest)
		}
	}
	slices.Sort(reviews)
	if want := []string{"of 5.00 USD only 0", "of 5.00 USD only 0", "of 5.00 USD only 2"}; !slices.Equal(reviews, want) {
		t.Errorf("reviews %q, want %q", reviews, want)
	}
	for n, want := range []string{"nr paid", "nr paid", "nr-2 open, nr paid", "nr open"} {
		if got := w.story(inv[n].ReferenceNbr); got != want {
			t.Errorf("%s: %s, want %s", inv[n].ReferenceNbr, got, want)
		}
	}
}
