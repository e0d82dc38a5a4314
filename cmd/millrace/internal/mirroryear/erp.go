package mirroryear

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/fault"
)

// refused is what a system says when somebody was faster, such as the buyer who
// paid what was to be credited.
type refused struct{ error }

// refusal takes what Acumatica refuses for one.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	switch fault.KindOf(err) { //nolint:exhaustive // everything else is a problem
	case fault.Rejected, fault.Invalid:
		return refused{err}
	}
	return err
}

// fields makes a body of names and values; empty ones are left out.
func fields(pairs ...string) map[string]any {
	body := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			body[pairs[i]] = acumatica.Value(pairs[i+1])
		}
	}
	return body
}

func with(body map[string]any, name string, v any) map[string]any {
	body[name] = v
	return body
}

func (f *office) put(ctx context.Context, entity string, body map[string]any) (acumatica.Record, error) {
	r, err := f.ERP.Put(ctx, entity, body, acumatica.Query{})
	return r, refusal(err)
}

func (f *office) invoke(ctx context.Context, entity, action, kind, number string) error {
	return refusal(f.ERP.Invoke(ctx, entity, action, fields("Type", kind, "ReferenceNbr", number)))
}

// money is an amount in a currency, rounded as it must be.
func money(d decimal.Decimal, currency string) decimal.Decimal {
	if currency == "JPY" {
		return d.Round(0)
	}
	return d.Round(2)
}

// part is some of an amount, but neither nothing nor all.
func (f *office) part(of decimal.Decimal, currency string) decimal.Decimal {
	return money(of.Mul(decimal.New(10+f.dice.Int64N(70), -2)), currency)
}

// Receivables are the types of what buyers pay.
func Receivables() []string { return []string{"Invoice", "Debit Memo"} }

// documents are the receivables that have one of the statuses, and of which
// something is open unless they are drafts; in an order of chance.
func (f *office) documents(statuses ...string) []acumaticatwin.InvoiceView {
	all := slices.DeleteFunc(f.Ledger.Invoices(), func(i acumaticatwin.InvoiceView) bool {
		return !slices.Contains(Receivables(), i.Type) || !slices.Contains(statuses, i.Status) || f.bank(i.CurrencyID) == ""
	})
	f.dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// open is one invoice of which at least so much is open; errNothing when there
// is none.
func (f *office) open(least int64) (acumaticatwin.InvoiceView, error) {
	for _, i := range f.documents("Open") {
		if i.Balance.GreaterThanOrEqual(decimal.NewFromInt(least)) {
			return i, nil
		}
	}
	return acumaticatwin.InvoiceView{}, errNothing
}

// bank is the account that cheques in a currency go to.
func (f *office) bank(currency string) string {
	return map[string]string{
		"USD": acumaticatwin.SeedBankCashAccount, "EUR": acumaticatwin.SeedBankCashAccountEUR, "GBP": acumaticatwin.SeedBankCashAccountGBP,
	}[currency]
}

// count is the next number of what has one.
func (f *office) count() string {
	f.drawn++
	return strconv.Itoa(f.drawn)
}

func (f *office) newCustomer(context.Context) error {
	n := f.count()
	c := acumaticatwin.Customer{
		Name: "Customer " + n, Email: "ap" + n + "@customer.example", Currency: "USD", TaxZone: acumaticatwin.SeedTaxZone,
		Address: acumaticatwin.Address{Line1: n + " Alder Street", City: "Portland", State: "OR", PostalCode: "97201", Country: "US"},
	}
	switch f.drawn % 5 {
	case 3:
		c.Currency, c.TaxZone = "EUR", ""
	case 4:
		c.Currency, c.TaxZone = "GBP", ""
	}
	if f.Ledger.AddCustomer(c) == "" {
		return fmt.Errorf("customer %s was refused", c.Name)
	}
	return nil
}

// customer is one of those that documents can be made for.
func (f *office) customer(ctx context.Context) (acumatica.Record, error) {
	all, _, err := f.ERP.List(ctx, "Customer", acumatica.Query{Select: []string{"CustomerID", "CustomerName", "CurrencyID", "Status"}, Filter: "Status eq 'Active'"})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errNothing
	}
	return all[f.dice.IntN(len(all))], nil
}

func (f *office) rename(ctx context.Context) error {
	c, err := f.customer(ctx)
	if err != nil {
		return err
	}
	_, err = f.put(ctx, "Customer", fields("CustomerID", c.String("CustomerID"), "CustomerName", "Customer "+f.count()+" Ltd"))
	return err
}

func (f *office) move(ctx context.Context) error {
	c, err := f.customer(ctx)
	if err != nil {
		return err
	}
	n := f.count()
	contact := with(fields("Email", "new"+n+"@customer.example", "Phone1", "+1 555 "+n), "Address", fields("AddressLine1", n+" Birch Road"))
	_, err = f.put(ctx, "Customer", with(fields("CustomerID", c.String("CustomerID")), "MainContact", contact))
	return err
}

// retire makes a customer inactive for a while who owes nothing: Acumatica takes
// no documents of one.
func (f *office) retire(ctx context.Context) error {
	owes := map[string]bool{}
	for _, i := range f.Ledger.Invoices() {
		owes[i.CustomerID] = true
	}
	for range 5 {
		c, err := f.customer(ctx)
		if err != nil {
			return err
		}
		id := c.String("CustomerID")
		if owes[id] {
			continue
		}
		f.later(1+f.dice.IntN(9), func(ctx context.Context) error {
			_, err := f.put(ctx, "Customer", fields("CustomerID", id, "Status", "Active"))
			return err
		})
		_, err = f.put(ctx, "Customer", fields("CustomerID", id, "Status", "Inactive"))
		return err
	}
	return errNothing
}
