package stripesink

import (
	"fmt"

	"millrace/internal/money"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// What can be done about a Stripe invoice so that the buyer can pay what the
// books have open.
const (
	doNothing  = "nothing"
	doMake     = "make"      // a new invoice over what is open, in place of this one if there is one
	doCredit   = "credit"    // a credit note
	doOutside  = "outside"   // mark as paid outside Stripe
	doVoid     = "void"      //
	doWriteOff = "write off" // mark as uncollectible
	doEdit     = "edit"      // memo and metadata
	doWait     = "wait"      // a bank debit is under way
	doLeave    = "leave"     // a person decides
)

// A step is the next thing to do about an invoice.
type step struct {
	do     string
	amount int64  // minor units of a credit note
	why    string // for doLeave and doWait: for people
	anew   bool   // a new invoice is made, now or after this step
}

// past is what the invoice itself does not tell.
type past struct {
	paid
	before
}

// paid is what became in the books of the charges that paid an invoice, and
// those before it.
type paid struct {
	known   bool   // the books have a document of the charge
	applied int64  // minor units of it that are applied to the invoice's document, less what was taken off again
	loose   string // why what an invoice before was paid with does not lower the document; empty: it does
}

// before is what had lowered the document when Stripe last showed what was open
// of it. Minor units.
type before struct {
	memos, writeOffs int64
	credited         int64 // by credit notes on the invoice, whatever they stood for
}

// decide compares the invoice with the books and says what is missing. It is
// called again after each step, so that each step is decided by what is there
// (Invariant 2).
func decide(f schemas.StripeInvoice, inv stripeapi.Invoice, p past) step {
	switch {
	case inv.Status == statusOpen:
		return decideOpen(f, inv, p)
	case f.Total == 0: // nothing can be paid, nothing is owed
		return step{do: doNothing}
	case inv.Processing:
		return step{do: doWait, why: fmt.Sprintf("%s of invoice %s are being debited from a bank", minor(inv.Remaining, f.Currency), inv.ID)}
	case inv.Status == statusPaid && setOff(inv) > 0:
		return leaveSetOff(f, inv)
	case charged(inv) && !p.known:
		return step{do: doNothing} // its payment is on its way
	case charged(inv) && p.applied < inv.Paid:
		return leave("of the %s that were paid only %s are applied in Acumatica", minor(inv.Paid, f.Currency), minor(p.applied, f.Currency))
	case p.loose != "": // asking for more could make the buyer pay twice
		return leave("%s", p.loose)
	case inv.Status == statusUncollectible: // it could still be paid
		return away(inv)
	}
	return step{do: doMake, anew: true}
}

func leave(format string, args ...any) step {
	return step{do: doLeave, why: fmt.Sprintf(format, args...)}
}

// charged says that a charge paid the invoice. Stripe: one that was credited in
// full may have a charge as well, which failed.
func charged(inv stripeapi.Invoice) bool {
	return inv.Status == statusPaid && inv.Charge != "" && inv.Paid > 0 && !inv.OutOfBand
}

// setOff is what Stripe took from, or put on, the customer's balance in place
// of a payment. Stripe: it does so for a customer with a balance, and for
// amounts below the least that can be charged.
//
// What was paid outside Stripe is in its amount paid; where it were not, it is
// still in the amount due.
func setOff(inv stripeapi.Invoice) int64 {
	paid := inv.Paid
	if inv.OutOfBand {
		paid = max(paid, inv.AmountDue)
	}
	return inv.Total - inv.Credited - inv.Remaining - paid
}

func leaveSetOff(f schemas.StripeInvoice, inv stripeapi.Invoice) step {
	return leave("Stripe has set off %s against the customer's balance", minor(setOff(inv), f.Currency))
}

func decideOpen(f schemas.StripeInvoice, inv stripeapi.Invoice, p past) step {
	surplus := inv.Remaining - f.Total
	switch {
	case surplus == 0:
		return step{do: doNothing}
	case inv.Processing:
		return step{do: doWait, why: fmt.Sprintf("%s of invoice %s are being debited from a bank", minor(inv.Remaining, f.Currency), inv.ID)}
	case surplus < 0 && setOff(inv) > 0:
		return leaveSetOff(f, inv)
	case surplus < 0 && p.loose != "":
		return leave("%s", p.loose)
	case surplus < 0:
		return away(inv) // and then another one in its place: at no time more can be paid than is open
	case f.Total > 0:
		return step{do: doCredit, amount: surplus}
	}
	return closing(f, inv, p.before)
}

// closing is how an open invoice ends of which nothing is owed any more. Only
// what is new of write-offs and credit memos counts: what was there before is in
// the total, or was credited.
func closing(f schemas.StripeInvoice, inv stripeapi.Invoice, b before) step {
	if f.Void {
		if inv.Credited == 0 {
			return step{do: doVoid}
		}
		return step{do: doCredit, amount: inv.Remaining}
	}
	if lost := min(lowered(f, isWriteOff)-b.writeOffs, inv.Remaining); lost > 0 {
		if rest := inv.Remaining - lost; rest > 0 {
			return step{do: doCredit, amount: rest}
		}
		return step{do: doWriteOff}
	}
	memos := min(lowered(f, isCreditMemo)-b.memos-(inv.Credited-b.credited), inv.Remaining)
	if memos > 0 {
		return step{do: doCredit, amount: memos}
	}
	return step{do: doOutside}
}

// away makes an invoice unpayable. Stripe does not say whether an invoice with
// credit notes can be voided, so such a one is credited in full.
func away(inv stripeapi.Invoice) step {
	switch {
	case inv.Credited == 0:
		return step{do: doVoid, anew: true}
	case inv.Status == statusOpen:
		return step{do: doCredit, amount: inv.Remaining, anew: true}
	}
	return step{do: doOutside, anew: true}
}

// lowered is by how much documents of a kind have lowered the document.
func lowered(f schemas.StripeInvoice, of func(kind string) bool) int64 {
	var sum int64
	for _, l := range f.Lowered {
		if of(l.Type) {
			sum += l.Amount
		}
	}
	return sum
}

// Acumatica: the types by name and by code.
func isCreditMemo(kind string) bool { return kind == "Credit Memo" || kind == "CRM" }
func isWriteOff(kind string) bool   { return kind == "Balance WO" || kind == "SMB" }

func minor(amount int64, currency string) string {
	return money.Amount{Minor: amount, Currency: upper(currency)}.String()
}
