// Package mirroryear plays a year of an accounts receivable department against
// both twins: bookkeepers make, correct, credit, settle, write off and open
// invoices again in Acumatica, buyers pay them in Stripe or fail to, lines to
// either system break for days, the clock of Acumatica stands still while much
// is done and is once set back. It decides by a seed; what it can choose from
// depends on how far the pipeline is, so a year is not the same to the letter
// each time, only in what happens in it.
package mirroryear

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/stripetwin"
)

const (
	day = 24 * time.Hour
	// Checkpoint is after how many days both systems are compared.
	Checkpoint = 6
	// aftermath is how long after the last day bank debits are waited for.
	aftermath = 8
	// Short is how many days a year has at least in which every kind of thing
	// happens. For what the first deals leave out it is made longer by some days,
	// grace at most.
	Short, grace = 60, 30
	// perDay is how many things happen on a day, at most.
	perDay = 8
)

// World is what a year cannot do by the APIs of the two systems.
type World interface {
	// Pass lets time pass in both systems, and gives the pipeline some of ours.
	Pass(ctx context.Context, d, ours time.Duration) error
	// Freeze stops the clock of Acumatica, or lets it go on.
	Freeze(frozen bool)
	// SetBack sets the clock of Acumatica back.
	SetBack(d time.Duration)
	// Cut breaks the line from the pipeline to a system, or mends it.
	Cut(system string, broken bool)
	// Compare waits until nothing is on its way and compares both systems.
	Compare(ctx context.Context, day int) error
}

// Options of a year.
type Options struct {
	ERP    *acumatica.Client // the bookkeepers'
	Ledger *acumaticatwin.Twin
	Stripe *stripetwin.Twin

	StripeURL string
	Key       string // of Stripe's API: what buyers and the merchant do there
	Client    *http.Client

	World     World
	Start     time.Time // the twins' clocks show it
	Days      int
	Customers int
	Seed      uint64
	// Told is called with the number of days that are over, now and then.
	Told func(day int)
}

// Played is what happened.
type Played struct {
	Seed     uint64         `json:"seed"`
	Days     int            `json:"days"`
	Did      map[string]int `json:"did"`      // how often each kind of thing was done
	Refused  map[string]int `json:"refused"`  // how often one of the systems would not have it: somebody was faster
	Problems []string       `json:"problems"` // what could not be done, in words
}

// An office is the bookkeepers, the buyers and the weather.
type office struct {
	Options
	dice   *rand.Rand
	deck   []kind // what is to be done next
	diary  map[int][]func(ctx context.Context) error
	today  int
	last   int             // day on which somebody does something
	drawn  int             // cheques and orders so far, for their references
	broken int             // lines now
	asked  map[string]bool // Stripe invoices of which a bank was asked
	posted map[string]int  // at how many comparisons a payment from Stripe was there, by its number
	given  map[string]bool // charges of which something was given back, or whose payment was voided
	played Played
}

// A kind of thing that happens. do answers errNothing when there is nothing to
// do it with now.
type kind struct {
	name string
	do   func(ctx context.Context) error
}

var errNothing = errors.New("nothing to do it with")

// Play plays the year to its end. What could not be done is in the result; the
// error is one of the world or of ctx.
func Play(ctx context.Context, o Options) (*Played, error) {
	f := &office{
		Options: o, dice: rand.New(rand.NewPCG(o.Seed, 2)), diary: map[int][]func(context.Context) error{}, asked: map[string]bool{}, given: map[string]bool{}, posted: map[string]int{}, //nolint:gosec // G404: a repeatable choice is wanted
		played: Played{Seed: o.Seed, Days: o.Days, Did: map[string]int{}, Refused: map[string]int{}, Problems: []string{}},
	}
	for range o.Customers {
		f.try(ctx, kind{"customer created", f.newCustomer})
	}
	f.weather()
	f.last = o.Days
	for ; f.today < f.last+aftermath; f.today++ {
		if err := f.live(ctx); err != nil {
			return &f.played, err
		}
		if err := o.World.Pass(ctx, day, time.Duration(f.dice.IntN(80))*time.Millisecond); err != nil {
			return &f.played, err
		}
		if f.today%Checkpoint == Checkpoint-1 && f.broken == 0 {
			if err := o.World.Compare(ctx, f.today+1); err != nil {
				return &f.played, err
			}
			f.note()
			if o.Told != nil {
				o.Told(f.today + 1)
			}
		}
	}
	return &f.played, nil
}

// live is one day. On every second one the clock of Acumatica stands still, as
// for one who does much in one moment.
func (f *office) live(ctx context.Context) error {
	for _, do := range f.diary[f.today] {
		if err := do(ctx); err != nil {
			return err
		}
	}
	delete(f.diary, f.today)
	if f.today >= f.last {
		return ctx.Err()
	}
	f.owed(ctx)
	f.World.Freeze(f.today%2 == 0)
	defer f.World.Freeze(false)
	for range 2 + f.dice.IntN(perDay-1) {
		f.next(ctx)
		if f.dice.IntN(3) == 0 { // the pipeline looks in between
			if err := f.World.Pass(ctx, 0, time.Duration(f.dice.IntN(40))*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// owed does, in the last third, what could not be done before, and puts the end
// off until it was.
func (f *office) owed(ctx context.Context) {
	if f.Days < Short || f.today < f.Days*2/3 {
		return
	}
	left := 0
	for _, c := range f.cards() {
		if f.played.Did[c.name] > 0 {
			continue
		}
		f.try(ctx, kind{c.name, c.do})
		if f.played.Did[c.name] == 0 {
			left++
		}
	}
	if left > 0 && f.today == f.last-1 && f.last < f.Days+grace {
		f.last++
	}
}

// next does the next thing of the deck that can be done.
func (f *office) next(ctx context.Context) {
	for range 2 {
		for i, k := range f.deck {
			if f.try(ctx, k) {
				f.deck = append(f.deck[:i:i], f.deck[i+1:]...)
				return
			}
		}
		f.deck = append(f.deck, f.shuffled()...)
	}
}

// try reports whether the thing was done, or refused.
func (f *office) try(ctx context.Context, k kind) bool {
	err := k.do(ctx)
	var r refused
	switch {
	case err == nil:
		f.played.Did[k.name]++
	case errors.Is(err, errNothing):
		return false
	case errors.As(err, &r):
		f.played.Refused[k.name]++
	case ctx.Err() == nil:
		f.played.Problems = append(f.played.Problems, fmt.Sprintf("day %d, %s: %v", f.today+1, k.name, err))
	}
	return true
}

// later puts something on a day to come.
func (f *office) later(days int, do func(ctx context.Context) error) {
	f.diary[f.today+days] = append(f.diary[f.today+days], do)
}
