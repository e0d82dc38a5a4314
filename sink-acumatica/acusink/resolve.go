package acusink

import (
	"context"

	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

// linked is a document that names others by what they stand for: their numbers
// are known only once they are posted.
type linked interface {
	resolve(find func(schemas.LinkRef) (name string, err error)) error
}

// resolve replaces the links of the document. Several events tell of one refund,
// some in the customer's lane and some in its own, so the other document may
// still be on its way in another lane. If it was skipped, a person has to say
// what to refund.
func (w *work) resolve(ctx context.Context) error {
	d, ok := w.doc.(linked)
	if !ok {
		return nil
	}
	if r, ok := w.doc.(*refund); ok {
		if err := r.prefer(ctx, w); err != nil {
			return err
		}
	}
	return d.resolve(func(ref schemas.LinkRef) (string, error) {
		l, found, err := w.sink.o.Links.ByStripe(ctx, w.in.Connection, ref.Kind, ref.ID)
		if err != nil || found {
			return l.AcumaticaID, err
		}
		other := schemas.IntentID(w.in.Connection, schemas.Acumatica, ref.Kind, "create", ref.ID, "")
		rec, found, err := w.sink.o.Postings.Get(ctx, w.in.Connection, other)
		if err != nil {
			return "", err
		}
		if found && rec.State == posting.Skipped {
			return "", fault.Newf("link.missing", "the %s of %s was skipped", ref.Kind, ref.ID)
		}
		return "", fault.Newf("link.pending", "the %s of %s is not posted yet", ref.Kind, ref.ID)
	})
}
