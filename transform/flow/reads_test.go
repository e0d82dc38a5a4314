package flow_test

import (
	"slices"
	"testing"

	"millrace/transform/flow"
	"millrace/transform/flows"
)

// TestReadsFollowNamesToTheirFields: a field is found through the names that
// stand for parts of what was fetched.
func TestReadsFollowNamesToTheirFields(t *testing.T) {
	docs, err := flows.Load()
	if err != nil {
		t.Fatal(err)
	}
	reads := map[string]flow.Read{}
	for _, d := range docs {
		for _, r := range d.Reads() {
			old := reads[r.System+" "+r.Object]
			old.Fields = append(old.Fields, r.Fields...)
			reads[r.System+" "+r.Object] = old
		}
	}
	for _, tt := range []struct{ object, field string }{
		{"acumatica Customer", "CustomerName"},
		{"acumatica Customer", "MainContact/Address/AddressLine1"},
		{"acumatica Customer", "MainContact/Phone1"},
		{"acumatica Invoice", "Status"},
		{"acumatica Invoice", "Details/TransactionDescription"},
		{"acumatica Invoice", "TaxDetails/TaxID"},
		{"acumatica SalesInvoice", "FreightPrice"},
		{"stripe invoice", "amount_remaining"},
	} {
		if got := reads[tt.object].Fields; !slices.Contains(got, tt.field) {
			t.Errorf("%s lacks %s: %v", tt.object, tt.field, got)
		}
	}
	if got := reads["acumatica Invoice"].Fields; slices.Contains(got, "ReferenceNbr/x") || slices.Contains(got, "hint") {
		t.Errorf("Invoice has what it does not: %v", got)
	}
}
