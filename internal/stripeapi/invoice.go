package stripeapi

import (
	"context"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// Invoice is what we need to know of a Stripe invoice. Amounts are minor
// units of Currency.
type Invoice struct {
	ID        string // in_…
	Customer  string // cus_…
	Currency  string // lower case
	Status    string // draft, open, paid, uncollectible, void
	Number    string
	Memo      string // shown to the buyer; Stripe calls it the description
	HostedURL string // where the buyer pays; empty while a draft
	Total     int64
	AmountDue int64
	Lines     int       // lines within this answer
	MoreLines bool      // there are more than Lines
	DueDate   time.Time // zero when it has none yet
	Metadata  map[string]string
	Created   time.Time
	Revision  bool // made by Stripe from another invoice, with that one's metadata

	Remaining  int64  // what the buyer can still pay of it
	Paid       int64  // what was paid, also outside Stripe
	Credited   int64  // credit notes that lowered it before it was paid
	Charge     string // ch_… of the newest payment that was tried; empty: none, or paid outside Stripe
	OutOfBand  bool   // marked as paid outside Stripe
	Processing bool   // a bank debit is under way; known only to GetInvoice
}

// Draft is an invoice about to be made.
type Draft struct {
	Customer    string
	Currency    string
	Number      string    // empty: Stripe numbers it; at most 26 characters
	Description string    // at most 1500 characters
	DueDate     time.Time // zero: due on receipt. Stripe: must lie in the future
	Fields      []Field   // at most 4
	Metadata    map[string]string
}

// Field is a custom field that an invoice shows the buyer: 30 characters each.
type Field struct{ Name, Value string }

// Item is one invoice item.
type Item struct {
	ID          string // ii_…; empty when about to be made
	Description string
	Amount      int64 // minor units of the invoice's currency; may be negative
	Metadata    map[string]string
}

// CreateInvoice makes an empty draft that Stripe neither finalises, sends nor
// charges by itself, and that takes in no pending items.
func (c *Client) CreateInvoice(ctx context.Context, key string, d Draft) (Invoice, error) {
	const what = "create invoice"
	params, err := writeParams(what, key)
	if err != nil {
		return Invoice{}, err
	}
	p := &stripe.InvoiceParams{
		Params:                      params,
		Customer:                    new(d.Customer),
		Currency:                    new(d.Currency),
		Number:                      text(d.Number),
		Description:                 text(d.Description),
		CollectionMethod:            new(string(stripe.InvoiceCollectionMethodSendInvoice)),
		AutoAdvance:                 new(false),
		PendingInvoiceItemsBehavior: new("exclude"),
		Metadata:                    d.Metadata,
	}
	for _, f := range d.Fields {
		p.CustomFields = append(p.CustomFields, &stripe.InvoiceCustomFieldParams{Name: new(f.Name), Value: new(f.Value)})
	}
	if d.DueDate.IsZero() {
		p.DaysUntilDue = stripe.Int64(0)
	} else {
		p.DueDate = new(d.DueDate.Unix())
	}
	return c.oneInvoice(ctx, what, &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.New(p) })
}

// AddInvoiceItem adds an item to that draft and no other.
func (c *Client) AddInvoiceItem(ctx context.Context, key string, inv Invoice, item Item) (Item, error) {
	what := "add item to invoice " + inv.ID
	if inv.ID == "" {
		return Item{}, errNoID(what) // it would float to the customer's next invoice
	}
	params, err := writeParams(what, key)
	if err != nil {
		return Item{}, err
	}
	p := &stripe.InvoiceItemParams{
		Params:      params,
		Customer:    new(inv.Customer),
		Invoice:     new(inv.ID),
		Currency:    new(inv.Currency),
		Amount:      new(item.Amount),
		Description: text(item.Description),
		Metadata:    item.Metadata,
	}
	var got *stripe.InvoiceItem
	err = c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		var err error
		got, err = c.api.InvoiceItems.New(p)
		return err
	})
	if err != nil {
		return Item{}, err
	}
	return c.item(what, got)
}

// ListItems returns every item of an invoice.
func (c *Client) ListItems(ctx context.Context, invoice string) ([]Item, error) {
	what := "list items of invoice " + invoice
	if invoice == "" {
		return nil, errNoID(what)
	}
	var all []Item
	err := c.do(ctx, what, func(ctx context.Context) error {
		list := c.api.InvoiceItems.List(&stripe.InvoiceItemListParams{
			ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(pageSize)},
			Invoice:    new(invoice),
		})
		for list.Next() {
			got, err := c.item(what, list.InvoiceItem())
			if err != nil {
				return err
			}
			all = append(all, got)
		}
		return list.Err()
	})
	return all, err
}

// GetInvoice reads one invoice.
func (c *Client) GetInvoice(ctx context.Context, id string) (Invoice, error) {
	what := "get invoice " + id
	if id == "" {
		return Invoice{}, errNoID(what)
	}
	p := &stripe.InvoiceParams{}
	p.AddExpand("payment_intent")
	return c.oneInvoice(ctx, what, &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.Get(id, p) })
}

// Finalize makes the draft an invoice that can be paid, and keeps Stripe from
// chasing the buyer.
func (c *Client) Finalize(ctx context.Context, key, id string) (Invoice, error) {
	what := "finalize invoice " + id
	if id == "" {
		return Invoice{}, errNoID(what)
	}
	params, err := writeParams(what, key)
	if err != nil {
		return Invoice{}, err
	}
	p := &stripe.InvoiceFinalizeInvoiceParams{Params: params, AutoAdvance: new(false)}
	return c.oneInvoice(ctx, what, &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.FinalizeInvoice(id, p) })
}

