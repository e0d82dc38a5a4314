package acumaticatwin

import (
	"strings"
	"testing"
)

// sales is a client of a twin with three items: LAMP and CABLE are stock, the
// latter taxed, and SETUP is a service.
func sales(t *testing.T) *client {
	t.Helper()
	c := start(t, testOptions(newClock()))
	c.items()
	return c
}

func (c *client) items() {
	c.t.Helper()
	c.put("StockItem", `{"InventoryID":{"value":"LAMP"},"Description":{"value":"Lamp"},"DefaultPrice":{"value":50}}`).wantStatus(c.t, 200)
	c.put("StockItem", `{"InventoryID":{"value":"CABLE"},"DefaultPrice":{"value":8},"TaxCategory":{"value":"TAXABLE"}}`).wantStatus(c.t, 200)
	c.put("NonStockItem", `{"InventoryID":{"value":"SETUP"},"DefaultPrice":{"value":90}}`).wantStatus(c.t, 200)
}

const directInvoice = `{"CustomerID":{"value":"C000001"},"Hold":{"value":false},"FreightPrice":{"value":12},
	"Details":[{"InventoryID":{"value":"LAMP"},"Qty":{"value":4},"DiscountPercent":{"value":10},"Amount":{"value":1}},
		{"InventoryID":{"value":"cable"},"Qty":{"value":10},"DiscountAmount":{"value":4}}],
	"DiscountDetails":[{"ExternalDiscountCode":{"value":"WELCOME"},"DiscountAmount":{"value":25.6}}]}`

func TestSalesInvoiceIsPostedToItsAccounts(t *testing.T) {
	c := sales(t)
	owed := dec(c.balanceOf(accountAR))
	a := c.put("SalesInvoice?$expand=Details,TaxDetails,DiscountDetails", directInvoice).wantStatus(t, 200)
	for path, value := range map[string]string{
		"ReferenceNbr": "AR000007", "Status": statusBalanced, "DetailTotal": "256.0", "DiscountTotal": "25.6",
		// 76 of 256 are taxed, less a tenth: 68.40 at 8.875 %.
		"TaxTotal": "6.07", "Amount": "248.47", "Currency": "USD",
	} {
		want(t, path, a.text(path, "value"), value)
	}
	want(t, "price of the item", a.text("Details", 0, "UnitPrice", "value"), "50.0")
	want(t, "discount", a.text("Details", 0, "DiscountAmount", "value"), "20.0")
	want(t, "percentage", a.text("Details", 1, "DiscountPercent", "value"), "5.0")
	want(t, "manual", a.text("Details", 1, "ManualDiscount", "value"), "true")
	c.post("SalesInvoice/ReleaseSalesInvoice", releaseBody(typeInvoice, "AR000007")).wantStatus(t, 204)
	want(t, "receivable", dec(c.balanceOf(accountAR)).Sub(owed).String(), "248.47")
	want(t, "freight", c.balanceOf(accountFreight), "-12")
	want(t, "discount account", c.balanceOf(accountDiscount), "25.6")
	a = c.get("SalesInvoice/Invoice/AR000007?$expand=FinancialDetails").wantStatus(t, 200)
	want(t, "status", a.text("Status", "value"), statusOpen)
	ledger := c.twin.Ledger()
	want(t, "batch", a.text("FinancialDetails", "BatchNbr", "value"), ledger[len(ledger)-1].BatchNbr)
	c.put("SalesInvoice", `{"ReferenceNbr":{"value":"AR000007"},"Description":{"value":"x"}}`).wantStatus(t, 422)
	c.do("DELETE", root+"SalesInvoice/Invoice/AR000007", "", nil).wantStatus(t, 500)
	balanced(t, c.twin)
}

func TestOneTableTwoForms(t *testing.T) {
	c := sales(t)
	id := c.put("SalesInvoice", directInvoice).wantStatus(t, 200).text("id")
	rows := len(c.get("Invoice").rows())
	c.get("Invoice/Invoice/AR000007").wantStatus(t, 500).wantText(t, "No entity satisfies")
	for _, action := range []string{"ReleaseInvoice", "Release"} {
		a := c.post("Invoice/"+action, releaseBody(typeInvoice, "AR000007")).wantStatus(t, 500)
		want(t, "wrong form", a.text("exceptionType"), "System.NullReferenceException")
	}
	c.post("SalesInvoice/Release", releaseBody(typeInvoice, "AR000001")).wantStatus(t, 500).wantText(t, "NullReference")
	c.get("SalesInvoice/Invoice/AR000001").wantStatus(t, 500)
	c.post("SalesInvoice/Release", releaseBody(typeInvoice, "AR000007")).wantStatus(t, 204)
	want(t, "shown when released", len(c.get("Invoice").rows()), rows+1)
	a := c.get("Invoice/Invoice/AR000007?$expand=Details").wantStatus(t, 200)
	want(t, "same record", a.text("id"), id)
	want(t, "customer", a.text("Customer", "value"), "C000001")
	want(t, "line", a.text("Details", 0, "TransactionDescription", "value"), "Lamp")
	a = c.get("SalesInvoice?$filter=CustomerID%20eq%20'c000001'%20and%20Currency%20eq%20'USD'&$expand=Details").wantStatus(t, 200)
	want(t, "by the names of the form", a.text(0, "ReferenceNbr", "value"), "AR000007")
	want(t, "line of the form", a.text(0, "Details", 0, "TransactionDescr", "value"), "Lamp")
	const path = "/SalesInvoice/Invoice/AR000007"
	want(t, "none in 22", at(c.do("GET", "/entity/Default/22.200.001"+path, "", nil).body, "LastModifiedDateTime"), nil)
	if at(c.do("GET", "/entity/Default/23.200.001"+path, "", nil).body, "LastModifiedDateTime") == nil {
		t.Error("LastModifiedDateTime: got none in 23")
	}
}

