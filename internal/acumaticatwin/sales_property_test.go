package acumaticatwin

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// salesSteps are random steps from orders to released invoices, with payments
// that are reserved for orders or applied on the invoice's form.
func salesSteps(twin *Twin, cookie string) map[string]func(*rapid.T) {
	put := func(entityName, body string) { twin.call("PUT", root+entityName, body, cookie) }
	post := func(action, body string) { twin.call("POST", root+action, body, cookie) }
	put("StockItem", `{"InventoryID":{"value":"LAMP"},"DefaultPrice":{"value":49.99}}`)
	put("NonStockItem", `{"InventoryID":{"value":"SETUP"},"DefaultPrice":{"value":90},"TaxCategory":{"value":"TAXABLE"}}`)
	item := rapid.SampledFrom([]string{"LAMP", "SETUP"})
	kind := rapid.SampledFrom([]string{"SO", "SO", "IN", "RC", "CM"})
	nbr := rapid.Custom(func(r *rapid.T) string { return fmt.Sprintf("%06d", rapid.IntRange(1, 4).Draw(r, "number")) })
	order := rapid.Custom(func(r *rapid.T) string { return orderKey(kind.Draw(r, "type"), nbr.Draw(r, "order"), "") })
	sale := rapid.Custom(func(r *rapid.T) string {
		if rapid.Bool().Draw(r, "memo") {
			return releaseBody(typeCreditMemo, fmt.Sprintf("CM%06d", rapid.IntRange(1, 4).Draw(r, "memo number")))
		}
		return releaseBody(typeInvoice, fmt.Sprintf("AR%06d", rapid.IntRange(7, 14).Draw(r, "invoice number")))
	})
	payer := rapid.SampledFrom([]string{typePayment, typePrepayment})
	return map[string]func(*rapid.T){
		"order": func(r *rapid.T) {
			line := orderLine(item.Draw(r, "item"), rapid.IntRange(0, 3).Draw(r, "qty"),
				`,"DiscountPercent":{"value":`+rapid.SampledFrom([]string{"0", "12.5", "100"}).Draw(r, "percent")+`},"ShippingRule":{"value":"Back Order Allowed"}`)
			body := orderBody(kind.Draw(r, "type"), line+","+orderLine(item.Draw(r, "second"), 1, "")+
				`],"DiscountDetails":[{"DiscountAmount":{"value":`+rapid.SampledFrom([]string{"0", "3.33"}).Draw(r, "discount")+`}}`)
			if rapid.Bool().Draw(r, "paid") {
				body = strings.TrimSuffix(body, "}") + `,"Payments":[{"DocType":{"value":"` + rapid.SampledFrom([]string{"Prepayment", "Refund"}).Draw(r, "by") +
					`"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},"PaymentAmount":{"value":` +
					rapid.SampledFrom([]string{"20", "60"}).Draw(r, "payment") + `},"AppliedToOrder":{"value":20}}]}`
			}
			put("SalesOrder", body)
		},
		"edit": func(r *rapid.T) {
			put("SalesOrder", fmt.Sprintf(`{"OrderType":{"value":%q},"OrderNbr":{"value":%q},"Hold":{"value":%t},
				"Details":[{"LineNbr":{"value":1},"OrderQty":{"value":%d}},{"LineNbr":{"value":2},"delete":%t}]}`, kind.Draw(r, "type"), nbr.Draw(r, "order"),
				rapid.Bool().Draw(r, "hold"), rapid.IntRange(0, 4).Draw(r, "qty"), rapid.Bool().Draw(r, "delete")))
			twin.call("DELETE", root+"SalesOrder/"+kind.Draw(r, "removed type")+"/"+nbr.Draw(r, "removed"), "", cookie)
		},
		"ship":     func(r *rapid.T) { post("SalesOrder/SalesOrderCreateShipment", order.Draw(r, "order")) },
		"receive":  func(r *rapid.T) { post("SalesOrder/SalesOrderCreateReceipt", order.Draw(r, "order")) },
		"reopen":   func(r *rapid.T) { post("SalesOrder/ReopenSalesOrder", order.Draw(r, "order")) },
		"cancel":   func(r *rapid.T) { post("SalesOrder/CancelSalesOrder", order.Draw(r, "order")) },
		"bill":     func(r *rapid.T) { post("SalesOrder/PrepareSalesInvoice", order.Draw(r, "order")) },
		"confirm":  func(r *rapid.T) { post("Shipment/ConfirmShipment", shipmentKey(nbr.Draw(r, "shipment"))) },
		"correct":  func(r *rapid.T) { post("Shipment/CorrectShipment", shipmentKey(nbr.Draw(r, "shipment"))) },
		"bill one": func(r *rapid.T) { post("Shipment/PrepareInvoice", shipmentKey(nbr.Draw(r, "shipment"))) },
		"ship less": func(r *rapid.T) {
			put("Shipment", fmt.Sprintf(`{"ShipmentNbr":{"value":%q},"Details":[{"LineNbr":{"value":1},"ShippedQty":{"value":%d}}]}`,
				nbr.Draw(r, "shipment"), rapid.IntRange(0, 3).Draw(r, "qty")))
		},
		"sell": func(r *rapid.T) {
			put("SalesInvoice", strings.TrimSuffix(strings.ReplaceAll(directInvoice, "cable", "SETUP"), "}")+fmt.Sprintf(
				`,"ApplicationsInvoice":[{"DocType":{"value":%q},"AdjustingDocReferenceNbr":{"value":%q}}]}`, payer.Draw(r, "payer"), nbr.Draw(r, "payment")))
		},
		"release sale": func(r *rapid.T) { post("SalesInvoice/ReleaseSalesInvoice", sale.Draw(r, "sale")) },
		"drop": func(r *rapid.T) {
			twin.call("DELETE", root+fmt.Sprintf("SalesInvoice/Invoice/AR%06d", rapid.IntRange(7, 14).Draw(r, "invoice")), "", cookie)
			twin.call("DELETE", root+"Shipment/"+nbr.Draw(r, "shipment"), "", cookie)
		},
		"reserve": func(r *rapid.T) {
			put("Payment", fmt.Sprintf(`{"Type":{"value":%q},"ReferenceNbr":{"value":%q},"OrdersToApply":[{"OrderType":{"value":%q},"OrderNbr":{"value":%q},
				"AppliedToOrder":{"value":%d}}]}`, payer.Draw(r, "payer"), nbr.Draw(r, "payment"), kind.Draw(r, "type"), nbr.Draw(r, "order"),
				rapid.IntRange(-1, 60).Draw(r, "amount")))
		},
	}
}

