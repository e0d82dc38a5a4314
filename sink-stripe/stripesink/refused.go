package stripesink

import (
	"context"
	"fmt"
	"strings"

	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// sendCustomer writes a customer. A way to reach it that Stripe refuses must not
// hold up the customer's invoices: it is left out, and for a person to look at.
// What Stripe has stays then, and nothing is emptied.
func (w *work) sendCustomer(ctx context.Context, f schemas.StripeCustomer, send func(schemas.StripeCustomer) (stripeapi.Customer, error)) (stripeapi.Customer, error) {
	got, err := send(f)
	if err == nil || fault.Of(err).Code != "stripe.invalid" || !withoutRefused(&f, stripeapi.Param(err)) {
		return got, err
	}
	f.KeepEmpty = true
	w.review(joined(w.p.Keys[keyReview], fmt.Sprintf("Stripe does not take all of the customer, so it was written without %s: %v", stripeapi.Param(err), err)))
	w.nextGeneration() // the refusal may be stored under the key
	if err := w.p.Save(ctx); err != nil {
		return got, err
	}
	return send(f)
}

// withoutRefused takes out the field that a parameter is of, if a customer can do
// without it.
func withoutRefused(f *schemas.StripeCustomer, param string) bool {
	name, _, _ := strings.Cut(param, "[")
	switch {
	case name == "email":
		f.Email = ""
	case name == "phone":
		f.Phone = ""
	case param == "address[country]" && f.Address != nil:
		address := *f.Address
		address.Country = ""
		f.Address = &address
	case name == "address":
		f.Address = nil
	case name == "shipping":
		f.Shipping = nil
	default:
		return false
	}
	return true
}
