package stripesink

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

const (
	statusDraft         = "draft"
	statusOpen          = "open"
	statusPaid          = "paid"
	statusVoid          = "void"
	statusUncollectible = "uncollectible"
)

// findCustomer is what the invoice of a write is found by.
const findCustomer = "customer"

// minLead is by how much a due date must lie ahead to be sent: Stripe refuses
// one that is past by its own clock.
const minLead = 10 * time.Minute

// begun is the invoice to go on with.
type begun struct {
	invoice stripeapi.Invoice
	fresh   bool // made just now: no items, no doubts
}

// draft finds the invoice that an earlier attempt made, or makes the draft.
func (w *work) draft(ctx context.Context, o order) (begun, error) {
	if id := w.p.Keys[keyID]; id != "" {
		inv, err := w.api.GetInvoice(ctx, id)
		switch {
		case err == nil && !w.overdue(inv):
			return begun{invoice: inv}, nil
		case err != nil && !stripeapi.IsNotFound(err):
			return begun{}, err
		}
		return w.replaceDraft(ctx, o, id)
	}
	inv, found, err := w.existing(ctx, o)
	if err != nil {
		return begun{}, err
	}
	if !found {
		return w.makeDraft(ctx, o)
	}
	if _, known := w.p.Keys[keyDue]; !known && !inv.DueDate.IsZero() {
		w.p.Keys[keyDue] = strconv.FormatInt(inv.DueDate.Unix(), 10)
	}
	if w.overdue(inv) {
		return w.replaceDraft(ctx, o, inv.ID)
	}
	return begun{invoice: inv}, w.found(ctx, inv.ID)
}

// replaceDraft makes the draft anew. Only drafts can be deleted, so nothing
// was ever payable; one that is gone already is fine.
func (w *work) replaceDraft(ctx context.Context, o order, id string) (begun, error) {
	if err := w.api.DeleteDraft(ctx, id); err != nil {
		return begun{}, err
	}
	if err := w.restart(ctx); err != nil {
		return begun{}, err
	}
	return w.makeDraft(ctx, o)
}

// overdue says that a draft waited so long that the due date it was made with
// has passed; Stripe would not finalise it.
func (w *work) overdue(inv stripeapi.Invoice) bool {
	due, err := strconv.ParseInt(w.p.Keys[keyDue], 10, 64)
	return inv.Status == statusDraft && err == nil && due != 0 && w.now().Unix() >= due
}

func (w *work) makeDraft(ctx context.Context, o order) (begun, error) {
	due, err := w.decideDue(o.DueDate)
	if err != nil {
		return begun{}, err
	}
	if err := w.sending(ctx, map[string]string{findCustomer: o.customerID}); err != nil {
		return begun{}, err
	}
	inv, err := w.api.CreateInvoice(ctx, w.key("invoice:"+o.series), stripeapi.Draft{
		Customer: o.customerID, Currency: o.Currency, Number: o.Number, Description: o.Description, DueDate: due,
		Fields: o.fields(), Metadata: o.metadata,
	})
	if err != nil && !due.IsZero() && stripeapi.Param(err) == "due_date" {
		return w.makeDueNow(ctx, o, err)
	}
	if err != nil {
		return begun{}, w.failed(ctx, err)
	}
	w.at("draft created")
	if err := w.found(ctx, inv.ID); err != nil {
		return begun{}, w.abandon(ctx, inv.ID, err)
	}
	return begun{invoice: inv, fresh: true}, nil
}

// makeDueNow makes the draft without the due date that Stripe has refused: by its
// clock it has passed.
func (w *work) makeDueNow(ctx context.Context, o order, refused error) (begun, error) {
	w.p.Keys[keyDue] = "0"
	w.nextGeneration() // the refusal may be stored under the key
	if err := w.p.Save(ctx); err != nil {
		return begun{}, errors.Join(refused, err)
	}
	return w.makeDraft(ctx, o)
}

// decideDue says which due date to send; zero is due on receipt, which is what
// remains of a date in the past. The decision is recorded, because the same
// idempotency key allows only the same parameters.
func (w *work) decideDue(day string) (time.Time, error) {
	if sent, err := strconv.ParseInt(w.p.Keys[keyDue], 10, 64); err == nil {
		if sent == 0 {
			return time.Time{}, nil
		}
		if due := time.Unix(sent, 0); w.now().Add(minLead).Before(due) {
			return due, nil
		}
		w.nextGeneration() // the recorded date has passed meanwhile: other parameters, another key
	}
	due, err := dueDate(day)
	if err != nil {
		return time.Time{}, err
	}
	if !due.After(w.now().Add(minLead)) {
		w.p.Keys[keyDue] = "0"
		return time.Time{}, nil
	}
	w.p.Keys[keyDue] = strconv.FormatInt(due.Unix(), 10)
	return due, nil
}

