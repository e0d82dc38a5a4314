package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/link"
	"millrace/schemas"
)

// Result is what the demo came to.
type Result struct {
	Applied          int                      `json:"applied"` // messages by how they ended, over all stages
	Duplicate        int                      `json:"duplicate"`
	Skipped          int                      `json:"skipped"`
	Parked           int                      `json:"parked"`
	Missing          []string                 `json:"missing"` // what is not as it should be, in words
	Documents        []Document               `json:"documents"`
	CallsPerDocument map[string]schemas.Calls `json:"calls_per_document"` // the most that one document of the kind cost
	CallsTotal       schemas.Calls            `json:"calls_total"`        // of all handling; polling, sign-ins and the demo's own are not in it
	Skips            map[string]int           `json:"skips"`              // reasons and how often
	TookMS           int64                    `json:"took_ms"`
}

// Document is one thing that stands in both systems.
type Document struct {
	Kind      string        `json:"kind"` // customer, invoice, payment, prepayment, payment_void, creditmemo, refund, journal
	Acumatica AcumaticaID   `json:"acumatica"`
	Stripe    StripeID      `json:"stripe"`
	Amount    string        `json:"amount,omitempty"` // exact decimal
	Currency  string        `json:"currency,omitempty"`
	AppliedTo []string      `json:"applied_to,omitempty"` // invoices
	Status    string        `json:"status"`               // in Acumatica
	Calls     schemas.Calls `json:"calls"`
}

// AcumaticaID names a document in Acumatica; a customer has a number only.
type AcumaticaID struct {
	Type   string `json:"type"`
	Number string `json:"number"`
}

// StripeID names an object in Stripe.
type StripeID struct {
	ID string `json:"id"`
}

// OK reports whether all is as it should be.
func (r *Result) OK() bool { return r.Parked == 0 && len(r.Missing) == 0 }

// Summary is the one line that matters.
func (r *Result) Summary() string {
	if r.OK() {
		return "everything applied, nothing parked"
	}
	return fmt.Sprintf("%d parked, %d missing", r.Parked, len(r.Missing))
}

func (d *Demo) result(ctx context.Context, b *buyer, w *watch, p picture, missing []string) (*Result, error) {
	n := w.counts()
	res := &Result{
		Applied: n[schemas.Applied], Duplicate: n[schemas.Duplicate], Skipped: n[schemas.Skipped], Parked: n[schemas.Parked],
		Missing: missing, Documents: []Document{}, CallsPerDocument: map[string]schemas.Calls{}, Skips: map[string]int{},
	}
	if res.Missing == nil {
		res.Missing = []string{}
	}
	var links []link.Link
	err := b.links.All(ctx, connection, func(l link.Link) error { links = append(links, l); return nil })
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.outcomes {
		res.CallsTotal = plus(res.CallsTotal, o.Calls)
		if o.Outcome == schemas.Skipped {
			res.Skips[o.Stage+": "+generic(o.Reason)]++
		}
	}
	for _, l := range links {
		if l.Kind == link.Record { // the customer's own link is there too
			continue
		}
		doc := p.describe(l)
		doc.Calls = w.callsOf(w.madeBy(l.IntentID))
		res.Documents = append(res.Documents, doc)
		most := res.CallsPerDocument[doc.Kind]
		res.CallsPerDocument[doc.Kind] = schemas.Calls{
			Acumatica:    max(most.Acumatica, doc.Calls.Acumatica),
			StripeReads:  max(most.StripeReads, doc.Calls.StripeReads),
			StripeWrites: max(most.StripeWrites, doc.Calls.StripeWrites),
		}
	}
	order := []string{"customer", "invoice", "payment", "prepayment", link.Void, link.CreditMemo, link.Refund, link.Journal}
	slices.SortFunc(res.Documents, func(x, y Document) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Kind), slices.Index(order, y.Kind)), cmp.Compare(x.Acumatica.Number, y.Acumatica.Number))
	})
	return res, nil
}

