package flows

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"millrace/internal/ledger"
	"millrace/transform/flow"
)

const (
	bookStart   = 1_772_319_600
	bookSummary = 1_775_000_000
)

// agreement is one way to keep the books, and one charge in them.
type agreement struct {
	customer, style, category string
	charged, refunded         int64 // Unix time of the movement
	summary                   bool
}

func agreements() []agreement {
	var all []agreement
	times := []int64{bookStart - 1, bookStart, bookSummary - 1, bookSummary}
	for _, customer := range []string{"", "cus_1"} {
		for _, style := range []string{"ar_refund", "credit_memo", "journal"} {
			for _, category := range []string{"refund", "partial_capture_reversal"} {
				for _, summary := range []bool{false, true} {
					for i, charged := range times {
						for _, refunded := range times[i:] {
							all = append(all, agreement{customer, style, category, charged, refunded, summary})
						}
					}
				}
			}
		}
	}
	return all
}

func (a agreement) rules() ledger.Rules {
	one := map[string]ledger.Account{"": {Account: "1"}}
	r := ledger.Rules{
		Start: time.Unix(bookStart, 0), Refunds: ledger.RefundStyle(a.style), Clearing: map[string]ledger.Account{"USD": {Account: "2"}},
		Accounts: map[string]map[string]ledger.Account{"sales": one, "fee": one, "suspense": one, "fx": one},
	}
	if a.summary {
		r.SummaryFrom = time.Unix(bookSummary, 0)
	}
	return r
}

func (a agreement) input(rules ledger.Rules, object, verb, hint string) flow.Input {
	s := &flow.Settlement{Start: bookStart, Payouts: "automatic", Fees: "per_payout", Refunds: a.style, Accounts: rules.Accounts}
	if a.summary {
		s.SummaryFrom = new(int64(bookSummary))
	}
	h, _ := flow.Decode([]byte(hint))
	m, _ := h.(map[string]any)
	return flow.Input{
		Event: flow.Event{ID: "evt_1", Connection: "default", Lane: "l", Source: "stripe", Object: object, Verb: verb, Hint: m},
		Books: flow.Books{TimeZone: "UTC", PaymentMethod: "M", CashAccounts: map[string]string{"USD": "2"}, Settlement: s},
	}
}

// covers tells whether the rules leave the amount of a movement to a document.
func covers(t *testing.T, rules ledger.Rules, m ledger.Movement) bool {
	t.Helper()
	parts, err := rules.Parts(&m)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if p.Cover == ledger.ByDocument {
			return true
		}
	}
	return false
}

// asks tells whether a flow asks for a document of the kind.
func asks(t *testing.T, docs []*flow.Document, in flow.Input, facts flow.Facts, document string) bool {
	t.Helper()
	d, _, err := flow.Match(t.Context(), docs, in)
	if err != nil || d == nil {
		t.Fatal(d, err)
	}
	out, err := answer(t.Context(), d, in, facts)
	if err != nil {
		t.Fatal(err)
	}
	if out.Result.Parked != nil || out.Result.Retry != nil {
		t.Fatalf("%+v", out.Result)
	}
	for _, i := range out.Result.Intents {
		if i.Document == document {
			return true
		}
	}
	return false
}

// Documents and journals divide the movements without asking each other: what
// the rules leave to a document a flow asks for, and nothing else.
func TestFlowsAskForExactlyWhatTheRulesLeaveToDocuments(t *testing.T) {
	docs, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range agreements() {
		rules := a.rules()
		facts := flow.Facts{}
		for step, text := range map[string]string{
			"charge":      fmt.Sprintf(`{"id":"ch_1","object":"charge","amount":100,"amount_captured":100,"captured":true,"currency":"usd","created":%d,"customer":%s,"status":"succeeded","balance_transaction":{"id":"txn_1","amount":100,"currency":"usd","created":%d}}`, a.charged, quoted(a.customer), a.charged),
			"refunds":     fmt.Sprintf(`{"data":[{"id":"re_1","amount":40,"created":%d,"balance_transaction":{"id":"txn_2","amount":-40,"created":%d,"reporting_category":%q}}]}`, a.refunded, a.refunded, a.category),
			"customer":    `{"acumatica_id":"C1","stripe_id":"cus_1"}`,
			"payment":     `{"acumatica_id":"Prepayment 000001","stripe_id":"ch_1"}`,
			"erp_payment": `{"PaymentAmount":1.00,"ApplicationDate":"2026-03-01T00:00:00"}`,
		} {
			if facts[step], err = flow.Decode([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		ch := &ledger.Charge{ID: "ch_1", Customer: a.customer, Captured: 100, Currency: "USD", Created: time.Unix(a.charged, 0)}
		charge := ledger.Movement{
			ID: "txn_1", Type: "charge", Category: "charge", Amount: 100, Net: 100, Currency: "USD", Created: time.Unix(a.charged, 0),
			Source: ledger.Source{Kind: "charge", ID: "ch_1", Amount: 100, Currency: "USD", Charge: ch},
		}
		refund := ledger.Movement{
			ID: "txn_2", Type: "refund", Category: a.category, Amount: -40, Net: -40, Currency: "USD", Created: time.Unix(a.refunded, 0),
			Source: ledger.Source{Kind: "refund", ID: "re_1", Amount: 40, Currency: "USD", Charge: ch},
		}
		if want, got := covers(t, rules, charge), asks(t, docs, a.input(rules, "charge", "succeeded", `{"id":"ch_1","object":"charge"}`), facts, "payment"); got != want {
			t.Errorf("%+v: the rules leave the charge to a document: %t; the flow asks for one: %t", a, want, got)
		}
		if want, got := covers(t, rules, refund), asks(t, docs, a.input(rules, "charge", "refunded", `{"id":"ch_1","object":"charge"}`), facts, "refund"); got != want {
			t.Errorf("%+v: the rules leave the refund to a document: %t; the flow asks for one: %t", a, want, got)
		}
		failure := ledger.Movement{
			ID: "txn_3", Type: "payment_failure_refund", Category: "charge_failure", Amount: -100, Net: -100, Currency: "USD", Created: time.Unix(a.refunded, 0),
			Source: charge.Source,
		}
		text := fmt.Sprintf(`{"id":"ch_1","object":"charge","amount":100,"amount_captured":100,"currency":"usd","created":%d,"customer":%s,"status":"failed","balance_transaction":{"id":"txn_1"},"failure_balance_transaction":{"id":"txn_3","created":%d}}`,
			a.charged, quoted(a.customer), a.refunded)
		if facts["charge"], err = flow.Decode([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if want, got := covers(t, rules, failure), asks(t, docs, a.input(rules, "charge", "failed", `{"id":"ch_1","object":"charge"}`), facts, "payment"); got != want {
			t.Errorf("%+v: the rules leave the failure to a document: %t; the flow asks for one: %t", a, want, got)
		}
	}
}

func quoted(id string) string {
	if id == "" {
		return "null"
	}
	data, _ := json.Marshal(id)
	return string(data)
}
