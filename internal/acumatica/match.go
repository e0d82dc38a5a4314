package acumatica

import "strings"

// pattern recognises an error by its words, because Acumatica answers 500 or
// 422 to nearly everything. All of all and, if given, one of any must occur,
// in lower case; exception matches the type.
type pattern struct {
	code      string
	exception string
	all       []string
	any       []string
}

// patterns in order of precedence: who may talk at all, then what exists,
// then the business reasons from the most specific on. The message texts are
// Acumatica's own, of its English locale.
func patterns() []pattern {
	return []pattern{
		{code: "acumatica.session_limit", any: []string{"api login limit", "concurrent api logins"}},
		{code: "acumatica.unreachable", any: []string{"server is not available", "under maintenance", "site is locked", "locked out for maintenance"}},
		{code: "acumatica.tenant", exception: "PXUndefinedCompany"},
		{code: "acumatica.tenant", all: []string{"proper company id cannot be determined"}},
		{code: "acumatica.credentials", any: []string{"invalid credentials", "account is locked", "user is disabled", "password has expired"}},
		{code: "acumatica.forbidden", any: []string{"insufficient rights", "you have no rights", "is disabled on the enable/disable features"}},
		{code: "acumatica.not_found", exception: "NoEntitySatisfiesTheCondition"},
		{code: "acumatica.not_found", all: []string{"no entity satisfies the condition"}},
		{code: "acumatica.setup", exception: "PXSetupNotEntered"},
		{code: "acumatica.concurrent_change", any: []string{"another process has"}},
		{code: "acumatica.request", exception: "CannotOptimizeException"},
		{code: "acumatica.request", all: []string{"incompatible types"}},
		{code: "acumatica.endpoint", exception: "KeyNotFoundException"},
		{code: "acumatica.period_closed", all: []string{"financial period"}, any: []string{"closed", "inactive", "locked", "does not exist", "cannot be found"}},
		{code: "acumatica.cash_account", all: []string{"cash account"}},
		{code: "acumatica.cash_account", all: []string{"cashaccount:"}},
		{code: "acumatica.customer_unknown", any: []string{"'customer' cannot be found", "'customer id' cannot be found", "'customerid' cannot be found"}},
		{code: "acumatica.customer_unknown", all: []string{"customerid:", "cannot be found"}},
		{code: "acumatica.customer_inactive", all: []string{"customer"}, any: []string{"inactive", "not active", "on hold", "one-time"}},
		{code: "acumatica.application", all: []string{"documentstoapply"}},
		{code: "acumatica.application", any: []string{
			"exceeds the balance", "exceeds the document balance", "greater than the balance", "exceeds the unapplied",
			"document is closed", "document is not open", "not be applied", "cannot be applied", "out of balance", "out of the balance", "unapplied balance",
		}},
	}
}

func matchText(d detail) string {
	text := strings.ToLower(strings.Join(d.texts, "\n"))
	for _, p := range patterns() {
		if p.matches(d.exception, text) {
			return p.code
		}
	}
	return ""
}

func (p pattern) matches(exception, text string) bool {
	if p.exception != "" && !strings.Contains(exception, p.exception) {
		return false
	}
	for _, w := range p.all {
		if !strings.Contains(text, w) {
			return false
		}
	}
	if len(p.any) == 0 {
		return true
	}
	for _, w := range p.any {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
