package acumaticatwin

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// typeWriteOff is the document that writes off what is left of an invoice.
const typeWriteOff = "Balance WO"

// WriteOff writes an amount off an open invoice and returns the number of the
// write-off. Acumatica: a process on a form of its own (Write Off Balances and
// Credits) makes it, which no endpoint has; the write-off is among the payments
// and is applied to the invoice. Here it is posted to the account of discounts.
func (t *Twin) WriteOff(invoice string, amount decimal.Decimal) (refNbr string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	x := t.begin()
	doc := x.byKey(entityInvoice, typeInvoice, invoice)
	switch {
	case doc == nil || doc.get("Status") != statusOpen:
		return "", fmt.Errorf("invoice %q is not open", invoice)
	case doc.get(curyID) != baseCurrency:
		return "", errors.New("this stand-in does not model write-offs in a foreign currency yet")
	case !amount.IsPositive() || amount.GreaterThan(doc.dec("Balance")):
		return "", fmt.Errorf("amount: want more than 0 and at most %s", doc.get("Balance"))
	}
	r := newRecord(x.newID())
	freshPayment(x, r)
	r.set("Type", typeWriteOff)
	r.set("ReferenceNbr", fmt.Sprintf("%06d", x.next("ARPayment")))
	r.set("CustomerID", doc.get("Customer"))
	r.set("CurrencyID", baseCurrency)
	r.set("BranchID", r.get("Branch"))
	r.setBool("Hold", false)
	r.setDec("PaymentAmount", amount)
	x.datePayment(r)
	e := conversion{paid: amount, adjusted: amount, from: amount, to: amount}
	h := x.history(r, x.takeOff(doc, e), e)
	h.ID = x.newID()
	addHistory(r, h)
	p := posting{day: r.day("ApplicationDate"), currency: baseCurrency, description: typeWriteOff + " " + r.get("ReferenceNbr")}
	batch, fail := x.postAt(p, debit(accountDiscount, amount), credit(doc.get("LinkARAccount"), amount))
	if fail != nil {
		return "", fail
	}
	h.set("BatchNbr", batch)
	x.save(entityPayment, r)
	x.settlePayment(r)
	return r.get("ReferenceNbr"), t.commit(x)
}

// writeOff is what the control interface takes.
type writeOff struct {
	Invoice string          `json:"invoice"`
	Amount  decimal.Decimal `json:"amount"`
}
