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
			old.Fields, old.Spare = append(old.Fields, r.Fields...), append(old.Spare, r.Spare...)
			reads[r.System+" "+r.Object] = old
		}
	}
	for _, tt := range []struct {
		object, field string
		spare         bool
	}{
		{"acumatica Customer", "CustomerName", true},
		{"acumatica Customer", "Email", true},
		{"acumatica Customer", "MainContact/Address/AddressLine1", false},
		{"acumatica Customer", "MainContact/Phone1", true},
		{"acumatica Invoice", "Status", false},
		{"acumatica Invoice", "Details/TransactionDescription", true},
		{"acumatica Invoice", "TaxDetails/TaxID", false},
		{"acumatica SalesInvoice", "FreightPrice", true},
		{"stripe invoice", "charge/balance_transaction/amount", false},
		{"stripe invoice", "metadata/acumatica_date", true},
	} {
		r := reads[tt.object]
		if slices.Contains(r.Spare, tt.field) != tt.spare || slices.Contains(r.Fields, tt.field) == tt.spare {
			t.Errorf("%s %s: want it done without: %t; needed %v, spare %v", tt.object, tt.field, tt.spare, r.Fields, r.Spare)
		}
	}
}
