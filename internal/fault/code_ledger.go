package fault

var ledgerCodes = []Code{
	{"ledger.movement_sum", Invalid, "A balance transaction of Stripe does not add up: its net is not its amount less its fee, or its fee not the sum of its parts.", "nothing of the unit is posted; compare the balance transaction in the Stripe dashboard and report it"},
	{"ledger.currency", Invalid, "A balance transaction is in another currency than the unit it belongs to, or than its own fees.", "nothing of the unit is posted; compare the balance transaction in the Stripe dashboard and report it"},
}
