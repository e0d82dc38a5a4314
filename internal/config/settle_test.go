package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"millrace/internal/ledger"
)

func TestAccountsHaveThreeForms(t *testing.T) {
	file := write(t, "m.yaml", `
connections:
- books:
    time_zone: America/New_York
    start: 2026-01-31
    clearing: {usd: "10250", EUR: {account: "10251", branch: WEST}}
    accounts:
      fee: "61000"
      fee.dispute: {account: "61100", subaccount: "0001"}
      bank:
        usd: "10200"
        EUR: {account: "10201", subaccount: "0002"}
      sales: {account: "40000", EUR: "40001"}
`)
	c, o := mustLoad(t, Source{Path: file})
	b := c.Connections[0].Books
	r, err := b.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, currency string
		want           ledger.Account
		found          string
	}{
		{"fee.processing", "USD", ledger.Account{Account: "61000"}, "fee"},
		{"fee.dispute.returned", "USD", ledger.Account{Account: "61100", Subaccount: "0001"}, "fee.dispute"},
		{"payout", "USD", ledger.Account{Account: "10200"}, "bank"},
		{"topup", "EUR", ledger.Account{Account: "10201", Subaccount: "0002"}, "bank"},
		{"charge", "USD", ledger.Account{Account: "40000"}, "sales"},
		{"charge", "EUR", ledger.Account{Account: "40001"}, "sales"},
		{"bank", "GBP", ledger.Account{}, ""},
		{"transfer", "USD", ledger.Account{}, ""},
	} {
		if got, found, _ := r.Find(tt.name, tt.currency); got != tt.want || found != tt.found {
			t.Errorf("%s %s: %+v by %q, want %+v by %q", tt.name, tt.currency, got, found, tt.want, tt.found)
		}
	}
	if want := (ledger.Account{Account: "10251", Branch: "WEST"}); r.Clearing["EUR"] != want || r.Clearing["USD"].Account != "10250" {
		t.Errorf("clearing %+v", r.Clearing)
	}
	if got := r.Start.UTC().Format(time.RFC3339); got != "2026-01-31T05:00:00Z" {
		t.Errorf("start %s: a day starts in the time zone of the books", got)
	}
	if got := fmt.Sprint(Show(c, o)); !strings.Contains(got, "bank.EUR=10201/0002,bank.USD=10200,fee=61000,fee.dispute=61100/0001,sales=40000,sales.EUR=40001") {
		t.Errorf("accounts are not shown: %s", got)
	}
}

func TestTheEnvironmentSetsAccounts(t *testing.T) {
	c, _ := mustLoad(t, Source{Getenv: env(map[string]string{
		"MILLRACE_CLEARING": "usd=10250, EUR=10251//WEST", "MILLRACE_START": "2026-01-31", "MILLRACE_FEES": "per_transaction",
		"MILLRACE_ACCOUNTS": "fee=61000,fee.dispute=61100/0001,bank.USD=10200,bank.EUR=10201/0002/EAST,bank=10299",
	})})
	b := c.Connections[0].Books
	want := map[string]ByCurrency{
		"fee": {"": {Account: "61000"}}, "fee.dispute": {"": {Account: "61100", Subaccount: "0001"}},
		"bank": {"": {Account: "10299"}, "USD": {Account: "10200"}, "EUR": {Account: "10201", Subaccount: "0002", Branch: "EAST"}},
	}
	if !reflect.DeepEqual(b.Accounts, want) {
		t.Errorf("accounts %v, want %v", b.Accounts, want)
	}
	if want := map[string]Account{"USD": {Account: "10250"}, "EUR": {Account: "10251", Branch: "WEST"}}; !reflect.DeepEqual(b.Clearing, want) {
		t.Errorf("clearing %v, want %v", b.Clearing, want)
	}
	if b.Fees != "per_transaction" || b.Start.Format(time.DateOnly) != "2026-01-31" {
		t.Errorf("fees %s, start %s", b.Fees, b.Start)
	}
	if _, _, err := Load(Source{Getenv: env(map[string]string{"MILLRACE_ACCOUNTS": "61000"})}); err == nil || !strings.Contains(err.Error(), "not a list") {
		t.Errorf("err = %v", err)
	}
}

func TestLintNamesEveryMissingAccount(t *testing.T) {
	file := write(t, "m.yaml", `
connections:
- books:
    cash_accounts: {USD: 10250ST, EUR: 10251ST}
    mode: both
    start: 2026-01-31T12:00:00Z
    fees: payment_charges
    clearing: {USD: "10250", GBP: "10252", euro: "1"}
    accounts:
      fees: "61000"
      dispute: {subaccount: "1"}
      bank: {USD: "10200"}
      write_off: "65000"
      suspense: "19900"
`)
	text := lintText(t, file)
	for _, want := range []string{
		`m.yaml:5:11: connections[0].books.mode: "both" is not a choice (use one of detailed, summary)`,
		"m.yaml:6:12: connections[0].books.start: is a day, not a time",
		"connections[0].books.fee_entry_type: required with fees: payment_charges",
		`connections[0].books.clearing.EURO: "EURO" is not a currency`,
		`m.yaml:10:13: connections[0].books.accounts.fees: no posting rule asks for "fees" (did you mean fee?)`,
		"m.yaml:11:16: connections[0].books.accounts.dispute: has no account",
		"warning: m.yaml:8:15: connections[0].books.clearing: no clearing account for EUR (until it is set, what needs it is parked: set the ledger account behind cash account 10251ST)",
		"note: m.yaml:10:11: connections[0].books.accounts: no account bank for EURO, GBP (right where Stripe exchanges",
		"no account dispute for EURO, GBP, USD",
		"no account fee for",
		"no account fx for",
		"no account opening for",
		"no account sales for",
		"note: m.yaml:10:11: connections[0].books.accounts: goes to suspense: adjustment, climate, financing",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no finding %q in\n%s", want, text)
		}
	}
	for _, no := range []string{"no account suspense", "no account dispute_lost"} {
		if strings.Contains(text, no) {
			t.Errorf("finding %q in\n%s", no, text)
		}
	}
}

func TestWithoutAccountsSettlementIsOff(t *testing.T) {
	b := Books{}
	if b.Settles() {
		t.Error("settles without accounts")
	}
	text := lintText(t, write(t, "m.yaml", "connections:\n- name: default\n"))
	if strings.Count(text, "note: connections[0].books.accounts: settlement is off") != 1 {
		t.Errorf("one note that settlement is off in\n%s", text)
	}
}

func TestLintTellsWhatFallsBackSilently(t *testing.T) {
	const next = "books.closed_period: journals go to the next open period; payments, refunds and credit memos of customers are parked"
	const tax, start = "tax on Stripe fees is posted as a fee in EUR", "books.start: no start: charges of before the first run have no payment"
	text := lintText(t, write(t, "m.yaml", `
connections:
- books: {closed_period: next_open, clearing: {USD: "10250", EUR: "10251"}, accounts: {fee: "61000", tax: {USD: "14500"}}}
`))
	for _, want := range []string{tax, start, next} {
		if !strings.Contains(text, "note: ") || !strings.Contains(text, want) {
			t.Errorf("no finding %q in\n%s", want, text)
		}
	}
	text = lintText(t, write(t, "n.yaml", `
connections:
- books: {start: 2026-01-01, clearing: {USD: "10250", EUR: "10251"}, accounts: {fee: "61000", tax: "14500"}}
`))
	for _, no := range []string{tax, start, next} {
		if strings.Contains(text, no) {
			t.Errorf("finding %q in\n%s", no, text)
		}
	}
}
