package ledger

import (
	"millrace/internal/fault"
)

// Unit is a payout, a day or a single movement: what is settled together.
type Unit struct {
	rules    Rules
	id       string // po_…, a day, txn_…
	currency string
	net      int64
}

// NewUnit returns an empty unit of movements in one currency.
func NewUnit(rules Rules, id, currency string) *Unit {
	return &Unit{rules: rules, id: id, currency: currency}
}

// Add takes a movement into the unit. What it keeps does not grow with the
// number of movements.
func (u *Unit) Add(m *Movement) error {
	if m.Currency != u.currency {
		return fault.Newf("ledger.currency", "movement %s in %s does not belong to %s in %s", m.ID, m.Currency, u.id, u.currency)
	}
	if err := m.check(); err != nil {
		return err
	}
	u.net += m.Net
	return nil
}
