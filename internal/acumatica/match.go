package acumatica

import "strings"

// pattern recognises an error by its words, because Acumatica answers 500 or
// 422 to nearly everything. All of all and, if given, one of any must occur,
// in lower case; exception matches the type. Words that condemn the whole
// connection do so only where they are about it: when one document's write,
// action or keyed read fails with them, record is the code, or the next
// pattern decides (Invariant 5).
type pattern struct {
	code      string
	record    string // "" = code, too
	exception string
	all       []string
	any       []string
}

// nextPattern as a record code: these words say nothing about one document.
const nextPattern = "-"

// patterns in order of precedence: who may talk at all, then what exists,
// then the business reasons from the most specific on. The message texts are
// Acumatica's own, of its English locale.
func patterns() []pattern {
	return []pattern{
		{code: "acumatica.session_limit", any: []string{"api login limit", "concurrent api logins"}},
		{code: "acumatica.unreachable", record: "acumatica.server_error", any: []string{"server is not available", "under maintenance", "site is locked", "locked out for maintenance"}},
		{code: "acumatica.tenant", exception: "PXUndefinedCompany"},
		{code: "acumatica.tenant", all: []string{"proper company id cannot be determined"}},
		{code: "acumatica.credentials", record: nextPattern, any: []string{"invalid credentials", "account is locked", "user is disabled", "password has expired"}},
		// Acumatica: "You have insufficient rights to access the X (SCREENID) form."
		{code: "acumatica.forbidden", all: []string{"insufficient rights to access the", ") form"}},
		{code: "acumatica.forbidden", record: "acumatica.not_allowed", any: []string{"insufficient rights", "you have no rights", "is disabled on the enable/disable features"}},
		{code: "acumatica.not_found", exception: "NoEntitySatisfiesTheCondition"},
		{code: "acumatica.not_found", all: []string{"no entity satisfies the condition"}},
		{code: "acumatica.setup", exception: "PXSetupNotEntered"},
		{code: "acumatica.concurrent_change", any: []string{"another process has"}},
		{code: "acumatica.request", exception: "CannotOptimizeException"},
		{code: "acumatica.request", all: []string{"incompatible types"}},
		{code: "acumatica.endpoint", record: "acumatica.lookup", exception: "KeyNotFoundException"},
		{code: "acumatica.period_closed", all: []string{"financial period"}, any: []string{"closed", "inactive", "locked", "does not exist", "cannot be found"}},
		{code: "acumatica.cash_account", all: []string{"cash account"}},
		{code: "acumatica.cash_account", all: []string{"cashaccount:"}},
		{code: "acumatica.account", any: []string{"/account: ", "/subaccount: ", "'account' cannot be found"}},
		{code: "acumatica.customer_unknown", any: []string{"'customer' cannot be found", "'customer id' cannot be found", "'customerid' cannot be found"}},
		{code: "acumatica.customer_unknown", all: []string{"customerid:", "cannot be found"}},
		{code: "acumatica.customer_inactive", all: []string{"customer"}, any: []string{"inactive", "not active", "on hold", "one-time"}},
		{code: "acumatica.application", any: []string{"documentstoapply", "applicationscreditmemo"}},
		{code: "acumatica.application", all: []string{"reference nbr.", "cannot be found"}},
		{code: "acumatica.application", any: []string{
			"exceeds the balance", "exceeds the document balance", "greater than the balance", "exceeds the unapplied",
			"document is closed", "document is not open", "not be applied", "cannot be applied", "out of balance", "out of the balance", "unapplied balance",
		}},
	}
}

func matchText(r request, d detail) string {
	text := strings.ToLower(strings.Join(d.texts, "\n"))
	for _, p := range patterns() {
		if !p.matches(d.exception, text) {
			continue
		}
		switch {
		case !r.ofRecord() || p.record == "" || p.record == "acumatica.lookup" && r.selects():
			return p.code
		case p.record != nextPattern:
			return p.record
		}
	}
	return ""
}

// ofRecord reports that the request is about one document: a failure of it
// need not meet any other.
func (r request) ofRecord() bool { return r.write || r.byKey }

// selects reports a read that names fields, which meets every document alike.
// Acumatica: an unknown one is a KeyNotFoundException.
func (r request) selects() bool {
	return !r.write && (strings.Contains(r.query, "$select=") || strings.Contains(r.query, "$custom="))
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
