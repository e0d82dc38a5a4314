package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/internal/fault"
)

func base() Rules {
	r := Rules{Clearing: map[string]Account{"USD": {Account: "10250"}, "EUR": {Account: "10251"}}, Accounts: map[string]map[string]Account{}}
	for _, name := range []string{"bank", "dispute", "sales", "fee", "fx", "suspense", "write_off", "opening"} {
		r.Accounts[name] = map[string]Account{"": {Account: name}}
	}
	return r
}

func TestTypesDecideWhereTheCategorySaysNothing(t *testing.T) {
	for types, want := range map[string]string{
		"advance": "advance", "advance_funding": "advance_funding", "anticipation_repayment": "anticipation_repayment",
		"application_fee": "platform_earning", "application_fee_refund": "platform_earning_refund", "charge payment": "charge",
		"climate_order_purchase": "climate_order_purchase", "climate_order_refund": "climate_order_refund",
		"connect_collection_transfer": "connect_collection_transfer", "contribution": "contribution",
		"issuing_authorization_hold": "issuing_authorization_hold", "issuing_authorization_release": "issuing_authorization_release",
		"issuing_dispute": "issuing_dispute", "issuing_transaction": "issuing_transaction",
		"obligation_outbound obligation_reversal_inbound":              "obligation",
		"payment_failure_refund payment_reversal":                      "charge_failure",
		"payment_network_reserve_hold payment_network_reserve_release": "payment_network_reserve",
		"payment_refund refund":                                        "refund", "payment_unreconciled": "unreconciled_customer_funds",
		"payout": "payout", "payout_cancel payout_failure": "payout_reversal", "refund_failure": "refund_failure",
		"reserve_transaction reserve_hold reserve_release": "risk_reserved_funds", "reserved_funds": "connect_reserved_funds",
		"stripe_fee stripe_fx_fee fee_credit_funding": "fee", "tax_fee tax_fund": "tax", "topup": "topup", "topup_reversal": "topup_reversal",
		"transfer": "transfer", "transfer_cancel transfer_failure transfer_refund": "transfer_reversal", "financing_paydown": "financing_paydown",
		"inbound_transfer": "inbound_transfer", "inbound_transfer_reversal": "inbound_transfer_reversal",
		"payout_minimum_balance_hold payout_minimum_balance_release":         "payout_minimum_balance",
		"stripe_balance_payment_debit stripe_balance_payment_debit_reversal": "stripe_balance_payment",
		"adjustment": "other_adjustment", "lunar_dust": "unknown",
	} {
		for typ := range strings.FieldsSeq(types) {
			flagged := typ == "adjustment" || typ == "lunar_dust"
			if c, flag := classify(&Movement{Type: typ, Source: Source{Kind: "payout"}}); c.name != want || (flag != "") != flagged {
				t.Errorf("%s: %s, flag %q, want %s", typ, c.name, flag, want)
			}
		}
	}
	if n := len(categoryOfType) + 1; n != 40+11 {
		t.Errorf("%d types, want the 40 of 2023-10-16 and 11 later ones", n)
	}
}

func TestTheCategoryWinsOverTheType(t *testing.T) {
	for _, tt := range []struct{ typ, category, want, flag string }{
		{"refund", "partial_capture_reversal", "partial_capture_reversal", ""},
		{"adjustment", "dispute", "dispute", ""},
		{"adjustment", "refund_failure", "refund_failure", ""},
		{"adjustment", "fee", "fee", ""},
		{"adjustment", "other_adjustment", "other_adjustment", "an adjustment that Stripe does not explain"},
		{"adjustment", "moon", "unknown", "unknown movement: type adjustment, category moon"},
		{"stripe_fee", "network_cost", "network_cost", ""},
		{"financing_payout", "financing_payout", "financing_payout", "unknown type financing_payout"},
		{"payout_failure", "payout", "payout_reversal", ""},
		{"payout_minimum_balance_hold", "payout", "payout_minimum_balance", ""},
		{"moon", "payout", "unknown", "unknown movement: type moon, category payout"},
		{"charge", "moon", "charge", "unknown category moon"},
		{"moon", "charge", "charge", "unknown type moon"},
		{"reserve_hold", "reserve_hold", "risk_reserved_funds", ""},
	} {
		if c, flag := classify(&Movement{Type: tt.typ, Category: tt.category}); c.name != tt.want || flag != tt.flag {
			t.Errorf("%s, %s: %s, flag %q; want %s, %q", tt.typ, tt.category, c.name, flag, tt.want, tt.flag)
		}
	}
}

