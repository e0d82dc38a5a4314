package stripetwin

import (
	"net/http"
)

// A creditNote takes back a part of a finalised invoice. Stripe: before it is
// paid it lowers what is due (pre_payment); after, its total is refunded,
// credited to the customer's balance or given outside (post_payment).
type creditNote struct {
	head
	Invoice, Customer, Currency, Memo, Reason, Status, Number, Refund string
	Amount, Outside, VoidedAt, EffectiveAt                            int64
	After                                                             bool // post_payment
	Lines                                                             []creditLine
	BalanceChange                                                     string // of the customer, when there was credit
}

func noteColumns() []column[creditNote] {
	return []column[creditNote]{
		by("invoice", func(n *creditNote) string { return n.Invoice }),
		by("customer", func(n *creditNote) string { return n.Customer }),
	}
}

func (n *creditNote) render() object {
	typ := "pre_payment"
	if n.After {
		typ = "post_payment"
	}
	lines := make([]any, 0, len(n.Lines))
	for _, l := range n.Lines {
		lines = append(lines, l.render())
	}
	var outside any
	if n.Outside > 0 {
		outside = n.Outside
	}
	return object{
		"id": n.ID, "object": "credit_note", "amount": n.Amount, "amount_shipping": int64(0), "created": n.Created, "currency": n.Currency,
		"customer": n.Customer, "customer_balance_transaction": orNull(n.BalanceChange), "discount_amount": int64(0), "discount_amounts": []any{},
		"effective_at": n.EffectiveAt, "invoice": n.Invoice, "livemode": false, "memo": orNull(n.Memo), "metadata": metadataOf(n.Metadata),
		"lines": object{
			"object": "list", "data": lines[:min(len(lines), embeddedLineCount)], "has_more": len(lines) > embeddedLineCount,
			"url": "/v1/credit_notes/" + n.ID + "/lines",
		},
		"number": n.Number, "out_of_band_amount": outside, "pdf": "https://pay.stripe.com/credit_notes/" + n.ID + "/pdf",
		"reason": orNull(n.Reason), "refund": orNull(n.Refund), "shipping_cost": nil, "status": n.Status, "subtotal": n.Amount,
		"subtotal_excluding_tax": n.Amount, "tax_amounts": []any{}, "total": n.Amount, "total_excluding_tax": n.Amount,
		"type": typ, "voided_at": timeOrNull(n.VoidedAt),
	}
}

// applyNote adds the amount to the sums of the invoice and, before payment,
// lowers what is due by it; nothing left to pay is paid.
func (t *Twin) applyNote(c *call, inv *invoice, n *creditNote, amount int64) {
	before := t.renderInvoice(inv)
	if n.After {
		inv.PostNotes += amount
	} else {
		inv.PreNotes += amount
	}
	if pi := t.s.Intents.get(inv.Intent); !n.After && pi != nil {
		inv.Due -= amount
		if inv.Due == 0 {
			t.cancelIntent(c, inv, "")
		} else {
			pi.Amount = inv.Due
			t.touch(&pi.head)
		}
	}
	t.touch(&inv.head)
	t.emitUpdate(c, "invoice.updated", before, t.renderInvoice(inv))
	if !n.After && inv.Due == 0 {
		t.markPaid(c, inv)
	}
}

// voidNote: only while the invoice is open.
func voidNote(t *Twin, c *call) (object, error) {
	n := t.s.Notes.get(c.id)
	if n == nil {
		return nil, missing("credit_note", c.id, "id", http.StatusNotFound)
	}
	inv := t.s.Invoices.get(n.Invoice)
	if n.Status != "issued" || n.After || inv.Status != "open" || t.s.Intents.get(inv.Intent).Status == "processing" {
		return nil, refused("", "You can only void a credit note whose invoice is open.")
	}
	n.Status, n.VoidedAt = "void", c.now
	t.touch(&n.head)
	t.applyNote(c, inv, n, -n.Amount)
	t.emit(c, "credit_note.voided", n.render())
	return n.render(), nil
}

// updateNote: only what is written on it.
func updateNote(t *Twin, c *call) (object, error) {
	n := t.s.Notes.get(c.id)
	if n == nil {
		return nil, missing("credit_note", c.id, "id", http.StatusNotFound)
	}
	memo, meta := n.Memo, c.form.metadata(n.Metadata)
	c.form.set(&memo, "memo", 5000)
	if c.form.err != nil {
		return nil, c.form.err
	}
	before := n.render()
	n.Memo, n.Metadata = memo, meta
	t.touch(&n.head)
	t.emitUpdate(c, "credit_note.updated", before, n.render())
	return n.render(), nil
}

func listNoteLines(t *Twin, c *call) (object, error) {
	n := t.s.Notes.get(c.id)
	if n == nil {
		return nil, missing("credit_note", c.id, "id", http.StatusNotFound)
	}
	return pageOf(c, n.rows(), "credit note line item", (*creditLine).render)
}

func (n *creditNote) rows() rows[creditLine] {
	all := make([]*creditLine, 0, len(n.Lines))
	for i := range n.Lines {
		all = append(all, &n.Lines[i])
	}
	return inOrder(all, func(l *creditLine) string { return l.ID })
}

func getNote(t *Twin, c *call) (object, error) {
	n := t.s.Notes.get(c.id)
	if n == nil {
		return nil, missing("credit_note", c.id, "id", http.StatusNotFound)
	}
	return n.render(), nil
}

func listNotes(t *Twin, c *call) (object, error) {
	inv, cust := c.form.str("invoice", 255), c.form.str("customer", 255)
	return page(c, t.s.Notes.find(eq{"invoice": inv, "customer": cust}, always, nil), "credit note", (*creditNote).render)
}
