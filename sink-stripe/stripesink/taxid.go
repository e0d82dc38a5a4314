package stripesink

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// taxDivider parts the tax ids of metaTaxIDs.
const taxDivider = "; "

// taxPlan is what is missing to give a customer its tax id. Stripe's tax ids
// have no metadata and cannot be changed: which of them are ours is told by the
// customer, and written there before one is made, so that a crash leaves none
// that nobody knows.
type taxPlan struct {
	create *stripeapi.TaxID
	remove []stripeapi.TaxID // ours, and not true any more
	mark   string            // of the customer from now on
	unseen bool              // the key may not read those that are there
}

// planTaxIDs compares the tax ids of a customer, which may be a new one, with
// the one that it is to have. What others added stays.
func planTaxIDs(old stripeapi.Customer, f schemas.StripeCustomer) taxPlan {
	var p taxPlan
	if old.TaxIDsHidden {
		p.mark = old.Metadata[metaTaxIDs]
		p.unseen = f.TaxID != nil || p.mark != "" && !f.KeepEmpty
		return p
	}
	ours := strings.Split(old.Metadata[metaTaxIDs], taxDivider)
	var marks []string
	there := false
	for _, x := range old.TaxIDs {
		mine := slices.ContainsFunc(ours, func(name string) bool { return sameTaxID(name, taxName(x)) })
		wanted := f.TaxID != nil && sameTaxID(taxName(x), f.TaxID.Type+" "+f.TaxID.Value)
		stays := wanted && !there || f.TaxID == nil && f.KeepEmpty
		there = there || wanted
		if !mine {
			continue
		}
		marks = append(marks, taxName(x))
		if !stays {
			p.remove = append(p.remove, x)
		}
	}
	if f.TaxID != nil && !there {
		p.create = &stripeapi.TaxID{Type: f.TaxID.Type, Value: f.TaxID.Value}
		marks = append(marks, taxName(*p.create))
	}
	p.mark = strings.Join(marks, taxDivider)
	return p
}

func taxName(x stripeapi.TaxID) string { return x.Type + " " + x.Value }

// sameTaxID leaves out how a number is written: Stripe may write it otherwise.
func sameTaxID(a, b string) bool {
	plain := strings.NewReplacer(" ", "", ".", "", "-", "", "/", "")
	return strings.EqualFold(plain.Replace(a), plain.Replace(b))
}

// keepTaxIDs carries a plan out. A number that Stripe refuses must not hold up
// the customer's invoices: it is for a person to look at.
func (w *work) keepTaxIDs(ctx context.Context, customer string, p taxPlan) error {
	if p.unseen {
		w.review(joined(w.p.Keys[keyReview], "the key may not read the tax ids of customer "+customer+", so they stay as they are; give it the right to, and change the customer"))
	}
	if p.create != nil {
		_, err := w.api.CreateTaxID(ctx, w.key("tax_id:"+customer), customer, *p.create)
		switch {
		case err == nil:
		case fault.Of(err).Code == "stripe.invalid", fault.Of(err).Code == "stripe.permission":
			w.review(joined(w.p.Keys[keyReview], fmt.Sprintf("Stripe does not take the tax id %s: %v", taxName(*p.create), err)))
		default:
			return w.failed(ctx, err)
		}
		w.at("tax id created")
	}
	for _, x := range p.remove {
		if err := w.api.DeleteTaxID(ctx, customer, x.ID); err != nil {
			return err
		}
		w.at("tax id deleted")
	}
	return nil
}
