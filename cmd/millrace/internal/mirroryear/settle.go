package mirroryear

import (
	"context"
	"slices"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// An application takes an amount off an invoice.
type application struct {
	invoice acumaticatwin.InvoiceView
	amount  decimal.Decimal
}

// apply saves a document that is applied to invoices, and releases it.
func (f *office) apply(ctx context.Context, body map[string]any, to ...application) error {
	body = with(body, "Hold", map[string]any{"value": false})
	var rows []any
	for _, a := range to {
		rows = append(rows, fields("DocType", a.invoice.Type, "ReferenceNbr", a.invoice.ReferenceNbr, "AmountPaid", a.amount.String()))
	}
	r, err := f.put(ctx, "Payment", with(body, "DocumentsToApply", rows))
	if err != nil {
		return err
	}
	return f.invoke(ctx, "Payment", "ReleasePayment", r.String("Type"), r.String("ReferenceNbr"))
}

// credit applies a new credit memo to an invoice.
func (f *office) credit(ctx context.Context, i acumaticatwin.InvoiceView, amount decimal.Decimal) error {
	memo := f.Ledger.AddInvoice(acumaticatwin.Invoice{
		Type: "Credit Memo", CustomerID: i.CustomerID, Date: f.dated(), Currency: i.CurrencyID,
		Lines: []acumaticatwin.InvoiceLine{{Description: "Return", Qty: decimal.NewFromInt(1), UnitPrice: amount}},
	})
	return f.apply(ctx, fields("Type", "Credit Memo", "ReferenceNbr", memo), application{i, amount})
}

func (f *office) creditPart(ctx context.Context) error {
	i, err := f.open(10)
	if err != nil {
		return err
	}
	return f.credit(ctx, i, f.part(i.Balance, i.CurrencyID))
}

func (f *office) creditAll(ctx context.Context) error {
	i, err := f.open(0)
	if err != nil {
		return err
	}
	return f.credit(ctx, i, i.Balance)
}

// reverse credits one that nothing was applied to yet: Acumatica's "Reverse" makes
// such a memo.
func (f *office) reverse(ctx context.Context) error {
	for _, i := range f.documents("Open") {
		if i.Balance.Equal(i.Amount) {
			return f.credit(ctx, i, i.Amount)
		}
	}
	return errNothing
}

// hold puts a released invoice on hold for some days.
func (f *office) hold(context.Context) error {
	for _, i := range f.documents("Open") {
		if i.Type != "Invoice" {
			continue
		}
		if err := f.Ledger.Hold(i.ReferenceNbr, true); err != nil {
			return refused{err}
		}
		f.later(1+f.dice.IntN(aftermath-1), func(context.Context) error { return f.Ledger.Hold(i.ReferenceNbr, false) })
		return nil
	}
	return errNothing
}

// cheque pays invoices of one customer, with something on top.
func (f *office) cheque(ctx context.Context, more decimal.Decimal, to ...application) error {
	sum := more
	for _, a := range to {
		sum = sum.Add(a.amount)
	}
	i := to[0].invoice
	return f.apply(ctx, fields("Type", "Payment", "CustomerID", i.CustomerID, "PaymentMethod", acumaticatwin.SeedCheckMethod, "CashAccount", f.bank(i.CurrencyID),
		"ApplicationDate", f.dated(), "PaymentAmount", sum.String(), "PaymentRef", "cheque "+f.count()), to...)
}

func (f *office) chequePart(ctx context.Context) error {
	i, err := f.open(10)
	if err != nil {
		return err
	}
	return f.cheque(ctx, decimal.Zero, application{i, f.part(i.Balance, i.CurrencyID)})
}

func (f *office) chequeAll(ctx context.Context) error {
	i, err := f.open(0)
	if err != nil {
		return err
	}
	return f.cheque(ctx, decimal.Zero, application{i, i.Balance})
}

func (f *office) chequeSeveral(ctx context.Context) error {
	var several []application
	for _, i := range f.documents("Open") {
		several = several[:0]
		for _, other := range f.documents("Open") {
			if other.CustomerID == i.CustomerID && other.CurrencyID == i.CurrencyID {
				several = append(several, application{other, other.Balance})
			}
		}
		if len(several) > 1 {
			break
		}
	}
	if len(several) < 2 {
		return errNothing
	}
	several = several[:min(len(several), 3)]
	several[0].amount = f.part(several[0].amount, several[0].invoice.CurrencyID)
	return f.cheque(ctx, decimal.Zero, several...)
}

func (f *office) chequeOver(ctx context.Context) error {
	i, err := f.open(0)
	if err != nil {
		return err
	}
	return f.cheque(ctx, decimal.NewFromInt(25), application{i, i.Balance})
}

// applyRest uses what is left of a payment: a cheque over too much, or one from
// Stripe that found its invoice closed. What is on its way back to the buyer is
// left alone: its refund would find nothing and be for a person.
func (f *office) applyRest(ctx context.Context) error {
	for _, p := range f.payments("Open") {
		if f.given[p.PaymentRef] {
			continue
		}
		for _, i := range f.documents("Open") {
			if i.CustomerID != p.CustomerID || i.CurrencyID != p.CurrencyID {
				continue
			}
			rest := p.PaymentAmount
			for _, a := range p.AppliedTo {
				rest = rest.Sub(a.Amount)
			}
			if amount := decimal.Min(rest, i.Balance); amount.IsPositive() {
				return f.apply(ctx, fields("Type", p.Type, "ReferenceNbr", p.ReferenceNbr, "ApplicationDate", f.dated()), application{i, amount})
			}
		}
	}
	return errNothing
}

// payments of a status, in an order of chance.
func (f *office) payments(statuses ...string) []acumaticatwin.PaymentView {
	all := slices.DeleteFunc(f.Ledger.Payments(), func(p acumaticatwin.PaymentView) bool {
		return p.Type != "Payment" || !slices.Contains(statuses, p.Status)
	})
	f.dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// bounce voids a cheque: what it had paid is open again.
func (f *office) bounce(ctx context.Context) error {
	for _, p := range f.payments("Open", "Closed") {
		if isCheque(p) {
			return f.void(ctx, p)
		}
	}
	return errNothing
}

// note counts at how many comparisons a payment from Stripe was there: after the
// second one polling has seen what it did.
func (f *office) note() {
	for _, p := range f.payments("Open", "Closed") {
		if !isCheque(p) {
			f.posted[p.ReferenceNbr]++
		}
	}
}

func isCheque(p acumaticatwin.PaymentView) bool {
	return len(p.PaymentRef) > 6 && p.PaymentRef[:6] == "cheque"
}

func (f *office) void(ctx context.Context, p acumaticatwin.PaymentView) error {
	if err := f.invoke(ctx, "Payment", "VoidPayment", p.Type, p.ReferenceNbr); err != nil {
		return err
	}
	return f.invoke(ctx, "Payment", "ReleasePayment", "Voided Payment", p.ReferenceNbr)
}

// voidStripes voids a payment that came from Stripe some days ago.
func (f *office) voidStripes(ctx context.Context) error {
	for _, p := range f.payments("Open", "Closed") {
		if f.posted[p.ReferenceNbr] > 1 && !f.given[p.PaymentRef] { // what was given back cannot be voided
			f.given[p.PaymentRef] = true
			return f.void(ctx, p)
		}
	}
	return errNothing
}

func (f *office) writeOff(context.Context) error {
	return f.lose(func(open decimal.Decimal) decimal.Decimal { return open })
}

func (f *office) writeOffPart(context.Context) error {
	return f.lose(func(open decimal.Decimal) decimal.Decimal { return f.part(open, "USD") })
}

// lose writes something of an open invoice off.
func (f *office) lose(of func(open decimal.Decimal) decimal.Decimal) error {
	for _, i := range f.documents("Open") {
		if i.Type != "Invoice" || i.CurrencyID != "USD" || i.Balance.LessThan(decimal.NewFromInt(10)) {
			continue
		}
		if _, err := f.Ledger.WriteOff(i.ReferenceNbr, of(i.Balance)); err != nil {
			return refused{err}
		}
		return nil
	}
	return errNothing
}
