package mirroryear

import (
	"context"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// both is a bill with the open invoice that it stands for.
func (f *office) both(ctx context.Context) (bill, acumaticatwin.InvoiceView, error) {
	all, err := f.bills(ctx, "open")
	if err != nil {
		return bill{}, acumaticatwin.InvoiceView{}, err
	}
	open := map[string]acumaticatwin.InvoiceView{}
	for _, i := range f.documents("Open") {
		open[i.ReferenceNbr] = i
	}
	for _, b := range all {
		if i, ok := open[b.number()]; ok && b.Remaining > 10_00 {
			return b, i, nil
		}
	}
	return bill{}, acumaticatwin.InvoiceView{}, errNothing
}

// twice is a buyer who pays by card while his cheque is being posted.
func (f *office) twice(ctx context.Context) error {
	b, i, err := f.both(ctx)
	if err != nil {
		return err
	}
	if err := f.cheque(ctx, decimal.Zero, application{i, i.Balance}); err != nil {
		return err
	}
	return f.pay(ctx, b, "pm_card_visa")
}

// creditAndPay is a buyer who pays all while a part is being credited.
func (f *office) creditAndPay(ctx context.Context) error {
	b, i, err := f.both(ctx)
	if err != nil {
		return err
	}
	if err := f.credit(ctx, i, f.part(i.Balance, i.CurrencyID)); err != nil {
		return err
	}
	return f.pay(ctx, b, "pm_card_visa")
}
