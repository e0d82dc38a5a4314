package reconcile

import "millrace/internal/ledger"

// lostKey ends the key of the journal of a dispute that was lost.
const lostKey = "/lost"

// disputeLost is Stripe's status of such a dispute.
const disputeLost = "lost"

// lose takes in what a lost dispute took from the balance. Its journal leaves
// the clearing account alone: what was withdrawn becomes a loss. Stripe does not
// say when; where a posting does not either, it is the day of the movement. Only
// all movements of a dispute together say how much.
func (t *truth) lose(m *ledger.Movement, day string) {
	if t.part || m.Source.Kind != "dispute" || m.Source.Status != disputeLost {
		return
	}
	key := itemKey{journal, m.Source.ID + "/" + m.Currency + lostKey}
	i := t.items[key]
	if i == nil {
		i = &item{itemKey: key, currency: m.Currency, stripe: side{}, lanes: []string{m.Source.ID}}
		if c := m.Source.Charge; c != nil {
			i.lanes = append(i.lanes, c.ID, c.Customer)
		}
		t.items[key] = i
	}
	i.date = max(i.date, day)
	i.loss -= m.Amount
	if i.loss == 0 { // taken and given back
		delete(t.items, key)
	}
}

// misstated is how far the journal of a lost dispute is from what that took, in
// minor units; 0 for every other item.
func (i *item) misstated() int64 {
	if i.loss == 0 {
		return 0
	}
	off := abs(taken(i.docs[0].lines) - abs(i.loss))
	if i.posted != nil {
		off = max(off, abs(taken(i.posted.lines)-abs(i.loss)))
	}
	return off
}

// taken is the sum of the debits.
func taken(lines []line) int64 {
	var sum int64
	for _, l := range lines {
		sum += max(l.amount, 0)
	}
	return sum
}
