package stripesink

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// told sets what an invoice tells beside its amounts.
func told(memo, due string) func(*schemas.StripeInvoice) {
	return func(f *schemas.StripeInvoice) {
		f.Description, f.DueDate = memo, due
		f.Metadata = map[string]string{"acumatica_invoice": "AR000123", "acumatica_due_date": due}
	}
}

func TestWhatAnInvoiceTellsFollowsTheBooks(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(revision(0, 12050, told("March", "2026-03-31")), schemas.Applied)
	first := w.invoices()[0]
	if _, err := w.client.AnnotateInvoice(t.Context(), "others", first.ID, map[string]string{"acumatica_payment_ref": "000007"}); err != nil {
		t.Fatal(err)
	}

	w.apply(revision(1, 12050, told("March", "2026-03-31")), schemas.Skipped)
	w.cost(1, 0)

	changed := revision(2, 12050, told("March and April", "2026-04-30"))
	w.apply(changed, schemas.Applied)
	w.cost(2, 1)
	w.apply(changed, schemas.Duplicate)
	w.cost(0, 0)
	inv := w.invoices()[0]
	if len(w.invoices()) != 1 || inv.ID != first.ID || inv.Memo != "March and April" || inv.Metadata["acumatica_due_date"] != "2026-04-30" {
		t.Errorf("%+v", w.invoices())
	}
	if !inv.DueDate.Equal(first.DueDate) || inv.Metadata["acumatica_payment_ref"] != "000007" || inv.Metadata[metaDocument] != "Invoice AR000123" {
		t.Errorf("what is frozen, or of others, was changed: %+v", inv)
	}

	w.apply(revision(3, 12050, told("", "2026-04-30")), schemas.Applied)
	if inv := w.invoices()[0]; inv.Memo != "" {
		t.Errorf("the memo is %q", inv.Memo)
	}
	w.apply(revision(1, 12050, told("late", "2026-03-31")), schemas.Duplicate)
	w.apply(revision(4, 10050, told("lower", "2026-04-30")), schemas.Applied)
	if got, want := w.brief(), "AR000123 open 10050 of 12050, credited 2000"; got != want || w.invoices()[0].Memo != "lower" {
		t.Errorf("got %s, %q", got, w.invoices()[0].Memo)
	}
	w.pay(first.ID)
	w.apply(revision(5, 0, told("paid", "2026-04-30")), schemas.Skipped)
	if inv := w.invoices()[0]; inv.Memo != "lower" {
		t.Errorf("a paid invoice was changed: %+v", inv)
	}
}

func TestAnOlderChangeTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(revision(0, 12050, told("March", "2026-03-31")), schemas.Applied)
	w.apply(revision(2, 12050, told("newer", "2026-03-31")), schemas.Applied)
	w.apply(revision(1, 12050, told("older", "2026-03-31")), schemas.Skipped)
	if inv := w.invoices()[0]; inv.Memo != "newer" {
		t.Errorf("the memo is %q", inv.Memo)
	}
}

func TestACrashedEditIsDoneOnce(t *testing.T) {
	for crashAt := 1; ; crashAt++ {
		w := newWorld(t)
		w.apply(customerIntent("1", "Ada"), schemas.Applied)
		w.apply(revision(0, 12050, told("March", "2026-03-31")), schemas.Applied)
		changed := revision(1, 12050, told("April", "2026-04-30"))
		w.crashAt = crashAt
		_, err := w.handle(changed, w.now)
		if err == nil {
			return // it was the last point
		}
		if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if _, err := w.handle(changed, w.now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		w.apply(changed, schemas.Duplicate)
		if inv := w.invoices()[0]; len(w.invoices()) != 1 || inv.Memo != "April" || inv.Metadata["acumatica_due_date"] != "2026-04-30" {
			t.Fatalf("crashed at %d: %+v", crashAt, inv)
		}
	}
}

// headstrong shows memos in its own way.
type headstrong struct {
	*stripeapi.Client
	edits int
}

func (h *headstrong) GetInvoice(ctx context.Context, id string) (stripeapi.Invoice, error) {
	inv, err := h.Client.GetInvoice(ctx, id)
	inv.Memo, inv.Metadata = "as Stripe likes it", maps.Clone(inv.Metadata)
	return inv, err
}

func (h *headstrong) EditInvoice(ctx context.Context, key, id string, e stripeapi.Edit) (stripeapi.Invoice, error) {
	h.edits++
	return h.Client.EditInvoice(ctx, key, id, e)
}

func TestAMemoThatStripeWritesInItsOwnWayEnds(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(revision(0, 12050, told("March", "2026-03-31")), schemas.Applied)
	h := &headstrong{Client: w.client}
	w.api = h
	w.apply(revision(1, 12050, told("April", "2026-03-31")), schemas.Applied)
	if h.edits != 1 {
		t.Errorf("%d edits", h.edits)
	}
}
