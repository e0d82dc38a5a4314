package stripetwin

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
)

// settleDays is how long money stays pending before it is available.
const settleDays = 2

// A move is a balance transaction: the truth about money. Invariant 6: net is
// amount less fee, to the minor unit.
type move struct {
	head
	Type, Category, Source, Currency, Description string
	Amount, Fee, AvailableOn                      int64
	Fees                                          []feePart `json:",omitempty"` // they add up to Fee
	Rate                                          string    `json:",omitempty"` // "" when nothing was exchanged
	Payout                                        string    // the automatic payout that took it; its own move as well
	Released                                      bool      // no longer pending
}

func (m *move) render(now int64) object {
	status := "pending" // Stripe: it flips without an event
	if now >= m.AvailableOn {
		status = "available"
	}
	fees := []any{}
	for _, p := range m.Fees {
		fees = append(fees, object{"amount": p.Amount, "application": nil, "currency": m.Currency, "description": p.Text, "type": p.Kind})
	}
	var rate any
	if m.Rate != "" {
		rate = json.Number(m.Rate)
	}
	return object{
		"id": m.ID, "object": "balance_transaction", "amount": m.Amount, "available_on": m.AvailableOn, "created": m.Created,
		"currency": m.Currency, "description": orNull(m.Description), "exchange_rate": rate, "fee": m.Fee, "fee_details": fees,
		"net": m.Amount - m.Fee, "reporting_category": m.Category, "source": orNull(m.Source), "status": status, "type": m.Type,
	}
}

func moveColumns() []column[move] {
	return []column[move]{
		by("source", func(m *move) string { return m.Source }),
		by("payout", func(m *move) string { return m.Payout }),
		by("sweep", func(m *move) string { // what the next automatic payout takes
			if m.Payout == "" && m.Released {
				return m.Currency
			}
			return ""
		}),
		by("type", func(m *move) string { return m.Type }),
		by("currency", func(m *move) string { return m.Currency }),
		dueAt(func(m *move) int64 {
			if m.Released {
				return 0
			}
			return m.AvailableOn
		}),
	}
}

func (t *Twin) showMove(m *move) object { return m.render(t.now().Unix()) }

// newChargeMove books a charge. Stripe: pending until 00:00 UTC some days
// later, or available at once with the test card that bypasses it.
func (t *Twin) newChargeMove(c *call, ch *charge, instant bool) *move {
	available := c.now
	if !instant {
		available = midnight(c.now, settleDays)
	}
	if ch.Status == "pending" {
		available = ch.DueAt
	}
	v := t.fx.conversion(ch.Currency, c.now)
	return t.newMove(c, move{
		AvailableOn: available, Type: ch.moveType("charge", "payment"), Category: "charge", Source: ch.ID, Currency: v.currency, Rate: v.shown(),
		Description: ch.Description, Amount: v.of(ch.Amount), Fees: t.chargeFees(v.of(ch.captured()), v),
	})
}

// newMove books m, available at once unless it says when.
func (t *Twin) newMove(c *call, m move) *move {
	m.head = t.newHead(c, t.newID("txn_3", 23))
	m.AvailableOn = max(m.AvailableOn, c.now)
	m.Released = m.AvailableOn == c.now
	for _, p := range m.Fees {
		m.Fee += p.Amount
	}
	t.s.Moves.put(&m)
	t.s.balance.add(&m)
	return &m
}

// midnight is 00:00 UTC some days after the day of now.
func midnight(now int64, days int) int64 {
	return time.Unix(now, 0).UTC().Truncate(24*time.Hour).AddDate(0, 0, days).Unix()
}

func getMove(t *Twin, c *call) (object, error) {
	m := t.s.Moves.get(c.id)
	if m == nil {
		return nil, missing("balance transaction", c.id, "id", http.StatusNotFound)
	}
	return m.render(c.now), nil
}

func listMoves(t *Twin, c *call) (object, error) {
	created, cur := createdFilter(c), c.form.currency("")
	source, typ := c.form.str("source", 255), c.form.str("type", 100)
	payout, err := t.ofPayout(c.form.str("payout", 255))
	if err != nil {
		return nil, err
	}
	rows := t.s.Moves.find(eq{"source": source, "payout": payout, "type": typ, "currency": cur}, created, nil)
	return page(c, rows, "balance transaction", func(m *move) object { return m.render(c.now) })
}

func getBalance(t *Twin, c *call) (object, error) { return t.renderBalance(), nil }

func (t *Twin) renderBalance() object {
	b, home := t.s.balance, t.fx.home()
	b.available[home] += 0 // it is shown also when there is nothing
	b.pending[home] += 0
	return object{"object": "balance", "livemode": false, "available": renderSums(b.available), "pending": renderSums(b.pending)}
}

// A purse is the running sums of all balance transactions by currency; both
// name every currency.
type purse struct{ available, pending map[string]int64 }

func newPurse() purse {
	return purse{available: map[string]int64{}, pending: map[string]int64{}}
}

func (p purse) add(m *move) {
	var now, later int64
	if m.Released {
		now = m.Amount - m.Fee
	} else {
		later = m.Amount - m.Fee
	}
	p.available[m.Currency] += now
	p.pending[m.Currency] += later
}

// release moves to available what is pending of m.
func (p purse) release(m *move) {
	m.Released = true
	p.pending[m.Currency] -= m.Amount - m.Fee
	p.available[m.Currency] += m.Amount - m.Fee
}

func renderSums(sums map[string]int64) []any {
	out := []any{}
	for _, cur := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, object{"amount": sums[cur], "currency": cur, "source_types": object{"card": sums[cur]}})
	}
	return out
}
