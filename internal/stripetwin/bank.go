package stripetwin

import "strings"

// bankPrefix starts the id of the account's bank account in a currency.
const bankPrefix = "ba_1MillraceTestBank"

// bankOf is where the account's money in a currency is paid out to.
func bankOf(currency string) string { return bankPrefix + strings.ToUpper(currency) + "0000" }

// renderBank shows a bank account of the twin's account; every currency has
// one.
func (t *Twin) renderBank(id string) object {
	cur := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(id, bankPrefix), "0000"))
	return object{
		"id": id, "object": "bank_account", "account": t.s.Account, "account_holder_name": nil, "account_holder_type": nil, "account_type": nil,
		"available_payout_methods": []any{"standard", "instant"}, "bank_name": "STRIPE TEST BANK", "country": "US", "currency": cur,
		"default_for_currency": true, "fingerprint": "1JWtPxqbdX5Gamtc", "last4": "6789", "metadata": object{},
		"routing_number": "110000000", "status": "new",
	}
}
