package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"millrace/internal/link"
)

// chargeText marks the one charge of the demo that pays no invoice, so that a
// second run finds it.
const chargeText = "Deposit for a custom order"

// chargeMinor is its amount, in minor units of USD.
const chargeMinor = 25_000

// A buyer pays what he is sent, on the page that the link names.
type buyer struct {
	d        *Demo
	links    *link.Store
	paid     map[string]bool // invoices this run has paid, by Stripe id
	customer string          // a linked customer, for the charge without an invoice
}

// step pays every invoice that has arrived in Stripe since the last one, and
// makes the charge without an invoice once a customer is known there.
func (b *buyer) step(ctx context.Context) error {
	var open []link.Link
	err := b.links.All(ctx, connection, func(l link.Link) error {
		switch {
		case l.Kind == link.Customer && b.customer == "":
			b.customer = l.StripeID
		case l.Kind == link.Invoice && !b.paid[l.StripeID]:
			open = append(open, l)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read links: %w", err)
	}
	for _, l := range open {
		if err := b.pay(ctx, l); err != nil {
			return fmt.Errorf("pay %s: %w", l.StripeID, err)
		}
		b.paid[l.StripeID] = true
	}
	return b.charge(ctx)
}

// pay presses the button on the hosted page. An earlier run served the page
// on another port, so only its path counts.
func (b *buyer) pay(ctx context.Context, l link.Link) error {
	page, err := url.Parse(l.Attributes["hosted_invoice_url"])
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.d.stripeURL+page.Path+"/pay", nil)
	if err != nil {
		return err
	}
	res, err := b.d.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // nothing was read from it
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("http %d", res.StatusCode)
	}
	return nil
}

// charge makes the charge without an invoice, once in the life of the twin.
func (b *buyer) charge(ctx context.Context) error {
	if b.customer == "" || b.paid[chargeText] {
		return nil
	}
	charges, err := listAll[stripeCharge](ctx, b.d, "/v1/charges")
	if err != nil {
		return err
	}
	for _, c := range charges {
		if c.Description == chargeText {
			b.paid[chargeText] = true
			return nil
		}
	}
	if _, err := b.d.stripe.ChargeCustomer(ctx, b.customer, chargeMinor, "usd", chargeText); err != nil {
		return fmt.Errorf("charge without an invoice: %w", err)
	}
	b.paid[chargeText] = true
	return nil
}

// What the check reads of Stripe's objects, in Stripe's names.
type (
	stripeCharge struct {
		ID          string `json:"id"`
		Amount      int64  `json:"amount"`
		Currency    string `json:"currency"`
		Description string `json:"description"`
		Invoice     string `json:"invoice"`
		Status      string `json:"status"`
	}
	stripeInvoice struct {
		ID       string            `json:"id"`
		Status   string            `json:"status"`
		Total    int64             `json:"total"`
		Currency string            `json:"currency"`
		Charge   string            `json:"charge"`
		Metadata map[string]string `json:"metadata"`
	}
	stripeEvent struct {
		ID string `json:"id"`
	}
)

func (c stripeCharge) id() string  { return c.ID }
func (i stripeInvoice) id() string { return i.ID }
func (e stripeEvent) id() string   { return e.ID }

// listAll reads a list of Stripe's API to its end. Stripe: at most 100 a page.
func listAll[T interface{ id() string }](ctx context.Context, d *Demo, path string, query ...string) ([]T, error) {
	var all []T
	for {
		q := url.Values{"limit": {strconv.Itoa(100)}}
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
		if err := d.get(ctx, path+"?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if !page.HasMore {
			return all, nil
		}
	}
}

func (d *Demo) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.stripeURL+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+d.key)
	return fetch(d.client, req, into)
}

// fetch decodes what a twin answers.
func fetch(c *http.Client, req *http.Request, into any) error {
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or abandoned
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: http %d", req.URL.RequestURI(), res.StatusCode)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
