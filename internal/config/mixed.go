package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// mixedAccounts finds accounts that would hold two things of which one must be
// Stripe's balance alone: no statement could tie out.
func (v *validator) mixedAccounts(path string, b *Books) {
	currencies := slices.Sorted(maps.Keys(b.Clearing))
	for i, currency := range currencies {
		clearing := b.Clearing[currency]
		for _, other := range currencies[:i] {
			if same(clearing, b.Clearing[other]) {
				v.add(path+".clearing."+currency, "each currency has a clearing account of its own", "account %s is the clearing account of %s already", clearing.Account, other)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(b.Accounts)) {
			for _, in := range slices.Sorted(maps.Keys(b.Accounts[name])) {
				if same(clearing, b.Accounts[name][in]) {
					v.add(strings.TrimSuffix(path+".accounts."+name+"."+in, "."), fmt.Sprintf("the account of %s, not the one behind cash account %s", name, b.CashAccounts[currency]),
						"account %s is the clearing account of %s", clearing.Account, currency)
				}
			}
		}
	}
	cash := slices.Sorted(maps.Keys(b.CashAccounts))
	for i, currency := range cash {
		for _, other := range cash[:i] {
			if a := b.CashAccounts[currency]; a != "" && a == b.CashAccounts[other] {
				// Acumatica: a cash account is denominated in one currency.
				v.add(path+".cash_accounts", "a cash account has one currency", "%s is the cash account of %s and of %s", a, other, currency)
			}
		}
	}
}

// same: the two cannot be told apart in the ledger. What is left empty is
// Acumatica's default, which may be what the other one names.
func same(a, b Account) bool {
	either := func(x, y string) bool { return x == "" || y == "" || x == y }
	return a.Account != "" && a.Account == b.Account && either(a.Subaccount, b.Subaccount) && either(a.Branch, b.Branch)
}

// farStart is how far ahead a start is a slip of the pen rather than a plan.
const farStart = 366 * 24 * time.Hour

// laterStart tells of a start that is yet to come: until then nothing is
// settled, and later only what moved since.
func (v *validator) laterStart(path string, start time.Time) {
	now := time.Now()
	if !start.After(now) {
		return
	}
	message := fmt.Sprintf("starts on %s: nothing that moves before is posted", start.Format(time.DateOnly))
	if start.Sub(now) > farStart {
		v.warn(path+".start", "more than a year ahead: is the year right?", message)
		return
	}
	v.note(path+".start", "what Stripe has then is the opening balance", message)
}
