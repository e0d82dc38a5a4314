package stripesink

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// edits is what is to be changed of an invoice that the buyer can still pay, so
// that it tells what the books tell. Stripe: memo and metadata can be changed
// once an invoice is finalised; its due date, number, lines and custom fields
// cannot. Metadata that the flow does not name are of others and stay.
func edits(f schemas.StripeInvoice, inv stripeapi.Invoice) (e stripeapi.Edit, needed bool) {
	if inv.Status != statusOpen || inv.Processing {
		return e, false
	}
	if strings.TrimSpace(f.Description) != strings.TrimSpace(inv.Memo) {
		e.Memo = &f.Description
	}
	for k, v := range f.Metadata {
		if inv.Metadata[k] != v {
			if e.Metadata == nil {
				e.Metadata = make(map[string]string)
			}
			e.Metadata[k] = v
		}
	}
	return e, e.Memo != nil || e.Metadata != nil
}

// editKey tells one edit from another in idempotency keys: the same intent may
// have to make another one after somebody changed the invoice by hand.
func editKey(id string, e stripeapi.Edit) string {
	data, _ := json.Marshal(e) // of texts only
	sum := sha256.Sum256(data)
	return "edit:" + id + ":" + hex.EncodeToString(sum[:8])
}
