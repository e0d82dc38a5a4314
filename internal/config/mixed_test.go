package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestNothingElseIsOnAClearingAccount(t *testing.T) {
	const good = `cash_accounts: {USD: 10250ST, EUR: 10251ST}, clearing: {USD: "10250", EUR: "10251"}`
	for _, tt := range []struct{ name, books, want string }{
		{"bank", good + `, accounts: {bank: {USD: "10250", EUR: "10201"}}`, "accounts.bank.USD: account 10250 is the clearing account of USD (the account of bank, not the one behind cash account 10250ST)"},
		{"for all currencies", good + `, accounts: {fee: "10251"}`, "accounts.fee: account 10251 is the clearing account of EUR"},
		{"default subaccount", good + `, accounts: {fee: {account: "10251", subaccount: "0001"}}`, "accounts.fee: account 10251 is the clearing account of EUR"},
		{"two currencies", `clearing: {USD: "10250", EUR: "10250"}`, "clearing.USD: account 10250 is the clearing account of EUR already"},
		{"cash account", `cash_accounts: {USD: 10250ST, EUR: 10250ST}, clearing: {USD: "10250", EUR: "10251"}`, "cash_accounts: 10250ST is the cash account of EUR and of USD"},
		{"other subaccounts", `clearing: {USD: {account: "10250", subaccount: "A"}, EUR: {account: "10250", subaccount: "B"}}, accounts: {fee: {account: "10250", subaccount: "C"}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := lintText(t, write(t, "m.yaml", "connections:\n- books: {"+tt.books+"}\n"))
			if found := strings.Contains(text, " is the clearing account of ") || strings.Contains(text, " is the cash account of "); found != (tt.want != "") || !strings.Contains(text, tt.want) {
				t.Errorf("want %q in\n%s", tt.want, text)
			}
			for line := range strings.Lines(text) {
				if tt.want != "" && strings.Contains(line, tt.want) && strings.HasPrefix(line, "warning") {
					t.Errorf("only a warning: %s", line)
				}
			}
		})
	}
}

func TestAStartToComeIsTold(t *testing.T) {
	const books = `
connections:
- books: {start: %s, cash_accounts: {USD: 10250ST}, clearing: {USD: "10250"}}
`
	for _, tt := range []struct {
		name, want string
		ahead      time.Duration
	}{
		{"over", "", -48 * time.Hour},
		{"soon", "note", 30 * 24 * time.Hour},
		{"in years", "warning", 5 * farStart},
	} {
		day := time.Now().Add(tt.ahead).Format(time.DateOnly)
		got := ""
		for line := range strings.Lines(lintText(t, write(t, "m.yaml", fmt.Sprintf(books, day)))) {
			if strings.Contains(line, "starts on "+day) {
				got, _, _ = strings.Cut(line, ":")
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLintNamesTheAccountOfWriteOffs(t *testing.T) {
	const none = "no account write_off for EUR"
	for _, tt := range []struct{ name, books, want string }{
		{"chosen limit", `write_off_limit: "5.00", accounts: {write_off: {USD: "65000"}}`, "warning"},
		{"default limit", `accounts: {write_off: {USD: "65000"}}`, "note"},
		{"no limit", `write_off_limit: "0", accounts: {write_off: {USD: "65000"}}`, ""},
		{"all there", `write_off_limit: "5.00", accounts: {write_off: "65000"}`, ""},
	} {
		got := ""
		for line := range strings.Lines(lintText(t, write(t, "m.yaml", `
connections:
- books: {clearing: {USD: "10250", EUR: "10251"}, `+tt.books+"}\n"))) {
			if strings.Contains(line, none) {
				got, _, _ = strings.Cut(line, ":")
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
