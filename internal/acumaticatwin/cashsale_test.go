package acumaticatwin

import (
	"strings"
	"testing"
)

const cashSaleBody = `{"CustomerID":{"value":"C000001"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},"Hold":{"value":false},
	"Details":[{"Qty":{"value":2},"UnitPrice":{"value":50},"TaxCategory":{"value":"TAXABLE"}}]}`

func TestCashSaleIsPaidAtItsRelease(t *testing.T) {
	c := start(t, testOptions(newClock()))
	a := c.put("CashSale?$expand=Details", cashSaleBody).wantStatus(t, 200)
	want(t, "number", a.text("ReferenceNbr", "value"), "CS000001")
	want(t, "tax", a.text("TaxTotal", "value"), "8.88")
	want(t, "total", a.text("Amount", "value"), "108.88")
	want(t, "cash before", c.balanceOf("10250"), "0")
	c.post("CashSale/ReleaseCashSale", releaseBody(typeCashSale, "CS000001")).wantStatus(t, 204)
	want(t, "cash", c.balanceOf("10250"), "108.88")
	a = c.get("CashSale/Cash%20Sale/CS000001").wantStatus(t, 200)
	want(t, "status", a.text("Status", "value"), statusClosed)
	want(t, "balance", a.text("Balance", "value"), "0.0000")
	c.post("CashSale/ReleaseCashSale", releaseBody(typeCashSale, "CS000001")).wantStatus(t, 500)
	c.do("DELETE", root+"CashSale/Cash Sale/CS000001", "", nil).wantStatus(t, 500)
	c.put("CashSale", `{"ReferenceNbr":{"value":"CS000001"},"Description":{"value":"x"}}`).wantStatus(t, 422)
	balanced(t, c.twin)
	c.put("CashSale", strings.Replace(cashSaleBody, "C000001", "C999999", 1)).wantStatus(t, 422).wantText(t, "'Customer' cannot be found")
	c.put("CashSale", strings.Replace(cashSaleBody, "10250ST", "X", 1)).wantStatus(t, 422).wantText(t, "Cash Account 'X' cannot be found")
	c.put("CashSale", strings.Replace(cashSaleBody, `{"CustomerID"`, `{"Type":{"value":"Cash Credit"},"CustomerID"`, 1)).wantStatus(t, 422)
	c.put("CashSale", strings.Replace(cashSaleBody, `{"CustomerID"`, `{"Type":{"value":"Cash Return"},"CustomerID"`, 1)).wantStatus(t, 200)
	c.post("CashSale/ReleaseCashSale", releaseBody(typeCashReturn, "CR000001")).wantStatus(t, 204)
	want(t, "cash given back", c.balanceOf("10250"), "0")
	balanced(t, c.twin)
}
