package mirroryear

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// A bill is what a buyer sees of a Stripe invoice.
type bill struct {
	ID        string            `json:"id"`
	Currency  string            `json:"currency"`
	Remaining int64             `json:"amount_remaining"`
	Status    string            `json:"status"`
	Charge    string            `json:"charge"`
	Metadata  map[string]string `json:"metadata"`
}

// number is that of the document in Acumatica.
func (b bill) number() string { return b.Metadata["acumatica_ref_nbr"] }

// post does something in Stripe. The form is pairs of name and value.
func (f *office) post(ctx context.Context, path string, form ...string) error {
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	var answer struct {
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := f.ask(ctx, http.MethodPost, path, values.Encode(), &answer); err != nil {
		return err
	}
	if e := answer.Error; e != nil {
		return refused{fmt.Errorf("%s: %s", e.Code, e.Message)}
	}
	return nil
}

func (f *office) ask(ctx context.Context, method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, f.StripeURL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+f.Key)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := f.Client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or abandoned
	return json.NewDecoder(res.Body).Decode(into)
}

// bills are the newest Stripe invoices with a status, in an order of chance.
func (f *office) bills(ctx context.Context, status string) ([]bill, error) {
	var page struct {
		Data []bill `json:"data"`
	}
	if err := f.ask(ctx, http.MethodGet, "/v1/invoices?limit=100&status="+status, "", &page); err != nil {
		return nil, err
	}
	f.dice.Shuffle(len(page.Data), func(i, j int) { page.Data[i], page.Data[j] = page.Data[j], page.Data[i] })
	return page.Data, nil
}

// bill is one that can be paid.
func (f *office) bill(ctx context.Context) (bill, error) {
	all, err := f.bills(ctx, "open")
	if err != nil {
		return bill{}, err
	}
	for _, b := range all {
		if b.Remaining > 0 {
			return b, nil
		}
	}
	return bill{}, errNothing
}

func (f *office) pay(ctx context.Context, b bill, method string) error {
	return f.post(ctx, "/v1/invoices/"+b.ID+"/pay", "payment_method", method)
}

func (f *office) card(ctx context.Context) error {
	b, err := f.bill(ctx)
	if err != nil {
		return err
	}
	return f.pay(ctx, b, "pm_card_visa")
}

func (f *office) decline(ctx context.Context) error {
	b, err := f.bill(ctx)
	if err != nil {
		return err
	}
	switch err := f.pay(ctx, b, "pm_card_chargeDeclined").(type) { //nolint:errorlint // made here
	case refused:
		return nil
	case nil:
		return fmt.Errorf("%s was paid by a card that is declined", b.ID)
	default:
		return err
	}
}

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
