package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"millrace/internal/acumatica"
)

// cashCurrencies compares the currency of each clearing cash account with the
// one that it is configured for. Acumatica: a cash account has one currency,
// and so have all payments on it.
func (e *erpCheck) cashCurrencies(ctx context.Context) {
	books := e.Connection.Books
	var untold []string
	for _, currency := range slices.Sorted(maps.Keys(books.CashAccounts)) {
		cash := books.CashAccounts[currency]
		check := "cash account " + cash
		is, err := e.cashCurrency(ctx, cash)
		switch {
		case err != nil:
			e.untold(check, err)
		case is == "":
			untold = append(untold, cash)
		case !strings.EqualFold(is, currency):
			e.add(Wrong, check, "doctor.cash_account", "books.cash_accounts.%s: is of %s", currency, is)
		default:
			e.ok(check, "is of %s", is)
		}
	}
	if len(untold) > 0 {
		e.add(Note, "cash account", "", "not checked that the currency is right: the endpoint has no CashAccount, and there is no payment yet, of %s", some(untold))
	}
}

// cashCurrency is the currency of a cash account: as the tenant's own endpoint
// tells, or else as a payment on it has it; empty when neither is there.
func (e *erpCheck) cashCurrency(ctx context.Context, cash string) (string, error) {
	quoted := "'" + strings.ReplaceAll(cash, "'", "''") + "'"
	entity, key, field := "Payment", "CashAccount", "CurrencyID"
	if e.schema.Field("CashAccount", "CashAccountCD") && e.schema.Field("CashAccount", "CuryID") {
		entity, key, field = "CashAccount", "CashAccountCD", "CuryID"
	} else if !e.listed["Payment"] {
		return "", nil // told already
	}
	rows, _, err := e.Acumatica.List(ctx, entity, acumatica.Query{Top: 1, Filter: key + " eq " + quoted, Select: []string{key, field}})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return strings.TrimSpace(rows[0].String(field)), nil
}
