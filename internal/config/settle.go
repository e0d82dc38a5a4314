package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/ledger"
)

// Values of the settings of Books. The first of each is the default.
const (
	OpeningPost = "post"
	OpeningNone = "none" // somebody else posts it

	PayoutsAutomatic = "automatic"
	PayoutsManual    = "manual" // the unit is the day: Stripe cannot say what such a payout is made of

	ClosedPeriodPark = "park"
	ClosedPeriodNext = "next_open" // posted to the next period that is open; the date stays
)

// Settles tells whether journals are posted. Without any account they are not;
// with some, what is missing is an error where it is needed (Invariant 8).
func (b *Books) Settles() bool { return len(b.Clearing) > 0 || len(b.Accounts) > 0 }

// Rules are the posting rules of the books.
func (b *Books) Rules() (ledger.Rules, error) {
	zone, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		return ledger.Rules{}, fmt.Errorf("time zone of the books: %w", err)
	}
	r := ledger.Rules{
		Location: zone, Start: startOf(b.Start, zone), NoOpening: b.Opening == OpeningNone,
		Mode: ledger.Mode(b.Mode), SummaryFrom: startOf(b.SummaryFrom, zone),
		Fees: ledger.FeeStyle(b.Fees), Refunds: ledger.RefundStyle(b.Refunds),
		Clearing: make(map[string]ledger.Account, len(b.Clearing)), Accounts: make(map[string]map[string]ledger.Account, len(b.Accounts)),
	}
	for currency, a := range b.Clearing {
		r.Clearing[currency] = ledger.Account(a)
	}
	for name, accounts := range b.Accounts {
		r.Accounts[name] = make(map[string]ledger.Account, len(accounts))
		for currency, a := range accounts {
			r.Accounts[name][currency] = ledger.Account(a)
		}
	}
	return r, nil
}

// WriteOff is what of a difference may be written off at most.
func (b *Books) WriteOff() (decimal.Decimal, error) {
	if b.WriteOffLimit == "" {
		return decimal.Zero, nil
	}
	return decimal.NewFromString(b.WriteOffLimit)
}

// startOf is the start of a date in a zone; a date is written without one.
func startOf(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	year, month, day := t.Date()
	return ledger.StartOfDay(year, month, day, zone)
}

// settlement checks how the books are kept.
func (v *validator) settlement(path string, b *Books) {
	for _, x := range []struct {
		name, value string
		allowed     []string
	}{
		{"opening", b.Opening, []string{OpeningPost, OpeningNone}},
		{"mode", b.Mode, []string{string(ledger.Detailed), string(ledger.Summary)}},
		{"payouts", b.Payouts, []string{PayoutsAutomatic, PayoutsManual}},
		{"fees", b.Fees, []string{string(ledger.FeesPerPayout), string(ledger.FeesPerTransaction), string(ledger.FeesOnPayments)}},
		{"refunds", b.Refunds, []string{string(ledger.RefundDocument), string(ledger.RefundCreditMemo), string(ledger.RefundJournal)}},
		{"closed_period", b.ClosedPeriod, []string{ClosedPeriodPark, ClosedPeriodNext}},
	} {
		if x.value != "" && !slices.Contains(x.allowed, x.value) {
			v.add(path+"."+x.name, "use one of "+strings.Join(x.allowed, ", "), "%q is not a choice", x.value)
		}
	}
	for name, t := range map[string]time.Time{"start": b.Start, "summary_from": b.SummaryFrom} {
		if t.Format(time.TimeOnly) != "00:00:00" {
			v.add(path+"."+name, "such as 2026-01-31; the day starts in the time zone of the books", "is a day, not a time")
		}
	}
	if b.Fees == string(ledger.FeesOnPayments) && b.FeeEntryType == "" {
		v.add(path+".fee_entry_type", "the entry type of the clearing cash accounts for fees", "required with fees: %s", b.Fees)
	}
	if limit, err := b.WriteOff(); err != nil || limit.IsNegative() {
		v.add(path+".write_off_limit", "a number that is not negative, such as 1.00", "%q is not an amount", b.WriteOffLimit)
	}
	v.accounts(path, b)
	if !b.Settles() {
		v.note(path+".accounts", "set clearing and accounts to have them posted", "settlement is off: no fee, dispute or payout is posted")
		return
	}
	v.missingAccounts(path, b)
	v.mixedAccounts(path, b)
	v.laterStart(path, b.Start)
}

