package acusink

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/posting"
)

// Fields that a document is found by.
const (
	findRef      = "PaymentRef"
	findCustomer = "CustomerID"
)

// find is what the intent's document can be found by, once it was sent.
func (p payment) find() map[string]string {
	return map[string]string{findRef: p.PaymentRef, findCustomer: p.CustomerID}
}

// search finds every document that may come from one of our sends.
func (w *work) search(ctx context.Context) ([]acumatica.Record, error) {
	return w.searchFor(ctx, w.p.Data().Writes)
}

// searchFor finds every document that carries an external reference that was
// sent. The intent may have been edited since: what it carries now says
// nothing of an earlier send. Only where none is recorded is it all we have.
func (w *work) searchFor(ctx context.Context, writes []posting.Write) ([]acumatica.Record, error) {
	if len(writes) == 0 {
		writes = []posting.Write{{Find: w.pay.find()}}
	}
	var all []acumatica.Record
	var done []map[string]string
	for _, sent := range writes {
		if slices.ContainsFunc(done, func(f map[string]string) bool { return maps.Equal(f, sent.Find) }) {
			continue
		}
		done = append(done, sent.Find)
		list, err := w.carrying(ctx, sent.Find)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	w.searched = true
	w.sink.at("searched")
	return all, nil
}

// carrying lists the payments of one customer with one external reference.
func (w *work) carrying(ctx context.Context, find map[string]string) ([]acumatica.Record, error) {
	q := acumatica.Query{
		Filter: fmt.Sprintf("PaymentRef eq %s and CustomerID eq %s and (Type eq 'Payment' or Type eq 'Prepayment')",
			acumatica.Quote(find[findRef]), acumatica.Quote(find[findCustomer])),
		Select: []string{keyType, keyNumber, "Status", findRef, findCustomer},
	}
	list, _, err := w.conn.Client.List(ctx, paymentEntity, q)
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", find[findRef], err)
	}
	// The database compares without regard to case, Stripe's ids differ by it:
	// we must not adopt, or delete, a stranger's document (Invariant 8).
	return slices.DeleteFunc(list, func(r acumatica.Record) bool {
		ours := strings.TrimSpace(r.String(findRef)) == find[findRef] && r.String(keyNumber) != "" &&
			(r.String(keyType) == "Payment" || r.String(keyType) == "Prepayment")
		return !ours
	}), nil
}

// adopt makes one of the documents found ours and deletes the others, which
// are unreleased copies of earlier sends.
func (w *work) adopt(ctx context.Context, found []acumatica.Record) error {
	r, err := w.single(ctx, found)
	if err != nil {
		return err
	}
	w.seen, w.put = nil, false
	if rec := w.p.Data(); rec.Sends == 0 {
		rec.Sends, rec.Writes = 1, []posting.Write{w.write()} // it was sent by a posting that has expired
	}
	if isReleased(r) {
		return w.keep(ctx, r, posting.Released)
	}
	return w.keep(ctx, r, posting.Created)
}

// single chooses the released document, else the one that the posting names,
// else the unreleased one with the lowest number, and deletes the other
// unreleased ones. So a worker that was overtaken may delete its copy while
// the posting names another. Two that are in the ledger, or one that was
// voided without another in its place, are for a person to decide.
func (w *work) single(ctx context.Context, found []acumatica.Record) (acumatica.Record, error) {
	named := w.p.Data().Keys
	other := func(r acumatica.Record) int {
		if named[keyNumber] != "" && r.String(keyNumber) == named[keyNumber] && r.String(keyType) == named[keyType] {
			return 0
		}
		return 1
	}
	slices.SortFunc(found, func(a, b acumatica.Record) int {
		x, y := a.String(keyNumber), b.String(keyNumber)
		return cmp.Or(cmp.Compare(other(a), other(b)), cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	})
	var keep, gone acumatica.Record
	for _, r := range found {
		switch {
		case r.String("Status") == voided:
			gone = r
		case isReleased(r) && keep != nil && isReleased(keep):
			return nil, fault.Newf("acumatica.duplicate", "%s and %s both carry %s and are released",
				keep.String(keyNumber), r.String(keyNumber), w.pay.PaymentRef)
		case keep == nil, isReleased(r):
			keep = r
		}
	}
	if gone != nil && (keep == nil || !isReleased(keep)) {
		return nil, fault.Newf("acumatica.voided", "%s %s was voided", gone.String(keyType), gone.String(keyNumber))
	}
	for _, r := range found {
		if r.String("Status") == voided {
			continue
		}
		if r.String(keyNumber) == keep.String(keyNumber) && r.String(keyType) == keep.String(keyType) {
			continue
		}
		if err := w.remove(ctx, r, "is a copy of "+nameOf(keep)); err != nil {
			return nil, err
		}
		w.notes = append(w.notes, "deleted the unreleased copy "+r.String(keyNumber))
	}
	return keep, nil
}

// Statuses of a payment. Acumatica: Payments and Applications, AR302000.
const (
	balanced = "Balanced"
	voided   = "Voided"
)

// isReleased reports that the document is in the ledger.
func isReleased(r acumatica.Record) bool {
	switch r.String("Status") {
	case "Open", "Closed", "Reserved":
		return true
	default:
		return false
	}
}