// AnnotateInvoice merges metadata into an invoice of any state.
func (c *Client) AnnotateInvoice(ctx context.Context, key, id string, metadata map[string]string) (Invoice, error) {
	what := "annotate invoice " + id
	if id == "" {
		return Invoice{}, errNoID(what)
	}
	params, err := writeParams(what, key)
	if err != nil {
		return Invoice{}, err
	}
	p := &stripe.InvoiceParams{Params: params, Metadata: metadata}
	return c.oneInvoice(ctx, what, &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.Update(id, p) })
}

// Edit is what can be changed of an invoice that is finalised.
type Edit struct {
	Memo     *string           // nil: stays; empty: none; at most 1500 characters
	Metadata map[string]string // merged
}

// EditInvoice changes an invoice that is open. Stripe: amounts, lines, due date
// and number are frozen then.
func (c *Client) EditInvoice(ctx context.Context, key, id string, e Edit) (Invoice, error) {
	what := "edit invoice " + id
	if id == "" {
		return Invoice{}, errNoID(what)
	}
	params, err := writeParams(what, key)
	if err != nil {
		return Invoice{}, err
	}
	p := &stripe.InvoiceParams{Params: params, Description: e.Memo, Metadata: e.Metadata}
	return c.oneInvoice(ctx, what, &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.Update(id, p) })
}

// DeleteDraft deletes a draft. Stripe refuses it for every other state. One
// that is gone already is success.
func (c *Client) DeleteDraft(ctx context.Context, id string) error {
	what := "delete draft " + id
	if id == "" {
		return errNoID(what)
	}
	err := c.do(ctx, what, func(ctx context.Context) error {
		_, err := c.api.Invoices.Del(id, &stripe.InvoiceParams{Params: stripe.Params{Context: ctx}})
		return err
	})
	if IsNotFound(err) {
		return nil
	}
	return err
}

// ListInvoices returns the customer's invoices created at since or later,
// newest first; what was written is there at once, unlike in a search.
func (c *Client) ListInvoices(ctx context.Context, customer string, since time.Time) ([]Invoice, error) {
	what := "list invoices of customer " + customer
	if customer == "" {
		return nil, errNoID(what)
	}
	var all []Invoice
	err := c.do(ctx, what, func(ctx context.Context) error {
		p := &stripe.InvoiceListParams{
			ListParams: stripe.ListParams{Context: ctx, Limit: stripe.Int64(pageSize)},
			Customer:   new(customer),
		}
		if !since.IsZero() {
			p.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}
		}
		list := c.api.Invoices.List(p)
		for list.Next() {
			got, err := c.invoice(what, list.Invoice())
			if err != nil {
				return err
			}
			all = append(all, got)
		}
		return list.Err()
	})
	return all, err
}

// SearchInvoices returns the invoices whose metadata hold the value under the
// key. What was written in the last minute may be missing. (Stripe: "Search",
// data freshness.)
func (c *Client) SearchInvoices(ctx context.Context, key, value string) ([]Invoice, error) {
	const what = "search invoices"
	var all []Invoice
	err := c.do(ctx, what, func(ctx context.Context) error {
		hits := c.api.Invoices.Search(&stripe.InvoiceSearchParams{SearchParams: searchParams(ctx, key, value)})
		for hits.Next() {
			got, err := c.invoice(what, hits.Invoice())
			if err != nil {
				return err
			}
			all = append(all, got)
		}
		return hits.Err()
	})
	return all, err
}

// oneInvoice makes one request that answers with an invoice.
func (c *Client) oneInvoice(ctx context.Context, what string, p *stripe.Params, send func() (*stripe.Invoice, error)) (Invoice, error) {
	var got *stripe.Invoice
	err := c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		var err error
		got, err = send()
		return err
	})
	if err != nil {
		return Invoice{}, err
	}
	return c.invoice(what, got)
}

func (c *Client) invoice(what string, x *stripe.Invoice) (Invoice, error) {
	if err := checkAnswer(what, "invoice", x.Object, x.ID); err != nil {
		return Invoice{}, err
	}
	if err := c.checkMode(what, x.Livemode); err != nil {
		return Invoice{}, err
	}
	got := Invoice{
		ID: x.ID, Currency: string(x.Currency), Status: string(x.Status), Number: x.Number, Memo: x.Description, HostedURL: x.HostedInvoiceURL,
		Total: x.Total, AmountDue: x.AmountDue, Metadata: x.Metadata, Created: time.Unix(x.Created, 0), Revision: x.FromInvoice != nil,
	}
	got.Remaining, got.Paid, got.Credited, got.OutOfBand = x.AmountRemaining, x.AmountPaid, x.PrePaymentCreditNotesAmount, x.PaidOutOfBand
	if x.Charge != nil {
		got.Charge = x.Charge.ID
	}
	if x.PaymentIntent != nil {
		got.Processing = x.PaymentIntent.Status == stripe.PaymentIntentStatusProcessing
	}
	if x.Customer != nil {
		got.Customer = x.Customer.ID
	}
	if x.DueDate != 0 {
		got.DueDate = time.Unix(x.DueDate, 0)
	}
	if x.Lines != nil {
		got.Lines, got.MoreLines = len(x.Lines.Data), x.Lines.HasMore
	}
	return got, nil
}

func (c *Client) item(what string, x *stripe.InvoiceItem) (Item, error) {
	if err := checkAnswer(what, "invoiceitem", x.Object, x.ID); err != nil {
		return Item{}, err
	}
	if err := c.checkMode(what, x.Livemode); err != nil {
		return Item{}, err
	}
	return Item{ID: x.ID, Description: x.Description, Amount: x.Amount, Metadata: x.Metadata}, nil
}
