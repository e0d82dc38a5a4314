package stripesink

import (
	"context"

	"millrace/internal/link"
	"millrace/schemas"
)

// attrRecord of a customer's link: the Acumatica record behind the customer id.
// The id can be changed, and given to another record; the record stays.
const attrRecord = "record"

// holder is the Stripe customer that stands for an Acumatica customer.
type holder struct {
	stripeID string
	under    link.Link // what the customer id stands for now; may be of another record
	record   link.Link // what the record stands for now
}

// holder finds it by the customer id, or by the record when the record was
// given that id later. "Every customer once" holds for records, not for ids.
func (w *work) holder(ctx context.Context, f schemas.StripeCustomer) (holder, error) {
	var h holder
	under, linked, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Customer, w.in.Key)
	if err != nil {
		return h, err
	}
	h.under = under
	record := f.Metadata[metaRecord]
	if linked && (record == "" || under.Attributes[attrRecord] == "" || under.Attributes[attrRecord] == record) {
		h.stripeID = under.StripeID
		return h, nil
	}
	if record == "" {
		return h, nil
	}
	if h.record, _, err = w.links.ByAcumatica(ctx, w.in.Connection, link.Record, record); err != nil {
		return h, err
	}
	h.stripeID = h.record.StripeID
	return h, nil
}

// linkCustomer lets the customer id and the record stand for the Stripe
// customer: the record first, which tells of the rest when a process dies here.
func (w *work) linkCustomer(ctx context.Context, f schemas.StripeCustomer, h holder, id string) error {
	next := link.Link{Kind: link.Customer, AcumaticaID: w.in.Key, StripeID: id, IntentID: w.in.ID, At: w.now().UTC()}
	record := f.Metadata[metaRecord]
	if record != "" {
		next.Attributes = map[string]string{attrRecord: record}
	} else if h.under.StripeID == id {
		next.Attributes = h.under.Attributes
	}
	if h.under.StripeID == id && h.under.Attributes[attrRecord] == next.Attributes[attrRecord] {
		return w.links.Put(ctx, w.in.Connection, next) // completes half a link
	}
	if record != "" {
		if err := w.linkRecord(ctx, record, id); err != nil {
			return err
		}
		w.at("record linked")
	}
	if other, linked, err := w.links.ByStripe(ctx, w.in.Connection, link.Customer, id); err != nil {
		return err
	} else if linked && other.AcumaticaID != w.in.Key {
		return w.links.Move(ctx, w.in.Connection, h.under, next)
	}
	if h.under.StripeID != "" {
		return w.links.Swap(ctx, w.in.Connection, h.under, next)
	}
	return w.links.Put(ctx, w.in.Connection, next)
}

func (w *work) linkRecord(ctx context.Context, record, id string) error {
	next := link.Link{Kind: link.Record, AcumaticaID: record, StripeID: id, IntentID: w.in.ID, At: w.now().UTC()}
	old, linked, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Record, record)
	if err != nil {
		return err
	}
	if linked {
		return w.links.Swap(ctx, w.in.Connection, old, next)
	}
	return w.links.Put(ctx, w.in.Connection, next)
}
