package stripetwin

import (
	"fmt"
	"net/http"
)

// A creditNote takes back a part of a finalised invoice. Stripe: before it is
// paid it lowers what is due (pre_payment); after, its total is refunded,
// credited to the customer's balance or given outside (post_payment).
type creditNote struct {
	head
	Invoice, Customer, Currency, Memo, Reason, Status, Number, Refund string
	Amount, Outside, VoidedAt                                         int64
	After                                                             bool // post_payment
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
	var outside any
	if n.Outside > 0 {
		outside = n.Outside
	}
	return object{
		"id": n.ID, "object": "credit_note", "amount": n.Amount, "amount_shipping": int64(0), "created": n.Created, "currency": n.Currency,
		"customer": n.Customer, "customer_balance_transaction": nil, "discount_amount": int64(0), "discount_amounts": []any{},
		"effective_at": n.Created, "invoice": n.Invoice, "livemode": false, "memo": orNull(n.Memo), "metadata": metadataOf(n.Metadata),
		"lines":  object{"object": "list", "data": []any{}, "has_more": false, "url": "/v1/credit_notes/" + n.ID + "/lines"},
		"number": n.Number, "out_of_band_amount": outside, "pdf": "https://pay.stripe.com/credit_notes/" + n.ID + "/pdf",
		"reason": orNull(n.Reason), "refund": orNull(n.Refund), "shipping_cost": nil, "status": n.Status, "subtotal": n.Amount,
		"subtotal_excluding_tax": n.Amount, "tax_amounts": []any{}, "total": n.Amount, "total_excluding_tax": n.Amount,
		"type": typ, "voided_at": timeOrNull(n.VoidedAt),
	}
}

func createNote(t *Twin, c *call) (object, error) {
	f := c.form
	inv := t.s.Invoices.get(f.str("invoice", 255))
	if inv == nil {
		return nil, missing("invoice", f.str("invoice", 255), "invoice", http.StatusBadRequest)
	}
	amount, back, outside := f.integer("amount", 0), f.integer("refund_amount", 0), f.integer("out_of_band_amount", 0)
	reason := f.choice("reason", "", "duplicate", "fraudulent", "order_change", "product_unsatisfactory")
	memo, meta := f.str("memo", 5000), f.metadata(nil)
	left, after := inv.Due-inv.Paid, inv.Status == "paid"
	if after {
		left = inv.Total - inv.PostNotes
	}
	switch {
	case f.err != nil:
		return nil, f.err
	case inv.Status != "open" && !after:
		return nil, refused("", "You can only create a credit note for an open or paid invoice; this one is %s.", inv.Status)
	case amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case back < 0 || outside < 0 || after && back+outside != amount || !after && back+outside != 0:
		return nil, refused("", "The sum of credit amount, refund amount and out of band amount must equal the credit note total of a paid invoice.")
	case amount > left:
		return nil, refused("", "The credit note of %d is more than what is left of the invoice, %d.", amount, left)
	}
	if pi := t.s.Intents.get(inv.Intent); !after && (pi == nil || pi.Status == "processing") {
		return nil, refused("", "The invoice has a payment that is processing.")
	}
	ch := t.s.Charges.get(inv.Charge)
	if back > 0 && (ch == nil || ch.Move == "" || ch.Dispute != "" || back > ch.Amount-ch.Refunded) {
		return nil, refused("", "The charge of the invoice cannot be refunded by %d.", back)
	}
	n := &creditNote{
		head: t.newHead(c, t.newID("cn_1", 23)), Invoice: inv.ID, Customer: inv.Customer, Currency: inv.Currency, Memo: memo,
		Reason: reason, Status: "issued", Number: fmt.Sprintf("%s-CN-%02d", inv.Number, inv.Notes+1), Amount: amount, Outside: outside, After: after,
	}
	n.Metadata = meta
	inv.Notes++
	if back > 0 {
		n.Refund = t.refund(c, ch, back, "", nil).ID
	}
	t.s.Notes.put(n)
	t.applyNote(c, inv, n, amount)
	t.emit(c, "credit_note.created", n.render())
	return n.render(), nil
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
