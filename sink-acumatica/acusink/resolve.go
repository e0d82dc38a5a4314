package acusink

import (
	"context"

	"millrace/internal/fault"
	"millrace/schemas"
)

// linked is a document that names others by what they stand for: their numbers
// are known only once they are posted.
type linked interface {
	resolve(find func(schemas.LinkRef) (name string, err error)) error
}

// resolve replaces the links of the document. The lane has posted the other one
// before; if not, that was skipped, and a person has to say what to refund.
func (w *work) resolve(ctx context.Context) error {
	d, ok := w.doc.(linked)
	if !ok {
		return nil
	}
	return d.resolve(func(ref schemas.LinkRef) (string, error) {
		l, found, err := w.sink.o.Links.ByStripe(ctx, w.in.Connection, ref.Kind, ref.ID)
		if err == nil && !found {
			err = fault.Newf("link.missing", "the %s of %s is not posted", ref.Kind, ref.ID)
		}
		return l.AcumaticaID, err
	})
}
