package e2e

import (
	"testing"

	"millrace/internal/acumatica"
)

// TestAMovedDueDateIsTold on the same Stripe invoice, whose own date is frozen.
func TestAMovedDueDateIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.start()
	w.until("every invoice is in Stripe", func() bool { return w.differences() == "" })
	var number string
	for _, inv := range w.acumatica.Invoices() {
		if inv.Type == "Invoice" && inv.Balance.IsPositive() {
			number = inv.ReferenceNbr
		}
	}
	told := func() (due any, meta map[string]any) {
		for _, inv := range w.listAll("invoices?status=open") {
			if m, _ := inv["metadata"].(map[string]any); m["acumatica_ref_nbr"] == number {
				due, meta = inv["due_date"], m
			}
		}
		return due, meta
	}
	before, _ := told()
	body := of("Type", "Invoice", "ReferenceNbr", number, "DueDate", "2031-05-31")
	if _, err := w.bookkeeper().erp.Put(t.Context(), "Invoice", body, acumatica.Query{}); err != nil {
		t.Fatal(err)
	}
	w.until("the due date is told", func() bool {
		_, meta := told()
		return meta["acumatica_due_date"] == "2031-05-31"
	})
	w.until("nothing is left to do", w.idle)
	if after, meta := told(); after != before || meta["acumatica_url"] == nil {
		t.Errorf("due %v, was %v; staff see %v", after, before, meta)
	}
	if got, want := w.story(number), "nr open"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
