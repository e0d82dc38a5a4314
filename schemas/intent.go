package schemas

import (
	"encoding/json"
	"strings"
)

// Systems.
const (
	Stripe    = "stripe"
	Acumatica = "acumatica"
)

// Intent is what must become true in the target system. It is the data of a
// CloudEvent on the INTENTS stream, type io.millrace.intent.v1.
type Intent struct {
	ID         string          `json:"id"` // deterministic, see IntentID
	Connection string          `json:"connection"`
	Lane       string          `json:"lane"`              // unescaped customer id of the source system
	Target     string          `json:"target"`            // Stripe or Acumatica
	Document   string          `json:"document"`          // "customer", "invoice", "product", "payment", "refund", "creditmemo", "journal"
	Verb       string          `json:"verb"`              // "upsert", "create", "void", "annotate"
	Key        string          `json:"key"`               // id of the source object it is about, e.g. ch_…, or "Invoice AR000123"
	Version    string          `json:"version,omitempty"` // revision of the source object when each revision is an intent of its own
	Flow       FlowRef         `json:"flow"`
	Cause      Cause           `json:"cause"`
	Refs       []Ref           `json:"refs,omitempty"` // every id known to belong to the story
	Fields     json.RawMessage `json:"fields"`         // the document in the target's own field names: StripeCustomer, AcumaticaPayment, AcumaticaJournal, …
	WriteBack  *WriteBack      `json:"write_back,omitempty"`
}

// IntentID derives the id that makes doing the same thing twice visible
// (Invariant 2): the same target document for the same source object, and
// revision if there is one, has the same id whatever event led to it.
func IntentID(connection, target, document, verb, key, version string) string {
	id := strings.Join([]string{connection, target, document, verb, key}, "/")
	if version != "" {
		id += "@" + version
	}
	return id
}

// FlowRef names the flow document, and the input, that made an intent.
type FlowRef struct {
	ID        string `json:"id"`
	Version   int    `json:"version"`
	InputHash string `json:"input_hash"` // sha256, hex, of the canonical input
}

// Cause is the event that an intent comes from.
type Cause struct {
	EventID   string `json:"event_id"`
	EventType string `json:"event_type"`
	EventSeq  uint64 `json:"event_seq"` // sequence in EVENTS
}

// WriteOffType is the event type of a cause that is no event: a person asked for
// a write-off, and the event id says who.
const WriteOffType = "reconcile.write_off"

// Ref is the id of one thing in one system.
type Ref struct {
	System string `json:"system"` // Stripe or Acumatica
	Kind   string `json:"kind"`   // the system's own word: "customer", "invoice", "charge", "payment_intent", "Payment", …
	ID     string `json:"id"`     // in_…, ch_…; Acumatica: "<Type> <ReferenceNbr>" or the CustomerID
	URL    string `json:"url,omitempty"`
}

// WriteBack asks the sink to publish, once the document is done, an intent
// that writes the document's number as metadata on a Stripe object.
type WriteBack struct {
	Object      string `json:"object"`       // Stripe object kind: "invoice"
	ID          string `json:"id"`           // in_…
	MetadataKey string `json:"metadata_key"` // at most 40 characters; Stripe: metadata
}

// LinkRef stands where the target's id is known only when the intent is
// handled: the sink replaces it by the linked id.
type LinkRef struct {
	Kind string `json:"kind"` // "customer", "invoice", "payment", "creditmemo"
	ID   string `json:"id"`   // the id in the source system
}

// StripeCustomer is the Fields of a stripe customer intent; Stripe's names. What
// is empty is emptied in Stripe.
type StripeCustomer struct {
	Name     string          `json:"name"`
	Email    string          `json:"email,omitempty"`
	Phone    string          `json:"phone,omitempty"`
	Address  *StripeAddress  `json:"address,omitempty"`
	Shipping *StripeShipping `json:"shipping,omitempty"`
	TaxID    *StripeTaxID    `json:"tax_id,omitempty"`

	// Match names the fields, "email" or "name", in all of which a customer that
	// is in Stripe already must agree to be taken for this one.
	Match     []string          `json:"match,omitempty"`
	Existing  bool              `json:"existing,omitempty"`   // only one that is there is updated
	KeepEmpty bool              `json:"keep_empty,omitempty"` // what is empty stays as it is
	Metadata  map[string]string `json:"metadata"`
}

