package stripetwin_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

func TestTaxIsAddedToALineOrIsInside(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	cu := newCustomer(t, sc)
	rate := func(pct float64, inside bool) string {
		return must(sc.TaxRates.New(&stripe.TaxRateParams{DisplayName: new("VAT"), Percentage: &pct, Inclusive: &inside}))(t).ID
	}
	onTop, inside := rate(7.7, false), rate(19, true)
	in := newDraft(t, sc, cu.ID)
	must(sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cu.ID, Invoice: &in.ID, Amount: new(int64(99_99)), TaxRates: []*string{&onTop}}))(t)
	must(sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cu.ID, Invoice: &in.ID, Amount: new(int64(119_00)), TaxRates: []*string{&inside}}))(t)
	must(sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cu.ID, Invoice: &in.ID, Amount: new(int64(1_00))}))(t)
	in = must(sc.Invoices.FinalizeInvoice(in.ID, nil))(t)
	if in.Subtotal != 219_99 || in.Tax != 7_70+19_00 || in.Total != 227_69 || in.SubtotalExcludingTax != 200_99 || in.TotalExcludingTax != 200_99 {
		t.Errorf("subtotal %d, tax %d, total %d, without tax %d and %d", in.Subtotal, in.Tax, in.Total, in.SubtotalExcludingTax, in.TotalExcludingTax)
	}
	if x := in.Lines.Data[1]; x.TaxAmounts[0].Amount != 19_00 || !x.TaxAmounts[0].Inclusive || x.AmountExcludingTax != 100_00 {
		t.Errorf("line with tax inside: %+v", x)
	}
	paid := must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}))(t)
	if paid.AmountPaid != 227_69 {
		t.Errorf("paid %d", paid.AmountPaid)
	}
}

func TestItemsHavePrices(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	cu := newCustomer(t, sc)
	p := must(sc.Prices.New(&stripe.PriceParams{Currency: new("usd"), UnitAmountDecimal: new(0.5), ProductData: &stripe.PriceProductDataParams{Name: new("Bolt")}}))(t)
	it := must(sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cu.ID, Price: &p.ID, Quantity: new(int64(25))}))(t)
	if it.Amount != 13 || it.Price.ID != p.ID || it.Description != "Bolt" { // 12.5 is rounded half up
		t.Errorf("item: %+v", it)
	}
	it = must(sc.InvoiceItems.Update(it.ID, &stripe.InvoiceItemParams{Quantity: new(int64(100))}))(t)
	if it.Amount != 50 {
		t.Errorf("changed: %+v", it)
	}
	var e *stripe.Error
	if _, err := sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cu.ID, Price: new(monthly(t, sc, 5).ID)}); !errors.As(err, &e) || e.HTTPStatusCode != http.StatusBadRequest {
		t.Errorf("a recurring price on an item: %v", err)
	}
	if _, err := sc.Products.Del(p.Product.ID, nil); err == nil {
		t.Error("a product with prices was deleted")
	}
}

func TestPaymentMethodPaysOnceWithoutACustomer(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	m := must(sc.PaymentMethods.New(&stripe.PaymentMethodParams{
		Type: new("card"), Card: &stripe.PaymentMethodCardParams{Number: new("5555555555554444"), ExpMonth: new(int64(1)), ExpYear: new(int64(2034)), CVC: new("123")},
	}))(t)
	pi := newIntent(t, sc, m.ID, false)
	if ch := pi.LatestCharge; ch.PaymentMethod != m.ID || ch.PaymentMethodDetails.Card.Brand != "mastercard" || ch.PaymentMethodDetails.Card.Last4 != "4444" {
		t.Errorf("charge: %+v", ch)
	}
	if _, err := sc.PaymentIntents.New(intentParams(m.ID, false)); err == nil {
		t.Error("paid twice")
	}
	cu := payingCustomer(t, sc, "pm_card_visa")
	owned := cu.InvoiceSettings.DefaultPaymentMethod.ID
	for range 2 {
		p := intentParams(owned, false)
		p.Customer = &cu.ID
		must(sc.PaymentIntents.New(p))(t)
	}
	if _, err := sc.PaymentIntents.New(intentParams(owned, false)); err == nil {
		t.Error("paid for somebody else")
	}
	must(sc.PaymentMethods.Detach(owned, nil))(t)
	if cu = must(sc.Customers.Get(cu.ID, nil))(t); cu.InvoiceSettings.DefaultPaymentMethod != nil {
		t.Error("a detached method is still the default")
	}
}

func TestInvoiceAdvancesByItself(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	cu := payingCustomer(t, sc, "pm_card_visa")
	in := must(sc.Invoices.New(&stripe.InvoiceParams{Customer: &cu.ID, AutoAdvance: new(true)}))(t)
	must(sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cu.ID, Invoice: &in.ID, Amount: new(int64(100))}))(t)
	advance(t, tw, 59*time.Minute)
	if in = must(sc.Invoices.Get(in.ID, nil))(t); in.Status != "draft" {
		t.Fatalf("before its hour: %s", in.Status)
	}
	advance(t, tw, time.Minute)
	if in = must(sc.Invoices.Get(in.ID, nil))(t); in.Status != "paid" || in.AmountPaid != 100 {
		t.Errorf("after its hour: %+v", in)
	}
}

