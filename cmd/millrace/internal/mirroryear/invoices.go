package mirroryear

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
)

// dated is a day of the year as Acumatica writes it.
func (f *office) dated() string {
	return f.Start.Add(time.Duration(f.today) * day).Format(time.DateOnly)
}

// lines of an invoice; now and then one is taxed, and one is a discount.
func (f *office) lines() []any {
	var all []any
	for range 1 + f.dice.IntN(3) {
		l := fields("TransactionDescription", "Services", "Qty", decimal.NewFromInt(1+f.dice.Int64N(4)).String(),
			"UnitPrice", decimal.New(20_00+f.dice.Int64N(300_00), -2).String())
		if f.dice.IntN(3) == 0 {
			l["TaxCategory"] = acumatica.Value(acumaticatwin.SeedTaxCategory)
		}
		all = append(all, l)
	}
	if f.dice.IntN(4) == 0 {
		all = append(all, fields("TransactionDescription", "Discount", "Qty", "1", "UnitPrice", "-5"))
	}
	return all
}

func (f *office) save(ctx context.Context, kind, hold string) (number string, err error) {
	c, err := f.customer(ctx)
	if err != nil {
		return "", err
	}
	body := fields("Type", kind, "Customer", c.String("CustomerID"), "Date", f.dated(), "Hold", hold, "Description", "Services of "+f.dated(), "CustomerOrder", "PO-"+f.count())
	r, err := f.put(ctx, "Invoice", with(body, "Details", f.lines()))
	return r.String("ReferenceNbr"), err
}

func (f *office) invoice(ctx context.Context) error {
	number, err := f.save(ctx, "Invoice", "false")
	if err != nil {
		return err
	}
	return f.invoke(ctx, "Invoice", "ReleaseInvoice", "Invoice", number)
}

func (f *office) debitMemo(ctx context.Context) error {
	number, err := f.save(ctx, "Debit Memo", "false")
	if err != nil {
		return err
	}
	return f.invoke(ctx, "Invoice", "ReleaseInvoice", "Debit Memo", number)
}

func (f *office) draft(ctx context.Context) error {
	_, err := f.save(ctx, "Invoice", "true")
	return err
}

// held is an invoice on hold that can be seen on the form of invoices.
func (f *office) held(ctx context.Context) (acumaticatwin.InvoiceView, error) {
	all := f.documents("On Hold")
	if len(all) == 0 {
		return acumaticatwin.InvoiceView{}, errNothing
	}
	return all[0], ctx.Err()
}

func (f *office) correct(ctx context.Context) error {
	i, err := f.held(ctx)
	if err != nil {
		return err
	}
	body := fields("Type", "Invoice", "ReferenceNbr", i.ReferenceNbr, "Description", "corrected", "CustomerOrder", "PO-"+f.count(),
		"DueDate", f.Start.Add(time.Duration(f.today+14)*day).Format(time.DateOnly))
	_, err = f.put(ctx, "Invoice", with(body, "Details", f.lines()))
	return err
}

func (f *office) release(ctx context.Context) error {
	i, err := f.held(ctx)
	if err != nil {
		return err
	}
	if _, err := f.put(ctx, "Invoice", fields("Type", "Invoice", "ReferenceNbr", i.ReferenceNbr, "Hold", "false")); err != nil {
		return err
	}
	return f.invoke(ctx, "Invoice", "ReleaseInvoice", "Invoice", i.ReferenceNbr)
}

func (f *office) discard(ctx context.Context) error {
	i, err := f.held(ctx)
	if err != nil {
		return err
	}
	return refusal(f.ERP.Delete(ctx, "Invoice", "Invoice", i.ReferenceNbr))
}

// lamp is the item that is sold.
const lamp = "LAMP"

func (f *office) sale(ctx context.Context) error {
	if _, err := f.put(ctx, "StockItem", fields("InventoryID", lamp, "Description", "Lamp", "DefaultPrice", "50", "TaxCategory", acumaticatwin.SeedTaxCategory)); err != nil {
		return err
	}
	c, err := f.customer(ctx)
	if err != nil {
		return err
	}
	body := fields("CustomerID", c.String("CustomerID"), "Date", f.dated(), "Hold", "false", "FreightPrice", "12.5", "CustomerOrder", "PO-"+f.count())
	body["Details"] = []any{fields("InventoryID", lamp, "Qty", decimal.NewFromInt(1+f.dice.Int64N(5)).String(), "DiscountPercent", "10")}
	body["DiscountDetails"] = []any{fields("ExternalDiscountCode", "WELCOME", "DiscountAmount", "5.6")}
	r, err := f.put(ctx, "SalesInvoice", body)
	if err != nil {
		return err
	}
	return f.invoke(ctx, "SalesInvoice", "ReleaseSalesInvoice", "Invoice", r.String("ReferenceNbr"))
}
