package acumaticatwin

import (
	"fmt"
	"strings"
	"testing"
)

func orderBody(kind, details string) string {
	return `{"OrderType":{"value":"` + kind + `"},"CustomerID":{"value":"C000001"},"Hold":{"value":false},"Details":[` + details + `]}`
}

func orderLine(item string, qty int, more string) string {
	return fmt.Sprintf(`{"InventoryID":{"value":%q},"OrderQty":{"value":%d}%s}`, item, qty, more)
}

func orderKey(kind, nbr, parameters string) string {
	return fmt.Sprintf(`{"entity":{"OrderType":{"value":%q},"OrderNbr":{"value":%q}}%s}`, kind, nbr, parameters)
}

func shipmentKey(nbr string) string { return `{"entity":{"ShipmentNbr":{"value":"` + nbr + `"}}}` }

// order saves an order and returns its number.
func (c *client) order(kind, details string) string {
	c.t.Helper()
	return c.put("SalesOrder", orderBody(kind, details)).wantStatus(c.t, 200).text("OrderNbr", "value")
}

func (c *client) orderStatus(kind, nbr string) string {
	c.t.Helper()
	return c.get("SalesOrder/"+kind+"/"+nbr).wantStatus(c.t, 200).text("Status", "value")
}

func TestOrderLinesAreEditedById(t *testing.T) {
	c := sales(t)
	a := c.put("SalesOrder?$expand=Details,Totals,TaxDetails", orderBody("SO", orderLine("LAMP", 2, "")+","+orderLine("CABLE", 3, `,"DiscountPercent":{"value":50}`)+
		","+orderLine("SETUP", 1, ""))).wantStatus(t, 200)
	want(t, "number", a.text("OrderNbr", "value"), "000001")
	want(t, "stamp of a line", a.text("Details", 0, "LastModifiedDate", "value"), "05/15/2026 10:30:00")
	want(t, "open", a.text("Status", "value"), statusOpen)
	want(t, "total", a.text("OrderTotal", "value"), "203.07")
	want(t, "goods", a.text("Totals", "LineTotalAmount", "value"), "112.0")
	want(t, "charges", a.text("Totals", "MiscTotalAmount", "value"), "90.0")
	want(t, "tax", a.text("TaxDetails", 0, "TaxAmount", "value"), "1.07")
	body := fmt.Sprintf(`{"OrderType":{"value":"SO"},"OrderNbr":{"value":"000001"},"Hold":{"value":true},"OrderTotal":{"value":1},
		"Details":[{"id":%q,"delete":true},{"id":%q,"OrderQty":{"value":5}}]}`, a.text("Details", 2, "id"), a.text("Details", 0, "id"))
	const narrow = "SalesOrder?$select=OrderType,OrderNbr,OrderedQty,OrderTotal,Details/OrderQty,Details/InventoryID&$expand=Details"
	a = c.put(narrow, body).wantStatus(t, 200)
	want(t, "total after", a.text("OrderTotal", "value"), "263.07")
	want(t, "qty after", a.text("OrderedQty", "value"), "8.0")
	want(t, "lines", len(at(a.body, "Details").([]any)), 2)
	want(t, "on hold", c.orderStatus("SO", "000001"), statusHold)
	c.do("DELETE", root+"SalesOrder/SO/000001", "", nil).wantStatus(t, 204)
	c.put("SalesOrder", orderBody("QT", "")).wantStatus(t, 422).wantText(t, "does not model orders of the type 'QT'")
	c.put("SalesOrder", orderBody("SO", orderLine("LAMP", 1, `,"WarehouseID":{"value":"X"}`))).wantStatus(t, 422).wantText(t, "'Warehouse' cannot be found")
}

