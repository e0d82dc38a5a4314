package stripetwin

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// accountCurrency is the account's default currency; in the twin every charge
// settles in its own currency, so there is no exchange.
const accountCurrency = "usd"

// Card fees of the twin's account: 2.9 % and 30 minor units, rounded half up.
const (
	feePerMille = 29
	feeFixed    = 30
)

// settleDays is how long money stays pending before it is available.
const settleDays = 2

// A move is a balance transaction: the truth about money. Invariant 6: net is
// amount less fee, to the minor unit.
type move struct {
	head
	Type, Category, Source, Currency, Description string
	Amount, Fee, AvailableOn                      int64
	Payout                                        string // the automatic payout that took it; its own move as well
	Released                                      bool   // no longer pending, and balance.available told of it
	FeeText                                       string // "" is the fee of a charge
}

func (m *move) render(now int64) object {
	status := "pending" // Stripe: it flips without an event
	if now >= m.AvailableOn {
		status = "available"
	}
	fees := []any{}
	if m.Fee != 0 {
		fees = append(fees, object{
			"amount": m.Fee, "application": nil, "currency": m.Currency, "description": orElse(m.FeeText, "Stripe processing fees"), "type": "stripe_fee",
		})
	}
	return object{
		"id": m.ID, "object": "balance_transaction", "amount": m.Amount, "available_on": m.AvailableOn, "created": m.Created,
		"currency": m.Currency, "description": orNull(m.Description), "exchange_rate": nil, "fee": m.Fee, "fee_details": fees,
		"net": m.Amount - m.Fee, "reporting_category": m.Category, "source": m.Source, "status": status, "type": m.Type,
	}
}

// newChargeMove books a charge. Stripe: pending until 00:00 UTC some days
// later, or available at once with the test card that bypasses it.
func (t *Twin) newChargeMove(c *call, ch *charge, instant bool) *move {
	m := t.newMove(c, move{
		Type: ch.moveType("charge", "payment"), Category: "charge", Source: ch.ID, Currency: ch.Currency,
		Description: ch.Description, Amount: ch.Amount, Fee: (ch.captured()*feePerMille+500)/1000 + feeFixed,
	})
	if !instant {
		m.AvailableOn = midnight(c.now, settleDays)
	}
	return m
}

// newMove books m, available at once.
func (t *Twin) newMove(c *call, m move) *move {
	m.head, m.AvailableOn = t.newHead(c, newID("txn_3", 23)), c.now
	t.s.Moves[m.ID] = &m
	return &m
}

// midnight is 00:00 UTC some days after the day of now.
func midnight(now int64, days int) int64 {
	return time.Unix(now, 0).UTC().Truncate(24*time.Hour).AddDate(0, 0, days).Unix()
}

func getMove(t *Twin, c *call) (object, error) {
	m := t.s.Moves[c.id]
	if m == nil {
		return nil, missing("balance transaction", c.id, "id", http.StatusNotFound)
	}
	return m.render(c.now), nil
}

func listMoves(t *Twin, c *call) (object, error) {
	created, cur := createdFilter(c), c.form.currency("")
	source, typ := c.form.str("source", 255), c.form.str("type", 100)
	inPayout, err := t.ofPayout(c.form.str("payout", 255))
	if err != nil {
		return nil, err
	}
	rows := newest(t.s.Moves, func(m *move) bool {
		return created(m.Created) && inPayout(m) && (cur == "" || m.Currency == cur) && (source == "" || m.Source == source) && (typ == "" || m.Type == typ)
	})
	return page(c, rows, bySeq(rows, t.s.Moves), "balance transaction", func(m *move) object { return m.render(c.now) })
}

func getBalance(t *Twin, c *call) (object, error) { return t.renderBalance(c.now), nil }

func (t *Twin) renderBalance(now int64) object {
	available, pending := t.sums(now)
	return object{"object": "balance", "livemode": false, "available": renderSums(available), "pending": renderSums(pending)}
}

// sums adds up all balance transactions by currency.
func (t *Twin) sums(now int64) (available, pending map[string]int64) {
	available, pending = map[string]int64{accountCurrency: 0}, map[string]int64{accountCurrency: 0}
	for _, m := range t.s.Moves {
		into := pending
		if now >= m.AvailableOn {
			into = available
		}
		into[m.Currency] += m.Amount - m.Fee
		available[m.Currency] += 0 // both lists name every currency
		pending[m.Currency] += 0
	}
	return available, pending
}

func renderSums(sums map[string]int64) []any {
	out := []any{}
	for _, cur := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, object{"amount": sums[cur], "currency": cur, "source_types": object{"card": sums[cur]}})
	}
	return out
}
