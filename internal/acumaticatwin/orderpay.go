package acumaticatwin

import (
	"slices"

	"github.com/shopspring/decimal"
)

// partOrders are the orders that a payment is reserved for. The order has the
// other end of each row among its Payments.
const partOrders = "OrdersToApply"

func orderPaymentShape(b *builder) shape {
	s := b.shape(`ApplicationDate:A AppliedToOrder:D4 Authorize:B Balance:D4! CardAccountNbr:S Capture:B CashAccount:S Currency:S! Description:S256
		DocType:S Hold:B LastModifiedDateTime:T! OrigTransactionNbr:S50 PaymentAmount:D4 PaymentMethod:S10 PaymentRef:S40 ProcessingCenterID:S10
		ReferenceNbr:S15 Refund:B SaveCard:B Status:S! TransferredtoInvoice:D4! ValidateCCRefundOrigTransaction:B ExternalRef:S~ NoteID:G!`,
		part{name: "CreditCardTransactionInfo", many: true, unmodelled: true, shape: b.shape(`AuthNbr:S ExtProfileId:S NeedValidation:B TranDate:T
			TranNbr:S TranType:S CardType:S`)})
	s.alias("DocType", b.docCodes())
	return s
}

// orderPayments are the payments of an order as they stand now.
func orderPayments(x *tx, r *record) []*record {
	var rows []*record
	for _, l := range r.Many[partOrderPayments] {
		row := l.clone()
		if p := x.byKey(entityPayment, l.get("DocType"), l.get("ReferenceNbr")); p != nil {
			for to, from := range map[string]string{
				"ApplicationDate": "ApplicationDate", "Balance": "AvailableBalance", "CashAccount": "CashAccount", "Currency": "CurrencyID",
				"Description": "Description", "Hold": "Hold", "LastModifiedDateTime": "LastModifiedDateTime", "PaymentAmount": "PaymentAmount",
				"PaymentMethod": "PaymentMethod", "PaymentRef": "PaymentRef", "Status": "Status",
			} {
				delete(row.Fields, to)
				row.setDefault(to, p.get(from))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// reserved is what payments give to an order, in its invoices or still to come.
func reserved(o *record) decimal.Decimal {
	sum := decimal.Zero
	for _, l := range o.Many[partOrderPayments] {
		sum = sum.Add(l.dec("AppliedToOrder")).Add(l.dec("TransferredtoInvoice"))
	}
	return sum
}

// forOrders is what a payment keeps for orders.
func forOrders(p *record) decimal.Decimal {
	sum := decimal.Zero
	for _, l := range p.Many[partOrders] {
		sum = sum.Add(l.dec("AppliedToOrder"))
	}
	return sum
}

// reservable says why p cannot be reserved for o, or "".
func reservable(p, o *record) string {
	if o == nil {
		return "'Order Nbr.' cannot be found in the system."
	}
	kind, _ := orderTypeOf(o.get("OrderType"))
	open := !slices.Contains([]string{statusCompleted, statusCanceled, statusInvoiced}, o.get("Status"))
	if !open || !pays(p.get("Type"), kind.invoice) || fold(o.get("Customer")) != fold(p.get("CustomerID")) || o.get(curyID) != p.get("CurrencyID") {
		return "'Order Nbr.' cannot be found in the system."
	}
	return ""
}

// pays reports whether a payment of a type settles a document of another:
// refunds give back what a credit memo owes the customer.
func pays(payment, doc string) bool {
	if doc == typeCreditMemo {
		return refundKind(payment)
	}
	return payment == typePayment || payment == typePrepayment
}

// orderLinesOf checks the orders of a payment and completes the amounts:
// without one a line takes what order and payment have left.
func (x *tx) orderLinesOf(old, r *record, bad *problems) {
	rest := left(r).Sub(applied(r.Many[partApply]))
	for _, l := range r.Many[partOrders] {
		l.setDefault("OrderType", "SO")
		was := lineWas(old, partOrders, l)
		o := x.byKey(entitySalesOrder, l.get("OrderType"), l.get("OrderNbr"))
		if same := was.get("OrderNbr") == l.get("OrderNbr") && was.get("AppliedToOrder") == l.get("AppliedToOrder"); same && o != nil {
			rest = rest.Sub(l.dec("AppliedToOrder"))
			continue // its order may be complete by now
		}
		if text := reservable(r, o); text != "" {
			bad.add(l, "OrderNbr", "%s", text)
			continue
		}
		if o.get("Date") > r.get("ApplicationDate") {
			bad.add(l, "OrderNbr", "%s", dateTooEarly)
		}
		l.set("OrderNbr", o.get("OrderNbr"))
		open := decimal.Max(decimal.Zero, o.dec("Amount").Sub(reserved(o)).Add(was.dec("AppliedToOrder")))
		l.setDefault("AppliedToOrder", decimal.Max(decimal.Zero, decimal.Min(rest, open)).String())
		l.setDec("AppliedToOrder", x.round(l.dec("AppliedToOrder"), r.get("CurrencyID")))
		notNegative(l, "AppliedToOrder", bad)
		atMost(l, "AppliedToOrder", open, bad)
		rest = rest.Sub(l.dec("AppliedToOrder"))
	}
}

// mirrorOrders writes a payment's reservations into the orders, and takes
// those out that the payment gave up.
func (x *tx) mirrorOrders(old, r *record) {
	for _, l := range r.Many[partOrders] {
		if o := x.byKey(entitySalesOrder, l.get("OrderType"), l.get("OrderNbr")); o != nil {
			x.reserve(r, x.edit(entitySalesOrder, o), l.dec("AppliedToOrder"))
		}
	}
	if old == nil {
		return
	}
	for _, l := range old.Many[partOrders] {
		if o := x.byKey(entitySalesOrder, l.get("OrderType"), l.get("OrderNbr")); o != nil && orderLineOf(r, o) == nil {
			x.reserve(r, x.edit(entitySalesOrder, o), decimal.Zero)
		}
	}
}

func orderLineOf(p, o *record) *record {
	for _, l := range p.Many[partOrders] {
		if l.get("OrderType") == o.get("OrderType") && l.get("OrderNbr") == o.get("OrderNbr") {
			return l
		}
	}
	return nil
}

func paymentRowOf(o, p *record) *record {
	for _, l := range o.Many[partOrderPayments] {
		if l.get("DocType") == p.get("Type") && l.get("ReferenceNbr") == p.get("ReferenceNbr") {
			return l
		}
	}
	return nil
}

// reserve sets what payment p gives to order o at both ends; both belong to
// the transaction.
func (x *tx) reserve(p, o *record, amount decimal.Decimal) {
	row, line := paymentRowOf(o, p), orderLineOf(p, o)
	if row != nil && line != nil && row.dec("AppliedToOrder").Equal(amount) && line.dec("AppliedToOrder").Equal(amount) {
		return
	}
	if row == nil {
		row = x.line("DocType", p.get("Type"), "ReferenceNbr", p.get("ReferenceNbr"), "TransferredtoInvoice", "0")
		o.Many[partOrderPayments] = append(o.Many[partOrderPayments], row)
	}
	row.setDec("AppliedToOrder", amount)
	row.setDefault("TransferredtoInvoice", "0")
	if amount.IsZero() && row.dec("TransferredtoInvoice").IsZero() {
		o.Many[partOrderPayments] = slices.DeleteFunc(slices.Clone(o.Many[partOrderPayments]), func(l *record) bool { return l == row })
	}
	if line == nil && !amount.IsZero() {
		line = x.line("OrderType", o.get("OrderType"), "OrderNbr", o.get("OrderNbr"))
		p.Many[partOrders] = append(p.Many[partOrders], line)
	}
	if line != nil {
		line.setDec("AppliedToOrder", amount)
	}
	rebalance(p)
	x.sumOrder(o)
	o.touch(x.now)
	p.touch(x.now)
}

// unreserve gives a payment up that an order has.
func (x *tx) unreserve(o, row *record) {
	p := x.byKey(entityPayment, row.get("DocType"), row.get("ReferenceNbr"))
	if p == nil {
		return
	}
	p = x.edit(entityPayment, p)
	p.Many[partOrders] = slices.DeleteFunc(slices.Clone(p.Many[partOrders]), func(l *record) bool {
		return l.get("OrderType") == o.get("OrderType") && l.get("OrderNbr") == o.get("OrderNbr")
	})
	rebalance(p)
	p.touch(x.now)
}

// giveUpOrders takes a payment that goes away out of its orders.
func (x *tx) giveUpOrders(p *record) {
	for _, l := range p.Many[partOrders] {
		o := x.byKey(entitySalesOrder, l.get("OrderType"), l.get("OrderNbr"))
		if o == nil {
			continue
		}
		o = x.edit(entitySalesOrder, o)
		row := paymentRowOf(o, p)
		o.Many[partOrderPayments] = slices.DeleteFunc(slices.Clone(o.Many[partOrderPayments]), func(r *record) bool {
			return r == row && r.dec("TransferredtoInvoice").IsZero()
		})
		if row != nil {
			row.set("AppliedToOrder", "0")
		}
		x.sumOrder(o)
		o.touch(x.now)
	}
	delete(p.Many, partOrders)
}

// savePaymentsOf applies what a client sent as the payments of an order: a row
// without a number makes a payment, one with a number changes its share.
func (x *tx) savePaymentsOf(old, r *record, bad *problems) {
	rows := r.Many[partOrderPayments]
	r.Many[partOrderPayments] = nil
	for _, l := range rows { // those that stay as they are first: they count against the total
		if was := lineWas(old, partOrderPayments, l); was.ID != "" && was.get("AppliedToOrder") == l.get("AppliedToOrder") {
			r.Many[partOrderPayments] = append(r.Many[partOrderPayments], was.clone())
		}
	}
	for _, l := range rows {
		if was := lineWas(old, partOrderPayments, l); was.ID != "" && was.get("AppliedToOrder") == l.get("AppliedToOrder") {
			continue
		}
		x.savePaymentOf(r, l, lineWas(old, partOrderPayments, l), bad)
		if !bad.empty() {
			r.Many[partOrderPayments] = rows
			return
		}
	}
	if old == nil {
		return
	}
	for _, was := range old.Many[partOrderPayments] {
		switch gone := lineWas(r, partOrderPayments, was).ID == ""; {
		case gone && !was.dec("TransferredtoInvoice").IsZero():
			bad.add(r, "", "The payment was transferred to an invoice and cannot be removed.")
		case gone:
			x.unreserve(r, was)
		}
	}
}

func (x *tx) savePaymentOf(r, l, was *record, bad *problems) {
	l.setDefault("DocType", typePayment)
	if kind, _ := orderTypeOf(r.get("OrderType")); !pays(l.get("DocType"), kind.invoice) {
		bad.add(l, "DocType", "Documents of the type '%s' cannot be applied to orders of the type '%s'.", l.get("DocType"), r.get("OrderType"))
		return
	}
	p := x.byKey(entityPayment, l.get("DocType"), l.get("ReferenceNbr"))
	if p == nil && l.get("ReferenceNbr") == "" {
		p = x.paymentFor(r, l, bad)
	}
	if !bad.empty() {
		return
	}
	if p == nil || reservable(p, r) != "" || (p.get("Status") != statusOpen && p.get("Status") != statusBalanced && p.get("Status") != statusHold) {
		bad.add(l, "ReferenceNbr", "Reference Nbr. '%s' cannot be found in the system.", l.get("ReferenceNbr"))
		return
	}
	p = x.edit(entityPayment, p)
	open := decimal.Min(p.dec("AvailableBalance").Add(was.dec("AppliedToOrder")), r.dec("Amount").Sub(reserved(r)).Sub(was.dec("TransferredtoInvoice")))
	l.setDefault("AppliedToOrder", decimal.Max(open, decimal.Zero).String())
	amount := x.round(l.dec("AppliedToOrder"), r.get(curyID))
	l.setDec("AppliedToOrder", amount)
	notNegative(l, "AppliedToOrder", bad)
	atMost(l, "AppliedToOrder", open, bad)
	if !bad.empty() {
		return
	}
	row := x.line("DocType", p.get("Type"), "ReferenceNbr", p.get("ReferenceNbr"), "TransferredtoInvoice", was.get("TransferredtoInvoice"))
	row.ID = l.ID
	r.Many[partOrderPayments] = append(r.Many[partOrderPayments], row)
	x.reserve(p, r, amount)
	if isRefund(p) && l.get("Hold") == "false" {
		p.setBool("Hold", false)
		p.set("Status", statusBalanced)
		if unbalanced(p) {
			bad.add(l, "PaymentAmount", "The document is out of the balance.")
		}
	}
}

// paymentFor makes the payment that a row of an order describes. A refund is
// on hold until it is applied in full.
func (x *tx) paymentFor(r, l *record, bad *problems) *record {
	l.setDefault("Hold", "false")
	hold := l.get("Hold")
	if refundKind(l.get("DocType")) {
		hold = "true"
	}
	p, wrong := x.upsert(x.cat[entityPayment], nil, newPatch("Type", l.get("DocType"), "CustomerID", r.get("Customer"), "Hold", hold,
		"PaymentMethod", l.get("PaymentMethod"), "CashAccount", l.get("CashAccount"), "CurrencyID", r.get(curyID),
		"PaymentAmount", l.get("PaymentAmount"), "PaymentRef", l.get("PaymentRef"), "ApplicationDate", l.get("ApplicationDate"),
		"Description", l.get("Description")))
	if !wrong.empty() {
		bad.add(l, "", "%s", wrong.err())
		return nil
	}
	return p
}
