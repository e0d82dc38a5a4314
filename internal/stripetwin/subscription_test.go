package stripetwin_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripetwin"
)

// payingCustomer has the test payment method as its default.
func payingCustomer(t *testing.T, sc *client.API, method string) *stripe.Customer {
	t.Helper()
	cu := newCustomer(t, sc)
	m := must(sc.PaymentMethods.Attach(method, &stripe.PaymentMethodAttachParams{Customer: &cu.ID}))(t)
	return must(sc.Customers.Update(cu.ID, &stripe.CustomerParams{
		InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: &m.ID},
	}))(t)
}

func monthly(t *testing.T, sc *client.API, amount int64) *stripe.Price {
	t.Helper()
	return must(sc.Prices.New(&stripe.PriceParams{
		Currency: new("usd"), UnitAmount: &amount, ProductData: &stripe.PriceProductDataParams{Name: new("Plan")},
		Recurring: &stripe.PriceRecurringParams{Interval: new("month")},
	}))(t)
}

func subParams(customer, price string) *stripe.SubscriptionParams {
	return &stripe.SubscriptionParams{Customer: &customer, Items: []*stripe.SubscriptionItemsParams{{Price: &price, Quantity: new(int64(2))}}}
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func TestSubscriptionIsInvoicedAndChargedEachPeriod(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	tw, sc, _ := start(t, stripetwin.Options{Now: func() time.Time { return at }})
	cu := payingCustomer(t, sc, "pm_card_visa")
	p := subParams(cu.ID, monthly(t, sc, 10_00).ID)
	p.AddExpand("latest_invoice.payment_intent")
	s := must(sc.Subscriptions.New(p))(t)
	first := s.LatestInvoice
	if s.Status != "active" || !first.Paid || first.Total != 20_00 || first.BillingReason != "subscription_create" || first.Lines.Data[0].Type != "subscription" {
		t.Fatalf("new: %+v, invoice %+v", s, first)
	}
	if end := time.Unix(s.CurrentPeriodEnd, 0).UTC(); end != time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC) {
		t.Fatalf("the month that begins on the 31st ends %v", end)
	}
	must(sc.InvoiceItems.New(&stripe.InvoiceItemParams{Customer: &cu.ID, Amount: new(int64(5_00)), Currency: new("usd")}))(t)

	advance(t, tw, days(28)) // the draft is there, but not final for an hour
	s = must(sc.Subscriptions.Get(s.ID, nil))(t)
	in := must(sc.Invoices.Get(s.LatestInvoice.ID, nil))(t)
	if in.Status != "draft" || in.Total != 25_00 || in.BillingReason != "subscription_cycle" || in.NextPaymentAttempt != in.Created+3600 {
		t.Fatalf("renewal: %+v", in)
	}
	advance(t, tw, time.Hour)
	in = must(sc.Invoices.Get(in.ID, nil))(t)
	if !in.Paid || in.AmountPaid != 25_00 || in.StatusTransitions.FinalizedAt != in.Created+3600 {
		t.Fatalf("renewal an hour later: %+v", in)
	}
	if end := time.Unix(s.CurrentPeriodEnd, 0).UTC(); end != time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC) {
		t.Errorf("the next month ends %v", end)
	}
	want := []string{"invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded", "invoice.updated"}
	if got := eventsOf(t, sc, in.ID); !slices.Equal(slices.Compact(slices.Sorted(slices.Values(got))), want) {
		t.Errorf("events %v", got)
	}
}