func TestOrderIsShippedBilledAndPaid(t *testing.T) {
	c := sales(t)
	nbr := c.order("SO", orderLine("LAMP", 4, "")+","+orderLine("SETUP", 1, "")+`],"Totals":{"OverrideFreightAmount":{"value":true},"Freight":{"value":15}},"Terms":[`)
	c.post("SalesOrder/PrepareSalesInvoice", orderKey("IN", "000009", "")).wantStatus(t, 500)
	c.post("Shipment/ConfirmShipment", shipmentKey("000001")).wantStatus(t, 500)
	c.post("SalesOrder/SalesOrderCreateShipment", orderKey("SO", nbr, `,"parameters":{"WarehouseID":{"value":"X"},"ShipmentDate":{"value":"2026-05-20"}}`)).
		wantStatus(t, 500).wantText(t, "does not contain any items planned for shipment on '5/20/2026'")
	c.post("SalesOrder/SalesOrderCreateReceipt", orderKey("SO", nbr, "")).wantStatus(t, 500).wantText(t, "button is disabled")
	c.post("SalesOrder/SalesOrderCreateShipment", orderKey("SO", nbr, `,"parameters":{"ShipmentDate":{"value":"2026-05-20T00:00:00"}}`)).wantStatus(t, 204)
	want(t, "shipping", c.orderStatus("SO", nbr), statusShipping)
	a := c.get("Shipment/000001?$expand=Details,Orders").wantStatus(t, 200)
	want(t, "date", a.text("ShipmentDate", "value"), "2026-05-20T00:00:00+00:00")
	want(t, "goods only", len(at(a.body, "Details").([]any)), 1)
	c.post("Shipment/PrepareInvoice", shipmentKey("000001")).wantStatus(t, 500).wantText(t, "button is disabled")
	c.post("Shipment/ConfirmShipment", shipmentKey("000001")).wantStatus(t, 204)
	c.post("Shipment/CorrectShipment", shipmentKey("000001")).wantStatus(t, 204)
	want(t, "shipping again", c.orderStatus("SO", nbr), statusShipping)
	c.post("Shipment/ConfirmShipment", shipmentKey("000001")).wantStatus(t, 204)
	want(t, "completed", c.orderStatus("SO", nbr), statusCompleted)
	c.post("Shipment/PrepareInvoice", shipmentKey("000001")).wantStatus(t, 204)
	c.post("Shipment/CorrectShipment", shipmentKey("000001")).wantStatus(t, 500)
	a = c.get("SalesOrder/SO/"+nbr+"?$expand=Shipments").wantStatus(t, 200)
	invoice := a.text("Shipments", 0, "InvoiceNbr", "value")
	want(t, "same number", c.get("Shipment/000001?$expand=Orders").text("Orders", 0, "InvoiceNbr", "value"), invoice)
	want(t, "invoiced", c.get("Shipment/000001").text("Status", "value"), statusInvoiced)
	a = c.get("SalesInvoice/Invoice/"+invoice+"?$expand=Details,FreightDetails").wantStatus(t, 200)
	want(t, "amount", a.text("Amount", "value"), "305.0000")
	want(t, "line of the shipment", a.text("Details", 0, "ShipmentNbr", "value"), "000001")
	want(t, "freight", a.text("FreightDetails", 0, "TotalFreightAmount", "value"), "15.0000")
	c.put("SalesInvoice", `{"ReferenceNbr":{"value":"`+invoice+`"},"Details":[{"LineNbr":{"value":1},"Qty":{"value":1}}]}`).wantStatus(t, 422).
		wantText(t, "cannot be invoiced partially")
	c.do("DELETE", root+"SalesInvoice/Invoice/"+invoice, "", nil).wantStatus(t, 204)
	want(t, "to bill again", c.get("Shipment/000001").text("Status", "value"), statusConfirmed)
	c.post("SalesOrder/PrepareSalesInvoice", orderKey("SO", nbr, "")).wantStatus(t, 204)
	invoice = c.get("SalesOrder/SO/"+nbr+"?$expand=Shipments").text("Shipments", 0, "InvoiceNbr", "value")
	c.post("SalesInvoice/ReleaseSalesInvoice", releaseBody(typeInvoice, invoice)).wantStatus(t, 204)
	want(t, "shipment", c.get("Shipment/000001").text("Status", "value"), statusCompleted)
	c.post("Shipment/UpdateIN", shipmentKey("000001")).wantStatus(t, 204)
	want(t, "inventory", c.get("Shipment/000001?$expand=Orders").text("Orders", 0, "InventoryDocType", "value"), "Issue")
	c.put("Payment", paymentBody("C000001", invoice, "305", "")).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	want(t, "paid", c.invoice(invoice).Status, statusClosed)
	balanced(t, c.twin)
}

