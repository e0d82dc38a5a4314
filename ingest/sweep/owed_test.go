package sweep

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
)

// A refund and a failure that nobody told of are told in the words of Stripe's
// own events, each once, and only where the ledger has no document for them.
func TestWhatRefundsAndFailuresLeaveIsToldWhereItIsMissing(t *testing.T) {
	summary := time.Now().Add(-time.Hour)
	charge := func(customer string) string {
		return `{"id":"ch_1","object":"charge","customer":` + customer + `,"invoice":"in_1","livemode":false}`
	}
	refund := func(charge string) json.RawMessage {
		return json.RawMessage(`{"id":"re_1","object":"refund","charge":` + charge + `}`)
	}
	payment := link.Link{Kind: link.Payment, StripeID: "ch_1", AcumaticaID: "Payment 000001", IntentID: "in"}
	for name, tt := range map[string]struct {
		books  *Settle
		m      stripeapi.Movement
		links  []link.Link
		told   string // "<event> in <lane>"
		cannot bool
	}{
		"a refund": {
			&Settle{Refunds: true}, stripeapi.Movement{Type: "refund", Category: "refund", Source: refund(charge(`"cus_1"`))}, nil, "refund.created in re_1", false,
		},
		"a refund of a bank debit": {
			&Settle{Refunds: true}, stripeapi.Movement{Type: "payment_refund", Category: "refund", Source: refund(charge(`"cus_1"`))}, []link.Link{payment}, "refund.created in re_1", false,
		},
		"a refund that is posted": {
			&Settle{Refunds: true},
			stripeapi.Movement{Type: "refund", Category: "refund", Source: refund(charge(`"cus_1"`))},
			[]link.Link{{Kind: link.Refund, StripeID: "re_1", AcumaticaID: "Refund 000001", IntentID: "in"}},
			"", false,
		},
		"a guest's refund": {
			&Settle{Refunds: true}, stripeapi.Movement{Type: "refund", Category: "refund", Source: refund(charge(`null`))}, nil, "", false,
		},
		"a refund of no charge": {
			&Settle{Refunds: true}, stripeapi.Movement{Type: "refund", Category: "refund", Source: refund(`null`)}, nil, "", false,
		},
		"a refund whose charge is not at hand": {
			&Settle{Refunds: true}, stripeapi.Movement{Type: "refund", Category: "refund", Source: refund(`"ch_1"`)}, nil, "", true,
		},
		"a refund that is something else": {
			&Settle{Refunds: true}, stripeapi.Movement{Type: "refund", Category: "refund", Source: json.RawMessage(charge(`null`))}, nil, "", true,
		},
		"a refund where refunds are journalled": {&Settle{}, stripeapi.Movement{Type: "refund", Category: "refund", Source: refund(charge(`"cus_1"`))}, nil, "", false},
		"a refund where nothing is settled":     {nil, stripeapi.Movement{Type: "refund", Category: "refund", Source: refund(charge(`"cus_1"`))}, nil, "", false},
		"a refund in summary mode": {
			&Settle{Refunds: true, Summary: &summary}, stripeapi.Movement{Type: "refund", Category: "refund", Source: refund(charge(`"cus_1"`))}, nil, "", false,
		},
		"the rest of a partial capture": {
			&Settle{Refunds: true}, stripeapi.Movement{Type: "refund", Category: "partial_capture_reversal", Source: refund(charge(`"cus_1"`))}, nil, "", false,
		},
		"a failure after the payment was posted": {
			nil,
			stripeapi.Movement{Type: "payment_failure_refund", Category: "charge_failure", Source: json.RawMessage(charge(`"cus_1"`))},
			[]link.Link{payment},
			"charge.failed in cus_1", false,
		},
		"a failure whose payment is voided": {
			nil,
			stripeapi.Movement{Type: "payment_failure_refund", Category: "charge_failure", Source: json.RawMessage(charge(`"cus_1"`))},
			[]link.Link{payment, {Kind: link.Void, StripeID: "ch_1", AcumaticaID: "Voided Payment 000001", IntentID: "in"}},
			"", false,
		},
		"a failure without a payment": {
			nil, stripeapi.Movement{Type: "payment_failure_refund", Category: "charge_failure", Source: json.RawMessage(charge(`"cus_1"`))}, nil, "", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			sh := newShop(t)
			sh.s.o.Settle = tt.books
			for _, l := range tt.links {
				if err := link.New(sh.bus).Put(t.Context(), "default", l); err != nil {
					t.Fatal(err)
				}
			}
			tt.m.ID, tt.m.Created = "txn_1", sh.clock
			for i := range 2 {
				missing, err := sh.s.check(t.Context(), tt.m)
				if (err != nil) != tt.cannot || missing != (i == 0 && tt.told != "") {
					t.Errorf("missing %t, %v", missing, err)
				}
			}
			var want []string
			if tt.told != "" {
				want = []string{tt.told}
			}
			if got := sh.lanes(); !slices.Equal(got, want) {
				t.Errorf("told %v, want %v", got, want)
			}
		})
	}
}

// lanes lists what is stored as "<event> in <lane>".
func (sh *shop) lanes() []string {
	sh.t.Helper()
	var all []string
	err := sh.bus.Scan(sh.t.Context(), bus.Events, 1, func(m *bus.Message) error {
		all = append(all, m.Subject.B+"."+m.Subject.C+" in "+m.Subject.Lane)
		return nil
	})
	if err != nil {
		sh.t.Fatal(err)
	}
	return all
}

// After an outage of everything, Stripe's own list of movements is enough.
func TestRefundsAndLateFailuresOfAnOutageAreTold(t *testing.T) {
	sh := newShop(t)
	sh.settles(Settle{Refunds: true})
	if err := sh.s.Check(t.Context(), sh.clock); err != nil { // begins here
		t.Fatal(err)
	}
	sh.clock = sh.clock.Add(time.Hour)
	customer := sh.post("/v1/customers", "name=Northwind")
	sold, err := sh.twin.ChargeCustomer(t.Context(), customer, 1000, "usd", "sold")
	if err != nil {
		t.Fatal(err)
	}
	refund := sh.post("/v1/refunds", "charge="+sold)
	if err := link.New(sh.bus).Put(t.Context(), "default", link.Link{Kind: link.Payment, StripeID: sold, AcumaticaID: "Payment 1", IntentID: "in"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sh.s.Check(t.Context(), sh.clock.Add(2*settled)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := sh.lanes(), []string{"refund.created in " + refund}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// post makes something in Stripe and returns its id.
func (sh *shop) post(path, form string) string {
	sh.t.Helper()
	req, err := http.NewRequestWithContext(sh.t.Context(), http.MethodPost, sh.url+path, strings.NewReader(form))
	if err != nil {
		sh.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_sweep")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := sh.http.Do(req)
	if err != nil {
		sh.t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.ID == "" {
		sh.t.Fatalf("%s: %v", path, err)
	}
	return made.ID
}
