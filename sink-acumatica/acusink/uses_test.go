package acusink

import (
	"slices"
	"testing"
)

func TestUsesAreWhatTheBodiesHold(t *testing.T) {
	byDocument := map[string]Use{}
	for _, u := range Uses(true) {
		byDocument[u.Document] = u
	}
	for _, tt := range []struct{ document, field string }{
		{"payment create", "PaymentRef"},
		{"payment create", "DocumentsToApply/AmountPaid"},
		{"payment create", "Charges/EntryTypeID"},
		{"payment create", "ApplicationHistory"},
		{"creditmemo create", "CustomerOrder"},
		{"creditmemo create", "Details/ExtendedPrice"},
		{"creditmemo create", "ApplicationsCreditMemo"},
		{"journal create", "Details/DebitAmount"},
		{"journal create", "PostPeriod"},
	} {
		if got := byDocument[tt.document].Fields; !slices.Contains(got, tt.field) {
			t.Errorf("%s lacks %s: %v", tt.document, tt.field, got)
		}
	}
	for _, u := range Uses(false) {
		if slices.Contains(u.Fields, "Charges") {
			t.Errorf("%s needs Charges without fees on payments", u.Document)
		}
	}
	if byDocument["payment void"].Action != "VoidPayment" || byDocument["journal create"].Action != "ReleaseJournalTransaction" {
		t.Errorf("actions: %+v", byDocument)
	}
}
