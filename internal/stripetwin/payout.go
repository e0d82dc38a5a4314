package stripetwin

import (
	"net/http"
	"slices"
)

// What a payout to the bank takes: days until a standard one arrives, the time
// and the fee of an instant one.
const (
	payoutDays       = 2
	instantTime      = 30 * 60 // seconds
	instantPerMille  = 15
	instantMinAmount = 50
)

// A payout moves balance to the bank, or debits the bank when its amount is
// negative. Stripe: pending, in_transit, paid; also paid ones may still fail.
type payout struct {
	head
	Currency, Status, Method, Description string
	Amount, ArrivalDate                   int64
	Automatic                             bool
	Reconciled                            bool // its balance transactions can be listed
	Move, FailureMove                     string
	FailureCode                           string
}

func payoutColumns() []column[payout] {
	return []column[payout]{
		by("automatic", func(p *payout) string {
			if p.Automatic {
				return p.Currency
			}
			return ""
		}),
		by("status", func(p *payout) string { return p.Status }),
		dueAt(func(p *payout) int64 {
			switch p.Status {
			case "pending":
				return min(midnight(p.Created, 1), p.ArrivalDate)
			case "in_transit":
				return p.ArrivalDate
			}
			return 0
		}),
	}
}

func (p *payout) render() object {
	reconciliation := "not_applicable" // Stripe: manual and instant ones
	switch {
	case p.Automatic && p.Reconciled:
		reconciliation = "completed"
	case p.Automatic:
		reconciliation = "in_progress"
	}
	o := object{
		"id": p.ID, "object": "payout", "amount": p.Amount, "arrival_date": p.ArrivalDate, "automatic": p.Automatic,
		"balance_transaction": p.Move, "created": p.Created, "currency": p.Currency, "description": orNull(p.Description),
		"destination": bankOf(p.Currency), "failure_balance_transaction": orNull(p.FailureMove), "failure_code": orNull(p.FailureCode),
		"failure_message": nil, "livemode": false, "metadata": metadataOf(p.Metadata), "method": p.Method,
		"original_payout": nil, "reconciliation_status": reconciliation, "reversed_by": nil, "source_type": "card",
		"statement_descriptor": nil, "status": p.Status, "type": "bank_account",
	}
	if p.FailureCode != "" {
		o["failure_message"] = "The bank could not take the payout: " + p.FailureCode + "."
	}
	return o
}

// sweep makes the automatic payout of everything that is available and in no
// automatic payout yet, or nil when that is nothing. The parts of an automatic
// payout are thus all the balance there was, its own balance transaction
// takes it to zero.
func (t *Twin) sweep(c *call, currency string) *payout {
	var sum int64
	parts := slices.Collect(t.s.Moves.find(eq{"sweep": currency}, always, nil).newest())
	for _, m := range parts {
		sum += m.Amount - m.Fee
	}
	if wholeUnits(currency) && sum%100 != 0 {
		// The rest stays: a balance transaction is paid out whole, so the newest
		// ones wait until the sum fits.
		for len(parts) > 0 && sum%100 != 0 {
			sum -= parts[0].Amount - parts[0].Fee
			parts = parts[1:]
		}
	}
	if sum == 0 {
		return nil
	}
	p := t.newPayout(c, payout{
		Currency: currency, Status: "in_transit", Method: "standard", Description: "STRIPE PAYOUT", Amount: sum,
		Automatic: true, ArrivalDate: midnight(c.now, payoutDays),
	}, nil)
	for _, m := range append(parts, t.s.Moves.get(p.Move)) {
		m.Payout = p.ID
		t.s.mark(m.ID)
	}
	t.emit(c, "payout.created", p.render())
	return p
}

// wholeUnits says that payouts in a currency are multiples of 100. Stripe:
// huf and twd are charged with decimals and paid out without.
func wholeUnits(currency string) bool { return currency == "huf" || currency == "twd" }

func (t *Twin) newPayout(c *call, p payout, fees []feePart) *payout {
	meta := p.Metadata
	p.head = t.newHead(c, t.newID("po_1", 23))
	p.Metadata = meta
	p.Move = t.newMove(c, move{
		Type: "payout", Category: "payout", Source: p.ID, Currency: p.Currency, Description: orElse(p.Description, "STRIPE PAYOUT"),
		Amount: -p.Amount, Fees: fees,
	}).ID
	t.s.Payouts.put(&p)
	return &p
}

// advancePayout moves a payout on its way as far as the clock allows.
func (t *Twin) advancePayout(c *call, p *payout) {
	if p.Status == "pending" && (c.now >= midnight(p.Created, 1) || c.now >= p.ArrivalDate) {
		before := p.render()
		p.Status = "in_transit"
		t.touch(&p.head)
		t.emitUpdate(c, "payout.updated", before, p.render())
	}
	if p.Status == "in_transit" && c.now >= p.ArrivalDate {
		before := p.render()
		p.Status = "paid"
		t.touch(&p.head)
		t.emit(c, "payout.paid", p.render())
		t.emitUpdate(c, "payout.updated", before, p.render())
		t.reconcile(c, p)
	}
}

