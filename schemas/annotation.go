package schemas

// AcumaticaAnnotation is the Fields of an acumatica annotate intent: what of
// Stripe is to be seen on a record. It is what was true when the intent was
// made, so doing it again changes nothing, and money never depends on it.
type AcumaticaAnnotation struct {
	// ID is that of the record: "<Type> <ReferenceNbr>" of an invoice, the
	// CustomerID of a customer.
	ID string `json:"ID"`
	// Note is a line of the record's note, "Stripe invoice in_…: …". It takes the
	// place of the line that begins in this way; all other text stays.
	Note   string                 `json:"Note,omitempty"`
	Fields []AcumaticaCustomField `json:"Fields,omitempty"`
}

// AcumaticaCustomField is a field that a customisation has added to a form, and
// its text.
type AcumaticaCustomField struct {
	Field string `json:"Field"` // "<View>.<Field>": "Document.UsrStripeURL"
	Value string `json:"Value"`
}