func TestUnpaidRenewalIsTriedAgainAndThenGivenUp(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	cu := payingCustomer(t, sc, "pm_card_visa")
	s := must(sc.Subscriptions.New(subParams(cu.ID, monthly(t, sc, 10_00).ID)))(t)
	bad := must(sc.PaymentMethods.Attach("pm_card_chargeCustomerFail", &stripe.PaymentMethodAttachParams{Customer: &cu.ID}))(t)
	must(sc.Subscriptions.Update(s.ID, &stripe.SubscriptionParams{DefaultPaymentMethod: &bad.ID}))(t)
	period := time.Unix(s.CurrentPeriodEnd, 0).Sub(time.Unix(s.CurrentPeriodStart, 0))

	advance(t, tw, period+time.Hour)
	for i, wait := range []int{3, 5, 7} {
		s = must(sc.Subscriptions.Get(s.ID, nil))(t)
		in := must(sc.Invoices.Get(s.LatestInvoice.ID, nil))(t)
		if s.Status != "past_due" || in.Status != "open" || in.AttemptCount != int64(i+1) || in.NextPaymentAttempt == 0 {
			t.Fatalf("after try %d: %s, %+v", i+1, s.Status, in)
		}
		advance(t, tw, days(wait))
	}
	s = must(sc.Subscriptions.Get(s.ID, nil))(t)
	in := must(sc.Invoices.Get(s.LatestInvoice.ID, nil))(t)
	if s.Status != "unpaid" || in.AttemptCount != 4 || in.NextPaymentAttempt != 0 {
		t.Fatalf("given up: %s, %+v", s.Status, in)
	}
	must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}))(t)
	if s = must(sc.Subscriptions.Get(s.ID, nil))(t); s.Status != "active" {
		t.Errorf("paid by hand: %s", s.Status)
	}
	var statuses []any
	for it := sc.Events.List(&stripe.EventListParams{Type: new("customer.subscription.updated")}); it.Next(); {
		if was, changed := it.Event().Data.PreviousAttributes["status"]; changed {
			statuses = append(statuses, was)
		}
	}
	if want := []any{"unpaid", "past_due", "active"}; !slices.Equal(statuses, want) {
		t.Errorf("statuses that were left, newest first: %v, want %v", statuses, want)
	}
}

func TestTrialEndsInAPaidPeriod(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	cu := payingCustomer(t, sc, "pm_card_visa")
	p := subParams(cu.ID, monthly(t, sc, 10_00).ID)
	p.TrialPeriodDays = new(int64(14))
	s := must(sc.Subscriptions.New(p))(t)
	if in := must(sc.Invoices.Get(s.LatestInvoice.ID, nil))(t); s.Status != "trialing" || in.Total != 0 || !in.Paid || s.CurrentPeriodEnd != s.TrialEnd {
		t.Fatalf("trial: %+v, %+v", s, in)
	}
	advance(t, tw, days(11))
	if got := eventsOf(t, sc, s.ID); !slices.Contains(got, "customer.subscription.trial_will_end") {
		t.Errorf("three days before: %v", got)
	}
	advance(t, tw, days(3)+time.Hour)
	s = must(sc.Subscriptions.Get(s.ID, nil))(t)
	if in := must(sc.Invoices.Get(s.LatestInvoice.ID, nil))(t); s.Status != "active" || in.AmountPaid != 20_00 || s.BillingCycleAnchor != s.TrialEnd {
		t.Errorf("after the trial: %+v, %+v", s, in)
	}
}

func TestSubscriptionEnds(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	cu := payingCustomer(t, sc, "pm_card_visa")
	price := monthly(t, sc, 10_00)
	now := must(sc.Subscriptions.New(subParams(cu.ID, price.ID)))(t)
	if now = must(sc.Subscriptions.Cancel(now.ID, nil))(t); now.Status != "canceled" || now.EndedAt == 0 {
		t.Fatalf("canceled: %+v", now)
	}
	later := must(sc.Subscriptions.New(subParams(cu.ID, price.ID)))(t)
	later = must(sc.Subscriptions.Update(later.ID, &stripe.SubscriptionParams{CancelAtPeriodEnd: new(true)}))(t)
	if later.Status != "active" || later.CancelAt != later.CurrentPeriodEnd || later.CanceledAt == 0 {
		t.Fatalf("ends with the period: %+v", later)
	}
	advance(t, tw, days(32))
	later = must(sc.Subscriptions.Get(later.ID, nil))(t)
	if later.Status != "canceled" || later.EndedAt != later.CurrentPeriodEnd {
		t.Errorf("ended: %+v", later)
	}
	for it := sc.Invoices.List(&stripe.InvoiceListParams{Subscription: &later.ID}); it.Next(); {
		if r := it.Invoice().BillingReason; r != "subscription_create" {
			t.Errorf("an invoice because of %s", r)
		}
	}
}

func TestFirstInvoiceThatIsNotPaidExpires(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	price := monthly(t, sc, 10_00)
	var e *stripe.Error
	if _, err := sc.Subscriptions.New(subParams(newCustomer(t, sc).ID, price.ID)); !errors.As(err, &e) || e.Code != stripe.ErrorCodeResourceMissing {
		t.Fatalf("without a payment method: %v", err)
	}
	cu := payingCustomer(t, sc, "pm_card_chargeCustomerFail")
	p := subParams(cu.ID, price.ID)
	p.PaymentBehavior = new("error_if_incomplete")
	if _, err := sc.Subscriptions.New(p); !errors.As(err, &e) || e.Code != stripe.ErrorCodeCardDeclined {
		t.Fatalf("error_if_incomplete: %v", err)
	}
	s := must(sc.Subscriptions.New(subParams(cu.ID, price.ID)))(t)
	if s.Status != "incomplete" {
		t.Fatalf("not paid: %s", s.Status)
	}
	advance(t, tw, days(1))
	s = must(sc.Subscriptions.Get(s.ID, nil))(t)
	if in := must(sc.Invoices.Get(s.LatestInvoice.ID, nil))(t); s.Status != "incomplete_expired" || in.Status != "void" {
		t.Errorf("a day later: %s, invoice %s", s.Status, in.Status)
	}
}

