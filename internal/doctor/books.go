package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/internal/acumatica"
)

// books checks what the configuration of the books names.
func (e *erpCheck) books(ctx context.Context) {
	e.accounts(ctx)
	e.paymentMethod(ctx)
	e.cashCurrencies(ctx)
	e.period(ctx)
}

// account is one that the books name.
type account struct {
	number, currency, setting string // currency empty: any
}

// named are the accounts of the books, each once for each currency.
func (e *erpCheck) named() []account {
	books, seen := e.Connection.Books, map[[2]string]bool{}
	var list []account
	add := func(number, currency, setting string) {
		if key := [2]string{number, currency}; number != "" && !seen[key] {
			seen[key] = true
			list = append(list, account{number, currency, setting})
		}
	}
	for _, currency := range slices.Sorted(maps.Keys(books.Clearing)) {
		add(books.Clearing[currency].Account, currency, "books.clearing."+currency)
	}
	for _, name := range slices.Sorted(maps.Keys(books.Accounts)) {
		for _, currency := range slices.Sorted(maps.Keys(books.Accounts[name])) {
			add(books.Accounts[name][currency].Account, currency, strings.TrimSuffix("books.accounts."+name+"."+currency, "."))
		}
	}
	return list
}

// accounts reads the accounts. Acumatica: one with a currency takes only that.
func (e *erpCheck) accounts(ctx context.Context) {
	list := e.named()
	good := 0
	for _, a := range list {
		r, err := e.Acumatica.Get(ctx, "Account", []string{a.number}, acumatica.Query{Select: []string{"AccountCD", "Active", "CurrencyID"}})
		currency := strings.TrimSpace(r.String("CurrencyID"))
		switch {
		case acumatica.IsNotFound(err):
			e.add(Wrong, "account "+a.number, "doctor.ledger_account", "%s: there is no such account", a.setting)
		case err != nil:
			e.untold("accounts", err)
			return
		case !r.Bool("Active"):
			e.add(Wrong, "account "+a.number, "doctor.ledger_account", "%s: is not active", a.setting)
		case a.currency != "" && currency != "" && !strings.EqualFold(currency, a.currency):
			e.add(Wrong, "account "+a.number, "doctor.ledger_account", "%s: is of %s, not of %s", a.setting, currency, a.currency)
		default:
			good++
		}
	}
	if good > 0 {
		e.ok("accounts", "%d of the %d that the books name are there and active", good, len(list))
	}
}

// paymentMethod reads the method and the cash accounts that it may use. The
// endpoint has no entity for cash accounts themselves.
func (e *erpCheck) paymentMethod(ctx context.Context) {
	books := e.Connection.Books
	if books.PaymentMethod == "" {
		return // told by config lint
	}
	check := "payment method " + books.PaymentMethod
	r, err := e.Acumatica.Get(ctx, "PaymentMethod", []string{books.PaymentMethod}, acumatica.Query{Expand: []string{"AllowedCashAccounts"}})
	switch {
	case acumatica.IsNotFound(err):
		e.add(Wrong, check, "doctor.payment_method", "there is no such payment method")
		return
	case err != nil:
		e.untold(check, err)
		return
	case !r.Bool("Active") || !r.Bool("UseInAR"):
		e.add(Wrong, check, "doctor.payment_method", "active: %t, for receivables: %t", r.Bool("Active"), r.Bool("UseInAR"))
		return
	}
	allowed := map[string]bool{}
	for _, row := range r.Rows("AllowedCashAccounts") {
		if row.Bool("UseInAR") {
			allowed[strings.ToUpper(strings.TrimSpace(row.String("CashAccount")))] = true
		}
	}
	good := true
	for _, currency := range slices.Sorted(maps.Keys(books.CashAccounts)) {
		if cash := books.CashAccounts[currency]; !allowed[strings.ToUpper(cash)] {
			good = false
			e.add(Wrong, "cash account "+cash, "doctor.cash_account", "books.cash_accounts.%s: %s may not use it in receivables", currency, books.PaymentMethod)
		}
	}
	if good {
		e.ok(check, "is active and may use the %d clearing cash accounts", len(books.CashAccounts))
	}
}

// period finds the period of today by the books' calendar. Acumatica: a period
// can be closed in receivables alone.
func (e *erpCheck) period(ctx context.Context) {
	zone, err := time.LoadLocation(e.Connection.Books.TimeZone)
	if err != nil {
		return // told by config lint
	}
	today := e.Now.In(zone).Format(time.DateOnly)
	years, _, err := e.Acumatica.List(ctx, "FinancialPeriod", acumatica.Query{Expand: []string{"Details"}})
	if err != nil {
		e.untold("period", err)
		return
	}
	var now acumatica.Record
	for _, year := range years {
		for _, p := range year.Rows("Details") {
			start := p.Date("StartDate")
			if start <= today && !p.Bool("AdjustmentPeriod") && start > now.Date("StartDate") {
				now = p
			}
		}
	}
	switch id := now.String("FinancialPeriodID"); {
	case now == nil || now.Date("EndDate") != "" && now.Date("EndDate") < today:
		e.add(Wrong, "period", "doctor.period_closed", "no period has %s in it", today)
	case now.String("Status") != "Open" || now.Bool("ClosedInAR"):
		e.add(Wrong, "period", "doctor.period_closed", "%s of %s is %s, closed in receivables: %t", id, today, now.String("Status"), now.Bool("ClosedInAR"))
	default:
		e.ok("period", "%s of %s is open", id, today)
	}
}
