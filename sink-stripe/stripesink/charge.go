package stripesink

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// charge is a charge that paid an invoice of the document in full.
type charge struct {
	id     string // ch_… or py_…
	amount int64  // minor units
}

// chargesBefore are the charges that paid the invoices which this one replaced.
// The invoice itself carries them, so that they are known wherever it is found.
func chargesBefore(inv stripeapi.Invoice) ([]charge, error) {
	var all []charge
	for text := range strings.FieldsSeq(inv.Metadata[metaCharges]) {
		id, amount, _ := strings.Cut(text, ":")
		n, err := strconv.ParseInt(amount, 10, 64)
		if err != nil {
			return nil, fault.Newf("stripe.invoice_mismatch", "invoice %s: metadata %s is %q", inv.ID, metaCharges, inv.Metadata[metaCharges])
		}
		all = append(all, charge{id, n})
	}
	return all, nil
}

// chargesMark is the mark on an invoice that replaces old; empty for none.
func chargesMark(old stripeapi.Invoice) string {
	all := strings.Fields(old.Metadata[metaCharges])
	if charged(old) {
		all = append(all, old.Charge+":"+strconv.FormatInt(old.Paid, 10))
	}
	return strings.Join(slices.Compact(all), " ")
}

// paid finds out what became in the books of the charge that paid the invoice,
// and of those that paid the ones before it.
func (w *work) paid(ctx context.Context, f schemas.StripeInvoice, inv stripeapi.Invoice) (paid, error) {
	var p paid
	all, err := chargesBefore(inv)
	if err != nil || f.Total == 0 || len(all) == 0 && !charged(inv) {
		return p, err
	}
	if charged(inv) {
		if p.known, p.applied, err = w.applied(ctx, f, inv.Charge); err != nil {
			return p, err
		}
	}
	for _, c := range all {
		_, applied, err := w.applied(ctx, f, c.id)
		if err != nil {
			return p, err
		}
		if applied < c.amount {
			p.loose = fmt.Sprintf("of the %s that were paid before by %s only %s are applied in Acumatica",
				minor(c.amount, f.Currency), c.id, minor(applied, f.Currency))
		}
	}
	return p, nil
}

// applied says how much of a charge's payment is applied to the document. What
// was taken off is shown by a row of the opposite amount, or not any more; it may
// have been applied again since.
func (w *work) applied(ctx context.Context, f schemas.StripeInvoice, id string) (known bool, sum int64, err error) {
	l, known, err := w.links.ByStripe(ctx, w.in.Connection, link.Payment, id)
	if err != nil || !known {
		return false, 0, err
	}
	for _, x := range f.Lowered {
		if paymentOf(x) == l.AcumaticaID {
			sum += x.Amount
		}
	}
	return true, sum, nil
}

// paymentOf is the document, as links name it, that has lowered an invoice. A
// voided one has the number of what it voids. Acumatica: the types by name and
// by code.
func paymentOf(x schemas.StripeLowering) string {
	kind := strings.TrimSpace(x.Type)
	switch strings.ToUpper(kind) {
	case "PMT", "RPM", "VOIDED PAYMENT", "VOID PAYMENT":
		kind = "Payment"
	case "PPM", "VOIDED PREPAYMENT":
		kind = "Prepayment"
	case "REF", "VRF", "VOIDED REFUND":
		kind = "Refund"
	}
	return kind + " " + strings.TrimSpace(x.Number)
}
