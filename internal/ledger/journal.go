package ledger

// Journal is a journal transaction in one currency whose debits equal its
// credits (Invariant 6).
type Journal struct {
	Key      string // deterministic and unique in the connection: "po_1/USD/2026-03"
	Currency string
	Date     string // YYYY-MM-DD
	Lines    []Line
}

// Line is a debit or a credit, in minor units, never both and never zero.
type Line struct {
	Category    string // what it is: "charge", "fee.processing", "fx.refund"
	Account     string
	Subaccount  string
	Branch      string
	Description string
	Debit       int64
	Credit      int64
}
