package stripesink

import (
	"maps"
	"strconv"
	"time"

	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// Attributes of an invoice's link.
const (
	attrURL      = "hosted_invoice_url"
	attrNumber   = "number"
	attrCustomer = "customer"

	attrSeq       = "event_seq" // of the event that led to what is shown
	attrChanged   = link.AttrChanged
	attrMemos     = "memos"      // what credit memos had lowered the document by, in minor units
	attrWriteOffs = "write_offs" // what write-offs had lowered it by, in minor units
	attrCredited  = "credited"   // what credit notes had lowered the Stripe invoice by then, in minor units
	attrWaits     = "waits"      // lane of the document that waits for the end of a bank debit
)

// overtaken reports that the link shows a later state of the document than the
// intent asks for. A document is read after its event was stored, so what later
// events led to knows of all that earlier ones told, whatever clock their change
// times are from. Sequences begin again when the stream is made anew: then the
// change time tells.
func overtaken(l link.Link, f schemas.StripeInvoice, seq uint64) bool {
	shown, err := strconv.ParseUint(l.Attributes[attrSeq], 10, 64)
	return err == nil && seq < shown && !later(f.Changed, l.Attributes[attrChanged])
}

// later reports that change time a is later than b; one that cannot be read is
// not.
func later(a, b string) bool {
	at, err := time.Parse(time.RFC3339Nano, a)
	if err != nil {
		return false
	}
	than, err := time.Parse(time.RFC3339Nano, b)
	return err != nil || at.After(than)
}

// linkOf is the link of the document with an invoice of which nothing more is
// known.
func (w *work) linkOf(inv stripeapi.Invoice) link.Link {
	return link.Link{
		Kind: link.Invoice, AcumaticaID: w.in.Key, StripeID: inv.ID, IntentID: w.in.ID, At: w.now().UTC(),
		Attributes: map[string]string{attrURL: inv.HostedURL, attrNumber: inv.Number, attrCustomer: inv.Customer},
	}
}

// told is the link with an invoice when the intent has come to its end, or waits
// for that. Only where Stripe shows what the intent asks for, does the link say
// so too.
func (w *work) told(f schemas.StripeInvoice, old link.Link, inv stripeapi.Invoice, shows, waits bool) link.Link {
	next := w.linkOf(inv)
	a := next.Attributes
	a[attrSeq] = strconv.FormatUint(w.in.Cause.EventSeq, 10)
	if a[attrChanged] = old.Attributes[attrChanged]; later(f.Changed, a[attrChanged]) {
		a[attrChanged] = f.Changed
	}
	if waits {
		a[attrWaits] = w.in.Lane
	}
	for key, amount := range map[string]int64{attrMemos: lowered(f, isCreditMemo), attrWriteOffs: lowered(f, isWriteOff), attrCredited: inv.Credited} {
		if was, known := old.Attributes[key]; known && !shows {
			a[key] = was
		} else if shows {
			a[key] = strconv.FormatInt(amount, 10)
		}
	}
	maps.DeleteFunc(a, func(_, v string) bool { return v == "" })
	return next
}

// showing is what the link, or else the mark on the invoice from when it was
// made, tells of the time when Stripe last showed what was open.
func showing(l link.Link, inv stripeapi.Invoice) before {
	number := func(texts ...string) int64 {
		for _, text := range texts {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return n
			}
		}
		return 0
	}
	return before{
		memos:     number(l.Attributes[attrMemos], inv.Metadata[metaMemos]),
		writeOffs: number(l.Attributes[attrWriteOffs], inv.Metadata[metaWriteOffs]),
		credited:  number(l.Attributes[attrCredited]),
	}
}
