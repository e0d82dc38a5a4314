package flow

import (
	"fmt"
	"strings"

	"millrace/internal/ledger"
)

// cashAccount is the clearing cash account of a currency, or nil when none is
// configured.
func cashAccount(m *meter, a []any) (any, error) {
	currency, err := currencyOf("cash_account", a[0])
	if err != nil {
		return nil, err
	}
	account, ok := m.books.CashAccounts[strings.ToUpper(currency)]
	if !ok || account == "" {
		return nil, nil // the flow decides what a missing account means
	}
	return account, nil
}

// account is the ledger account of a name in a currency, or of the name that
// stands for it, as {account, subaccount, branch}; nil when there is none.
func account(m *meter, a []any) (any, error) {
	name, ok := a[0].(string)
	if !ok || name == "" {
		return nil, fmt.Errorf("account: %s instead of a name", kindOf(a[0]))
	}
	currency, err := currencyOf("account", a[1])
	if err != nil {
		return nil, err
	}
	if m.books.Settlement == nil {
		return nil, nil // the flow decides what a missing account means
	}
	rules := ledger.Rules{Accounts: m.books.Settlement.Accounts}
	found, _, ok := rules.Find(name, strings.ToUpper(currency))
	if !ok {
		return nil, nil // as above
	}
	return map[string]any{"account": found.Account, "subaccount": found.Subaccount, "branch": found.Branch}, nil
}
