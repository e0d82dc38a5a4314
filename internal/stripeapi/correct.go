package stripeapi

import (
	"context"

	"github.com/stripe/stripe-go/v76"
)

// CreditNote lowers what is due of an open invoice.
type CreditNote struct {
	ID       string // cn_…; empty when about to be made
	Invoice  string // in_…
	Amount   int64  // minor units of the invoice's currency
	Memo     string // for the buyer
	Metadata map[string]string
}

// CreateCreditNote credits a part of an open invoice, or all that is left of
// it, after which it is paid.
func (c *Client) CreateCreditNote(ctx context.Context, key string, n CreditNote) (CreditNote, error) {
	what := "credit invoice " + n.Invoice
	if n.Invoice == "" {
		return CreditNote{}, errNoID(what)
	}
	params, err := writeParams(what, key)
	if err != nil {
		return CreditNote{}, err
	}
	p := &stripe.CreditNoteParams{Params: params, Invoice: new(n.Invoice), Amount: new(n.Amount), Memo: text(n.Memo), Metadata: n.Metadata}
	var got *stripe.CreditNote
	err = c.do(ctx, what, func(ctx context.Context) error {
		p.Context = ctx
		var err error
		got, err = c.api.CreditNotes.New(p)
		return err
	})
	if err != nil {
		return CreditNote{}, err
	}
	if err := checkAnswer(what, "credit_note", got.Object, got.ID); err != nil {
		return CreditNote{}, err
	}
	return CreditNote{ID: got.ID, Invoice: n.Invoice, Amount: got.Amount, Memo: got.Memo, Metadata: got.Metadata}, c.checkMode(what, got.Livemode)
}

// PayOutOfBand marks an open or uncollectible invoice as paid outside Stripe:
// no money moves.
func (c *Client) PayOutOfBand(ctx context.Context, key, id string) (Invoice, error) {
	what := "mark as paid outside Stripe invoice " + id
	return c.correct(ctx, what, key, id, func(params stripe.Params) (*stripe.Params, func() (*stripe.Invoice, error)) {
		p := &stripe.InvoicePayParams{Params: params, PaidOutOfBand: new(true)}
		return &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.Pay(id, p) }
	})
}

// VoidInvoice voids an open or uncollectible invoice, for good.
func (c *Client) VoidInvoice(ctx context.Context, key, id string) (Invoice, error) {
	what := "void invoice " + id
	return c.correct(ctx, what, key, id, func(params stripe.Params) (*stripe.Params, func() (*stripe.Invoice, error)) {
		p := &stripe.InvoiceVoidInvoiceParams{Params: params}
		return &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.VoidInvoice(id, p) }
	})
}

// WriteOff marks an open invoice as uncollectible. It can still be paid.
func (c *Client) WriteOff(ctx context.Context, key, id string) (Invoice, error) {
	what := "mark as uncollectible invoice " + id
	return c.correct(ctx, what, key, id, func(params stripe.Params) (*stripe.Params, func() (*stripe.Invoice, error)) {
		p := &stripe.InvoiceMarkUncollectibleParams{Params: params}
		return &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.MarkUncollectible(id, p) }
	})
}

// SendInvoice has Stripe e-mail a finalised invoice to the customer. In test
// mode Stripe sends nothing.
func (c *Client) SendInvoice(ctx context.Context, key, id string) (Invoice, error) {
	what := "send invoice " + id
	return c.correct(ctx, what, key, id, func(params stripe.Params) (*stripe.Params, func() (*stripe.Invoice, error)) {
		p := &stripe.InvoiceSendInvoiceParams{Params: params}
		return &p.Params, func() (*stripe.Invoice, error) { return c.api.Invoices.SendInvoice(id, p) }
	})
}

// correct makes a write on an invoice that answers with it.
func (c *Client) correct(ctx context.Context, what, key, id string,
	prepare func(stripe.Params) (*stripe.Params, func() (*stripe.Invoice, error)),
) (Invoice, error) {
	if id == "" {
		return Invoice{}, errNoID(what)
	}
	params, err := writeParams(what, key)
	if err != nil {
		return Invoice{}, err
	}
	p, send := prepare(params)
	return c.oneInvoice(ctx, what, p, send)
}
