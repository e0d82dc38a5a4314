// Package year plays a year of a company's business against both twins: it
// invoices in Acumatica, sells in a shop, and lets buyers, banks and Stripe do
// all that moves money there. It decides by a seed and by the calendar alone,
// never by how far the pipeline is; where a thing must have arrived first, it
// waits for it.
//
// The calendar is the twins' own: both clocks go forward together, a day at a
// time, much faster than ours.
package year

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"millrace/internal/acumaticatwin"
	"millrace/internal/stripetwin"
)

// Days of a year of business, and of the time after it in which nothing new
// begins: what is on its way arrives.
const (
	Days      = 365
	aftermath = 21
	// step is after how many days the pipeline catches up.
	step = 7
)

const day = 24 * time.Hour

// Options of a year.
type Options struct {
	Stripe    *stripetwin.Twin
	ERP       *acumaticatwin.Twin
	StripeURL string
	Key       string // of Stripe's API: what a merchant does there
	Client    *http.Client

	Start     time.Time // the twins' clocks show it
	Days      int       // of business
	Customers int
	Seed      uint64

	// Pass lets time pass in both systems.
	Pass func(ctx context.Context, d time.Duration) error
	// CatchUp returns when the pipeline has nothing left to do that it knows of,
	// Quiet when it has also looked for what is new.
	CatchUp, Quiet func(ctx context.Context) error
	// Told is called with the number of days that are over, now and then.
	Told func(day int)
}

// Played is what happened.
type Played struct {
	Customers int            `json:"customers"`
	Invoices  int            `json:"invoices"`
	Did       map[string]int `json:"did"`      // how often each kind of thing was done
	Problems  []string       `json:"problems"` // what could not be done, in words
	End       time.Time      `json:"end"`      // of the business; what comes later is aftermath
}

// A company is the merchant and everybody around it.
type company struct {
	Options
	dice    *rand.Rand
	diary   map[int][]chore
	today   int
	buyers  []*buyer
	arrived map[string]string // Stripe's invoices by Acumatica's number
	orders  int               // in the shop
	guest   string            // the charge of a guest, in a currency of the company
	played  Played
}

// A chore is something that somebody does on a day.
type chore struct {
	what string
	do   func(ctx context.Context) error
}

// Play plays the year to its end. What could not be done is in the result; the
// error is one of the twins or of ctx.
func Play(ctx context.Context, o Options) (*Played, error) {
	c := &company{
		Options: o, dice: rand.New(rand.NewPCG(o.Seed, 1)), diary: map[int][]chore{}, arrived: map[string]string{}, //nolint:gosec // G404: a repeatable choice is wanted
		played: Played{Did: map[string]int{}, Problems: []string{}, End: o.Start.Add(time.Duration(o.Days) * day)},
	}
	c.found()
	c.plan()
	for ; c.today < o.Days+aftermath; c.today++ {
		if err := c.live(ctx); err != nil {
			return &c.played, err
		}
		if err := c.Pass(ctx, day); err != nil {
			return &c.played, err
		}
		if c.today%step == step-1 {
			if err := c.CatchUp(ctx); err != nil {
				return &c.played, err
			}
			if o.Told != nil {
				o.Told(c.today + 1)
			}
		}
	}
	return &c.played, c.Quiet(ctx)
}

// live is one day. A chore may put others on the same day.
func (c *company) live(ctx context.Context) error {
	if c.today < c.Days {
		c.bill()
		c.sell(ctx)
	}
	for len(c.diary[c.today]) > 0 {
		do := c.diary[c.today][0]
		c.diary[c.today] = c.diary[c.today][1:]
		c.try(ctx, do)
	}
	delete(c.diary, c.today)
	c.payOut(ctx)
	return ctx.Err()
}

// later puts a chore on a day to come. After the business is over nothing new
// begins, except what somebody else began.
func (c *company) later(days int, what string, do func(ctx context.Context) error) {
	on := c.today + days
	if days > 0 && on >= c.Days+aftermath/3 {
		return
	}
	c.diary[on] = append(c.diary[on], chore{what, do})
}

// errNotYet puts a chore off until tomorrow.
var errNotYet = errors.New("not yet")

func (c *company) try(ctx context.Context, x chore) {
	err := x.do(ctx)
	if errors.Is(err, errNotYet) {
		c.later(1, x.what, x.do)
		return
	}
	if err != nil {
		c.problem("day %d, %s: %v", c.today+1, x.what, err)
		return
	}
	c.played.Did[x.what]++
}

func (c *company) problem(format string, args ...any) {
	c.played.Problems = append(c.played.Problems, fmt.Sprintf(format, args...))
}

// date is a day of the year as Acumatica writes it.
func (c *company) date() time.Time { return c.Start.Add(time.Duration(c.today) * day) }