// accounts checks what is written about accounts.
func (v *validator) accounts(path string, b *Books) {
	for _, currency := range slices.Sorted(maps.Keys(b.Clearing)) {
		v.account(path+".clearing."+currency, currency, b.Clearing[currency])
	}
	for _, name := range slices.Sorted(maps.Keys(b.Accounts)) {
		at := path + ".accounts." + name
		if !slices.Contains(ledger.Names(), name) {
			hint := "the page docs/accounting.md lists the names"
			if s := suggest(name, ledger.Names()); s != "" {
				hint = "did you mean " + s + "?"
			}
			v.add(at, hint, "no posting rule asks for %q", name)
		}
		for _, currency := range slices.Sorted(maps.Keys(b.Accounts[name])) {
			if currency == "" {
				v.account(at, "", b.Accounts[name][""])
				continue
			}
			v.account(join(at, currency), currency, b.Accounts[name][currency])
		}
	}
}

func (v *validator) account(path, currency string, a Account) {
	if currency != "" && !currencyForm.MatchString(currency) {
		v.add(path, "three letters, such as USD", "%q is not a currency", currency)
	}
	if a.Account == "" {
		v.add(path, "the account of the general ledger", "has no account")
	}
}

// missingAccounts names everything that some unit will need and not find, and
// what would fall to suspense.
func (v *validator) missingAccounts(path string, b *Books) {
	rules, err := b.Rules()
	if err != nil {
		return // told already
	}
	const parked = "until it is set, what needs it is parked: "
	for _, currency := range slices.Sorted(maps.Keys(b.CashAccounts)) {
		if _, ok := b.Clearing[currency]; !ok {
			v.warn(path+".clearing", parked+"set the ledger account behind cash account "+b.CashAccounts[currency], "no clearing account for "+currency)
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(b.Clearing)) {
		if _, ok := b.CashAccounts[currency]; !ok && len(b.CashAccounts) > 0 && rules.Mode != ledger.Summary {
			v.warn(path+".cash_accounts", parked+"set the cash account on account "+b.Clearing[currency].Account, "no cash account for "+currency)
		}
	}
	for _, name := range ledger.Needed(&rules) {
		switch lacks := without(&rules, name); {
		case lacks == "":
		case name == "bank" && len(b.Accounts[name]) > 0: // Stripe pays out only where there is a bank account, and exchanges the rest
			v.note(path+".accounts", "right where Stripe exchanges at once what is paid in it; else payouts in it are parked", "no account bank for "+lacks)
		default:
			v.warn(path+".accounts", parked+"set one of "+strings.Join(ledger.Fallbacks(name), ", "), fmt.Sprintf("no account %s for %s", name, lacks))
		}
	}
	if limit, err := b.WriteOff(); err == nil && limit.IsPositive() {
		v.writeOff(path, without(&rules, "write_off"))
	}
	if !rules.Start.IsZero() && rules.NoOpening {
		v.note(path+".opening", "date the opening balance the day before the start",
			"none: the clearing accounts are taken to have Stripe's balance when the books start")
	}
	if b.ClosedPeriod == ClosedPeriodNext {
		v.note(path+".closed_period", "open the period for them, or close it only when its last payout has arrived",
			"journals go to the next open period; payments, refunds and credit memos of customers are parked all the same")
	}
	if b.Start.IsZero() {
		v.note(path+".start", "set it to have all of it, and the balance of before as the opening",
			"no start: charges of before the first run have no payment, and may be in payouts that come later")
	}
	var cost []string
	for _, currency := range slices.Sorted(maps.Keys(b.Clearing)) {
		if _, name, ok := rules.Find("tax", currency); ok && name != "tax" {
			cost = append(cost, currency)
		}
	}
	if len(cost) > 0 {
		v.note(path+".accounts", "set tax to the account of input tax if you may deduct it", "tax on Stripe fees is posted as a fee in "+strings.Join(cost, ", "))
	}
	if names := ledger.ToSuspense(&rules); len(names) > 0 {
		v.note(path+".accounts", "set those that you use", "goes to suspense: "+strings.Join(names, ", "))
	}
}

// without lists the currencies that have no account for a name; empty when all
// have one.
func without(rules *ledger.Rules, name string) string {
	var lacks []string
	for _, currency := range slices.Sorted(maps.Keys(rules.Clearing)) {
		if _, _, ok := rules.Find(name, currency); !ok {
			lacks = append(lacks, currency)
		}
	}
	if _, _, ok := rules.Find(name, ""); len(rules.Clearing) == 0 && !ok {
		lacks = append(lacks, "any currency")
	}
	return strings.Join(lacks, ", ")
}

// writeOff tells of a missing account for what is written off: a finding where
// somebody chose a limit, good to know where it is the default.
func (v *validator) writeOff(path, lacks string) {
	if lacks == "" {
		return
	}
	message, hint := "no account write_off for "+lacks, "reconcile write-off is refused until it is set"
	if v.origins.Set(path + ".write_off_limit") {
		v.warn(path+".accounts", hint, message)
		return
	}
	v.note(path+".accounts", hint+"; or set write_off_limit to 0", message)
}
