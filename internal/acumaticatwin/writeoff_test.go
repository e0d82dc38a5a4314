package acumaticatwin

import (
	"testing"

	"github.com/shopspring/decimal"
)

func TestAWriteOffClosesAnInvoice(t *testing.T) {
	c := start(t, testOptions(newClock()))
	open := c.invoice("AR000005").Balance
	for _, amount := range []decimal.Decimal{decimal.Zero, open.Add(decimal.New(1, -2))} {
		if ref, err := c.twin.WriteOff("AR000005", amount); err == nil {
			t.Errorf("%s: made %s", amount, ref)
		}
	}
	c.do("POST", "/_twin/write-offs", `{"invoice":"AR000005","amount":"`+open.String()+`"}`, nil).wantStatus(t, 201)
	want(t, "invoice", c.invoice("AR000005").Status, statusClosed)
	a := c.get("Invoice/Invoice/AR000005?$expand=ApplicationsDefault")
	want(t, "seen from the invoice", a.text("ApplicationsDefault", 0, "DocType", "value"), typeWriteOff)
	want(t, "amount", a.text("ApplicationsDefault", 0, "AmountPaid", "value"), open.StringFixed(4))
	balanced(t, c.twin)
	if _, err := c.twin.WriteOff("AR000005", open); err == nil {
		t.Error("a closed invoice was written off")
	}
}
