package stripesink

import (
	"millrace/internal/fault"
	"millrace/schemas"
)

// Check says what this sink would refuse about an intent before it sends
// anything: a document it does not make, or fields that are not those of one.
func Check(in schemas.Intent) error {
	w := &work{in: in}
	switch in.Document + " " + in.Verb {
	case "customer upsert":
		f, err := decodeCustomer(in.Fields)
		if err == nil {
			_, err = w.mark(f.Metadata, w.customerMarks())
		}
		return err
	case "invoice upsert":
		f, err := decodeInvoice(in.Fields)
		if err == nil {
			_, err = w.mark(f.Metadata, nil)
		}
		return err
	case "product upsert":
		f, err := decodeProduct(in.Fields)
		if err == nil {
			_, err = w.mark(f.Metadata, w.productMarks())
		}
		return err
	case "invoice annotate", "customer annotate":
		_, err := decodeMetadata(in.Fields)
		return err
	default:
		return fault.Newf("stripe.document_unknown", "document %q, verb %q", in.Document, in.Verb)
	}
}
