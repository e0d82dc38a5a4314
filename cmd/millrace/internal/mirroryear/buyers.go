package mirroryear

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// A bill is what a buyer sees of a Stripe invoice.
type bill struct {
	ID        string            `json:"id"`
	Currency  string            `json:"currency"`
	Remaining int64             `json:"amount_remaining"`
	Paid      int64             `json:"amount_paid"`
	Status    string            `json:"status"`
	Charge    string            `json:"charge"`
	Outside   bool              `json:"paid_out_of_band"`
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

// first does something with the first bill of a status that is fit for it.
func (f *office) first(ctx context.Context, status string, fit func(b bill) bool, do func(b bill) error) error {
	all, err := f.bills(ctx, status)
	if err != nil {
		return err
	}
	for _, b := range all {
		if fit(b) {
			return do(b)
		}
	}
	return errNothing
}

// payWrittenOff pays on the page of one that is uncollectible.
func (f *office) payWrittenOff(ctx context.Context) error {
	return f.first(ctx, "uncollectible", func(b bill) bool { return b.Remaining > 0 },
		func(b bill) error { return f.pay(ctx, b, "pm_card_visa") })
}

// paid reports a bill that a charge paid, of which nothing was given back yet.
// One that was paid outside may have a charge too, that failed.
func (f *office) paid(b bill) bool {
	return b.Charge != "" && !b.Outside && b.Paid > 20_00 && !f.given[b.Charge]
}

// noteAfter gives a part of what was paid back, with a credit note.
func (f *office) noteAfter(ctx context.Context) error {
	return f.first(ctx, "paid", f.paid, func(b bill) error {
		f.given[b.Charge] = true
		return f.post(ctx, "/v1/credit_notes", "invoice", b.ID, "amount", "500", "refund_amount", "500", "reason", "product_unsatisfactory")
	})
}

// refund gives a part of what was paid back, without one.
func (f *office) refund(ctx context.Context) error {
	return f.first(ctx, "paid", f.paid, func(b bill) error {
		f.given[b.Charge] = true
		return f.post(ctx, "/v1/refunds", "charge", b.Charge, "amount", "300")
	})
}

func (f *office) debit(ctx context.Context) error { return f.debited(ctx, "pm_usBankAccount_success") }

func (f *office) debitFails(ctx context.Context) error {
	return f.debited(ctx, "pm_usBankAccount_insufficientFunds")
}

// debited pays from a bank account, which takes days. It is done where Stripe
// shows what is open: of a debit that begins while the invoice is being voided
// nobody knows what Stripe does.
func (f *office) debited(ctx context.Context, method string) error {
	open := map[string]int64{}
	for _, i := range f.documents("Open") {
		open[i.ReferenceNbr] = i.Balance.Shift(2).IntPart()
	}
	return f.first(ctx, "open", func(b bill) bool {
		return b.Currency == "usd" && b.Remaining > 0 && b.Remaining == open[b.number()] && !f.asked[b.ID]
	}, func(b bill) error {
		f.asked[b.ID] = true
		return f.pay(ctx, b, method)
	})
}
