package acumaticatwin

import (
	"fmt"
	"testing"
	"time"
)

func reserveBody(kind, more string) string {
	return `{"Type":{"value":"` + kind + `"},"CustomerID":{"value":"C000001"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},
		"PaymentAmount":{"value":120},"Hold":{"value":false},"OrdersToApply":[{"OrderType":{"value":"SO"},"OrderNbr":{"value":"000001"}` + more + `}]}`
}

func TestPaymentIsReservedForAnOrderAndGoesOnToItsInvoice(t *testing.T) {
	for _, kind := range []string{typePayment, typePrepayment} {
		for _, released := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s released=%t", kind, released), func(t *testing.T) {
				c := sales(t)
				c.order("SO", orderLine("LAMP", 2, "")+","+orderLine("SETUP", 1, ""))
				owed := dec(c.balanceOf(accountAR))
				a := c.put("Payment?$expand=OrdersToApply", reserveBody(kind, "")).wantStatus(t, 200)
				want(t, "takes all it has", a.text("OrdersToApply", 0, "AppliedToOrder", "value"), "120.0")
				want(t, "reserved", a.text("AppliedToOrders", "value"), "120.0")
				want(t, "available", a.text("AvailableBalance", "value"), "0.0")
				if released {
					c.post("Payment/ReleasePayment", releaseBody(kind, "000001")).wantStatus(t, 204)
				}
				a = c.get("SalesOrder/SO/000001?$expand=Payments,Totals").wantStatus(t, 200)
				want(t, "seen from the order", a.text("Payments", 0, "ReferenceNbr", "value"), "000001")
				want(t, "unpaid", a.text("Totals", "UnpaidBalance", "value"), "70.0000")
				c.post("SalesOrder/CancelSalesOrder", orderKey("SO", "000001", "")).wantStatus(t, 500).wantText(t, "has payments")
				c.do("DELETE", root+"SalesOrder/SO/000001", "", nil).wantStatus(t, 500)
				c.post("SalesOrder/SalesOrderCreateShipment", orderKey("SO", "000001", "")).wantStatus(t, 204)
				c.post("Shipment/ConfirmShipment", shipmentKey("000001")).wantStatus(t, 204)
				c.post("Shipment/PrepareInvoice", shipmentKey("000001")).wantStatus(t, 204)
				a = c.get("SalesOrder/SO/000001?$expand=Payments").wantStatus(t, 200)
				want(t, "went on", a.text("Payments", 0, "TransferredtoInvoice", "value"), "120.0000")
				a = c.get("SalesInvoice/Invoice/AR000007?$expand=ApplicationsInvoice").wantStatus(t, 200)
				want(t, "to the invoice", a.text("ApplicationsInvoice", 0, "AmountPaid", "value"), "120.0000")
				c.post("SalesInvoice/ReleaseSalesInvoice", releaseBody(typeInvoice, "AR000007")).wantStatus(t, 204)
				if !released {
					want(t, "until the payment", c.invoice("AR000007").Balance.String(), "190")
					c.post("Payment/ReleasePayment", releaseBody(kind, "000001")).wantStatus(t, 204)
				}
				want(t, "left to pay", c.invoice("AR000007").Balance.String(), "70")
				want(t, "payment", c.get("Payment/"+kind+"/000001").text("Status", "value"), statusClosed)
				want(t, "receivable", dec(c.balanceOf(accountAR)).Sub(owed).String(), "70")
				balanced(t, c.twin)
			})
		}
	}
}

func TestADeletedInvoiceGivesBackOnlyWhatIsLeftOfAPayment(t *testing.T) {
	c := sales(t)
	c.order("SO", orderLine("SETUP", 2, ""))
	c.put("Payment", reserveBody(typePayment, "")).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	c.post("SalesOrder/PrepareSalesInvoice", orderKey("SO", "000001", "")).wantStatus(t, 204)
	c.put("Payment", `{"Type":{"value":"Payment"},"ReferenceNbr":{"value":"000001"},"DocumentsToApply":[
		{"DocType":{"value":"Invoice"},"ReferenceNbr":{"value":"AR000001"},"AmountPaid":{"value":100}}]}`).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	c.do("DELETE", root+"SalesInvoice/Invoice/AR000007", "", nil).wantStatus(t, 204)
	a := c.get("SalesOrder/SO/000001?$expand=Payments").wantStatus(t, 200)
	want(t, "kept for the order", a.text("Payments", 0, "AppliedToOrder", "value"), "20.0000")
	want(t, "kept for the invoice", a.text("Payments", 0, "TransferredtoInvoice", "value"), "0.0000")
	checkOrders(t, c.twin)
}

