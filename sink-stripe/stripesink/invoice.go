package stripesink

import (
	"context"
	"strconv"
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
	maxFields      = 4
	maxDescription = 1500
)

// makeInvoice brings the invoice that this intent makes from wherever it is to
// being payable. old is the one that it replaces, if any.
func (w *work) makeInvoice(ctx context.Context, f schemas.StripeInvoice, old stripeapi.Invoice) (stripeapi.Invoice, error) {
	customer, found, err := w.links.ByAcumatica(ctx, w.in.Connection, link.Customer, f.Customer.ID)
	if err != nil {
		return stripeapi.Invoice{}, err
	}
	if !found {
		if customer = w.unlinkedCustomer(f.Customer.ID); customer.StripeID == "" {
			return stripeapi.Invoice{}, fault.Newf("link.missing", "no Stripe customer is linked with the Acumatica customer %s", f.Customer.ID)
		}
		if !w.making() {
			return stripeapi.Invoice{}, withoutCustomer(customer.StripeID)
		}
	}
	if w.p.Keys[keySeries] == "" {
		w.p.Keys[keySeries] = strconv.Itoa(seriesOf(old) + 1)
	}
	o, err := w.order(f, customer.StripeID, chargesMark(old))
	if err != nil {
		return stripeapi.Invoice{}, err
	}
	b, err := w.draft(ctx, o)
	if stripeapi.IsNotFound(err) {
		return stripeapi.Invoice{}, w.deletedCustomer(ctx, customer, found, err)
	}
	if err != nil {
		return stripeapi.Invoice{}, err
	}
	return w.finalize(ctx, o, b)
}

// order is what is to be made: the fields, checked, with everything looked up.
type order struct {
	schemas.StripeInvoice
	series     string // from "1": the how manieth Stripe invoice of the document
	customerID string // cus_…
	metadata   map[string]string
	items      []stripeapi.Item
}

func (w *work) order(f schemas.StripeInvoice, customerID, charges string) (order, error) {
	if len(f.Lines) == 0 {
		return order{}, fault.Newf("stripe.fields_invalid", "lines: none")
	}
	o := order{StripeInvoice: f, series: w.p.Keys[keySeries], customerID: customerID}
	marks := map[string]string{metaDocument: w.in.Key}
	if o.series != "1" {
		marks[metaSeries] = o.series
		o.Number = numbered(f.Number, o.series)
	}
	if charges != "" {
		marks[metaCharges] = charges
	}
	if memos := lowered(f, isCreditMemo); memos != 0 {
		marks[metaMemos] = strconv.FormatInt(memos, 10)
	}
	if lost := lowered(f, isWriteOff); lost != 0 {
		marks[metaWriteOffs] = strconv.FormatInt(lost, 10)
	}
	var err error
	if o.metadata, err = w.mark(f.Metadata, marks); err != nil {
		return order{}, err
	}
	for n, line := range fewer(f.Lines) {
		o.items = append(o.items, stripeapi.Item{
			Description: line.Description, Amount: line.Amount,
			Metadata: map[string]string{metaIntent: w.tag(), metaLine: strconv.Itoa(n)},
		})
	}
	return o, nil
}

// seriesOf is the how manieth invoice of its document it is; 0 for none.
func seriesOf(inv stripeapi.Invoice) int {
	if inv.ID == "" {
		return 0
	}
	n, err := strconv.Atoi(inv.Metadata[metaSeries])
	if err != nil {
		return 1
	}
	return n
}

// numbered is the number of a replacement, within what Stripe takes.
func numbered(number, series string) string {
	if number == "" {
		return ""
	}
	suffix := "-" + series
	runes := []rune(number)
	return string(runes[:min(len(runes), maxNumber-len(suffix))]) + suffix
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
	case f.Total < 0:
		return f, fault.Newf("stripe.fields_invalid", "total %d: an invoice cannot be negative", f.Total)
	case f.Void && f.Total > 0:
		return f, fault.Newf("stripe.fields_invalid", "total %d of a void document", f.Total)
	case len(f.CustomFields) > maxFields:
		return f, fault.Newf("stripe.fields_invalid", "custom_fields: %d, Stripe takes %d", len(f.CustomFields), maxFields)
	}
	if _, err := dueDate(f.DueDate); err != nil {
		return f, err
	}
	if len(f.Lines) == 0 { // enough to lower an invoice that is there
		return f, nil
	}
	return f, checkSum(f)
}

// checkSum adds the lines up before anything is made. Stripe's own sum is
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
		if inv, err = w.api.Finalize(ctx, w.key("finalize:"+inv.ID), inv.ID); err != nil {
			return inv, w.failed(ctx, err)
		}
		w.at("finalized")
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
		currency := upper(o.Currency)
		return fault.Newf("stripe.total_mismatch", "Stripe computes %s for invoice %s, the books say %s",
			money.Amount{Minor: inv.Total, Currency: currency}, inv.ID, money.Amount{Minor: o.Total, Currency: currency})
	}
	return nil
}

func upper(currency string) string { return strings.ToUpper(currency) }
