package acumaticatwin

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// totalInvoice computes lines, discount, tax and totals of an invoice, a memo
// or a cash sale in the document's currency.
func (x *tx) totalInvoice(c, old, r *record, bad *problems) {
	for _, l := range r.Many["Details"] {
		l.setDefault("Branch", r.get("LinkBranch"))
		l.setDefault("Account", accountSales)
		if a := x.byKey(entityAccount, l.get("Account")); a == nil || !a.yes("Active") {
			bad.add(l, "Account", "'Account' cannot be found in the system.")
		}
	}
	x.total(c, old, r, bad)
	r.set("Balance", r.get("Amount"))
	r.setBool("IsTaxValid", true)
	r.set("PostPeriod", r.day("Date").Format(periodLayout))
	r.set("Document.DocDesc", r.get("Description"))
	r.setBool("Document.Released", false)
}

// total computes what all documents with lines have in common. Freight is not
// taxed here.
func (x *tx) total(c, old, r *record, bad *problems) {
	currency := r.get(curyID)
	net, taxable := decimal.Zero, decimal.Zero
	numberLines(r.Many["Details"])
	for _, l := range r.Many["Details"] {
		x.amountOf(l, currency)
		net = net.Add(l.dec("Amount"))
		if l.get("TaxCategory") == SeedTaxCategory {
			taxable = taxable.Add(l.dec("Amount"))
		}
	}
	r.setDec("DetailTotal", net)
	discount := x.documentDiscount(old, r, net, bad)
	if !net.IsZero() {
		taxable = x.round(taxable.Mul(net.Sub(discount)).Div(net), currency)
	}
	tax := x.taxOf(c, r, taxable)
	r.setDec("TaxTotal", tax)
	r.setDec("Amount", net.Sub(discount).Add(r.dec("FreightPrice")).Add(tax))
}

// numberLines numbers new lines. A number stays with its line and is not used
// again while a higher one exists.
func numberLines(lines []*record) {
	last := decimal.Zero
	for _, l := range lines {
		last = decimal.Max(last, l.dec("LineNbr"))
	}
	for _, l := range lines {
		if l.get("LineNbr") == "" {
			last = last.Add(decimal.NewFromInt(1))
			l.set("LineNbr", fmt.Sprint(last))
		}
	}
}

// amountOf computes the amount of a line: by quantity and price, else by the
// extended price, else as sent; less its discount.
func (x *tx) amountOf(l *record, currency string) {
	l.setDefault("Qty", "0")
	l.setDefault("DiscountAmount", "0")
	l.touch(x.now)
	if _, priced := l.Fields["UnitPrice"]; priced {
		l.setDec("ExtendedPrice", x.round(l.dec("Qty").Mul(l.dec("UnitPrice")), currency))
	}
	if _, extended := l.Fields["ExtendedPrice"]; extended {
		l.setDec("Amount", x.round(l.dec("ExtendedPrice").Sub(l.dec("DiscountAmount")), currency))
	}
	l.setDec("Amount", x.round(l.dec("Amount"), currency))
}

// taxOf computes the one tax of the customer's zone.
func (x *tx) taxOf(c, r *record, taxable decimal.Decimal) decimal.Decimal {
	zone, taxed := x.st.Setup.Zones[c.get("TaxZone")]
	if !taxed || taxable.IsZero() {
		delete(r.Many, "TaxDetails")
		return decimal.Zero
	}
	rate, _ := parseDecimal(zone.Rate)
	tax := x.round(taxable.Mul(rate).Shift(-2), r.get(curyID))
	if len(r.Many["TaxDetails"]) == 0 {
		r.Many["TaxDetails"] = []*record{newRecord(x.newID())}
	}
	d := r.Many["TaxDetails"][0]
	d.set("TaxID", zone.TaxID)
	d.setDec("TaxRate", rate)
	d.setDec("TaxableAmount", taxable)
	d.setDec("TaxAmount", tax)
	return tax
}