// generic is a reason without the ids in it, so that equal ones count
// together.
func generic(reason string) string {
	words := strings.Fields(reason)
	for i, x := range words {
		if strings.ContainsAny(x, "0123456789") {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

func plus(a, b schemas.Calls) schemas.Calls {
	return schemas.Calls{Acumatica: a.Acumatica + b.Acumatica, StripeReads: a.StripeReads + b.StripeReads, StripeWrites: a.StripeWrites + b.StripeWrites}
}

// callsOf adds up what one document cost: the events that led to its intent,
// the intent itself, and the writing back of its number.
func (w *watch) callsOf(intentID string) schemas.Calls {
	events := make(map[string]bool)
	for _, o := range w.outcomes {
		if ledTo(o, intentID) || o.IntentID == intentID {
			events[o.EventID] = true
		}
	}
	var sum schemas.Calls
	for _, o := range w.outcomes {
		writeBack := events[o.EventID] && w.intents[o.IntentID].Verb == "annotate"
		if o.IntentID == intentID || ledTo(o, intentID) || writeBack {
			sum = plus(sum, o.Calls)
		}
	}
	return sum
}

// madeBy is the first intent that did something about the document of an intent:
// the link names the last one.
func (w *watch) madeBy(intentID string) string {
	document, _, _ := strings.Cut(intentID, "@")
	for _, o := range w.outcomes {
		if of, _, _ := strings.Cut(o.IntentID, "@"); of == document && o.Outcome == schemas.Applied {
			return o.IntentID
		}
	}
	return intentID
}

// ledTo reports whether an event led to an intent. Reads of an event that led
// to several count once, for the last: a customer that goes before his invoice
// is part of what the invoice costs.
func ledTo(o schemas.Outcome, intentID string) bool {
	return len(o.Intents) > 0 && o.Intents[len(o.Intents)-1] == intentID
}

// describe looks a linked thing up in the systems themselves.
func (p picture) describe(l link.Link) Document {
	doc := Document{Kind: l.Kind, Stripe: StripeID{ID: l.StripeID}, Status: "unknown"}
	i := strings.LastIndex(l.AcumaticaID, " ")
	if l.Kind == link.Customer || i < 0 {
		doc.Acumatica, doc.Status = AcumaticaID{Type: "Customer", Number: l.AcumaticaID}, "linked"
		return doc
	}
	doc.Acumatica = AcumaticaID{Type: l.AcumaticaID[:i], Number: l.AcumaticaID[i+1:]}
	if l.Kind == link.Journal {
		for _, x := range p.journals {
			if x.Module != doc.Acumatica.Type || x.BatchNbr != doc.Acumatica.Number {
				continue
			}
			sum := decimal.Zero
			for _, line := range x.Lines {
				sum = sum.Add(line.Debit)
			}
			doc.Amount, doc.Currency, doc.Status = sum.StringFixed(2), x.Currency, x.Status
		}
		return doc
	}
	if l.Kind == link.Invoice || l.Kind == link.CreditMemo {
		for _, x := range p.invoices {
			if x.Type == doc.Acumatica.Type && x.ReferenceNbr == doc.Acumatica.Number {
				doc.Amount, doc.Currency, doc.Status = x.Amount.StringFixed(2), x.CurrencyID, x.Status
			}
		}
		return doc
	}
	if l.Kind == link.Payment {
		doc.Kind = strings.ToLower(doc.Acumatica.Type)
	}
	for _, x := range p.payments {
		if x.Type == doc.Acumatica.Type && x.ReferenceNbr == doc.Acumatica.Number {
			doc.Amount, doc.Currency, doc.Status = x.PaymentAmount.StringFixed(2), x.CurrencyID, x.Status
			doc.AppliedTo = numbers(x.AppliedTo)
		}
	}
	return doc
}

func numbers(rows []acumaticatwin.AppliedTo) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.ReferenceNbr)
	}
	return out
}

// Print writes the result for people.
func (r *Result) Print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nACUMATICA\tSTRIPE\tAMOUNT\tSTATUS\tAPPLIED TO\tCALLS acumatica\tstripe reads\tstripe writes")
	for _, d := range r.Documents {
		fmt.Fprintf(tw, "%s %s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\n", d.Acumatica.Type, d.Acumatica.Number, d.Stripe.ID,
			strings.TrimSpace(d.Amount+" "+d.Currency), d.Status, strings.Join(d.AppliedTo, ", "),
			d.Calls.Acumatica, d.Calls.StripeReads, d.Calls.StripeWrites)
	}
	_ = tw.Flush() // w reports nothing that could be acted on
	fmt.Fprintln(w, "calls: the event's own reads, the document, and the number written back; polling and sign-ins are not in it")
	fmt.Fprintf(w, "\n%d applied, %d duplicate, %d skipped, %d parked in this data folder so far; this run took %.1f s\n", r.Applied, r.Duplicate, r.Skipped, r.Parked, float64(r.TookMS)/1000)
	for _, m := range r.Missing {
		fmt.Fprintf(w, "  missing: %s\n", m)
	}
	fmt.Fprintf(w, "%s\n", r.Summary())
}
