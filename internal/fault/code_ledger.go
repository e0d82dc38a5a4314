package fault

var ledgerCodes = []Code{
	{"ledger.movement_sum", Invalid, "A balance transaction of Stripe does not add up: its net is not its amount less its fee, or its fee not the sum of its parts.", "nothing of the unit is posted; compare the balance transaction in the Stripe dashboard and report it"},
	{"ledger.currency", Invalid, "A balance transaction is in another currency than the unit it belongs to, or than its own fees.", "nothing of the unit is posted; compare the balance transaction in the Stripe dashboard and report it"},
	{"ledger.payout_sum", Rejected, "The movements that Stripe lists for a payout do not add up to it, or what was given is not the movement of a payout.", "nothing of the payout is posted; compare it with its transactions in the Stripe dashboard, then release, which reads them again; report it if it repeats"},
	{"ledger.charge_missing", Invalid, "A balance transaction is about a charge or refund that could not be looked at, so nobody can say whether a document covers it.", "nothing of the unit is posted; look for the object in the Stripe dashboard, then release; report it if it repeats"},
	{"ledger.account_missing", Rejected, "An account that the posting rules need is not configured; the error names all of them.", "add them under books.accounts and books.clearing (millrace config lint names what is missing), restart, then release"},
}
