package acumaticatwin

import "testing"

func TestSalesInvoiceIsTheSameDocument(t *testing.T) {
	c := start(t, testOptions(newClock()))
	a := c.get("SalesInvoice/Invoice/AR000004?$expand=Details").wantStatus(t, 200)
	want(t, "id", a.text("id"), c.get("Invoice/Invoice/AR000004").text("id"))
	want(t, "currency", a.text("Currency", "value"), "EUR")
	want(t, "line", a.text("Details", 0, "TransactionDescr", "value"), "Messuhr 0,01 mm")
	want(t, "rows", len(c.get("SalesInvoice").rows()), len(c.twin.Invoices()))
	const path = "/SalesInvoice/Invoice/AR000004"
	want(t, "none in 22", at(c.do("GET", "/entity/Default/22.200.001"+path, "", nil).body, "LastModifiedDateTime"), nil)
	if at(c.do("GET", "/entity/Default/23.200.001"+path, "", nil).body, "LastModifiedDateTime") == nil {
		t.Error("LastModifiedDateTime: got none in 23")
	}
	c.put("SalesInvoice", `{}`).wantStatus(t, 403)
}
