package doctor

import (
	"slices"
	"strings"
	"testing"

	"millrace/internal/config"
	"millrace/schemas"
	"millrace/source-acumatica/poller"
	"millrace/transform/flows"
)

// TestWhatAFlowReadsOfAnInvoiceMakesItNews: polling tells of an invoice only
// when something in its list has changed. A field that a flow reads and no list
// shows would stay as it was in Stripe, unless it cannot change alone.
func TestWhatAFlowReadsOfAnInvoiceMakesItNews(t *testing.T) {
	alone := map[string]string{
		"Details": "of what is released no line changes", "TaxDetails": "of what is released no tax changes",
		"DiscountDetails": "of what is released no discount changes", "ApplicationsDefault": "they move the balance",
		"custom": "the currency, the rounding and the origin of what is released do not change",
		"files":  "docs/mirror.md, Known limits", "LastModifiedDateTime": "says when, not what",
	}
	var told []string
	for _, r := range poller.Reads(config.Items{}) {
		if r.Entity == "Invoice" {
			told = r.Fields
		}
	}
	docs, err := flows.Load()
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, d := range docs {
		if d.Trigger.Source != schemas.Acumatica || !slices.Contains(d.Trigger.Events, "invoice.changed") {
			continue
		}
		for _, r := range d.Reads() {
			for _, field := range slices.Concat(r.Fields, r.Spare) {
				field, _, _ = strings.Cut(field, "/")
				if r.Object == "Invoice" && !slices.Contains(told, field) && alone[field] == "" {
					t.Errorf("%s reads %s of an invoice, and no list that is polled shows it", d.ID, field)
				}
				checked++
			}
		}
	}
	if checked < 10 {
		t.Errorf("%d fields are checked: the flow was not found", checked)
	}
}