func TestReservationsAreChecked(t *testing.T) {
	c := sales(t)
	c.order("SO", orderLine("LAMP", 2, ""))
	c.order("CM", orderLine("LAMP", 2, ""))
	for more, text := range map[string]string{
		`,"AppliedToOrder":{"value":101}`:                             "less than or equal to 100.00",
		`,"AppliedToOrder":{"value":-1}`:                              "greater than or equal to 0",
		`},{"OrderNbr":{"value":"000009"}`:                            "'Order Nbr.' cannot be found",
		`},{"OrderType":{"value":"CM"},"OrderNbr":{"value":"000001"}`: "'Order Nbr.' cannot be found",
	} {
		c.put("Payment", reserveBody(typePayment, more)).wantStatus(t, 422).wantText(t, text)
	}
	c.put("Payment", reserveBody(typePayment, "")).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	c.put("Payment", `{"ReferenceNbr":{"value":"000001"},"DocumentsToApply":[{"ReferenceNbr":{"value":"AR000001"},"AmountPaid":{"value":21}}]}`).
		wantStatus(t, 422).wantText(t, "out of the balance")
	c.put("SalesOrder", `{"OrderNbr":{"value":"000001"},"Details":[{"LineNbr":{"value":1},"OrderQty":{"value":1}}]}`).wantStatus(t, 422).
		wantText(t, "payments applied to the order exceed its total")
	a := c.put("Payment?$expand=OrdersToApply", `{"ReferenceNbr":{"value":"000001"},"OrdersToApply":[{"OrderType":{"value":"SO"},"OrderNbr":{"value":"000001"},
		"AppliedToOrder":{"value":30}}]}`).wantStatus(t, 200)
	want(t, "released, and still free to move", a.text("AvailableBalance", "value"), "90.0")
	want(t, "seen from the order", c.get("SalesOrder/SO/000001?$expand=Payments").text("Payments", 0, "AppliedToOrder", "value"), "30.0000")
	c.post("Payment/VoidPayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	c.post("Payment/ReleasePayment", releaseBody(typeVoidedPayment, "000001")).wantStatus(t, 204)
	rows, _ := at(c.get("SalesOrder/SO/000001?$expand=Payments").body, "Payments").([]any)
	want(t, "void gives the order up", len(rows), 0)
	c.post("SalesOrder/CancelSalesOrder", orderKey("SO", "000001", "")).wantStatus(t, 204)
}

func TestOrderMakesItsPayment(t *testing.T) {
	c := sales(t)
	pay := func(more string) string {
		return orderBody("SO", orderLine("LAMP", 2, "")+`],"Payments":[{"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},
			"PaymentAmount":{"value":150},"PaymentRef":{"value":"pi_9"}`+more+`}`)
	}
	c.put("SalesOrder?$expand=Payments", pay(`,"AppliedToOrder":{"value":101}`)).wantStatus(t, 422).wantText(t, "less than or equal to 100.00")
	c.put("SalesOrder?$expand=Payments", pay(`,"Currency":{"value":"USD"}},{"PaymentMethod":{"value":"X"}`)).wantStatus(t, 422).wantText(t, "'X' cannot be found")
	want(t, "none was made", len(c.twin.Payments()), 0)
	a := c.put("SalesOrder?$expand=Payments", pay("")).wantStatus(t, 200)
	want(t, "number", a.text("Payments", 0, "ReferenceNbr", "value"), "000001")
	want(t, "what the order needs", a.text("Payments", 0, "AppliedToOrder", "value"), "100.0")
	want(t, "status", a.text("Payments", 0, "Status", "value"), statusBalanced)
	want(t, "reference", c.twin.Payments()[0].PaymentRef, "pi_9")
	a = c.put("SalesOrder?$expand=Payments", `{"OrderNbr":{"value":"000001"},"Payments":[{"id":"`+a.text("Payments", 0, "id")+`","AppliedToOrder":{"value":40}}]}`).wantStatus(t, 200)
	want(t, "available", c.get("Payment/Payment/000001").text("AvailableBalance", "value"), "110.0000")
	c.put("SalesOrder", `{"OrderNbr":{"value":"000001"},"Payments":[{"id":"`+a.text("Payments", 0, "id")+`","delete":true}]}`).wantStatus(t, 200)
	want(t, "given up", c.get("Payment/Payment/000001").text("AppliedToOrders", "value"), "0.0000")
	c.put("SalesOrder", `{"OrderNbr":{"value":"000001"},"Payments":[{"DocType":{"value":"PMT"},"ReferenceNbr":{"value":"000001"},"AppliedToOrder":{"value":7}}]}`).wantStatus(t, 200)
	c.do("DELETE", root+"Payment/Payment/000001", "", nil).wantStatus(t, 204)
	want(t, "deleted with it", len(at(c.get("SalesOrder/SO/000001?$expand=Payments").body, "Payments").([]any)), 0)
}

func TestReturnIsRefundedThroughItsOrder(t *testing.T) {
	c := sales(t)
	refund := func(kind, amount string) string {
		return orderBody(kind, orderLine("LAMP", 2, "")+`],"Payments":[{"DocType":{"value":"Refund"},"PaymentMethod":{"value":"STRIPE"},
			"CashAccount":{"value":"10250ST"},"PaymentAmount":{"value":`+amount+`},"AppliedToOrder":{"value":40},"Hold":{"value":false}}`)
	}
	c.put("SalesOrder", refund("SO", "40")).wantStatus(t, 422).wantText(t, "cannot be applied to orders of the type 'SO'")
	c.put("SalesOrder?$expand=Payments", refund("RC", "50")).wantStatus(t, 422).wantText(t, "out of the balance")
	a := c.put("SalesOrder?$expand=Payments", refund("RC", "40")).wantStatus(t, 200)
	want(t, "status", a.text("Payments", 0, "Status", "value"), statusBalanced)
	ref := a.text("Payments", 0, "ReferenceNbr", "value")
	c.post("Payment/ReleasePayment", releaseBody("Refund", ref)).wantStatus(t, 500)
	c.post("SalesOrder/SalesOrderCreateReceipt", orderKey("RC", "000001", "")).wantStatus(t, 204)
	c.post("Shipment/ConfirmShipment", shipmentKey("000001")).wantStatus(t, 204)
	c.post("Shipment/PrepareInvoice", shipmentKey("000001")).wantStatus(t, 204)
	c.post("SalesInvoice/ReleaseSalesInvoice", releaseBody(typeCreditMemo, "CM000001")).wantStatus(t, 204)
	c.post("Payment/ReleasePayment", releaseBody("Refund", ref)).wantStatus(t, 204)
	want(t, "memo left", c.invoice("CM000001").Balance.String(), "60")
	want(t, "cash", c.balanceOf("10250"), "-40")
	want(t, "refund", c.get("Payment/Refund/"+ref).text("Status", "value"), statusClosed)
	balanced(t, c.twin)
}

func TestOrderActionsArePolledWhenTheyTakeLonger(t *testing.T) {
	clk := newClock()
	o := testOptions(clk)
	o.ReleaseDelay = 2 * time.Second
	c := start(t, o)
	c.items()
	c.order("SO", orderLine("LAMP", 1, ""))
	a := c.post("SalesOrder/SalesOrderCreateShipment", orderKey("SO", "000001", `,"parameters":{"ShipmentDate":{"value":"2026-05-20"}}`)).wantStatus(t, 202)
	c.do("GET", a.header.Get("Location"), "", nil).wantStatus(t, 202)
	c.get("SalesOrder/SO/000001").wantStatus(t, 500)
	clk.advance(2 * time.Second)
	c.do("GET", a.header.Get("Location"), "", nil).wantStatus(t, 204)
	want(t, "parameters were kept", c.get("Shipment/000001").text("ShipmentDate", "value"), "2026-05-20T00:00:00+00:00")
	c.post("Shipment/PrepareInvoice", shipmentKey("000001")).wantStatus(t, 500).wantText(t, "button is disabled")
}