// existing finds the invoice that this intent has made after a write whose end
// is not known. The list, unlike the search, shows writes at once. Where no write
// is known it was made so long ago that its posting has expired, so the search
// finds it; for the first one of the document it was asked already.
func (w *work) existing(ctx context.Context, o order) (stripeapi.Invoice, bool, error) {
	if !w.uncertain() || w.p.SentAt.IsZero() && o.series == "1" {
		return stripeapi.Invoice{}, false, nil
	}
	look := w.listInvoices
	if w.p.SentAt.IsZero() {
		look = w.searchInvoices
	}
	all, err := look(ctx, o.customerID)
	if err != nil {
		return stripeapi.Invoice{}, false, err
	}
	all = slices.DeleteFunc(all, func(inv stripeapi.Invoice) bool { return !w.made(inv) || strconv.Itoa(seriesOf(inv)) != o.series })
	if len(all) == 0 {
		return stripeapi.Invoice{}, false, nil
	}
	inv, err := w.choose(ctx, all)
	return inv, err == nil, err
}

// unlinked finds the newest invoice that shows the document, although no link
// tells of it: what an installation whose records are lost made is old and can
// be searched for, which costs one read; what is too young to be found is
// guarded by the posting that makes it. Drafts have no effect: one of this
// intent is gone on with, others are deleted.
func (w *work) unlinked(ctx context.Context, f schemas.StripeInvoice) (stripeapi.Invoice, bool, error) {
	customer, found, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Customer, f.Customer.ID)
	if err != nil || !found {
		return stripeapi.Invoice{}, false, err
	}
	var all []stripeapi.Invoice
	if w.p.SentAt.IsZero() {
		all, err = w.searchInvoices(ctx, customer.StripeID)
	} else {
		all, err = w.api.ListInvoices(ctx, customer.StripeID, time.Time{})
	}
	if err != nil {
		return stripeapi.Invoice{}, false, err
	}
	var last stripeapi.Invoice
	for _, inv := range all {
		switch {
		case !w.shows(inv):
		case inv.Status != statusDraft:
			if seriesOf(inv) == seriesOf(last) {
				return last, false, fault.Newf("stripe.ambiguous", "both %s and %s show %s", last.ID, inv.ID, w.in.Key)
			}
			if seriesOf(inv) > seriesOf(last) {
				last = inv
			}
		case w.made(inv):
			w.p.Keys[keyID], w.p.Keys[keySeries] = inv.ID, strconv.Itoa(seriesOf(inv))
			if !inv.DueDate.IsZero() {
				w.p.Keys[keyDue] = strconv.FormatInt(inv.DueDate.Unix(), 10)
			}
		default:
			if err := w.api.DeleteDraft(ctx, inv.ID); err != nil {
				return last, false, err
			}
		}
	}
	return last, last.ID != "" && !w.making(), nil
}

// shows says that the invoice was made for the document. A revision has the
// metadata of the invoice it corrects; it is not ours.
func (w *work) shows(inv stripeapi.Invoice) bool {
	return !inv.Revision && inv.Metadata[metaDocument] == w.in.Key && inv.Metadata[metaConnection] == w.in.Connection
}

// made says that the invoice comes from this intent.
func (w *work) made(inv stripeapi.Invoice) bool {
	return !inv.Revision && inv.Metadata[metaIntent] == w.tag()
}

// fields are the custom fields in Stripe's form.
func (o order) fields() []stripeapi.Field {
	var list []stripeapi.Field
	for _, f := range o.CustomFields {
		list = append(list, stripeapi.Field(f))
	}
	return list
}

