package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Account is an account of the general ledger. In the file it is a text, the
// account alone, or a mapping.
type Account struct {
	Account    string `yaml:"account"`
	Subaccount string `yaml:"subaccount"` // empty: Acumatica's default
	Branch     string `yaml:"branch"`     // empty: that of the journal
}

func (a Account) String() string {
	return strings.TrimRight(strings.Join([]string{a.Account, a.Subaccount, a.Branch}, "/"), "/")
}

// ByCurrency is an account for each currency; "" is every other. In the file
// it is one account, or a mapping from currencies to accounts, or both in one
// mapping.
type ByCurrency map[string]Account

func (l *loader) decodeAccount(n ast.Node, v reflect.Value, path string) {
	l.origins.of[path] = Origin{"file", l.where(n)}
	if _, ok := n.(ast.MapNode); ok {
		l.decodeStruct(n, v, path)
		return
	}
	l.decodeScalar(n, v.Field(0), path)
}

func (l *loader) decodeByCurrency(n ast.Node, v reflect.Value, path string) {
	accounts := ByCurrency{}
	m, ok := n.(ast.MapNode)
	if !ok {
		var a Account
		l.decodeAccount(n, reflect.ValueOf(&a).Elem(), path)
		v.Set(reflect.ValueOf(ByCurrency{"": a}))
		return
	}
	l.origins.of[path] = Origin{"file", l.where(n)}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		var a Account
		if field, ok := fieldOf(reflect.ValueOf(&a).Elem(), key); ok {
			a = accounts[""]
			l.decodeScalar(it.Value(), field, join(path, key))
			accounts[""] = a
			continue
		}
		key = strings.ToUpper(key)
		l.decodeAccount(it.Value(), reflect.ValueOf(&a).Elem(), join(path, key))
		accounts[key] = a
	}
	v.Set(reflect.ValueOf(accounts))
}

// accountOf reads what String writes.
func accountOf(text string) Account {
	account, rest, _ := strings.Cut(text, "/")
	subaccount, branch, _ := strings.Cut(rest, "/")
	return Account{Account: account, Subaccount: subaccount, Branch: branch}
}

func accountsOf(pairs map[string]string) map[string]Account {
	accounts := make(map[string]Account, len(pairs))
	for key, text := range pairs {
		accounts[key] = accountOf(text)
	}
	return accounts
}

// byCurrencyOf reads accounts by name, or by name and currency: "bank.USD". No
// name ends in capitals.
func byCurrencyOf(pairs map[string]string) map[string]ByCurrency {
	accounts := map[string]ByCurrency{}
	for key, text := range pairs {
		currency := ""
		if i := strings.LastIndexByte(key, '.'); i >= 0 && currencyForm.MatchString(key[i+1:]) {
			key, currency = key[:i], key[i+1:]
		}
		if accounts[key] == nil {
			accounts[key] = ByCurrency{}
		}
		accounts[key][currency] = accountOf(text)
	}
	return accounts
}

// upper brings the currencies of a mapping to upper case.
func upper[T any](in map[string]T) map[string]T {
	out := make(map[string]T, len(in))
	for currency, x := range in {
		out[strings.ToUpper(currency)] = x
	}
	return out
}

// showAccounts is a mapping of accounts as one line.
func showAccounts(in map[string]Account) string {
	pairs := make([]string, 0, len(in))
	for _, key := range slices.Sorted(maps.Keys(in)) {
		pairs = append(pairs, key+"="+in[key].String())
	}
	return strings.Join(pairs, ",")
}

func showByCurrency(in map[string]ByCurrency) string {
	flat := map[string]Account{}
	for name, accounts := range in {
		for currency, a := range accounts {
			flat[strings.TrimSuffix(name+"."+currency, ".")] = a
		}
	}
	return showAccounts(flat)
}
