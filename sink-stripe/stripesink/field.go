package stripesink

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"strings"
	"unicode/utf8"

	"millrace/internal/fault"
)

// Metadata keys that mark what Millrace made.
const (
	metaIntent     = "millrace_intent"
	metaConnection = "millrace_connection"
	metaLine       = "millrace_line"         // of an invoice item: its position, from 0
	metaDocument   = "millrace_document"     // of an invoice: the key of the document that it shows
	metaSeries     = "millrace_series"       // of an invoice: the how manieth of its document, from 2
	metaMemos      = "millrace_memos"        // of an invoice: what credit memos had lowered the document by, in minor units
	metaWriteOffs  = "millrace_write_offs"   // of an invoice: the same of write-offs
	metaCharges    = "millrace_charges"      // of an invoice: the charges that paid those which it replaces, "<id>:<minor units>" each
	metaCustomer   = "acumatica_customer_id" // of a customer
	metaVersion    = "millrace_version"      // of a customer or product: which version of the Acumatica record it shows
	metaSeq        = "millrace_event_seq"    // of a customer or product: sequence of the event that led to that version
	metaRecord     = "acumatica_record_id"   // of a customer: the record, whatever its customer id is
	metaTaxIDs     = "millrace_tax_ids"      // of a customer: the tax ids that are ours, divided by taxDivider
	metaItem       = "acumatica_item_id"     // of a product and its prices: the id of the item's record
	metaInventory  = "acumatica_inventory_id"
)

// Stripe: "Metadata", limits.
const (
	maxMetaKeys  = 50
	maxMetaKey   = 40
	maxMetaValue = 500
)

// decode reads the fields of an intent strictly: a field that Stripe's
// document does not have is refused, not ignored (Invariant 8).
func decode(fields []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(fields))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fault.Newf("stripe.fields_invalid", "fields: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.Newf("stripe.fields_invalid", "fields: more than one document")
	}
	return nil
}

// mark returns the metadata of an object that the intent makes, with our own
// marks added. A flow that sets one of them to something else is refused.
func (w *work) mark(metadata, marks map[string]string) (map[string]string, error) {
	all := map[string]string{metaIntent: w.tag(), metaConnection: w.in.Connection}
	maps.Copy(all, marks)
	for k, v := range metadata {
		if own, found := all[k]; found && own != v {
			return nil, fault.Newf("stripe.fields_invalid", "metadata %s is %q, but must be %q", k, v, own)
		}
		all[k] = v
	}
	return all, checkMetadata(all)
}

// tag is the intent's id as a metadata value.
func (w *work) tag() string {
	if len(w.in.ID) <= maxMetaValue {
		return w.in.ID
	}
	sum := sha256.Sum256([]byte(w.in.ID))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// checkMetadata refuses what Stripe would refuse.
func checkMetadata(metadata map[string]string) error {
	if len(metadata) > maxMetaKeys {
		return fault.Newf("stripe.fields_invalid", "metadata: %d keys, Stripe takes %d", len(metadata), maxMetaKeys)
	}
	for k, v := range metadata {
		if k == "" || utf8.RuneCountInString(k) > maxMetaKey || strings.ContainsAny(k, "[]") {
			return fault.Newf("stripe.fields_invalid", "metadata key %q: want 1 to %d characters without brackets", k, maxMetaKey)
		}
		if n := utf8.RuneCountInString(v); n > maxMetaValue {
			return fault.Newf("stripe.fields_invalid", "metadata %s: %d characters, Stripe takes %d", k, n, maxMetaValue)
		}
	}
	return nil
}
