package acumaticatwin

import (
	"fmt"
	"net/http"
)

// statusReserved is of a document that was put on hold after its release:
// nothing can be applied to it.
const statusReserved = "Reserved"

// Hold puts an open invoice on hold, or takes it off. Acumatica: it is done on
// the form; no endpoint changes it on a released document.
func (t *Twin) Hold(invoice string, on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	x := t.begin()
	was := statusOpen
	if !on {
		was = statusReserved
	}
	doc := x.byKey(entityInvoice, typeInvoice, invoice)
	if doc == nil || doc.get("Status") != was {
		return fmt.Errorf("invoice %q is not %s", invoice, was)
	}
	doc = x.edit(entityInvoice, doc)
	doc.setBool("Hold", on)
	settleStatus(doc, "Balance")
	doc.touch(x.now)
	return t.commit(x)
}

func (t *Twin) controlHold(c *call) reply {
	var in struct {
		Invoice string `json:"invoice"`
		Hold    bool   `json:"hold"`
	}
	if err := c.controlBody(&in); err != nil {
		return controlError(http.StatusBadRequest, err.Error())
	}
	if err := t.Hold(in.Invoice, in.Hold); err != nil {
		return controlError(http.StatusUnprocessableEntity, err.Error())
	}
	return emptyReply(http.StatusNoContent)
}