func (t *Twin) reconcile(c *call, p *payout) {
	if p.Automatic && !p.Reconciled {
		p.Reconciled = true
		t.touch(&p.head)
		t.emit(c, "payout.reconciliation_completed", p.render())
	}
}

// giveBack ends a payout with a balance transaction that returns its amount,
// for a later payout to take.
func (t *Twin) giveBack(c *call, p *payout, status, typ string) {
	p.Status = status
	p.FailureMove = t.newMove(c, move{
		Type: typ, Category: "payout_reversal", Source: p.ID, Currency: p.Currency, Description: "STRIPE PAYOUT FAILURE", Amount: p.Amount,
	}).ID
	t.touch(&p.head)
}

func createPayout(t *Twin, c *call) (object, error) {
	amount, cur := c.form.sum()
	method := c.form.choice("method", "standard", "standard", "instant")
	description, meta := c.form.str("description", 1500), c.form.metadata(nil)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	}
	if wholeUnits(cur) {
		if amount%100 != 0 {
			return nil, invalid("", "amount", "Payouts in %s must be a multiple of 100.", cur)
		}
	}
	p := payout{
		head: head{Metadata: meta}, Currency: cur, Status: "pending", Method: method, Description: description, Amount: amount,
		ArrivalDate: midnight(c.now, payoutDays),
	}
	var fees []feePart
	left := amount
	if method == "instant" {
		p.ArrivalDate = c.now + instantTime
		fees = t.fee(instantFeeText, max(instantMinAmount, perMille(amount, instantPerMille)))
		for _, f := range fees {
			left += f.Amount
		}
	}
	if available := t.s.balance.available[cur]; amount > available || left > available { // the first keeps the sum from overflowing
		return nil, refused("balance_insufficient", "You have insufficient funds in your Stripe account for this transfer. Your available balance in %s is %s.", cur, display(available, cur))
	}
	made := t.newPayout(c, p, fees)
	t.emit(c, "payout.created", made.render())
	return made.render(), nil
}

// cancelPayout is for manual payouts that did not leave yet.
func cancelPayout(t *Twin, c *call) (object, error) {
	p := t.s.Payouts.get(c.id)
	switch {
	case p == nil:
		return nil, missing("payout", c.id, "payout", http.StatusNotFound)
	case p.Automatic:
		return nil, refused("payouts_not_allowed", "You cannot cancel an automatic payout.")
	case p.Status != "pending" || p.Method == "instant":
		return nil, refused("", "Payouts can only be canceled while they are pending, this one is %s.", p.Status)
	}
	t.giveBack(c, p, "canceled", "payout_cancel")
	t.emit(c, "payout.canceled", p.render())
	return p.render(), nil
}

func getPayout(t *Twin, c *call) (object, error) {
	p := t.s.Payouts.get(c.id)
	if p == nil {
		return nil, missing("payout", c.id, "payout", http.StatusNotFound)
	}
	return p.render(), nil
}

func updatePayout(t *Twin, c *call) (object, error) {
	p := t.s.Payouts.get(c.id)
	if p == nil {
		return nil, missing("payout", c.id, "payout", http.StatusNotFound)
	}
	meta := c.form.metadata(p.Metadata)
	if c.form.err != nil {
		return nil, c.form.err
	}
	before := p.render()
	p.Metadata = meta
	t.touch(&p.head)
	t.emitUpdate(c, "payout.updated", before, p.render())
	return p.render(), nil
}

func listPayouts(t *Twin, c *call) (object, error) {
	status := c.form.choice("status", "", "canceled", "failed", "in_transit", "paid", "pending")
	created, arrival := createdFilter(c), timeFilter(c, "arrival_date")
	rows := t.s.Payouts.find(eq{"status": status}, created, func(p *payout) bool { return arrival.has(p.ArrivalDate) })
	return page(c, rows, "payout", (*payout).render)
}

// ofPayout is what balance transactions are looked up by for payout=. Stripe:
// automatic payouts only, and nothing is listed before the payout is
// reconciled.
func (t *Twin) ofPayout(id string) (string, error) {
	if id == "" {
		return "", nil
	}
	p := t.s.Payouts.get(id)
	switch {
	case p == nil:
		return "", missing("payout", id, "payout", http.StatusBadRequest)
	case !p.Automatic:
		return "", invalid("", "payout", "Balance transaction history can only be filtered on automatic transfers, not manual.")
	}
	if !p.Reconciled {
		return "none", nil
	}
	return id, nil
}
