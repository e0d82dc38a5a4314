package year

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// bankDays is how long Stripe waits for a bank, with a day to spare.
const bankDays = 6

// A fate is what becomes of an order in the shop.
type fate struct {
	what    string
	method  string // of payment; "" is a card
	manual  bool   // authorised now, captured later in part
	guest   bool   // of no customer
	foreign string // presented in a currency that the company has no bank account in
	dollars bool   // an American bank account is needed
	after   int    // turn of what comes afterwards, see afterwards
}

// bankReturns is the turn of the objection of a bank long after it had paid,
// bankFails that of a debit that fails as late.
const (
	bankReturns = 10
	bankFails   = 11
)

// fates follow each other, order by order.
var fates = []fate{
	{what: "order"},
	{what: "order, refunded", after: 1},
	{what: "order captured in part", manual: true},
	{what: "order, refunded in part", after: 2},
	{what: "order paid from a bank account", method: "pm_usBankAccount_success", dollars: true},
	{what: "order, several refunds", after: 3},
	{what: "order of a guest", guest: true},
	{what: "order, inquiry", after: 4},
	{what: "order"},
	{what: "order, refund fails", after: 5},
	{what: "order from a bank account that has too little", method: "pm_usBankAccount_insufficientFunds", dollars: true},
	{what: "order, dispute lost", after: 6},
	{what: "order of a guest in francs", guest: true, foreign: "chf"},
	{what: "order, dispute won", after: 7},
	{what: "order"},
	{what: "order, dispute won with its fee", after: 8},
	{what: "order paid from a bank account, returned later", method: "pm_usBankAccount_success", dollars: true, after: bankReturns},
	{what: "order paid from a bank account, fails later", method: "pm_usBankAccount_success", dollars: true, after: bankFails},
	{what: "order declined", method: "pm_card_chargeDeclined"},
	{what: "order, inquiry that becomes a dispute", after: 9},
	{what: "order in francs", foreign: "chf"},
	{what: "order paid from a bank account, refunded", method: "pm_usBankAccount_success", dollars: true, after: 1},
	{what: "order in Canadian dollars, refunded", foreign: "cad", after: 1},
	{what: "order paid from a bank account, refund fails", method: "pm_usBankAccount_success", dollars: true, after: 5},
	{what: "order in yen, refunded in part", foreign: "jpy", after: 2},
	{what: "order in francs, dispute won", foreign: "chf", after: 7},
}

// sell takes the orders of today: one, and each fifth day two.
func (c *company) sell(ctx context.Context) {
	for range 1 + btoi(c.today%5 == 0) {
		if c.today < 3 { // the first customers have yet to arrive
			return
		}
		f := fates[c.orders%len(fates)]
		b := c.buyers[c.orders*7%len(c.buyers)]
		if f.dollars {
			b = c.inDollars(c.orders)
		}
		c.orders++
		amount := 5_00 + c.dice.Int64N(300_00)
		c.try(ctx, chore{f.what, func(ctx context.Context) error { return c.order(ctx, f, b, amount) }})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// order is a payment in the shop.
func (c *company) order(ctx context.Context, f fate, b *buyer, amount int64) error {
	currency, id := strings.ToLower(b.currency), ""
	if f.foreign != "" {
		currency = f.foreign
	}
	if !f.guest {
		var err error
		if id, err = c.customer(ctx, b); err != nil {
			return err
		}
	}
	method, capture := f.method, ""
	if method == "" {
		method = "pm_card_visa"
	}
	if f.manual {
		capture = "manual"
	}
	pi, err := c.post(ctx, "/v1/payment_intents", "amount", strconv.FormatInt(amount, 10), "currency", currency, "confirm", "true",
		"payment_method", method, "customer", id, "capture_method", capture, "description", fmt.Sprintf("Order %d", c.orders))
	if method == "pm_card_chargeDeclined" && isRefused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if f.manual {
		c.later(3, "capture of a part", func(ctx context.Context) error {
			_, err := c.post(ctx, "/v1/payment_intents/"+pi.ID+"/capture", "amount_to_capture", strconv.FormatInt(amount*6/10, 10))
			return err
		})
	}
	if f.guest && f.foreign == "" {
		c.guest = pi.Charge
	}
	if then := c.afterwards(f.after); then != nil {
		then(pi.Charge)
	}
	return nil
}

// afterwards is what a buyer or a bank does with a charge that succeeded, by
// its turn; nil is nothing, as for turn 0.
func (c *company) afterwards(turn int) func(charge string) {
	do := []func(charge string){
		func(ch string) { c.refund(9, ch, 0, nil) },
		func(ch string) { c.refund(step, ch, 3_00, nil) },
		func(ch string) {
			for _, days := range []int{step, 12, 19} {
				c.refund(days, ch, 1_25, nil)
			}
		},
		func(ch string) { c.dispute(4, ch, "inquiry", c.closed("inquiry closed", false, false)) },
		func(ch string) { c.refund(8, ch, 0, c.refundFails) },
		func(ch string) { c.dispute(6, ch, "dispute", c.closed("dispute lost", false, false)) },
		func(ch string) { c.dispute(6, ch, "dispute", c.closed("dispute won", true, false)) },
		func(ch string) { c.dispute(6, ch, "dispute", c.closed("dispute won with its fee", true, true)) },
		func(ch string) { c.dispute(5, ch, "inquiry", c.escalated) },
		func(ch string) { c.dispute(14, ch, "bank debit returned", nil) },
		func(ch string) {
			c.later(16, "bank debit fails late", func(ctx context.Context) error { return c.Stripe.FailCharge(ctx, ch, "account_closed") })
		},
	}
	if turn < 1 || turn > len(do) {
		return nil
	}
	return do[turn-1]
}

// refund gives money back after some days; 0 is all of it. The days are a step
// at least: between a charge and its refund the pipeline has caught up, as it
// would have in days that are as long as ours.
func (c *company) refund(days int, charge string, minor int64, then func(id string)) {
	amount, what := "", "full refund"
	if minor > 0 {
		amount, what = strconv.FormatInt(minor, 10), "partial refund"
	}
	c.later(days, what, func(ctx context.Context) error {
		r, err := c.post(ctx, "/v1/refunds", "charge", charge, "amount", amount)
		if err == nil && then != nil {
			then(r.ID)
		}
		return err
	})
}

func (c *company) refundFails(id string) {
	c.later(7, "refund fails", func(ctx context.Context) error { return c.Stripe.FailRefund(ctx, id, "expired_or_canceled_card") })
}

// dispute lets the payer object.
func (c *company) dispute(days int, charge, what string, then func(id string)) {
	c.later(days, what, func(ctx context.Context) error {
		id, err := c.Stripe.Dispute(ctx, charge, "", what == "inquiry")
		if err == nil && then != nil { // Stripe: a bank that returns a debit has the last word
			then(id)
		}
		return err
	})
}

func (c *company) closed(what string, won, feeBack bool) func(id string) {
	return func(id string) {
		c.later(11, what, func(ctx context.Context) error { return c.Stripe.CloseDispute(ctx, id, won, feeBack) })
	}
}

func (c *company) escalated(id string) {
	c.later(3, "inquiry becomes a dispute", func(ctx context.Context) error {
		if err := c.Stripe.EscalateDispute(ctx, id); err != nil {
			return err
		}
		c.closed("dispute lost", false, false)(id)
		return nil
	})
}

// monthOf is the first day of the month of a day.
func monthOf(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) }
