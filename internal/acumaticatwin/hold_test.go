package acumaticatwin

import "testing"

func TestNothingIsAppliedToAnInvoiceOnHold(t *testing.T) {
	c := start(t, testOptions(newClock()))
	open := c.invoice("AR000005")
	const hold, free = `{"invoice":"AR000005","hold":true}`, `{"invoice":"AR000005","hold":false}`
	c.do("POST", "/_twin/hold", free, nil).wantStatus(t, 422)
	c.do("POST", "/_twin/hold", hold, nil).wantStatus(t, 204)
	c.do("POST", "/_twin/hold", hold, nil).wantStatus(t, 422)
	a := c.get("Invoice/Invoice/AR000005").wantStatus(t, 200)
	want(t, "status", a.text("Status", "value"), statusReserved)
	want(t, "hold", a.text("Hold", "value"), "true")
	want(t, "balance", c.invoice("AR000005").Balance.String(), open.Balance.String())
	memo := `{"Type":{"value":"Credit Memo"},"Customer":{"value":"` + open.CustomerID + `"},
		"Details":[{"TransactionDescription":{"value":"less"},"ExtendedPrice":{"value":1}}],
		"ApplicationsCreditMemo":[{"DocType":{"value":"Invoice"},"ReferenceNbr":{"value":"AR000005"},"AmountPaid":{"value":1}}]}`
	c.put("Invoice", memo).wantStatus(t, 422).wantText(t, "cannot be found")
	c.do("POST", "/_twin/hold", free, nil).wantStatus(t, 204)
	want(t, "status", c.invoice("AR000005").Status, statusOpen)
	c.put("Invoice", memo).wantStatus(t, 200)
}