func TestPartialShipmentFollowsTheRule(t *testing.T) {
	for _, tc := range []struct {
		rule, status, open string
		confirm            int
	}{
		{ruleCancel, statusCompleted, "0.000000", 204},
		{ruleBack, statusBackOrder, "3.000000", 204},
		{ruleComplete, statusShipping, "4.000000", 500},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			c := sales(t)
			nbr := c.order("SO", orderLine("LAMP", 4, `,"ShippingRule":{"value":"`+tc.rule+`"}`))
			c.post("SalesOrder/SalesOrderCreateShipment", orderKey("SO", nbr, "")).wantStatus(t, 204)
			qty := func(n int) string {
				return fmt.Sprintf(`{"ShipmentNbr":{"value":"000001"},"Details":[{"LineNbr":{"value":1},"ShippedQty":{"value":%d}}]}`, n)
			}
			c.put("Shipment", qty(5)).wantStatus(t, 422).wantText(t, "less than or equal to 4.")
			c.put("Shipment", qty(0)).wantStatus(t, 200)
			c.post("Shipment/ConfirmShipment", shipmentKey("000001")).wantStatus(t, 500)
			c.put("Shipment", qty(1)).wantStatus(t, 200)
			c.post("Shipment/ConfirmShipment", shipmentKey("000001")).wantStatus(t, tc.confirm)
			a := c.get("SalesOrder/SO/"+nbr+"?$expand=Details").wantStatus(t, 200)
			want(t, "status", a.text("Status", "value"), tc.status)
			want(t, "open", a.text("Details", 0, "OpenQty", "value"), tc.open)
			if tc.rule == ruleBack {
				c.post("SalesOrder/OpenSalesOrder", orderKey("SO", nbr, "")).wantStatus(t, 204)
				c.post("SalesOrder/SalesOrderCreateShipment", orderKey("SO", nbr, "")).wantStatus(t, 204)
				c.post("Shipment/ConfirmShipment", shipmentKey("000002")).wantStatus(t, 204)
				c.post("SalesOrder/PrepareSalesInvoice", orderKey("SO", nbr, "")).wantStatus(t, 204)
				want(t, "both shipments", c.invoice("AR000007").Amount.String(), "200")
			}
			if tc.rule == ruleCancel {
				c.post("SalesOrder/ReopenSalesOrder", orderKey("SO", nbr, "")).wantStatus(t, 204)
				want(t, "reopened", c.orderStatus("SO", nbr), statusOpen)
			}
		})
	}
}

func TestOrderWithoutShipmentIsInvoiced(t *testing.T) {
	for kind, doc := range map[string]string{"IN": typeInvoice, "CM": typeCreditMemo} {
		t.Run(kind, func(t *testing.T) {
			c := sales(t)
			nbr := c.order(kind, orderLine("LAMP", 2, "")+`],"DiscountDetails":[{"DiscountPercent":{"value":10}}`)
			c.post("SalesOrder/SalesOrderCreateShipment", orderKey(kind, nbr, "")).wantStatus(t, 500)
			c.post("SalesOrder/PrepareSalesInvoice", orderKey(kind, nbr, "")).wantStatus(t, 204)
			want(t, "order", c.orderStatus(kind, nbr), statusInvoiced)
			c.post("SalesOrder/PrepareSalesInvoice", orderKey(kind, nbr, "")).wantStatus(t, 500)
			a := c.get("SalesOrder/" + kind + "/" + nbr + "?$expand=Shipments")
			want(t, "without a shipment", a.text("Shipments", 0, "ShipmentNbr", "value"), noShipment)
			want(t, "type", a.text("Shipments", 0, "InvoiceType", "value"), doc)
			ref := a.text("Shipments", 0, "InvoiceNbr", "value")
			want(t, "amount", c.invoice(ref).Amount.String(), "90")
			c.put("SalesOrder", `{"OrderType":{"value":"`+kind+`"},"OrderNbr":{"value":"`+nbr+`"},"Hold":{"value":true}}`).wantStatus(t, 422)
			c.post("SalesInvoice/ReleaseSalesInvoice", releaseBody(doc, ref)).wantStatus(t, 204)
			want(t, "order after", c.orderStatus(kind, nbr), statusCompleted)
			balanced(t, c.twin)
		})
	}
}

func TestReturnIsReceivedAndCredited(t *testing.T) {
	c := sales(t)
	nbr := c.order("RC", orderLine("LAMP", 2, ""))
	c.post("SalesOrder/SalesOrderCreateReceipt", orderKey("RC", nbr, "")).wantStatus(t, 204)
	want(t, "operation", c.get("Shipment/000001").text("Operation", "value"), "Receipt")
	c.post("Shipment/ConfirmShipment", shipmentKey("000001")).wantStatus(t, 204)
	c.post("Shipment/PrepareInvoice", shipmentKey("000001")).wantStatus(t, 204)
	c.post("SalesInvoice/ReleaseSalesInvoice", releaseBody(typeCreditMemo, "CM000001")).wantStatus(t, 204)
	want(t, "credited", c.invoice("CM000001").Balance.String(), "100")
	balanced(t, c.twin)
}

