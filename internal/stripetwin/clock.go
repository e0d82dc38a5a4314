package stripetwin

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Advance moves the twin's clock forward. On the way it stops at every 00:00
// UTC, so that each day's payouts happen on their day. A restart forgets it.
func (t *Twin) Advance(ctx context.Context, d time.Duration) error {
	if d < 0 {
		return errors.New("stripe twin: the clock goes forward only")
	}
	for end := t.now().Add(d); ; {
		now := t.now()
		if !now.Before(end) {
			return nil
		}
		next := time.Unix(midnight(now.Unix(), 1), 0)
		if next.After(end) {
			next = end
		}
		t.ahead.Add(int64(next.Sub(now)))
		if err := t.as(ctx, func(*call) error { return nil }); err != nil {
			return err
		}
	}
}

// wakeAt makes the next request at or after the time do what is due by then.
func (t *Twin) wakeAt(unix int64) { t.wake = min(t.wake, unix) }

// tick does what became due: money becomes available, payouts are made and
// arrive. It costs nothing while nothing is due. The caller commits.
func (t *Twin) tick(now int64) {
	if now < t.wake {
		return
	}
	c := &call{now: now, form: newForm()}
	t.wake = midnight(now, 1)
	t.release(c)
	for _, p := range slices.Backward(newest(t.s.Payouts, func(p *payout) bool { return p.Status == "pending" || p.Status == "in_transit" })) {
		t.advancePayout(c, p)
		if p.Status != "paid" {
			t.wakeAt(max(now+1, p.ArrivalDate))
		}
	}
	for _, ch := range slices.Backward(newest(t.s.Charges, func(ch *charge) bool { return ch.Status == "pending" })) {
		if now >= ch.DueAt {
			t.endDelayed(c, ch)
		}
	}
	if t.daily {
		available, _ := t.sums(now)
		for _, cur := range slices.Sorted(maps.Keys(available)) {
			if !t.sweptToday(now, cur) {
				t.sweep(c, cur)
			}
		}
	}
}

// release notes the money that is no longer pending. Stripe: balance.available
// tells of it, but not when the balance shrinks.
func (t *Twin) release(c *call) {
	var sum int64
	for _, m := range newest(t.s.Moves, func(m *move) bool { return !m.Released && c.now >= m.AvailableOn }) {
		m.Released = true
		t.s.mark(m.ID)
		if m.AvailableOn > m.Created {
			sum += m.Amount - m.Fee
		}
	}
	if sum > 0 {
		t.emit(c, "balance.available", t.renderBalance(c.now))
	}
}

func (t *Twin) sweptToday(now int64, currency string) bool {
	return len(newest(t.s.Payouts, func(p *payout) bool {
		return p.Automatic && p.Currency == currency && p.Created >= midnight(now, 0)
	})) > 0
}

// PayOut makes an automatic payout of all that is available now, whatever the
// schedule, and returns its id, or "" when nothing is available.
func (t *Twin) PayOut(ctx context.Context, currency string) (string, error) {
	var id string
	err := t.as(ctx, func(c *call) error {
		cur, err := parseCurrency(currency)
		if err != nil {
			return err
		}
		if p := t.sweep(c, cur); p != nil {
			id = p.ID
		}
		return nil
	})
	return id, err
}

// FailPayout lets the bank send a payout back, also one that was paid. The code is one
// of Stripe's, such as account_closed. Its money is in a later payout.
func (t *Twin) FailPayout(ctx context.Context, payoutID, code string) error {
	return t.as(ctx, func(c *call) error {
		p := t.s.Payouts[payoutID]
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
	if err == nil {
		err = t.Advance(req.Context(), d)
	}
	if err != nil {
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
		id, err = t.PayOut(req.Context(), orElse(in.Currency, accountCurrency))
	} else {
		err = t.FailPayout(req.Context(), id, in.FailureCode)
	}
	if err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"payout": id})
}