// documentDiscount sums the discounts on the whole document. Only manual ones
// are known here: a code would need discount tables, which are not modelled.
func (x *tx) documentDiscount(old, r *record, net decimal.Decimal, bad *problems) decimal.Decimal {
	sum := decimal.Zero
	for _, d := range r.Many[partDiscounts] {
		if code := d.get("DiscountCode"); code != "" {
			bad.add(d, "DiscountCode", "Discount Code '%s' cannot be found in the system.", code)
			continue
		}
		d.set("Type", "External Document")
		d.setBool("ManualDiscount", true)
		x.percentAndAmount(lineWas(old, partDiscounts, d), d, "DiscountableAmount", net, r.get(curyID))
		notNegative(d, "DiscountAmount", bad)
		if !d.yes("SkipDiscount") {
			sum = sum.Add(d.dec("DiscountAmount"))
		}
	}
	if sum.GreaterThan(decimal.Max(net, decimal.Zero)) {
		bad.add(r, "DiscountTotal", "The discount total cannot exceed the total of the lines.")
	}
	r.setDec("DiscountTotal", sum)
	return sum
}

// percentAndAmount keeps the percentage and the amount of a discount in step.
// The amount counts when it alone changed since was; else the percentage does,
// also after base changed.
func (x *tx) percentAndAmount(was, d *record, baseName string, base decimal.Decimal, currency string) {
	hundred := decimal.NewFromInt(100)
	samePercent := d.dec("DiscountPercent").Equal(was.dec("DiscountPercent"))
	sameAmount := d.dec("DiscountAmount").Equal(was.dec("DiscountAmount"))
	switch {
	case samePercent && !sameAmount:
		d.setDec("DiscountAmount", x.round(d.dec("DiscountAmount"), currency))
		d.set("DiscountPercent", "0")
		if !base.IsZero() {
			d.setDec("DiscountPercent", d.dec("DiscountAmount").Mul(hundred).DivRound(base, 6))
		}
	case !samePercent || !base.Equal(was.dec(baseName)):
		d.setDec("DiscountAmount", x.round(base.Mul(d.dec("DiscountPercent")).Div(hundred), currency))
	}
	d.setDec(baseName, base)
	d.setDefault("DiscountAmount", "0")
	d.setDefault("DiscountPercent", "0")
}

// lineWas is a line before the change, or an empty one.
func lineWas(old *record, partName string, l *record) *record {
	if old != nil {
		for _, o := range old.Many[partName] {
			if o.ID == l.ID {
				return o
			}
		}
	}
	return newRecord("")
}

// revenue is the other side of a document with lines: each line on its
// account, freight, discount and tax. sign -1 turns it around.
func revenue(r *record, sign decimal.Decimal) []leg {
	var accounts []string
	sums := map[string]decimal.Decimal{}
	for _, l := range r.Many["Details"] {
		account := l.get("Account")
		if _, ok := sums[account]; !ok {
			accounts = append(accounts, account)
		}
		sums[account] = sums[account].Add(l.dec("Amount"))
	}
	var legs []leg
	for _, account := range accounts {
		legs = append(legs, credit(account, sums[account].Mul(sign)))
	}
	return append(legs, credit(accountFreight, r.dec("FreightPrice").Mul(sign)),
		debit(accountDiscount, r.dec("DiscountTotal").Mul(sign)), credit(accountTax, r.dec("TaxTotal").Mul(sign)))
}

// notNegative refuses an amount or quantity below zero.
func notNegative(r *record, name string, bad *problems) {
	if r.dec(name).IsNegative() {
		bad.add(r, name, "Incorrect value. The value to be entered must be greater than or equal to 0.")
	}
}

// atMost refuses an amount above what there is.
func atMost(r *record, name string, most decimal.Decimal, bad *problems) {
	if r.dec(name).GreaterThan(most) {
		bad.add(r, name, "Incorrect value. The value to be entered must be less than or equal to %s.", most.StringFixed(2))
	}
}