func TestSalesInvoiceLinesAreChecked(t *testing.T) {
	c := sales(t)
	for text, details := range map[string]string{
		"'Inventory ID' cannot be empty.":                  `{"Qty":{"value":1}}`,
		"'Inventory ID' cannot be found in the system.":    `{"InventoryID":{"value":"SOFA"}}`,
		"'UOM' cannot be found in the system.":             `{"InventoryID":{"value":"LAMP"},"UOM":{"value":"BOX"}}`,
		"less than or equal to 100.":                       `{"InventoryID":{"value":"LAMP"},"Qty":{"value":2},"DiscountPercent":{"value":101}}`,
		"greater than or equal to 0.":                      `{"InventoryID":{"value":"LAMP"},"Qty":{"value":-1}}`,
		"'Account' cannot be found in the system.":         `{"InventoryID":{"value":"LAMP"},"Account":{"value":"99999"}}`,
		"Only lines of a credit memo refer to an invoice.": `{"OrigInvNbr":{"value":"AR000001"}}`,
	} {
		c.put("SalesInvoice", `{"CustomerID":{"value":"C000001"},"Details":[`+details+`]}`).wantStatus(t, 422).wantText(t, text)
	}
	c.put("SalesInvoice", strings.Replace(directInvoice, `"FreightPrice":{"value":12}`, `"FreightPrice":{"value":-12}`, 1)).wantStatus(t, 422)
	code := strings.Replace(directInvoice, "ExternalDiscountCode", "DiscountCode", 1)
	c.put("SalesInvoice", code).wantStatus(t, 422).wantText(t, "Discount Code 'WELCOME' cannot be found")
	a := c.put("SalesInvoice?$expand=Details", directInvoice).wantStatus(t, 200)
	a = c.put("SalesInvoice?$expand=Details", `{"ReferenceNbr":{"value":"AR000007"},"Details":[{"LineNbr":{"value":1},"delete":true},
		{"id":"`+a.text("Details", 1, "id")+`","Qty":{"value":20}},{"InventoryID":{"value":"SETUP"},"Qty":{"value":1}}]}`).wantStatus(t, 200)
	want(t, "percentage stays", a.text("Details", 0, "DiscountAmount", "value"), "8.0")
	want(t, "number stays", a.text("Details", 0, "LineNbr", "value"), "2")
	want(t, "number goes on", a.text("Details", 1, "LineNbr", "value"), "3")
	c.do("DELETE", root+"SalesInvoice/Invoice/AR000007", "", nil).wantStatus(t, 204)
}

func TestPaymentIsAppliedFromTheInvoice(t *testing.T) {
	for _, kind := range []string{typePayment, typePrepayment} {
		t.Run(kind, func(t *testing.T) {
			c := sales(t)
			c.put("Payment", `{"Type":{"value":"`+kind+`"},"CustomerID":{"value":"C000001"},"PaymentMethod":{"value":"STRIPE"},
				"CashAccount":{"value":"10250ST"},"PaymentAmount":{"value":300},"Hold":{"value":false}}`).wantStatus(t, 200)
			pay := `,"ApplicationsInvoice":[{"DocType":{"value":"` + kind + `"},"AdjustingDocReferenceNbr":{"value":"000001"},"AmountPaid":{"value":%}}]}`
			body := func(amount string) string {
				return strings.TrimSuffix(directInvoice, "}") + strings.Replace(pay, "%", amount, 1)
			}
			c.put("SalesInvoice", body("301")).wantStatus(t, 422).wantText(t, "less than or equal to 300.00")
			c.put("SalesInvoice", body("260")).wantStatus(t, 422).wantText(t, "out of the balance")
			c.post("Payment/ReleasePayment", releaseBody(kind, "000001")).wantStatus(t, 204)
			a := c.put("SalesInvoice?$expand=ApplicationsInvoice,Details", body("200")).wantStatus(t, 200)
			want(t, "noted", a.text("ApplicationsInvoice", 0, "AmountPaid", "value"), "200.0")
			want(t, "payment total", a.text("PaymentTotal", "value"), "200.0")
			c.post("SalesInvoice/ReleaseSalesInvoice", releaseBody(typeInvoice, "AR000007")).wantStatus(t, 204)
			a = c.get("SalesInvoice/Invoice/AR000007?$expand=ApplicationsInvoice").wantStatus(t, 200)
			want(t, "left", a.text("Balance", "value"), "48.4700")
			want(t, "one row", len(at(a.body, "ApplicationsInvoice").([]any)), 1)
			want(t, "row", a.text("ApplicationsInvoice", 0, "AdjustingDocReferenceNbr", "value"), "000001")
			want(t, "payment", c.get("Payment/"+kind+"/000001").text("AvailableBalance", "value"), "100.0000")
			balanced(t, c.twin)
		})
	}
}