// TestNothingIsPostedOfAUnitThatIsWrong: Invariant 8.
func TestNothingIsPostedOfAUnitThatIsWrong(t *testing.T) {
	charge := func() *Movement {
		return &Movement{
			ID: "txn_1", Type: "charge", Category: "charge", Currency: "USD", Amount: 1000, Fee: 59, Net: 941, Created: start,
			Fees:   []FeePart{{Type: "stripe_fee", Amount: 59, Currency: "USD"}},
			Source: Source{Kind: "charge", ID: "ch_1", Amount: 1000, Currency: "USD", Charge: &Charge{ID: "ch_1", Captured: 1000, Currency: "USD"}},
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*Movement, *Rules)
		code   string
		text   string
	}{
		{"nothing wrong", func(*Movement, *Rules) {}, "", ""},
		{"net is not amount less fee", func(m *Movement, _ *Rules) { m.Net = 940 }, "ledger.movement_sum", "net 9.40 USD, amount less fee is 9.41 USD"},
		{"fee is not its parts", func(m *Movement, _ *Rules) { m.Fee, m.Net = 60, 940 }, "ledger.movement_sum", "fee 0.60 USD, its parts are 0.59 USD"},
		{"fee in another currency", func(m *Movement, _ *Rules) { m.Fees[0].Currency = "EUR" }, "ledger.currency", "has a fee in EUR"},
		{"of another currency", func(m *Movement, _ *Rules) { m.Currency = "EUR" }, "ledger.currency", "txn_1 in EUR does not belong to po_1 in USD"},
		{"charge not at hand", func(m *Movement, _ *Rules) { m.Source.Charge = nil }, "ledger.charge_missing", "charge ch_1 is not at hand"},
		{"not what the payout is worth", func(m *Movement, _ *Rules) { m.Amount, m.Net = 1001, 942 }, "ledger.payout_sum", "po_1 is 9.41 USD, its movements are 9.42 USD"},
		{
			"no accounts at all", func(_ *Movement, r *Rules) { r.Accounts, r.Clearing = nil, nil }, "ledger.account_missing",
			"po_1: no account for charge USD (or sales); clearing USD; fee.processing USD (or fee)",
		},
		{
			"accounts of another currency", func(_ *Movement, r *Rules) { r.Accounts["fee"] = map[string]Account{"EUR": {Account: "1"}} }, "ledger.account_missing",
			"po_1: no account for fee.processing USD (or fee)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, r := charge(), base()
			tt.change(m, &r)
			u := NewUnit(r, "po_1", "USD")
			u.Pays(941)
			err := u.Add(m)
			var js []Journal
			if err == nil {
				js, err = u.Journals()
			}
			if tt.code == "" {
				if err != nil || len(js) != 1 {
					t.Errorf("%v, %v", js, err)
				}
				return
			}
			if err == nil || js != nil || fault.Of(err).Code != tt.code || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v, %v; want %s: %s", js, err, tt.code, tt.text)
			}
		})
	}
}

// TestAUnitStaysSmall: what it keeps does not grow with the movements.
func TestAUnitStaysSmall(t *testing.T) {
	u := NewUnit(base(), "po_1", "USD")
	for i := range 20_000 {
		m := Movement{
			ID: fmt.Sprint("txn_", i), Type: fmt.Sprint("lunar_", i%3), Currency: "USD", Amount: 100, Fee: 3, Net: 97, Created: start.Add(time.Duration(i) * time.Minute),
			Fees: []FeePart{{Type: "stripe_fee", Amount: 3, Currency: "USD"}},
		}
		if err := u.Add(&m); err != nil {
			t.Fatal(err)
		}
	}
	if len(u.sums) != 2 || len(u.last) != 1 || len(u.Flags()) != 3 {
		t.Errorf("%d sums, %d days, %d flags", len(u.sums), len(u.last), len(u.Flags()))
	}
	js, err := u.Journals()
	if err != nil || len(js) != 1 || len(js[0].Lines) != 4 || js[0].Date != "2026-01-14" || u.Flags()[0].Count != 6667 {
		t.Errorf("%+v, %v, %+v", js, err, u.Flags())
	}
}

