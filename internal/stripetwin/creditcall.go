package stripetwin

import (
	"fmt"
	"net/http"
)

var noteParams = []string{
	"amount", "credit_amount", "effective_at", "invoice", "lines", "memo", "metadata", "out_of_band_amount", "reason", "refund", "refund_amount",
}

// A noteOrder is a request for a credit note that was found to be possible.
type noteOrder struct {
	invoice *invoice
	note    creditNote
	back    int64 // to refund now
	credit  int64 // to the customer's balance
	linked  *refund
}

// orderNote reads and checks the parameters of create and preview.
func (t *Twin) orderNote(c *call) (*noteOrder, error) {
	f := c.form
	id := f.str("invoice", 255)
	if id == "" {
		return nil, missingParam("invoice")
	}
	inv := t.s.Invoices.get(id)
	if inv == nil {
		return nil, missing("invoice", id, "invoice", http.StatusBadRequest)
	}
	o := &noteOrder{invoice: inv, back: f.integer("refund_amount", 0), credit: f.integer("credit_amount", 0)}
	o.note = creditNote{
		Invoice: inv.ID, Customer: inv.Customer, Currency: inv.Currency, Status: "issued", After: inv.Status == "paid",
		Reason: f.choice("reason", "", "duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
		Memo:   f.str("memo", 5000), Outside: f.integer("out_of_band_amount", 0), EffectiveAt: f.integer("effective_at", c.now),
		Number: fmt.Sprintf("%s-CN-%02d", inv.Number, inv.Notes+1),
	}
	o.note.Metadata = f.metadata(nil)
	switch {
	case f.err != nil:
		return nil, f.err
	case inv.Status != "open" && !o.note.After:
		return nil, refused("", "You can only create a credit note for an open or paid invoice; this one is %s.", inv.Status)
	}
	lines, err := t.creditLines(c, inv)
	if err != nil {
		return nil, err
	}
	o.note.Lines = lines
	for i := range lines {
		lines[i].ID = t.newID("cnli_1", 23)
		o.note.Amount += lines[i].Amount
	}
	if err := t.linkRefund(c, o); err != nil {
		return nil, err
	}
	return o, t.possible(o)
}

// linkRefund finds the refund that was made already, when one is named.
func (t *Twin) linkRefund(c *call, o *noteOrder) error {
	id := c.form.str("refund", 255)
	if id == "" {
		return nil
	}
	r := t.s.Refunds.get(id)
	switch {
	case c.form.has("refund_amount"):
		return invalid("parameters_exclusive", "", "You may only specify one of these parameters: refund, refund_amount.")
	case r == nil:
		return missing("refund", id, "refund", http.StatusBadRequest)
	case r.Charge != o.invoice.Charge || r.Status == "failed":
		return refused("", "The refund %s is not a refund of this invoice's payment.", id)
	}
	for n := range t.s.Notes.find(eq{"invoice": o.invoice.ID}, always, nil).newest() {
		if n.Refund == id {
			return refused("", "The refund %s belongs to the credit note %s already.", id, n.ID)
		}
	}
	o.linked = r
	return nil
}

// possible compares the amounts with what is left of the invoice and of its
// payment.
func (t *Twin) possible(o *noteOrder) error {
	inv, n := o.invoice, &o.note
	left, parts := inv.Due-inv.Paid, o.back+o.credit+n.Outside
	if n.After {
		left = inv.Total - inv.PreNotes - inv.PostNotes
	}
	if o.linked != nil {
		parts += o.linked.Amount
	}
	switch {
	case n.Amount < 1:
		return refused("", "The total of a credit note must be greater than 0.")
	case o.back < 0 || o.credit < 0 || n.Outside < 0 || n.After && parts != n.Amount || !n.After && parts != 0:
		return refused("", "The sum of credit amount, refund amount and out of band amount must equal the credit note total of a paid invoice.")
	case n.Amount > left:
		return refused("", "The credit note of %d is more than what is left of the invoice, %d.", n.Amount, left)
	}
	if pi := t.s.Intents.get(inv.Intent); !n.After && (pi == nil || pi.Status == "processing") {
		return refused("", "The invoice has a payment that is processing.")
	}
	ch := t.s.Charges.get(inv.Charge)
	if o.back > 0 && (ch == nil || ch.Status != "" || ch.Move == "" || ch.Dispute != "" || o.back > ch.Amount-ch.Refunded) {
		return refused("", "The charge of the invoice cannot be refunded by %d.", o.back)
	}
	if cu := t.s.Customers.get(inv.Customer); o.credit > 0 && (cu == nil || cu.Currency != inv.Currency) {
		return refused("", "The customer's balance is not in %s.", inv.Currency)
	}
	return nil
}

func createNote(t *Twin, c *call) (object, error) {
	o, err := t.orderNote(c)
	if err != nil {
		return nil, err
	}
	n, inv := &o.note, o.invoice
	meta := n.Metadata
	n.head = t.newHead(c, t.newID("cn_1", 23))
	n.Metadata = meta
	inv.Notes++
	if o.linked != nil {
		n.Refund = o.linked.ID
	}
	if o.back > 0 {
		n.Refund = t.refund(c, t.s.Charges.get(inv.Charge), o.back, "", nil).ID
	}
	t.s.Notes.put(n)
	if o.credit > 0 {
		n.BalanceChange = t.addToBalance(c, t.s.Customers.get(inv.Customer), -o.credit, balanceChange{
			Type: "credit_note", Invoice: inv.ID, Note: n.ID, Description: "Credit note " + n.Number,
		}).ID
	}
	t.applyNote(c, inv, n, n.Amount)
	t.emit(c, "credit_note.created", n.render())
	return n.render(), nil
}

// previewNote shows a credit note that is not made.
func previewNote(t *Twin, c *call) (object, error) {
	o, err := t.orderNote(c)
	if err != nil {
		return nil, err
	}
	o.note.ID, o.note.Created = t.newID("cn_1", 23), c.now
	return o.note.render(), nil
}

func previewNoteLines(t *Twin, c *call) (object, error) {
	o, err := t.orderNote(c)
	if err != nil {
		return nil, err
	}
	return pageOf(c, o.note.rows(), "credit note line item", (*creditLine).render)
}
