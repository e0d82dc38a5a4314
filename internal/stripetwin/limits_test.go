package stripetwin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

// TestNumbersThatFitNowhereAreRefused: a request of a few bytes must neither
// fill the memory nor wrap an amount round.
func TestNumbersThatFitNowhereAreRefused(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	cu := payingCustomer(t, sc, "pm_card_visa")
	in := newOpen(t, sc, cu.ID, 100_00)
	plan := monthly(t, sc, 10_00)
	const huge, many = "1e999999999", "9000000000000000000"
	tests := []struct{ name, path, form string }{
		{"price with an exponent", "prices", "currency=usd&product_data[name]=x&unit_amount_decimal=" + huge},
		{"price of more than an int64", "prices", "currency=usd&product_data[name]=x&unit_amount=99999999999999999999"},
		{"item with an exponent", "invoiceitems", "currency=usd&unit_amount_decimal=" + huge + "&customer=" + cu.ID},
		{"tax rate with an exponent", "tax_rates", "display_name=x&inclusive=false&percentage=" + huge},
		{"quantity of a subscription", "subscriptions", "items[0][price]=" + plan.ID + "&items[0][quantity]=" + many + "&customer=" + cu.ID},
		{"quantity of a checkout", "checkout/sessions", "mode=subscription&success_url=https://a.example&line_items[0][price]=" + plan.ID + "&line_items[0][quantity]=" + many},
		{"credit line with an exponent", "credit_notes", "lines[0][type]=custom_line_item&lines[0][description]=x&lines[0][quantity]=1&lines[0][unit_amount_decimal]=" + huge + "&invoice=" + in.ID},
		{"credit line of too much", "credit_notes", "lines[0][type]=custom_line_item&lines[0][description]=x&lines[0][quantity]=" + many + "&lines[0][unit_amount]=3&invoice=" + in.ID},
		{"instant payout of all there is", "payouts", "currency=usd&method=instant&amount=9223372036854775807"},
		{"trial until the end of time", "subscriptions", "trial_end=9000000000&items[0][price]=" + plan.ID + "&customer=" + cu.ID},
		{"checkout of nothing", "checkout/sessions", "mode=payment&success_url=https://a.example&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=0&line_items[0][price_data][product_data][name]=x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if res, o := send(t, srv, http.MethodPost, "/v1/"+tt.path, tt.form); res.StatusCode != http.StatusBadRequest {
				t.Errorf("got %d %v", res.StatusCode, o)
			}
		})
	}
}

func TestClockDoesNotPassItsEnd(t *testing.T) {
	tw, _, _ := start(t, stripetwin.Options{Now: atNoon})
	if err := tw.Advance(t.Context(), 100*365*24*time.Hour); err == nil {
		t.Error("want an error: 32 bits of seconds end in 2106")
	}
}

func TestDecidedDisputeTakesNoEvidence(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{})
	_, d := disputedCharge(t, sc, "pm_card_createDispute")
	if err := tw.CloseDispute(t.Context(), d.ID, true, false); err != nil {
		t.Fatal(err)
	}
	if res, o := send(t, srv, http.MethodPost, "/v1/disputes/"+d.ID, "evidence="); res.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d %v", res.StatusCode, o)
	}
	if d = must(sc.Disputes.Get(d.ID, nil))(t); d.Status != "won" || len(d.BalanceTransactions) != 2 {
		t.Errorf("dispute is %s with %d balance transactions", d.Status, len(d.BalanceTransactions))
	}
}

func TestInvoicePaidElsewhereAfterADeclineHasNoPayment(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	in := newOpen(t, sc, newCustomer(t, sc).ID, 100_00)
	if _, err := sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_chargeDeclined")}); err == nil {
		t.Fatal("want a decline")
	}
	must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaidOutOfBand: new(true)}))(t)
	if got := eventsOf(t, sc, in.ID); slices.Contains(got, "invoice.payment_succeeded") || !slices.Contains(got, "invoice.paid") {
		t.Errorf("events %v", got)
	}
}

func TestCreditNotesTakeBackNoMoreThanThereIs(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	in := newOpen(t, sc, newCustomer(t, sc).ID, 30_00, 70_00)
	line := in.Lines.Data[0].ID
	one := "lines[N][type]=invoice_line_item&lines[N][invoice_line_item]=" + line + "&lines[N][amount]=2000"
	twice := "invoice=" + in.ID + "&" + strings.ReplaceAll(one, "N", "0") + "&" + strings.ReplaceAll(one, "N", "1")
	if res, o := send(t, srv, http.MethodPost, "/v1/credit_notes", twice); res.StatusCode != http.StatusBadRequest {
		t.Errorf("one line twice on a note: got %d %v", res.StatusCode, o)
	}
	must(sc.CreditNotes.New(&stripe.CreditNoteParams{Invoice: &in.ID, Amount: new(int64(30_00))}))(t)
	must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}))(t)
	p := &stripe.CreditNoteParams{Invoice: &in.ID, Amount: new(int64(70_01)), CreditAmount: new(int64(70_01))}
	if _, err := sc.CreditNotes.New(p); err == nil {
		t.Error("what was credited before the payment is credited again after it")
	}
	p.Amount, p.CreditAmount = new(int64(70_00)), new(int64(70_00))
	must(sc.CreditNotes.New(p))(t)
}