// listInvoices lists what was made since the first attempt, of the customer and
// of every other that an attempt was for: the intent may have been edited since.
func (w *work) listInvoices(ctx context.Context, customer string) ([]stripeapi.Invoice, error) {
	customers := []string{customer}
	for _, sent := range w.p.Writes {
		if id := sent.Find[findCustomer]; id != "" && !slices.Contains(customers, id) {
			customers = append(customers, id)
		}
	}
	var all []stripeapi.Invoice
	for _, id := range customers {
		some, err := w.api.ListInvoices(ctx, id, w.since())
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// searchInvoices reads what the search finds once more, because its answers
// lag. Where there is no search, all invoices of the customer are read.
func (w *work) searchInvoices(ctx context.Context, customer string) ([]stripeapi.Invoice, error) {
	hits, err := w.api.SearchInvoices(ctx, metaDocument, w.in.Key)
	if noSearch(err) {
		return w.api.ListInvoices(ctx, customer, time.Time{})
	}
	if err != nil {
		return nil, err
	}
	var all []stripeapi.Invoice
	for _, hit := range hits {
		inv, err := w.api.GetInvoice(ctx, hit.ID)
		switch {
		case err == nil:
			all = append(all, inv)
		case !stripeapi.IsNotFound(err):
			return nil, err
		}
	}
	return all, nil
}

// choose takes the one finalised invoice, else the oldest draft, and deletes
// the other drafts.
func (w *work) choose(ctx context.Context, ours []stripeapi.Invoice) (stripeapi.Invoice, error) {
	rank := func(inv stripeapi.Invoice) int {
		switch inv.Status {
		case statusDraft:
			return 2
		case statusVoid:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(ours, func(a, b stripeapi.Invoice) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Created.Compare(b.Created))
	})
	for _, extra := range ours[1:] {
		switch extra.Status {
		case statusVoid:
		case statusDraft:
			if err := w.api.DeleteDraft(ctx, extra.ID); err != nil {
				return stripeapi.Invoice{}, err
			}
		default:
			return stripeapi.Invoice{}, fault.Newf("stripe.ambiguous", "both %s and %s were finalised for this intent", ours[0].ID, extra.ID)
		}
	}
	return ours[0], nil
}

// fill adds the items that the draft has not got yet and compares the draft
// with the order. A draft that differs is deleted: it has no effect yet, and
// must not get one (Invariant 8).
func (w *work) fill(ctx context.Context, o order, b begun) error {
	inv := b.invoice
	missing := make([]int, 0, len(o.items))
	if b.fresh {
		for n := range o.items {
			missing = append(missing, n)
		}
	} else {
		var err error
		if missing, err = w.missing(ctx, o, inv.ID); err != nil {
			return w.discard(ctx, inv.ID, err)
		}
	}
	for _, n := range missing {
		if _, err := w.api.AddInvoiceItem(ctx, w.key("item:"+inv.ID+":"+strconv.Itoa(n)), inv, o.items[n]); err != nil {
			return w.failed(ctx, err)
		}
		w.at("item " + strconv.Itoa(n))
	}
	inv, err := w.api.GetInvoice(ctx, inv.ID)
	if err != nil {
		return err
	}
	w.at("checked")
	if err := mismatch(o, inv); err != nil {
		return w.discard(ctx, inv.ID, err)
	}
	if lines := len(o.items); inv.Lines > lines || !inv.MoreLines && inv.Lines != lines {
		return w.discard(ctx, inv.ID, fault.Newf("stripe.invoice_mismatch", "draft %s has %d lines, ordered were %d", inv.ID, inv.Lines, lines))
	}
	return nil
}

// missing says which items of the order the draft has not got. An item that
// was not ordered, or twice, or differently, is a mismatch.
func (w *work) missing(ctx context.Context, o order, invoice string) ([]int, error) {
	got, err := w.api.ListItems(ctx, invoice)
	if err != nil {
		return nil, err
	}
	have := make(map[int]bool, len(got))
	for _, item := range got {
		n, err := strconv.Atoi(item.Metadata[metaLine])
		if err != nil || item.Metadata[metaIntent] != w.tag() || n < 0 || n >= len(o.items) || have[n] || item.Amount != o.items[n].Amount {
			return nil, fault.Newf("stripe.invoice_mismatch", "draft %s has the item %s, which was not ordered", invoice, item.ID)
		}
		have[n] = true
	}
	var missing []int
	for n := range o.items {
		if !have[n] {
			missing = append(missing, n)
		}
	}
	return missing, nil
}

// discard deletes a draft that is not what was ordered, so that a later
// attempt starts afresh. Any other error than a mismatch leaves it alone.
func (w *work) discard(ctx context.Context, id string, cause error) error {
	if code := fault.Of(cause).Code; code != "stripe.total_mismatch" && code != "stripe.invoice_mismatch" {
		return cause
	}
	if err := w.api.DeleteDraft(ctx, id); err != nil {
		return err // Of the two, the one that decides: the draft is looked at again
	}
	w.at("draft deleted")
	return errors.Join(cause, w.restart(ctx))
}