// checkOrders holds what orders, shipments and payments know of each other.
func checkOrders(r failer, twin *Twin) {
	twin.mu.Lock()
	defer twin.mu.Unlock()
	x := twin.begin()
	kept := map[string]decimal.Decimal{} // for orders, as the payments say
	for _, p := range x.all(entityPayment) {
		for _, l := range p.Many[partOrders] {
			key := foldKey([]string{l.get("OrderType"), l.get("OrderNbr"), p.get("Type"), p.get("ReferenceNbr")})
			kept[key] = kept[key].Add(l.dec("AppliedToOrder"))
		}
		if !isVoid(p) && left(p).LessThan(forOrders(p)) && released(p) {
			r.Fatalf("payment %s %s: %s left, %s kept for orders", p.get("Type"), p.get("ReferenceNbr"), left(p), forOrders(p))
		}
	}
	shipped := map[string]decimal.Decimal{}
	for _, s := range x.all(entityShipment) {
		for _, l := range s.Many["Details"] {
			key := foldKey([]string{l.get("OrderType"), l.get("OrderNbr"), l.get("OrderLineNbr")})
			shipped[key] = shipped[key].Add(l.dec("Qty"))
		}
	}
	for _, o := range x.all(entitySalesOrder) {
		for _, row := range o.Many[partOrderPayments] {
			key := foldKey([]string{o.get("OrderType"), o.get("OrderNbr"), row.get("DocType"), row.get("ReferenceNbr")})
			if !kept[key].Equal(row.dec("AppliedToOrder")) || row.dec("TransferredtoInvoice").IsNegative() {
				r.Fatalf("order %s: payment %s gives %s, order has %s", o.get("OrderNbr"), row.get("ReferenceNbr"), kept[key], row.dec("AppliedToOrder"))
			}
			delete(kept, key)
		}
		if reserved(o).GreaterThan(o.dec("Amount")) {
			r.Fatalf("order %s: payments of %s for %s", o.get("OrderNbr"), reserved(o), o.dec("Amount"))
		}
		for _, l := range o.Many["Details"] {
			on := shipped[foldKey([]string{o.get("OrderType"), o.get("OrderNbr"), l.get("LineNbr")})]
			if !on.Equal(l.dec("QtyOnShipments")) || l.dec(confirmedQty).GreaterThan(on) || on.GreaterThan(l.dec("Qty")) ||
				l.dec(billedQty).GreaterThan(l.dec("Qty")) || l.dec(billedQty).IsNegative() {
				r.Fatalf("order %s line %s: %s ordered, %s on shipments of %s, %s confirmed, %s billed", o.get("OrderNbr"), l.get("LineNbr"),
					l.dec("Qty"), l.dec("QtyOnShipments"), on, l.dec(confirmedQty), l.dec(billedQty))
			}
		}
	}
	for key, d := range kept {
		if !d.IsZero() {
			r.Fatalf("payment keeps %s for an order that does not know it: %q", d, key)
		}
	}
}