func TestFeeOfAPartialCaptureIsGivenBackInFull(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{RefundFees: true})
	pi := newIntent(t, sc, "pm_card_visa", true)
	must(sc.PaymentIntents.Capture(pi.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: new(int64(40_00))}))(t)
	refundPart(t, sc, pi.LatestCharge.ID, 10_00)
	refundPart(t, sc, pi.LatestCharge.ID, 30_00)
	if sum := balanceSum(t, sc); sum != 0 {
		t.Errorf("balance %d after everything went back", sum)
	}
}

func TestSubscriptionItemsAreNamedOnceAndOneStays(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	cu := payingCustomer(t, sc, "pm_card_visa")
	p := subParams(cu.ID, monthly(t, sc, 10_00).ID)
	p.Items = append(p.Items, &stripe.SubscriptionItemsParams{Price: new(monthly(t, sc, 3_00).ID)})
	s := must(sc.Subscriptions.New(p))(t)
	gone := func(n, i string) string { return "items[" + n + "][id]=" + i + "&items[" + n + "][deleted]=true" }
	a, b := s.Items.Data[0].ID, s.Items.Data[1].ID
	for name, form := range map[string]string{"one item twice": gone("0", a) + "&" + gone("1", a), "all items": gone("0", a) + "&" + gone("1", b)} {
		if res, o := send(t, srv, http.MethodPost, "/v1/subscriptions/"+s.ID, form); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d %v", name, res.StatusCode, o)
		}
	}
	if it := sc.InvoiceItems.List(&stripe.InvoiceItemListParams{Customer: &cu.ID}); it.Next() {
		t.Errorf("a refused change left the proration %+v", it.InvoiceItem())
	}
}

func TestCheckoutRefusesACardThatNeedsAuthenticationBeforeItChangesAnything(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{})
	for _, mode := range []string{"setup", "payment&customer_creation=always&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=x"} {
		_, o := send(t, srv, http.MethodPost, "/v1/checkout/sessions", "success_url=https://a.example&mode="+mode)
		id, _ := o["id"].(string)
		if err := tw.CompleteCheckout(t.Context(), id, "pm_card_authenticationRequired"); err == nil {
			t.Errorf("%s: want a refusal", mode)
		}
		if cs := must(sc.CheckoutSessions.Get(id, nil))(t); cs.Status != "open" || cs.Customer != nil || cs.PaymentIntent != nil {
			t.Errorf("%s: session %+v", mode, cs)
		}
	}
	if n := countCustomers(t, sc); n != 0 {
		t.Errorf("%d customers", n)
	}
}

// TestEveryUpdateStays: start notices a change that nobody marks, but only
// where a test makes it.
func TestEveryUpdateStays(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{Now: atNoon})
	in := paidInvoice(t, sc, 100_00)
	cu := payingCustomer(t, sc, "pm_card_visa")
	plan := monthly(t, sc, 10_00)
	sub := must(sc.Subscriptions.New(subParams(cu.ID, plan.ID)))(t)
	_, d := disputedCharge(t, sc, "pm_card_createDispute")
	advance(t, tw, days(3))
	paths := []string{
		"customers/" + cu.ID, "payment_methods/" + cu.InvoiceSettings.DefaultPaymentMethod.ID, "invoices/" + in.ID, "products/" + plan.Product.ID,
		"prices/" + plan.ID, "subscriptions/" + sub.ID, "subscription_items/" + sub.Items.Data[0].ID, "disputes/" + d.ID,
		"refunds/" + refundPart(t, sc, in.Charge.ID, 1_00).ID,
	}
	made := func(path, form string) {
		_, o := send(t, srv, http.MethodPost, "/v1/"+path, form)
		paths = append(paths, path+"/"+o["id"].(string))
	}
	made("payouts", "amount=1000&currency=usd")
	made("topups", "amount=1000&currency=usd")
	made("credit_notes", "amount=500&out_of_band_amount=500&invoice="+in.ID)
	made("tax_rates", "display_name=x&inclusive=true&percentage=19")
	made("invoiceitems", "amount=100&currency=usd&customer="+cu.ID)
	made("webhook_endpoints", "url=http://a.example&enabled_events[]=*")
	made("customers/"+cu.ID+"/balance_transactions", "amount=100&currency=usd")
	for _, p := range paths {
		if res, o := send(t, srv, http.MethodPost, "/v1/"+p, "metadata[k]=v"); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %v", p, o)
		}
		_, _ = send(t, srv, http.MethodGet, "/v1/balance", "") // lets go of what is live
		_, o := send(t, srv, http.MethodGet, "/v1/"+p, "")
		if meta, _ := o["metadata"].(map[string]any); meta["k"] != "v" {
			t.Errorf("%s: metadata %v", p, o["metadata"])
		}
	}
}

func TestRefundedChargeIsNotChargedBackAsWell(t *testing.T) {
	tw, sc, _ := start(t, stripetwin.Options{})
	ch, d := disputedCharge(t, sc, "pm_card_createDisputeInquiry")
	refundPart(t, sc, ch.ID, 100_00)
	if err := tw.EscalateDispute(t.Context(), d.ID); err == nil || balanceSum(t, sc) != -3_20 {
		t.Errorf("escalated: %v, balance %d", err, balanceSum(t, sc))
	}
}