func TestChangeOfQuantityIsProrated(t *testing.T) {
	at := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) // 30 days
	tw, sc, _ := start(t, stripetwin.Options{Now: func() time.Time { return at }})
	cu := payingCustomer(t, sc, "pm_card_visa")
	s := must(sc.Subscriptions.New(subParams(cu.ID, monthly(t, sc, 10_00).ID)))(t)
	advance(t, tw, days(10))
	change := []*stripe.SubscriptionItemsParams{{ID: &s.Items.Data[0].ID, Quantity: new(int64(5))}}
	must(sc.Subscriptions.Update(s.ID, &stripe.SubscriptionParams{Items: change}))(t)
	var got []int64
	for it := sc.InvoiceItems.List(&stripe.InvoiceItemListParams{Customer: &cu.ID, Pending: new(true)}); it.Next(); {
		got = append(got, it.InvoiceItem().Amount)
	}
	if want := []int64{33_33, -13_33}; !slices.Equal(got, want) { // two thirds of 50 and of 20, newest first
		t.Fatalf("pending %v, want %v", got, want)
	}
	advance(t, tw, days(20)+time.Hour)
	s = must(sc.Subscriptions.Get(s.ID, nil))(t)
	if in := must(sc.Invoices.Get(s.LatestInvoice.ID, nil))(t); in.AmountPaid != 50_00+33_33-13_33 {
		t.Errorf("next invoice: %+v", in)
	}
}

func TestItemsComeAndGo(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{Now: atNoon})
	cu := payingCustomer(t, sc, "pm_card_visa")
	s := must(sc.Subscriptions.New(subParams(cu.ID, monthly(t, sc, 10_00).ID)))(t)
	price := monthly(t, sc, 3_00)
	si := must(sc.SubscriptionItems.New(&stripe.SubscriptionItemParams{Subscription: &s.ID, Price: &price.ID, ProrationBehavior: new("none")}))(t)
	si = must(sc.SubscriptionItems.Update(si.ID, &stripe.SubscriptionItemParams{Quantity: new(int64(4)), ProrationBehavior: new("none")}))(t)
	s = must(sc.Subscriptions.Get(s.ID, nil))(t)
	if len(s.Items.Data) != 2 || s.Items.Data[1].ID != si.ID || s.Items.Data[1].Quantity != 4 {
		t.Fatalf("items: %+v", s.Items.Data)
	}
	must(sc.SubscriptionItems.Del(si.ID, &stripe.SubscriptionItemParams{ProrationBehavior: new("none")}))(t)
	if _, err := sc.SubscriptionItems.Del(s.Items.Data[0].ID, nil); err == nil {
		t.Error("a subscription without items")
	}
	p := &stripe.SubscriptionSearchParams{SearchParams: stripe.SearchParams{Query: "status:'active'"}}
	if it := sc.Subscriptions.Search(p); !it.Next() || it.Subscription().ID != s.ID {
		t.Errorf("not found: %v", it.Err())
	}
}

func TestBankAccountIsTrustedUntilItFails(t *testing.T) {
	for method, want := range map[string]stripe.SubscriptionStatus{"pm_usBankAccount_success": "active", "pm_usBankAccount_insufficientFunds": "past_due"} {
		tw, sc, _ := start(t, stripetwin.Options{Now: atNoon})
		s := must(sc.Subscriptions.New(subParams(payingCustomer(t, sc, method).ID, monthly(t, sc, 10_00).ID)))(t)
		if s.Status != "active" {
			t.Fatalf("%s: new: %s", method, s.Status)
		}
		advance(t, tw, days(5))
		s = must(sc.Subscriptions.Get(s.ID, nil))(t)
		if in := must(sc.Invoices.Get(s.LatestInvoice.ID, nil))(t); s.Status != want || in.Paid != (want == "active") {
			t.Errorf("%s: days later %s, invoice %s", method, s.Status, in.Status)
		}
	}
}
