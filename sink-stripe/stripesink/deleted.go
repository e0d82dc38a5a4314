package stripesink

import (
	"context"
	"fmt"
	"time"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/schemas"
)

// awaitCustomer is how long an invoice waits, since it was first sent, for its
// deleted customer to be made again by the event of the deletion. Longer it must
// not: what could repair the customer may be behind it in the lane.
const awaitCustomer = 5 * time.Minute

// noCustomerError ends an invoice whose customer is gone from Stripe.
type noCustomerError struct{ review string }

func (e *noCustomerError) Error() string { return e.review }

func withoutCustomer(id string) error {
	return &noCustomerError{fmt.Sprintf("its customer %s was deleted in Stripe, or is another one's, so the invoice was not made: it is, with a new customer, when the document is told again, by a full reading or once it is saved in Acumatica", id)}
}

// unlinkedCustomer is what the customer id stood for when the intent was made,
// and does not any more.
func (w *work) unlinkedCustomer(id string) link.Link {
	for _, ref := range w.in.Refs {
		if ref.System == schemas.Stripe && ref.Kind == link.Customer {
			return link.Link{Kind: link.Customer, AcumaticaID: id, StripeID: ref.ID}
		}
	}
	return link.Link{}
}

// deletedCustomer tells why Stripe lacks what an invoice needs, if it is its
// customer. One that is not made again soon is unlinked, so that the next invoice
// has a customer made.
func (w *work) deletedCustomer(ctx context.Context, l link.Link, linked bool, cause error) error {
	c, err := w.api.GetCustomer(ctx, l.StripeID)
	if err != nil || !c.Deleted {
		return cause
	}
	if linked && w.now().Sub(w.p.SentAt) < awaitCustomer {
		return fault.Newf("stripe.customer_deleted", "customer %s: %w", l.StripeID, cause)
	}
	if linked {
		if err := w.links.Release(ctx, w.in.Connection, l); err != nil {
			return err
		}
		w.at("released")
	}
	return withoutCustomer(l.StripeID)
}

// leftOut ends an invoice that has no customer. Its posting is not done: when the
// same event is told again, the invoice is made.
func (w *work) leftOut(ctx context.Context, f schemas.StripeInvoice, e *noCustomerError) (schemas.Outcome, error) {
	w.p.Sends = 0 // Stripe refused whatever there was
	if err := w.restart(ctx); err != nil {
		return schemas.Outcome{}, err
	}
	out := w.mirrored(schemas.Skipped, f, e.review)
	out.Review = e.review
	return out, nil
}
