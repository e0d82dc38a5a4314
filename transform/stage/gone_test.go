package stage

import (
	"testing"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/schemas"
)

// TestADocumentThatIsBackIsMirrored: its lane was parked because it could not be
// seen. When the rights are back, a person lets the event go.
func TestADocumentThatIsBackIsMirrored(t *testing.T) {
	w := theWorld()
	w.links["acumatica invoice Invoice AR000001"] = link.Link{Kind: link.Invoice, AcumaticaID: "Invoice AR000001", StripeID: "in_1"}
	w.links["acumatica customer C000001"] = link.Link{Kind: link.Customer, AcumaticaID: "C000001", StripeID: "cus_1"}
	w.stripe["invoice in_1"] = `{"id":"in_1","object":"invoice","status":"open","currency":"usd"}`
	h := w.handler(t)
	const read = "acumatica Invoice"
	gone := message("acumatica", "invoice", "gone", "Invoice AR000001", `{"id":"g4","Type":"Invoice","ReferenceNbr":"AR000001","Customer":"C000001"}`)

	w.fail[read] = fault.Newf("acumatica.not_found", "nothing")
	if out, err := h.Handle(t.Context(), gone); fault.Of(err).Code != "flow.document_gone" {
		t.Fatalf("hidden: %+v, %v", out, err)
	}
	w.fail[read] = fault.Newf("acumatica.timeout", "down")
	if out, err := h.Handle(t.Context(), gone); fault.Of(err).Code != "acumatica.timeout" {
		t.Fatalf("no answer says nothing: %+v, %v", out, err)
	}
	delete(w.fail, read)
	if out, err := h.Handle(t.Context(), gone); err != nil || out.Outcome != schemas.Applied {
		t.Errorf("back: %+v, %v", out, err)
	}
}
