package stripetwin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"
)

// Advance moves the twin's clock forward. On the way it stops at every 00:00
// UTC, so that each day's payouts happen on their day, and wherever billing has
// something to do. Each stop is in the state file before the next: after a
// restart the clock shows no less than it was advanced to.
func (t *Twin) Advance(ctx context.Context, d time.Duration) error {
	if d < 0 {
		return errors.New("stripe twin: the clock goes forward only")
	}
	end := t.now().Add(d)
	if end.Unix() > math.MaxUint32 {
		return errors.New("stripe twin: the clock ends in 2106")
	}
	for {
		now := t.now()
		if !now.Before(end) {
			return nil
		}
		next := time.Unix(midnight(now.Unix(), 1), 0)
		if at := time.Unix(t.billingDue(), 0); at.After(now) && at.Before(next) {
			next = at
		}
		if next.After(end) {
			next = end
		}
		t.ahead.Add(int64(next.Sub(now)))
		if err := t.as(ctx, func(*call) error { t.s.advanced = true; return nil }); err != nil {
			return err
		}
	}
}

// billingDue is when a subscription, an invoice or a checkout session is due
// next, in Unix seconds.
func (t *Twin) billingDue() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return min(t.s.Subs.wakesAt(), t.s.Invoices.wakesAt(), t.s.Sessions.wakesAt())
}

// tick does what became due: money becomes available, payouts are made and
// arrive, what is too old is dropped. It costs little while nothing is due.
// The caller commits.
func (t *Twin) tick(c *call) {
	t.s.forget()
	c.now = max(c.now, t.s.Last)
	t.s.Last = c.now
	if c.now < t.day && c.now < t.s.wakesAt() {
		return
	}
	c = &call{now: c.now, form: newForm()}
	t.day = midnight(c.now, 1)
	for e := range t.s.Events.due(c.now) {
		t.s.Events.delete(e.ID)
	}
	for k := range t.s.Keys.due(c.now) {
		t.s.Keys.delete(k.ID)
	}
	t.release(c)
	for p := range t.s.Payouts.due(c.now) {
		t.advancePayout(c, p)
	}
	for p := range t.s.Topups.due(c.now) {
		t.arrive(c, p)
	}
	for ch := range t.s.Charges.due(c.now) {
		t.endDelayed(c, ch)
	}
	for cs := range t.s.Sessions.due(c.now) {
		t.expireSession(c, cs)
	}
	for s := range t.s.Subs.due(c.now) {
		t.advanceSub(c, s)
	}
	for inv := range t.s.Invoices.due(c.now) {
		t.advanceInvoice(c, inv)
	}
	if t.daily {
		for _, cur := range slices.Sorted(maps.Keys(t.s.balance.available)) {
			if p := t.s.Payouts.find(eq{"automatic": cur}, always, nil).first(); p == nil || p.Created < midnight(c.now, 0) {
				t.sweep(c, cur)
			}
		}
	}
}

// release notes the money that is no longer pending. Stripe: balance.available
// tells of it, but not when the balance shrinks.
func (t *Twin) release(c *call) {
	var sum int64
	for m := range t.s.Moves.due(c.now) {
		t.s.balance.release(m)
		t.s.mark(m.ID)
		sum += m.Amount - m.Fee
	}
	if sum > 0 {
		t.emit(c, "balance.available", t.renderBalance())
	}
}

// PayOut makes an automatic payout of all that is available now in a currency
// ("" is the account's default), whatever the schedule, and returns its id. It
// is an error when nothing is available.
func (t *Twin) PayOut(ctx context.Context, currency string) (string, error) {
	var id string
	err := t.as(ctx, func(c *call) error {
		cur, err := parseCurrency(orElse(currency, t.fx.home()))
		if err != nil {
			return err
		}
		p := t.sweep(c, cur)
		if p == nil {
			return refused("balance_insufficient", "Nothing is available in %s: what was paid is pending for some days. POST /_twin/advance moves the clock.", cur)
		}
		id = p.ID
		return nil
	})
	return id, err
}

// FailPayout lets the bank send a payout back, also one that was paid. The code is one
// of Stripe's, such as account_closed. Its money is in a later payout.
func (t *Twin) FailPayout(ctx context.Context, payoutID, code string) error {
	return t.as(ctx, func(c *call) error {
		p := t.s.Payouts.get(payoutID)
		if p == nil {
			return missing("payout", payoutID, "payout", http.StatusNotFound)
		}
		if p.FailureMove != "" {
			return refused("", "The payout %s is %s already.", p.ID, p.Status)
		}
		p.FailureCode = orElse(code, "could_not_process")
		t.giveBack(c, p, "failed", "payout_failure")
		t.emit(c, "payout.failed", p.render())
		t.reconcile(c, p)
		return nil
	})
}

func (t *Twin) controlAdvance(w http.ResponseWriter, req *http.Request) {
	var in struct {
		By string `json:"by"` // such as 36h
	}
	if !readJSON(w, req, &in) {
		return
	}
	d, err := time.ParseDuration(in.By)
	if err != nil {
		refuseJSON(w, fmt.Errorf("by %q: want a duration such as 36h or 10m", in.By))
		return
	}
	if err := t.Advance(req.Context(), d); err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"now": t.now().UTC().Format(time.RFC3339)})
}

// controlPayout makes an automatic payout, or lets the one that is named fail.
func (t *Twin) controlPayout(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Currency    string `json:"currency"`
		Payout      string `json:"payout"`
		FailureCode string `json:"failure_code"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	var err error
	id := in.Payout
	if id == "" {
		id, err = t.PayOut(req.Context(), in.Currency)
	} else {
		err = t.FailPayout(req.Context(), id, in.FailureCode)
	}
	if err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"payout": id})
}