// StripeShipping is where goods go.
type StripeShipping struct {
	Name    string         `json:"name,omitempty"` // Stripe requires it
	Phone   string         `json:"phone,omitempty"`
	Address *StripeAddress `json:"address,omitempty"` // Stripe requires it
}

// StripeTaxID is a tax number.
type StripeTaxID struct {
	Type  string `json:"type,omitempty"` // eu_vat, us_ein, …
	Value string `json:"value,omitempty"`
}

// StripeAddress is Stripe's address object.
type StripeAddress struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"` // ISO 3166-1 alpha-2
}

// StripeInvoice is the Fields of a stripe invoice intent: what Stripe is to
// show of a document. Amounts are minor units of Currency, by Stripe's own
// table.
type StripeInvoice struct {
	Customer    LinkRef `json:"customer"`
	Currency    string  `json:"currency"`          // lower case, as Stripe writes it
	Changed     string  `json:"changed,omitempty"` // RFC 3339: change time of the document as it was read
	Number      string  `json:"number,omitempty"`
	Description string  `json:"description,omitempty"`
	DueDate     string  `json:"due_date,omitempty"` // YYYY-MM-DD in the books' time zone

	// CustomFields are shown to the buyer.
	CustomFields []StripeCustomField `json:"custom_fields,omitempty"`

	Lines    []StripeInvoiceLine `json:"lines,omitempty"`   // of a new Stripe invoice; they add up to Total
	Total    int64               `json:"total"`             // what is open; a draft over something else is deleted
	Void     bool                `json:"void,omitempty"`    // voided, reversed, or not released any more
	Lowered  []StripeLowering    `json:"lowered,omitempty"` // what has lowered the document since it was released
	Send     bool                `json:"send,omitempty"`    // Stripe e-mails a new one to the buyer
	Metadata map[string]string   `json:"metadata"`
}

// StripeCustomField is a name and a value that an invoice shows.
type StripeCustomField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// StripeLowering is a document of the books that was applied to an invoice.
type StripeLowering struct {
	Type   string `json:"type"`   // in the books' words: "Payment", "Credit Memo", "Balance WO", …
	Number string `json:"number"` // under that type
	Amount int64  `json:"amount"` // minor units; negative when it took something back
}

// StripeInvoiceLine is one invoice item.
type StripeInvoiceLine struct {
	Description string `json:"description"`
	Amount      int64  `json:"amount"`          // minor units, may be negative
	Apart       bool   `json:"apart,omitempty"` // shown by itself also where there are more lines than Stripe takes: a tax, freight
}

// StripeProduct is the Fields of a stripe product intent: what Stripe is to
// show of an item. The metadata have the item's number in the books, under
// acumatica_inventory_id.
type StripeProduct struct {
	Name      string            `json:"name"`
	Active    bool              `json:"active"`
	UnitLabel string            `json:"unit_label,omitempty"`
	Price     *StripePrice      `json:"price,omitempty"` // of one unit; absent: it has none
	Metadata  map[string]string `json:"metadata"`
}

// StripePrice is what one unit of a product costs.
type StripePrice struct {
	Currency          string `json:"currency,omitempty"`            // lower case, as Stripe writes it
	UnitAmountDecimal string `json:"unit_amount_decimal,omitempty"` // minor units with at most twelve decimals
}

// StripeMetadata is the Fields of a stripe annotate intent.
type StripeMetadata struct {
	ID       string            `json:"id"` // the Stripe object
	Metadata map[string]string `json:"metadata"`
	Review   string            `json:"review,omitempty"` // what a person should look at once it is written
}
