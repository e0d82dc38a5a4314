package stripesink

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/money"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// Stripe: "Create an invoice", "Create an invoice item", limits.
const (
	maxLines       = 250
	maxNumber      = 26
	maxDescription = 1500
)

// invoice makes the Stripe invoice of an Acumatica invoice, finalised, so that
// the buyer can pay it.
func (w *work) invoice(ctx context.Context) (schemas.Outcome, error) {
	f, err := decodeInvoice(w.in.Fields)
	if err != nil {
		return schemas.Outcome{}, err
	}
	ctx, err = w.begin(ctx)
	if err != nil {
		return schemas.Outcome{}, err
	}
	if w.p.State == posting.Done {
		return w.invoiceOutcome(schemas.Duplicate, "was made before", f, w.recorded()), nil
	}
	if w.p.State == posting.Skipped {
		return w.skipped(), nil
	}
	return w.makeInvoice(ctx, f)
}

// makeInvoice brings the invoice from wherever it is to its end.
func (w *work) makeInvoice(ctx context.Context, f schemas.StripeInvoice) (schemas.Outcome, error) {
	customer, found, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Customer, f.Customer.ID)
	if err != nil {
		return schemas.Outcome{}, err
	}
	if !found {
		return schemas.Outcome{}, fault.Newf("link.missing", "no Stripe customer is linked with the Acumatica customer %s", f.Customer.ID)
	}
	o, err := w.order(f, customer.StripeID)
	if err != nil {
		return schemas.Outcome{}, err
	}
	b, err := w.draft(ctx, o)
	if err != nil {
		return schemas.Outcome{}, err
	}
	inv, err := w.finalize(ctx, o, b)
	if err != nil {
		return schemas.Outcome{}, err
	}
	if err := w.finishInvoice(ctx, inv); err != nil {
		return schemas.Outcome{}, err
	}
	if b.linked || b.adopted {
		f.Total = inv.Total
		return w.invoiceOutcome(schemas.Duplicate, "was there already", f, inv), nil
	}
	return w.invoiceOutcome(schemas.Applied, "is "+inv.Status, f, inv), nil
}

// order is what is to be made: the fields, checked, with everything looked up.
type order struct {
	schemas.StripeInvoice
	customerID string // cus_…
	metadata   map[string]string
	items      []stripeapi.Item
}

func (w *work) order(f schemas.StripeInvoice, customerID string) (order, error) {
	metadata, err := w.mark(f.Metadata, nil)
	if err != nil {
		return order{}, err
	}
	items := make([]stripeapi.Item, len(f.Lines))
	for n, line := range f.Lines {
		items[n] = stripeapi.Item{
			Description: line.Description, Amount: line.Amount,
			Metadata: map[string]string{metaIntent: w.tag(), metaLine: fmt.Sprint(n)},
		}
	}
	return order{f, customerID, metadata, items}, nil
}

// decodeInvoice reads the fields and refuses what Stripe would refuse, or
// would silently turn into something else.
func decodeInvoice(fields []byte) (schemas.StripeInvoice, error) {
	var f schemas.StripeInvoice
	if err := decode(fields, &f); err != nil {
		return f, err
	}
	switch {
	case f.Customer.Kind != link.Customer || f.Customer.ID == "":
		return f, fault.Newf("stripe.fields_invalid", "customer: want the link of a customer, got %q %q", f.Customer.Kind, f.Customer.ID)
	case f.Currency != strings.ToLower(f.Currency):
		return f, fault.Newf("stripe.fields_invalid", "currency %q: want lower case", f.Currency)
	case utf8.RuneCountInString(f.Number) > maxNumber:
		return f, fault.Newf("stripe.fields_invalid", "number %q: longer than %d characters", f.Number, maxNumber)
	case utf8.RuneCountInString(f.Description) > maxDescription:
		return f, fault.Newf("stripe.fields_invalid", "description: longer than %d characters", maxDescription)
	case len(f.Lines) == 0 || len(f.Lines) > maxLines:
		return f, fault.Newf("stripe.fields_invalid", "lines: %d, want 1 to %d", len(f.Lines), maxLines)
	case f.Total < 0:
		return f, fault.Newf("stripe.fields_invalid", "total %d: an invoice cannot be negative", f.Total)
	}
	if _, err := dueDate(f.DueDate); err != nil {
		return f, err
	}
	return f, checkSum(f)
}