func TestOrderIsCanceledAndHeld(t *testing.T) {
	c := sales(t)
	nbr := c.order("SO", orderLine("LAMP", 1, ""))
	c.post("SalesOrder/CancelSalesOrder", orderKey("SO", nbr, "")).wantStatus(t, 204)
	want(t, "canceled", c.orderStatus("SO", nbr), "Canceled")
	c.post("SalesOrder/CancelSalesOrder", orderKey("SO", nbr, "")).wantStatus(t, 500)
	c.post("SalesOrder/ReopenSalesOrder", orderKey("SO", nbr, "")).wantStatus(t, 204)
	c.put("Customer", `{"CustomerID":{"value":"C000001"},"Status":{"value":"Credit Hold"}}`).wantStatus(t, 200)
	held := c.order("SO", orderLine("LAMP", 1, ""))
	want(t, "held", c.orderStatus("SO", held), "Credit Hold")
	c.post("SalesOrder/ReleaseFromCreditHoldSalesOrder", orderKey("SO", held, "")).wantStatus(t, 500)
	c.put("Customer", `{"CustomerID":{"value":"C000001"},"Status":{"value":"Active"}}`).wantStatus(t, 200)
	c.post("SalesOrder/ReleaseFromCreditHoldSalesOrder", orderKey("SO", held, "")).wantStatus(t, 204)
	want(t, "released", c.orderStatus("SO", held), statusOpen)
	c.do("DELETE", root+"Customer/C000001", "", nil).wantStatus(t, 500)
}

func TestPricesAreRecalculated(t *testing.T) {
	c := sales(t)
	nbr := c.order("SO", orderLine("LAMP", 1, `,"DiscountPercent":{"value":10}`)+","+orderLine("LAMP", 1, `,"UnitPrice":{"value":40}`))
	c.put("StockItem", `{"InventoryID":{"value":"LAMP"},"DefaultPrice":{"value":60}}`).wantStatus(t, 200)
	total := func() string { return c.get("SalesOrder/SO/"+nbr).text("OrderTotal", "value") }
	c.post("SalesOrder/AutoRecalculateDiscounts", orderKey("SO", nbr, "")).wantStatus(t, 204)
	want(t, "as it was", total(), "85.0000")
	c.post("SalesOrder/RecalculatePricesDiscounts", orderKey("SO", nbr, `,"parameters":{"RecalcUnitPrices":{"value":true}}`)).wantStatus(t, 204)
	want(t, "price of the item", total(), "94.0000")
	c.post("SalesOrder/RecalculatePricesDiscounts", orderKey("SO", nbr, `,"parameters":{"RecalcUnitPrices":{"value":true},"OverrideManualPrices":{"value":true},
		"RecalcDiscounts":{"value":true},"OverrideManualDiscounts":{"value":true}}`)).wantStatus(t, 204)
	want(t, "manual ones too", total(), "120.0000")
	c.do("POST", "/entity/Default/23.200.001/SalesOrder/RecalculatePricesDiscounts", orderKey("SO", nbr, ""), nil).wantStatus(t, 404)
}

func TestOrderTakesTheAddressesOfItsCustomer(t *testing.T) {
	c := sales(t)
	const parts = "SalesOrder?$expand=BillToContact,BillToAddress,ShipToAddress"
	a := c.put(parts, orderBody("SO", "")).wantStatus(t, 200)
	want(t, "contact", a.text("BillToContact", "BusinessName", "value"), "Harbor & Pine Furnishings LLC")
	want(t, "e-mail", a.text("BillToContact", "Email", "value"), "accounts@harborpine.example")
	want(t, "address", a.text("ShipToAddress", "PostalCode", "value"), "10012")
	a = c.put(parts, `{"OrderNbr":{"value":"000001"},"ShipToAddressOverride":{"value":true},"ShipToAddress":{"City":{"value":"Boston"}},
		"BillToAddress":{"City":{"value":"Nowhere"}}}`).wantStatus(t, 200)
	want(t, "own", a.text("ShipToAddress", "City", "value"), "Boston")
	want(t, "not overridden", a.text("BillToAddress", "City", "value"), "New York")
}

func TestFreightOfAnOrder(t *testing.T) {
	c := sales(t)
	order := func(totals string) string {
		return orderBody("SO", orderLine("LAMP", 1, "")+`],"Totals":{`+totals+`},"x":[`)
	}
	want(t, "no carrier computes one", c.put("SalesOrder", order(`"Freight":{"value":9}`)).wantStatus(t, 200).text("OrderTotal", "value"), "50.0")
	const own = `"OverrideFreightAmount":{"value":true},"Freight":{"value":9},"PremiumFreight":{"value":%}`
	want(t, "premium may lower it", c.put("SalesOrder", order(strings.Replace(own, "%", "-4.005", 1))).wantStatus(t, 200).text("OrderTotal", "value"), "55.0")
	c.put("SalesOrder?$expand=Totals", order(strings.Replace(own, "%", "-10", 1))).wantStatus(t, 422).wantText(t, "cannot be negative")
}