func TestChallengedPaymentWaitsForItsBuyer(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{})
	for _, passed := range []bool{true, false} {
		in := newOpen(t, sc, newCustomer(t, sc).ID, 100_00)
		_, err := sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_threeDSecure2Required")})
		var e *stripe.Error
		if !errors.As(err, &e) || e.HTTPStatusCode != http.StatusPaymentRequired {
			t.Fatalf("challenged: %v", err)
		}
		if err := tw.Authenticate(t.Context(), in.PaymentIntent.ID, passed); err != nil {
			t.Fatal(err)
		}
		if in = must(sc.Invoices.Get(in.ID, nil))(t); in.Paid != passed {
			t.Errorf("passed %v: %s", passed, in.Status)
		}
	}
}

func TestCheckoutPageIsPaidOnce(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	price := must(sc.Prices.New(&stripe.PriceParams{Currency: new("usd"), UnitAmount: new(int64(15_00)), ProductData: &stripe.PriceProductDataParams{Name: new("Bolt")}}))(t)
	cs := must(sc.CheckoutSessions.New(&stripe.CheckoutSessionParams{
		Mode: new("payment"), SuccessURL: new("https://shop.example/ok?s={CHECKOUT_SESSION_ID}"),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{Price: &price.ID, Quantity: new(int64(2))}},
	}))(t)
	if cs.AmountTotal != 30_00 || cs.PaymentStatus != "unpaid" || cs.PaymentIntent != nil || !strings.HasPrefix(cs.URL, srv.URL) {
		t.Fatalf("new: %+v", cs)
	}
	hc := srv.Client()
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	pay := func(method string) (status int, location string) {
		res, err := hc.PostForm(cs.URL, url.Values{"payment_method": {method}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode, res.Header.Get("Location")
	}
	if status, _ := pay("pm_card_chargeDeclined"); status != http.StatusPaymentRequired {
		t.Fatalf("declined: %d", status)
	}
	for range 2 {
		if status, to := pay("pm_card_visa"); to != "https://shop.example/ok?s="+cs.ID {
			t.Fatalf("paid: %d, %s", status, to)
		}
	}
	p := &stripe.CheckoutSessionParams{}
	p.AddExpand("line_items.data.price.product")
	p.AddExpand("payment_intent.latest_charge")
	got := must(sc.CheckoutSessions.Get(cs.ID, p))(t)
	if got.Status != "complete" || got.PaymentStatus != "paid" || got.PaymentIntent.LatestCharge.Amount != 30_00 || got.LineItems.Data[0].Price.Product.Name != "Bolt" {
		t.Errorf("complete: %+v", got)
	}
	if sum := balanceSum(t, sc); sum != 30_00-117 {
		t.Errorf("balance %d: paid more than once?", sum)
	}
	if events := eventsOf(t, sc, cs.ID); !slices.Equal(events, []string{"checkout.session.completed"}) {
		t.Errorf("events %v", events)
	}
}

func TestCheckoutSubscribesSetsUpAndExpires(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	price := monthly(t, sc, 10_00)
	session := func(mode string) *stripe.CheckoutSession {
		p := &stripe.CheckoutSessionParams{Mode: &mode, SuccessURL: new("https://shop.example/"), CustomerEmail: new("a@b.example")}
		if mode == "subscription" {
			p.LineItems = []*stripe.CheckoutSessionLineItemParams{{Price: &price.ID, Quantity: new(int64(1))}}
		}
		cs := must(sc.CheckoutSessions.New(p))(t)
		if err := tw.CompleteCheckout(t.Context(), cs.ID, "pm_card_visa"); err != nil {
			t.Fatal(err)
		}
		return must(sc.CheckoutSessions.Get(cs.ID, nil))(t)
	}
	sub := session("subscription")
	if s := must(sc.Subscriptions.Get(sub.Subscription.ID, nil))(t); s.Status != "active" || s.Customer.ID != sub.Customer.ID || s.LatestInvoice.ID != sub.Invoice.ID {
		t.Errorf("subscription: %+v", s)
	}
	if si := must(sc.SetupIntents.Get(session("setup").SetupIntent.ID, nil))(t); si.Status != "succeeded" || si.PaymentMethod == nil {
		t.Errorf("setup: %+v", si)
	}
	cs := must(sc.CheckoutSessions.New(&stripe.CheckoutSessionParams{Mode: new("setup"), SuccessURL: new("https://shop.example/")}))(t)
	advance(t, tw, 24*time.Hour)
	if cs = must(sc.CheckoutSessions.Get(cs.ID, nil))(t); cs.Status != "expired" || cs.URL != "" {
		t.Errorf("a day later: %+v", cs)
	}
}