// checkSum adds the lines up before anything is sent. Stripe's own sum is
// compared later, on the draft.
func checkSum(f schemas.StripeInvoice) error {
	sum, err := money.New(0, f.Currency)
	if err != nil {
		return fault.New("stripe.fields_invalid", err)
	}
	for n, line := range f.Lines {
		amount := money.Amount{Minor: line.Amount, Currency: sum.Currency}
		if _, err := amount.Decimal(); err != nil {
			return fault.Newf("stripe.fields_invalid", "line %d: %w", n, err)
		}
		if sum, err = sum.Add(amount); err != nil {
			return fault.Newf("stripe.fields_invalid", "line %d: %w", n, err)
		}
	}
	if total := (money.Amount{Minor: f.Total, Currency: sum.Currency}); sum != total {
		return fault.Newf("stripe.total_mismatch", "the lines add up to %s, the total is %s; nothing was sent", sum, total)
	}
	return nil
}

// dueDate is the end of that day in UTC, so that no time zone is late before
// the day is over in London; zero when there is none.
func dueDate(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}, fault.Newf("stripe.fields_invalid", "due_date %q: want YYYY-MM-DD", day)
	}
	return t.AddDate(0, 0, 1).Add(-time.Second), nil
}

// finalize brings the invoice that w.draft found or made to its end and
// returns it as Stripe shows it.
func (w *work) finalize(ctx context.Context, o order, b begun) (stripeapi.Invoice, error) {
	inv := b.invoice
	if inv.Status == statusDraft {
		if err := w.fill(ctx, o, b); err != nil {
			return inv, err
		}
		if err := w.save(ctx, posting.Released); err != nil {
			return inv, err
		}
		var err error
		if inv, err = w.api.Finalize(ctx, w.key("finalize"), inv.ID); err != nil {
			return inv, w.failed(ctx, err)
		}
		w.at("finalized")
	}
	if b.adopted {
		// It was finalised over what the books said then; part of it may have
		// been paid or credited since.
		o.Total = inv.Total
	}
	if err := mismatch(o, inv); err != nil {
		return inv, err
	}
	switch {
	case inv.Status != "open" && inv.Status != "paid" && inv.Status != "uncollectible":
		return inv, fault.Newf("stripe.invoice_state", "invoice %s is %s", inv.ID, inv.Status)
	case inv.HostedURL == "":
		return inv, fault.Newf("stripe.invoice_state", "invoice %s is %s, but has no page to pay it on", inv.ID, inv.Status)
	}
	return inv, nil
}

// mismatch compares an invoice with what was ordered. (Invariant 10.)
func mismatch(o order, inv stripeapi.Invoice) error {
	if inv.Customer != o.customerID || inv.Currency != o.Currency {
		return fault.Newf("stripe.invoice_mismatch", "invoice %s is of customer %s in %s, ordered was %s in %s",
			inv.ID, inv.Customer, inv.Currency, o.customerID, o.Currency)
	}
	if inv.Total != o.Total {
		currency := strings.ToUpper(o.Currency)
		return fault.Newf("stripe.total_mismatch", "Stripe computes %s for invoice %s, the books say %s",
			money.Amount{Minor: inv.Total, Currency: currency}, inv.ID, money.Amount{Minor: o.Total, Currency: currency})
	}
	return nil
}

// finishInvoice links the invoice and closes the posting.
func (w *work) finishInvoice(ctx context.Context, inv stripeapi.Invoice) error {
	err := w.links.Put(ctx, w.in.Connection, link.Link{
		Kind: link.Invoice, AcumaticaID: w.in.Key, StripeID: inv.ID, IntentID: w.in.ID, At: w.now().UTC(),
		Attributes: map[string]string{"hosted_invoice_url": inv.HostedURL, "number": inv.Number, "customer": inv.Customer},
	})
	if err != nil {
		return err
	}
	w.at("linked")
	w.p.Keys[keyNumber], w.p.Keys[keyURL] = inv.Number, inv.HostedURL
	return w.save(ctx, posting.Done)
}

// recorded is the invoice as far as the finished posting remembers it.
func (w *work) recorded() stripeapi.Invoice {
	return stripeapi.Invoice{ID: w.p.Keys[keyID], Number: w.p.Keys[keyNumber], HostedURL: w.p.Keys[keyURL]}
}

func (w *work) invoiceOutcome(how, what string, f schemas.StripeInvoice, inv stripeapi.Invoice) schemas.Outcome {
	refs := []schemas.Ref{{System: schemas.Stripe, Kind: link.Invoice, ID: inv.ID, URL: inv.HostedURL}}
	if inv.Customer != "" {
		refs = append(refs, customerRef(inv.Customer))
	}
	total := money.Amount{Minor: f.Total, Currency: strings.ToUpper(f.Currency)}
	return w.outcome(how, fmt.Sprintf("the Stripe invoice %s (%s) of %s %s", inv.Number, inv.ID, total, what), refs...)
}
