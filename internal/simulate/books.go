package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"millrace/internal/acumaticatwin"
)

// What the oracle reads of Stripe's objects, in Stripe's names.
type (
	stripeCustomer struct {
		ID       string            `json:"id"`
		Metadata map[string]string `json:"metadata"`
	}
	stripeInvoice struct {
		ID       string            `json:"id"`
		Customer string            `json:"customer"`
		Status   string            `json:"status"`
		Total    int64             `json:"total"`
		Charge   string            `json:"charge"`
		Metadata map[string]string `json:"metadata"`
	}
	stripeCharge struct {
		ID       string `json:"id"`
		Customer string `json:"customer"`
		Amount   int64  `json:"amount"`
		Invoice  string `json:"invoice"`
		Status   string `json:"status"`
	}
	stripeEvent struct {
		ID   string `json:"id"`
		Type string `json:"type"`
		Data struct {
			Object struct {
				ID       string            `json:"id"`
				Metadata map[string]string `json:"metadata"`
			} `json:"object"`
		} `json:"data"`
	}
	stripeMove struct {
		ID     string `json:"id"`
		Type   string `json:"type"`
		Amount int64  `json:"amount"`
		Fee    int64  `json:"fee"`
		Source string `json:"source"`
	}
	stripeSum struct {
		Amount int64 `json:"amount"`
	}
	stripeBalance struct {
		Available []stripeSum `json:"available"`
		Pending   []stripeSum `json:"pending"`
	}
)

func (o stripeCustomer) id() string { return o.ID }
func (o stripeInvoice) id() string  { return o.ID }
func (o stripeCharge) id() string   { return o.ID }
func (o stripeEvent) id() string    { return o.ID }
func (o stripeMove) id() string     { return o.ID }

// books are what both systems hold, read from themselves and from nothing of
// ours: the oracle shares no code with the pipeline.
type books struct {
	customers []stripeCustomer
	sales     []stripeInvoice
	charges   []stripeCharge // oldest first
	invoices  []acumaticatwin.InvoiceView
	states    map[string]string // of the Stripe invoice, as Acumatica shows it, by number
	payments  []acumaticatwin.PaymentView
	ledger    []acumaticatwin.Batch
	trial     []acumaticatwin.AccountBalance
}

func (w *world) books(ctx context.Context) (b books, err error) {
	if b.customers, err = list[stripeCustomer](ctx, w, "/v1/customers"); err != nil {
		return b, err
	}
	if b.sales, err = list[stripeInvoice](ctx, w, "/v1/invoices"); err != nil {
		return b, err
	}
	if b.charges, err = list[stripeCharge](ctx, w, "/v1/charges"); err != nil {
		return b, err
	}
	b.invoices, b.payments, b.ledger, b.trial = w.erp.Invoices(), w.erp.Payments(), w.erp.Ledger(), w.erp.TrialBalance()
	b.states = make(map[string]string, len(b.invoices))
	for _, inv := range b.invoices {
		b.states[inv.ReferenceNbr] = w.erp.UserText("Invoice", inv.Type+" "+inv.ReferenceNbr, stateField)
	}
	return b, nil
}

// list reads a list of Stripe's API to its end, oldest first.
func list[T interface{ id() string }](ctx context.Context, w *world, path string, query ...string) ([]T, error) {
	var all []T
	for {
		q := url.Values{"limit": {"100"}}
		for i := 0; i+1 < len(query); i += 2 {
			q.Set(query[i], query[i+1])
		}
		if len(all) > 0 {
			q.Set("starting_after", all[len(all)-1].id())
		}
		var page struct {
			Data    []T  `json:"data"`
			HasMore bool `json:"has_more"`
		}
		if err := w.get(ctx, path+"?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if !page.HasMore {
			break
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all, nil
}

func (w *world) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.stripeURL+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+stripeKey)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or abandoned
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: http %d", path, res.StatusCode)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
