package year

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"millrace/internal/stripetwin"
)

// currencies that the company may have a balance in; the home currency first.
func currencies() []string { return []string{"usd", "eur", "gbp"} }

// plan puts into the diary what is known from the start.
func (c *company) plan() {
	for n, r := range regulars {
		if r.at >= 0 {
			c.plot(c.Days*r.at/10+4+n%3, r.what, c.books(r.m))
			continue
		}
		for at := monthOf(c.Start).AddDate(0, 1, 2); at.Before(c.played.End); at = at.AddDate(0, 1, 0) {
			c.plot(int(at.Sub(c.Start)/day), r.what, c.books(r.m))
		}
	}
	// The company opens bank accounts abroad: what was exchanged until then
	// settles in its own currency from then on.
	for n := range 2 {
		kept := currencies()[:n+2]
		c.plot(c.Days*(n+1)/3, "bank account abroad", func(ctx context.Context) error { return c.keep(ctx, kept) })
	}
	// For a while the company has terms that give fees back with refunds.
	c.plot(c.Days*4/10, "terms that give fees back", c.feesBack(true))
	c.plot(c.Days*8/10, "terms that keep fees", c.feesBack(false))
	c.plot(c.Days/10, "top-up", c.topUp(false))
	c.plot(c.Days*6/10, "top-up that is taken back", c.topUp(true))
	for _, tenth := range []int{2, 6} {
		c.plot(c.Days*tenth/10+3, "instant payout", c.payOutByHand("instant"))
		c.plot(c.Days*tenth/10+12, "payout by hand", c.payOutByHand("standard"))
	}
	c.plot(c.Days*7/10+2, "payout cancelled", func(ctx context.Context) error {
		p, err := c.post(ctx, "/v1/payouts", "amount", "1000", "currency", "usd")
		if err != nil {
			return notYet(err)
		}
		_, err = c.post(ctx, "/v1/payouts/"+p.ID+"/cancel")
		return err
	})
}

// plot puts a chore on a day of the year, not beyond its end.
func (c *company) plot(on int, what string, do func(ctx context.Context) error) {
	on = min(on, c.Days-1)
	c.diary[on] = append(c.diary[on], chore{what, do})
}

func (c *company) books(m stripetwin.Movement) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if m.Source == ofGuest {
			m.Source = c.guest
		}
		_, err := c.Stripe.Book(ctx, m)
		return err
	}
}

func (c *company) feesBack(back bool) func(ctx context.Context) error {
	return func(context.Context) error {
		c.Stripe.SetRefundFees(back)
		return nil
	}
}

func (c *company) keep(ctx context.Context, kept []string) error {
	body, err := json.Marshal(map[string][]string{"settle": kept})
	if err != nil {
		return err
	}
	var answer struct {
		Error string `json:"error"`
	}
	if err := c.ask(ctx, http.MethodPost, "/_twin/rates", string(body), &answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return nil
}

func (c *company) topUp(back bool) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		t, err := c.post(ctx, "/v1/topups", "amount", "50000", "currency", "usd", "description", "Top-up")
		if err == nil && back {
			c.later(5, "bank takes the top-up back", func(ctx context.Context) error { return c.Stripe.FailTopup(ctx, t.ID, "insufficient_funds") })
		}
		return err
	}
}

// payOutByHand pays out a tenth of what is available in dollars.
func (c *company) payOutByHand(method string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		var b struct {
			Available []struct {
				Amount   int64  `json:"amount"`
				Currency string `json:"currency"`
			} `json:"available"`
		}
		if err := c.ask(ctx, http.MethodGet, "/v1/balance", "", &b); err != nil {
			return err
		}
		for _, a := range b.Available {
			if a.Currency == "usd" && a.Amount > 100_00 {
				_, err := c.post(ctx, "/v1/payouts", "amount", strconv.FormatInt(a.Amount/10, 10), "currency", "usd", "method", method)
				return err
			}
		}
		return errNotYet
	}
}

// payOut makes the automatic payouts of today: on Mondays, and for three weeks
// in the middle of the year each day. Now and then a bank sends one back.
func (c *company) payOut(ctx context.Context) {
	daily := c.today >= c.Days/2 && c.today < c.Days/2+c.Days/17
	if !daily && c.date().Weekday() != time.Monday {
		return
	}
	for _, cur := range currencies() {
		id, err := c.Stripe.PayOut(ctx, cur)
		if err != nil {
			continue // nothing is available
		}
		c.played.Did["automatic payout"]++
		switch c.played.Did["automatic payout"] % 23 {
		case 3:
			c.fails(1, "payout fails on its way", id)
		case 11:
			c.fails(4, "payout fails after it was paid", id)
		}
	}
}

func (c *company) fails(days int, what, id string) {
	c.later(days, what, func(ctx context.Context) error { return c.Stripe.FailPayout(ctx, id, "account_closed") })
}

// notYet takes a balance that has too little for a reason to wait.
func notYet(err error) error {
	if r, ok := errors.AsType[refused](err); ok && r.code == "balance_insufficient" {
		return errNotYet
	}
	return err
}