func TestDaysAreThoseOfTheBooks(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	r := base()
	r.Location = zone
	u := NewUnit(r, "po_1", "USD")
	at := time.Date(2026, 2, 1, 3, 0, 0, 0, time.UTC) // 10 p.m. of 31 January in New York
	if err := u.Add(&Movement{ID: "txn_1", Type: "topup", Category: "topup", Currency: "USD", Amount: 1, Net: 1, Created: at}); err != nil {
		t.Fatal(err)
	}
	if js, err := u.Journals(); err != nil || js[0].Date != "2026-01-31" || js[0].Key != "po_1/USD/2026-01" {
		t.Errorf("%+v, %v", js, err)
	}
	payout := Movement{ID: "txn_2", Type: "payout", Category: "payout", Currency: "USD", Amount: -1, Net: -1, Created: at, Source: Source{Kind: "payout", ID: "po_1"}}
	if js, err := Bank(r, &payout, time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)); err != nil || js[0].Date != "2026-02-03" {
		t.Errorf("arrival: %+v, %v", js, err)
	}
	if _, err := Bank(r, &Movement{Type: "topup"}, at); err == nil {
		t.Error("only a payout has a bank journal")
	}
}

func TestOpeningBalances(t *testing.T) {
	r := base()
	for _, tt := range []struct {
		name    string
		start   time.Time
		none    bool
		balance int64
		debit   string
	}{
		{"money at Stripe", start, false, 500, "10250"},
		{"debt to Stripe", start, false, -500, "opening"},
		{"nothing", start, false, 0, ""},
		{"posted by somebody else", start, true, 500, ""},
		{"no start", time.Time{}, false, 500, ""},
	} {
		r.Start, r.NoOpening = tt.start, tt.none
		js, err := Opening(r, tt.balance, "USD")
		if err != nil || (tt.debit == "") != (js == nil) || js != nil && (js[0].Lines[0].Account != tt.debit || js[0].Lines[0].Debit != 500) {
			t.Errorf("%s: %+v, %v", tt.name, js, err)
		}
	}
	r.Start = start
	if js, err := DisputeLost(r, "dp_1", 100, "USD", start.Add(-time.Second)); js != nil || err != nil {
		t.Errorf("a dispute lost before the start: %+v, %v", js, err)
	}
	if _, err := DisputeLost(Rules{}, "dp_1", 100, "USD", start); err == nil || !strings.Contains(err.Error(), "dispute USD; dispute_lost USD (or write_off)") {
		t.Errorf("missing accounts: %v", err)
	}
}

// TestAPayoutThatNobodyNamesIsALine: its own movement has a journal only where
// there is a payout to ask for it.
func TestAPayoutThatNobodyNamesIsALine(t *testing.T) {
	for _, category := range []string{"payout", ""} {
		m := &Movement{ID: "txn_1", Type: "payout", Category: category, Amount: -10_00, Net: -10_00, Currency: "USD", Created: start}
		r := base()
		u := NewUnit(r, "po_2", "USD")
		if err := u.Add(m); err != nil {
			t.Fatal(err)
		}
		js, err := u.Journals()
		if err != nil || len(js) != 1 || js[0].Lines[0].Account != "bank" || js[0].Lines[0].Debit != 10_00 || len(u.Flags()) != 1 || m.IsPayout() {
			t.Errorf("%+v, %v, flags %v", js, err, u.Flags())
		}
		if _, err := Bank(r, m, start); err == nil {
			t.Error("it has a journal of its own as well")
		}
	}
}

// TestTheFeeOfABankDebitIsInTheJournal: when the debit fails there may never
// have been a payment to have it.
func TestTheFeeOfABankDebitIsInTheJournal(t *testing.T) {
	r := base()
	r.Fees = FeesOnPayments
	for typ, want := range map[string]int64{"charge": 59, "payment": 0} {
		m := &Movement{
			ID: "txn_1", Type: typ, Category: "charge", Amount: 10_00, Fee: 59, Net: 9_41, Currency: "USD", Created: start, Fees: []FeePart{{Type: "stripe_fee", Amount: 59, Currency: "USD"}},
			Source: Source{Kind: "charge", ID: "py_1", Amount: 10_00, Currency: "USD", Charge: &Charge{ID: "py_1", Customer: "cus_1", Captured: 10_00, Currency: "USD"}},
		}
		if got, err := r.PaymentCharge(m); got != want || err != nil {
			t.Errorf("%s: %d, %v", typ, got, err)
		}
	}
}
