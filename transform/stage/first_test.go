package stage

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// post makes a request of Stripe's API.
func (s *settling) post(t *testing.T, path, form string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	req.Header.Set("Authorization", "Bearer "+twinKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	if s.twin.Handler().ServeHTTP(rec, req); rec.Code != http.StatusOK {
		t.Fatalf("%s: %s", path, rec.Body)
	}
}

// in handles an event of a charge in a lane.
func (s *settling) in(t *testing.T, lane, verb, charge string) (schemas.Outcome, error) {
	t.Helper()
	m := stripeEvent("charge", verb, fmt.Sprintf(`{"id":%q,"object":"charge"}`, charge))
	m.Subject.Lane = lane
	return s.handler.Handle(t.Context(), m)
}

// posted is what the sink leaves of a payment.
func (s *settling) posted(charge string) {
	s.links["stripe payment "+charge] = link.Link{Kind: link.Payment, AcumaticaID: "Prepayment 000042", StripeID: charge}
	s.acumatica["Payment/Prepayment/000042"] = `{"PaymentAmount":{"value":120.5},"ApplicationDate":{"value":"2026-03-30T00:00:00+00:00"},"ApplicationHistory":[]}`
}

// Stripe's webhooks come in any order. A refund that is stored before its
// payment, in the lane of both, asks for the payment and waits for it; in the
// end there are the same intents as in the other order.
func TestARefundAndItsPaymentMayComeInAnyOrder(t *testing.T) {
	run := func(t *testing.T, refundFirst bool) map[string]string {
		t.Helper()
		s := settle(t, testBooks)
		var order []string
		publish := s.handler.o.Publisher
		s.handler.o.Publisher = publishFunc(func(in schemas.Intent) (bus.PubAck, error) {
			if _, twice := s.intents[in.ID]; !twice {
				order = append(order, in.Document)
			}
			return publish.PublishIntentFor(t.Context(), nil, in)
		})
		customer := s.customer(t)
		charge := s.charge(t, customer, 12050, "usd")
		s.post(t, "/v1/refunds", "charge="+charge+"&amount=4000")
		lane := customer
		paid := func(want string) {
			t.Helper()
			if out, err := s.in(t, lane, "succeeded", charge); err != nil || out.Outcome != want {
				t.Errorf("charge: %s %s, %v", out.Outcome, out.Reason, err)
			}
		}
		if !refundFirst {
			paid(schemas.Applied)
		}
		if refundFirst {
			for range 3 { // until the sink has posted the payment
				if _, err := s.in(t, lane, "refunded", charge); fault.Of(err).Code != "flow.link_pending" {
					t.Fatalf("refund before its payment: %v", err)
				}
			}
		}
		s.posted(charge)
		if out, err := s.in(t, lane, "refunded", charge); err != nil || out.Outcome != schemas.Applied {
			t.Errorf("refund: %s %s, %v", out.Outcome, out.Reason, err)
		}
		paid(schemas.Duplicate)
		if out, err := s.in(t, lane, "refunded", charge); err != nil || out.Outcome != schemas.Duplicate {
			t.Errorf("refund again: %s %s, %v", out.Outcome, out.Reason, err)
		}
		if want := "payment refund"; strings.Join(order, " ") != want {
			t.Errorf("published %v, want %s", order, want)
		}
		fields := map[string]string{}
		for _, in := range s.intents {
			if in.Lane != lane {
				t.Errorf("%s is in lane %s", in.ID, in.Lane)
			}
			text := strings.NewReplacer(charge, "ch", customer, "cus").Replace(string(in.Fields))
			fields[in.Document] = text[:strings.LastIndex(text, "PaymentRef")] // a refund has another id each time
		}
		return fields
	}
	if diff := cmp.Diff(run(t, false), run(t, true)); diff != "" {
		t.Errorf("-payment first +refund first:\n%s", diff)
	}
}

// What keeps the payment from being asked for is what the refund stops with.
func TestARefundStopsWithWhatItsPaymentStopsWith(t *testing.T) {
	s := settle(t, testBooks)
	conn := s.handler.o.Connections["default"]
	conn.Books.CashAccounts = map[string]string{}
	s.handler.o.Connections["default"] = conn
	customer := s.customer(t)
	charge := s.charge(t, customer, 12050, "usd")
	s.post(t, "/v1/refunds", "charge="+charge+"&amount=4000")
	if _, err := s.in(t, customer, "refunded", charge); fault.Of(err).Code != "flow.cash_account_missing" || !strings.Contains(err.Error(), "flow stripe-charge:") {
		t.Errorf("got %v", err)
	}
}

// In a lane of its own, a refund asks for nothing of its customer's lane.
func TestARefundInItsOwnLaneOnlyWaits(t *testing.T) {
	s := settle(t, testBooks)
	customer := s.customer(t)
	charge := s.charge(t, customer, 12050, "usd")
	s.post(t, "/v1/refunds", "charge="+charge+"&amount=4000")
	if _, err := s.in(t, charge, "refunded", charge); fault.Of(err).Code != "flow.link_pending" || len(s.intents) != 0 {
		t.Errorf("%d intents, %v", len(s.intents), err)
	}
}

// A bank debit that is returned late leaves nothing on the clearing account,
// whether its payment was asked for or not.
func TestADebitThatFailsLateTakesItsPaymentBack(t *testing.T) {
	for _, told := range []bool{true, false} {
		s := settle(t, testBooks)
		customer := s.customer(t)
		s.post(t, "/v1/payment_intents", "amount=8000&currency=usd&confirm=true&payment_method=pm_usBankAccount_success&payment_method_types[0]=us_bank_account&customer="+customer)
		if err := s.twin.Advance(t.Context(), 5*24*time.Hour); err != nil {
			t.Fatal(err)
		}
		var charge string
		err := s.client.EachMovement(t.Context(), stripeapi.MovementQuery{}, func(m *ledger.Movement) error { charge = m.Source.ID; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if told {
			if out, err := s.in(t, customer, "succeeded", charge); err != nil || out.Outcome != schemas.Applied {
				t.Fatalf("%s %s, %v", out.Outcome, out.Reason, err)
			}
		}
		if err := s.twin.FailCharge(t.Context(), charge, "account_closed"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if out, err := s.in(t, customer, "failed", charge); err != nil || len(out.Intents) != 1 || out.Intents[0] != "default/acumatica/payment/void/"+charge {
				t.Errorf("%s %s %v, %v", out.Outcome, out.Reason, out.Intents, err)
			}
		}
		if out, err := s.in(t, customer, "succeeded", charge); err != nil || out.Outcome != schemas.Skipped {
			t.Errorf("a payment of what failed: %s %s, %v", out.Outcome, out.Reason, err)
		}
		var v schemas.AcumaticaPaymentVoid
		decode(t, s.intents["default/acumatica/payment/void/"+charge].Fields, &v)
		if v.PaymentAmount != "80.00" || v.Payment != (schemas.LinkRef{Kind: link.Payment, ID: charge}) {
			t.Errorf("%+v", v)
		}
	}
}
