package acumaticatwin

import (
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

const entityCashAccount = "CashAccount"

// A CashAccount is a cash account with what its account in the ledger holds.
type CashAccount struct {
	CashAccount string          `json:"cash_account"`
	Account     string          `json:"account"`
	Currency    string          `json:"currency"`
	Description string          `json:"description"`
	Clearing    bool            `json:"clearing"`
	Balance     decimal.Decimal `json:"balance"`
	BaseBalance decimal.Decimal `json:"base_balance"` // in the base currency
}

// CashAccounts returns every cash account with its balance, in the order of
// their names.
func (t *Twin) CashAccounts() []CashAccount {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	return t.begin().cashAccounts()
}

func (x *tx) cashAccounts() []CashAccount {
	held := map[string]AccountBalance{}
	for _, b := range x.st.turnover.rows() {
		sum := held[b.Account] // in one currency: a cash account has only that
		sum.Balance, sum.BaseBalance = sum.Balance.Add(b.Balance), sum.BaseBalance.Add(b.BaseBalance)
		held[b.Account] = sum
	}
	accounts := []CashAccount{}
	for _, name := range slices.Sorted(maps.Keys(x.st.Setup.CashAccounts)) {
		a := x.st.Setup.CashAccounts[name]
		accounts = append(accounts, CashAccount{
			CashAccount: name, Account: a.Account, Currency: a.Currency, Description: a.Description, Clearing: a.Clearing,
			Balance: held[a.Account].Balance, BaseBalance: held[a.Account].BaseBalance,
		})
	}
	return accounts
}

// cashAccountEntity is CA202000 on the custom endpoint. CuryBalance stands for
// a field that the installer adds to the form.
func cashAccountEntity(b *builder) *entity {
	return &entity{
		name: entityCashAccount, display: "Cash Accounts", screen: "CA202000", graph: "PX.Objects.CA.CashAccountMaint", view: "CashAccount",
		keys: []string{"CashAccountCD"}, readOnly: true, on: onCustom, also: cashAccountRows,
		shape: b.shape(`CashAccountCD:S30 AccountID:S10 SubID:S30 BranchID:S30 CuryID:S5 Descr:S60 ClearingAccount:B Active:B CuryBalance:D4`,
			part{name: "ETDetails", many: true, shape: b.shape(`EntryTypeID:S10 DrCr:S OffsetAccountID:S10 Descr:S60`)}),
	}
}

func cashAccountRows(x *tx) []*record {
	var rows []*record
	for _, a := range x.cashAccounts() {
		r := newRecord(uuid.NewSHA1(uuid.NameSpaceOID, []byte(x.tenant+"/cash/"+a.CashAccount)).String())
		for name, v := range map[string]string{
			"CashAccountCD": a.CashAccount, "AccountID": a.Account, "SubID": seedSubaccount, "BranchID": SeedBranch, "CuryID": a.Currency,
			"Descr": a.Description, "Active": "true",
		} {
			r.set(name, v)
		}
		r.setBool("ClearingAccount", a.Clearing)
		r.setDec("CuryBalance", a.Balance)
		for _, name := range slices.Sorted(maps.Keys(x.st.Setup.EntryTypes)) {
			if t := x.st.Setup.EntryTypes[name]; slices.Contains(t.CashAccounts, a.CashAccount) {
				l := newRecord(uuid.NewSHA1(uuid.NameSpaceOID, []byte(r.ID+name)).String())
				for field, v := range map[string]string{"EntryTypeID": name, "DrCr": t.direction(), "OffsetAccountID": t.Account, "Descr": t.Description} {
					l.set(field, v)
				}
				r.Many["ETDetails"] = append(r.Many["ETDetails"], l)
			}
		}
		rows = append(rows, r)
	}
	return rows
}