func TestSalesCreditMemoReturnsLines(t *testing.T) {
	c := sales(t)
	c.put("SalesInvoice", directInvoice).wantStatus(t, 200)
	memo := `{"Type":{"value":"Credit Memo"},"CustomerID":{"value":"C000001"},"Hold":{"value":false},"Details":[%],
		"ApplicationsCreditMemo":[{"DocType":{"value":"INV"},"ReferenceNbr":{"value":"AR000001"}}]}`
	whole := strings.Replace(memo, "%", `{"OrigInvType":{"value":"Invoice"},"OrigInvNbr":{"value":"AR000007"}}`, 1)
	c.put("SalesInvoice", whole).wantStatus(t, 422).wantText(t, "Reference Nbr. 'AR000007' cannot be found")
	c.post("SalesInvoice/Release", releaseBody(typeInvoice, "AR000007")).wantStatus(t, 204)
	line := func(n, qty string) string {
		return strings.Replace(memo, "%", `{"OrigInvNbr":{"value":"AR000007"},"OrigInvLineNbr":{"value":`+n+`},"Qty":{"value":`+qty+`}}`, 1)
	}
	c.put("SalesInvoice", line("3", "1")).wantStatus(t, 422).wantText(t, "has no such line")
	c.put("SalesInvoice", line("1", "5")).wantStatus(t, 422).wantText(t, "exceeds the quantity available for return for the related invoice line AR000007, LAMP")
	a := c.put("SalesInvoice?$expand=Details,ApplicationsCreditMemo", whole).wantStatus(t, 200)
	want(t, "lines", len(at(a.body, "Details").([]any)), 2)
	want(t, "tax", a.text("TaxTotal", "value"), "6.75")
	want(t, "total", a.text("Amount", "value"), "262.75")
	want(t, "takes all of it", a.text("ApplicationsCreditMemo", 0, "AmountPaid", "value"), "262.75")
	before := c.invoice("AR000001").Balance
	c.post("SalesInvoice/ReleaseSalesInvoice", releaseBody(typeCreditMemo, "CM000001")).wantStatus(t, 204)
	want(t, "invoice", before.Sub(c.invoice("AR000001").Balance).String(), "262.75")
	a = c.get("SalesInvoice/Credit Memo/CM000001?$expand=ApplicationsCreditMemo").wantStatus(t, 200)
	want(t, "memo", a.text("Status", "value"), statusClosed)
	want(t, "row", a.text("ApplicationsCreditMemo", 0, "ReferenceNbr", "value"), "AR000001")
	c.put("SalesInvoice", line("1", "1")).wantStatus(t, 422).wantText(t, "another return document or documents CM000001 that exist")
	c.put("SalesInvoice", whole).wantStatus(t, 422).wantText(t, "nothing of it is left to return")
	balanced(t, c.twin)
}

func TestPartsOfALineComeBackOneByOne(t *testing.T) {
	c := sales(t)
	c.put("SalesInvoice", directInvoice).wantStatus(t, 200)
	c.post("SalesInvoice/Release", releaseBody(typeInvoice, "AR000007")).wantStatus(t, 204)
	memo := `{"Type":{"value":"Credit Memo"},"CustomerID":{"value":"C000001"},"Details":[{"OrigInvNbr":{"value":"AR000007"},"OrigInvLineNbr":{"value":1}%}]}`
	part := strings.Replace(memo, "%", `,"Qty":{"value":1}`, 1)
	a := c.put("SalesInvoice?$expand=Details", part).wantStatus(t, 200)
	want(t, "one of four, discounted", a.text("Amount", "value"), "45.0")
	a = c.put("SalesInvoice?$expand=Details", strings.Replace(memo, "%", "", 1)).wantStatus(t, 200)
	want(t, "what is left", a.text("Details", 0, "Qty", "value"), "3.0")
	c.put("SalesInvoice", `{"Type":{"value":"Credit Memo"},"ReferenceNbr":{"value":"CM000001"},"Details":[{"LineNbr":{"value":1},"Qty":{"value":2}}]}`).
		wantStatus(t, 422).wantText(t, "exceeds the quantity")
	c.do("DELETE", root+"SalesInvoice/Credit Memo/CM000002", "", nil).wantStatus(t, 204)
	c.put("SalesInvoice", `{"Type":{"value":"Credit Memo"},"ReferenceNbr":{"value":"CM000001"},"Details":[{"LineNbr":{"value":1},"Qty":{"value":2}}]}`).wantStatus(t, 200)
}
